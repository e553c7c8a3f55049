"""Debian's Postfix with a configuration of its own, as receiver, as sender and as smart host; Dovecot checks its logins.

Nothing of the machine's own mail server is read or written: another configuration folder, queue, ports.
"""
import grp
import mailbox
import os
import pwd
import re
import smtplib
import subprocess

from peer.common import Process, free_port, need, wait_until

POSTFIX_PORTS = range(30000, 30100)

SERVICES = """
{address}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """domains: all their addresses exist, and are kept in Maildirs here. relay: "[127.0.0.1]:2525", where all else goes. services: further
    listeners, {name: {setting: value}}; their ports are in `ports`, and the name is in the log's lines. settings: further lines of main.cf."""

    def __init__(self, folder, address="127.0.0.1", port=None, name="postfix.test", domains=(), relay="", services=None, **settings):
        need("postfix", root=True)
        self.folder, self.address, self.name = folder, address, name
        self.port = port or free_port(POSTFIX_PORTS)
        self.services = services or {}
        self.ports = {name: free_port(POSTFIX_PORTS) for name in self.services}
        self.log = folder / "log"
        self.mail = folder / "mail"
        for sub in (folder / "conf", folder / "queue", folder / "data", self.mail):
            sub.mkdir(parents=True)
        postfix = pwd.getpwnam("postfix")
        os.chown(folder / "data", postfix.pw_uid, postfix.pw_gid)
        os.chown(self.mail, postfix.pw_uid, postfix.pw_gid)
        self._write(domains, relay, postfix, settings)
        self.process = Process(["/usr/sbin/postfix", "-c", folder / "conf", "start-fg"], folder / "start.log")
        wait_until(f"Postfix greets: {self.log}", self._greets)

    def _write(self, domains, relay, postfix, settings):
        conf = self.folder / "conf"
        values = {
            "compatibility_level": "3.6", "queue_directory": self.folder / "queue", "data_directory": self.folder / "data",
            "command_directory": "/usr/sbin", "daemon_directory": "/usr/lib/postfix/sbin", "shlib_directory": "/usr/lib/postfix",
            "meta_directory": "/etc/postfix", "mail_owner": "postfix", "setgid_group": "postdrop", "maillog_file": self.log,
            "maillog_file_prefixes": self.folder, "myhostname": self.name, "mydestination": "", "inet_interfaces": "all",
            "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8", "alias_maps": "", "alias_database": "",
            "local_recipient_maps": "", "relayhost": relay, "disable_dns_lookups": "yes", "smtpd_peername_lookup": "no",
            "virtual_mailbox_domains": " ".join(domains), "virtual_mailbox_base": self.mail,
            "virtual_mailbox_maps": "inline:{" + " ".join(f"{{@{domain} = {domain}/}}" for domain in domains) + "}",
            "virtual_uid_maps": f"static:{postfix.pw_uid}",
            "virtual_gid_maps": f"static:{grp.getgrnam('postfix').gr_gid}", "smtpd_client_connection_count_limit": "0",
            "smtp_tls_security_level": "may", **settings,
        }
        (conf / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
        lines = [SERVICES.format(address=self.address, port=self.port)]
        for name, options in self.services.items():
            lines.append(f"{self.address}:{self.ports[name]} inet n - n - - smtpd\n  -o syslog_name=postfix/{name}\n")
            lines += [f"  -o {{ {key} = {value} }}\n" for key, value in options.items()]
        (conf / "master.cf").write_text("".join(lines))

    def _greets(self):
        self.process.check_running()
        try:
            with smtplib.SMTP(self.address, self.port, timeout=5) as client:
                return client.noop()[0] == 250
        except OSError:
            return False

    def sendmail(self, data, *arguments):
        """Submits as a local program does."""
        subprocess.run(["/usr/sbin/sendmail", "-C", str(self.folder / "conf"), *arguments], input=data, check=True)

    def messages(self, user, domain):
        """Parsed messages for that recipient: a domain's are in one Maildir, each with the field Delivered-To."""
        path = self.mail / domain
        box = mailbox.Maildir(path, create=False) if (path / "new").exists() else []
        return [message for message in box if message["Delivered-To"] == f"{user}@{domain}"]

    def wait_messages(self, user, domain, count=1):
        wait_until(f"{count} messages for {user}@{domain}: {self.log}", lambda: len(self.messages(user, domain)) >= count)
        return self.messages(user, domain)

    def octets(self, user, domain):
        """Each message for that recipient as it lies in the Maildir, lines ended by LF."""
        return [message.as_bytes() for message in self.messages(user, domain)]

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_log(self, pattern):
        """All matches of a regular expression in the log, once there is one."""
        return wait_until(f"{pattern} in {self.log}", lambda: re.findall(pattern, self.log_text()))

    def stop(self):
        """Postfix's own way: what start-fg runs is a script whose end does not end the daemons."""
        subprocess.run(["/usr/sbin/postfix", "-c", self.folder / "conf", "stop"], stdin=subprocess.DEVNULL, capture_output=True)
        self.process.stop()


DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
auth_failure_delay = 0
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home=/nonexistent
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service stats {{
  chroot =
}}
"""


class DovecotLogins:
    """Dovecot as the judge of logins: all mechanisms, SCRAM too. settings() are Postfix's lines for it."""

    def __init__(self, folder, logins):
        need("dovecot", root=True)
        self.folder = folder
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{password}\n" for user, password in logins.items()))
        (folder / "users").chmod(0o644)
        (folder / "dovecot.conf").write_text(DOVECOT.format(folder=folder, user="dovecot", group="dovecot"))
        self.process = Process(["/usr/sbin/dovecot", "-F", "-c", folder / "dovecot.conf"], folder / "start.log")
        wait_until(f"Dovecot listens: {folder}/dovecot.log", self._listens)

    def _listens(self):
        self.process.check_running()
        return (self.folder / "auth").exists()

    def settings(self):
        return {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": self.folder / "auth",
                "smtpd_relay_restrictions": "permit_sasl_authenticated,reject", "mynetworks": "192.0.2.1/32",
                "smtpd_recipient_restrictions": "permit_sasl_authenticated,reject"}

    def stop(self):
        self.process.stop()
