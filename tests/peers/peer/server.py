"""facteurd under test: a configuration, a data folder, ports, its life and its command line, by the outside contract only."""
import ctypes
import ctypes.util
import email
import json
import re
import signal
import smtplib
import subprocess
import threading

from peer.common import BUILD, LIMIT, free_port, wait_until


CONFIG_LINE = r"\bconfig .*$"


def argon2id(password):
    """As libsodium writes it, at its least cost."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    assert sodium.sodium_init() >= 0
    out = ctypes.create_string_buffer(128)
    secret = password.encode()
    assert sodium.crypto_pwhash_str(out, secret, ctypes.c_ulonglong(len(secret)), ctypes.c_ulonglong(1), ctypes.c_size_t(8192)) == 0
    return out.value.decode()


class CommandFailed(Exception):
    def __init__(self, arguments, done):
        super().__init__(f"facteur {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        self.status, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


class Facteurd:
    """settings: {section: {key: value}} over the defaults below; a value of None leaves the key out. A name server and a CA
    are filled in when given. Started by start()."""

    def __init__(self, folder, settings=None, nameserver=None, ca=None, outbound_port=None):
        self.folder = folder
        self.data = folder / "data"
        self.ini = folder / "facteur.ini"
        self.log = folder / "log"
        self.relay_port, self.submission_port, self.submissions_port, self.web_port = (free_port() for _ in range(4))
        self.popen = None
        self._ready = threading.Event()
        self.data.mkdir(parents=True)
        self.settings = {
            "Server": {"Name": "mta.facteur.test", "DataDir": self.data, "Postmaster": "postmaster@facteur.test"},
            "Listen": {"Relay": f"127.0.0.1:{self.relay_port}", "Submission": f"127.0.0.1:{self.submission_port}",
                       "Submissions": f"127.0.0.1:{self.submissions_port}"},
            "Relay": {"Networks": "127.0.0.0/8 ::1"},
            "Domains": {"Local": "facteur.test"},
            "Delivery": {"Mode": "direct"},
            "Outbound": {"AllowLoopbackMx": "yes", **({"Port": outbound_port} if outbound_port else {})},
            "DNS": {"Servers": nameserver.server} if nameserver else {},
            "TLS": {"CaFile": ca.certificate} if ca else {},
            "Limits": {"SegmentSize": "8M"},  # else each start fills 128 MB with zeros: a second or two a test
            "Web": {"Listen": f"127.0.0.1:{self.web_port}"},
        }
        self.change(settings or {})

    # -- configuration

    def change(self, settings):
        """Merges and writes facteur.ini; in force after start() or reload()."""
        for section, keys in settings.items():
            self.settings.setdefault(section, {}).update(keys)
        lines = []
        for section, keys in self.settings.items():
            keys = {key: value for key, value in keys.items() if value is not None}
            if keys:
                lines += [f"[{section}]", *(f"{key} = {value}" for key, value in keys.items()), ""]
        self.ini.write_text("\n".join(lines))

    def reload(self, settings=None):
        self.change(settings or {})
        self.facteur("reload")

    def hang_up(self, settings=None):
        """SIGHUP with a changed file; returns when it is in force."""
        before = len(re.findall(CONFIG_LINE, self.log_text(), re.M))
        self.change(settings or {})
        self.popen.send_signal(signal.SIGHUP)
        wait_until("the new configuration is in force",
                   lambda: len(re.findall(CONFIG_LINE, self.log_text(), re.M)) > before or not self.is_running())
        assert self.is_running()

    def write_accounts(self, accounts):
        """{address: {"Password": secret, ...}}: accounts.ini as facteurd itself would write it; before start()."""
        lines = []
        for address, keys in accounts.items():
            lines += [f"[{address}]"]
            lines += [f"{key} = {argon2id(value) if key == 'Password' else value}" for key, value in keys.items()]
        path = self.data / "accounts.ini"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)

    # -- life

    def start(self, limit=LIMIT, program=BUILD / "facteurd"):
        assert not self.is_running()
        self._ready.clear()
        log = open(self.log, "ab")
        self.popen = subprocess.Popen([program, "-c", self.ini], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=log)
        log.close()
        threading.Thread(target=self._read_stdout, args=(self.popen,), daemon=True).start()
        wait_until("facteurd says ready", lambda: self._ready.is_set() or not self.is_running(), limit)
        assert self._ready.is_set(), f"facteurd ended with {self.popen.returncode}:\n{self.log_text()}"
        return self

    def _read_stdout(self, popen):
        for line in popen.stdout:
            if line.strip() == b"ready":
                self._ready.set()

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def stop(self, limit=LIMIT):
        """SIGTERM; its exit status must be 0."""
        self.popen.terminate()
        status = self.popen.wait(limit)
        assert status == 0, f"exit status {status} after SIGTERM:\n{self.log_text()}"

    def kill(self):
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()

    def restart(self):
        self.stop()
        return self.start()

    def discard(self):
        """At the end of a test: gone, whatever state it is in."""
        if self.is_running():
            self.popen.terminate()
            try:
                self.popen.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.kill()

    # -- the command line

    def run_facteur(self, *arguments, input=None, language="C.UTF-8"):
        return subprocess.run([BUILD / "facteur", "-c", self.ini, *arguments], input=input if input is not None else "", text=True,
                              capture_output=True, env={"LANG": language, "PATH": "/usr/bin:/bin"}, timeout=LIMIT)

    def facteur(self, *arguments, input=None):
        """Text output; fails unless it exits with 0."""
        done = self.run_facteur(*arguments, input=input)
        if done.returncode != 0:
            raise CommandFailed(arguments, done)
        return done.stdout

    def ask(self, *arguments):
        """The JSON value of `facteur --json VERB ...`."""
        return json.loads(self.facteur("--json", *arguments))

    def add_account(self, address, password, *arguments):
        self.facteur("account", "add", address, "--password-file", "-", *arguments, input=password + "\n")

    def queue(self, *arguments):
        return self.ask("queue", "list", *arguments)

    def wait_queue(self, what, condition, limit=LIMIT):
        """The queue's list once condition(list) holds."""
        return wait_until(what, lambda: (lambda rows: condition(rows) and (rows or True))(self.queue()), limit)

    def wait_empty(self, limit=LIMIT):
        self.wait_queue("the queue is empty", lambda rows: not rows, limit)

    # -- the log

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_log(self, pattern, limit=LIMIT):
        """The first match of a regular expression in the log."""
        return wait_until(f"{pattern} in {self.log}", lambda: re.search(pattern, self.log_text()), limit)

    def wait_count(self, pattern, count, limit=LIMIT):
        """At least so many matches in the log; all of them."""
        return wait_until(f"{count} times {pattern} in {self.log}",
                          lambda: (lambda found: found if len(found) >= count else None)(re.findall(pattern, self.log_text())), limit)

    def maildir(self, user, domain="facteur.test"):
        """Parsed messages of a local mailbox, oldest first."""
        path = self.data / "mail" / domain / user
        names = sorted(path.glob("new/*"), key=lambda one: one.stat().st_mtime_ns) if path.exists() else []
        return [email.message_from_bytes(name.read_bytes()) for name in names]

    def wait_maildir(self, user, count=1, domain="facteur.test"):
        wait_until(f"{count} letters for {user}@{domain}", lambda: len(self.maildir(user, domain)) >= count)
        return self.maildir(user, domain)

    # -- submitting

    def client(self, port=None):
        return smtplib.SMTP("127.0.0.1", port or self.relay_port, local_hostname="client.test", timeout=LIMIT)

    def send(self, sender, recipients, data=None, mail_options=(), rcpt_options=()):
        """One message by the relay listener; the refused recipients as smtplib gives them."""
        if data is None:
            data = f"From: {sender}\r\nSubject: a test\r\n\r\nhello\r\n"
        with self.client() as client:
            return client.sendmail(sender, recipients, data, mail_options, rcpt_options)
