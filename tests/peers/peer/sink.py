"""A receiver that does as it is told: an SMTP server with a scripted answer for each stage, which records what it hears.

    sink.on("rcpt", "550 5.1.1 no such user", match="b@")   every RCPT with "b@" in it
    sink.on("mail", "450 4.7.1 later", DEFAULT)              the first MAIL; then as usual
    sink.on("dot", CLOSE)                                    no answer after the final dot, the connection ends
    sink.on("ehlo", gate, DEFAULT)                           waits for a threading.Event first

Stages: banner ehlo helo starttls auth mail rcpt data dot bdat rset noop vrfy quit. An answer is text ("250 ok", lines
separated by \\n), octets (sent as they are), DEFAULT, HANG, CLOSE, RESET, an Event to wait for, a function
(session, argument) -> answer, or a tuple of those, one after the other. One thread a session; tests wait for what was
heard (wait_messages, wait_for), never for time to pass.
"""
import base64
import enum
import hashlib
import hmac
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field

from peer.common import LIMIT


class Act(enum.Enum):
    DEFAULT = 1  # the usual answer of this stage
    HANG = 2  # say nothing until the other side goes away
    CLOSE = 3  # end the connection in good form
    RESET = 4  # end it with RST


DEFAULT, HANG, CLOSE, RESET = Act


@dataclass
class Message:
    """One transaction, from MAIL on."""
    sender: str
    parameters: dict
    recipients: list = field(default_factory=list)  # accepted ones
    refused: list = field(default_factory=list)
    recipient_parameters: dict = field(default_factory=dict)
    data: bytes = b""  # dots removed
    reply: str = ""  # to the dot; empty: none was sent
    session: object = None

    @property
    def accepted(self):
        return self.reply.startswith("2")


class Ended(Exception):
    pass


@dataclass
class Rule:
    answers: list
    match: str

    def next(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Session:
    """One connection and what was heard on it."""

    def __init__(self, sink, connection, peer):
        self.sink, self.connection, self.peer = sink, connection, peer
        self.octets = bytearray()  # all that came, in clear
        self.buffer = b""
        self.commands = []
        self.messages = []
        self.helo = None
        self.tls = None  # (version, cipher) once it is up
        self.login = None  # (mechanism, user, password or None)
        self.injected = b""  # what came behind STARTTLS before TLS did
        self.over = False
        self.message = None

    # -- octets

    def read_more(self):
        data = self.connection.recv(65536)
        if not data:
            raise Ended
        self.octets += data
        self.buffer += data

    def read_line(self):
        while b"\n" not in self.buffer:
            self.read_more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def read_exactly(self, size):
        while len(self.buffer) < size:
            self.read_more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_body(self):
        while not (self.buffer.startswith(b".\r\n") or b"\r\n.\r\n" in self.buffer):
            self.read_more()
        if self.buffer.startswith(b".\r\n"):
            self.buffer = self.buffer[3:]
            return b""
        body, self.buffer = self.buffer.split(b"\r\n.\r\n", 1)
        body = (b"\r\n" + body + b"\r\n").replace(b"\r\n..", b"\r\n.")
        return body[2:]

    def say(self, text):
        lines = text.split("\n")
        out = [line[:3] + ("-" if n < len(lines) - 1 else " ") + line[4:] for n, line in enumerate(lines)]
        for line in out:  # each in a write, and a TLS record, of its own
            self.connection.sendall((line + "\r\n").encode("utf-8", "surrogateescape"))

    # -- answers

    def answer(self, stage, argument, usual):
        """Carries out the script's answer; the code that was said."""
        rule = self.sink.rule(stage, argument)
        return self.carry_out(rule.next() if rule else DEFAULT, argument, usual)

    def carry_out(self, answer, argument, usual):
        if callable(answer):
            answer = answer(self, argument)
        if isinstance(answer, tuple):
            codes = [self.carry_out(one, argument, usual) for one in answer]
            return "".join(codes)[-3:]
        if answer is DEFAULT or answer is None:
            answer = usual
        if isinstance(answer, threading.Event):
            assert answer.wait(LIMIT), "the test never opened the gate"
            return ""
        if isinstance(answer, bytes):
            self.connection.sendall(answer)
            return answer[:3].decode("ascii", "replace")
        if isinstance(answer, str):
            self.say(answer)
            return answer[:3]
        self.end(answer)

    def end(self, act):
        if act is HANG:
            self.connection.settimeout(None)
            while True:
                self.read_more()
        if act is RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Ended

    # -- the dialogue

    def run(self):
        try:
            if self.sink.implicit_tls:
                self.start_tls()
            self.answer("banner", "", f"220 {self.sink.name} ESMTP")
            while True:
                line = self.read_line()
                self.commands.append(line)
                self.sink.note()
                verb, _, argument = line.partition(" ")
                getattr(self, "do_" + verb.lower(), self.do_unknown)(argument)
        except (Ended, OSError, AttributeError if self.sink.closing else ssl.SSLError):
            pass
        finally:
            self.over = True
            self.connection.close()
            self.sink.note()

    def start_tls(self):
        self.injected, self.buffer = self.buffer, b""
        self.connection = self.sink.tls.wrap_socket(self.connection, server_side=True)
        self.tls = (self.connection.version(), self.connection.cipher()[0])

    def do_unknown(self, argument):
        self.say("500 5.5.1 what")

    def do_ehlo(self, argument):
        self.helo = argument
        offers = list(self.sink.extensions)
        if self.sink.tls and not self.tls:
            offers.append("STARTTLS")
        if self.sink.logins and (self.tls or self.sink.login_in_clear):
            offers.append("AUTH " + " ".join(self.sink.mechanisms))
        self.answer("ehlo", argument, "\n".join("250 " + text for text in [self.sink.name, *offers]))

    def do_helo(self, argument):
        self.helo = argument
        self.answer("helo", argument, f"250 {self.sink.name}")

    def do_starttls(self, argument):
        if self.answer("starttls", argument, "220 2.0.0 go" if self.sink.tls else "502 5.5.1 no").startswith("2"):
            self.start_tls()

    def do_mail(self, argument):
        path, parameters = split_path(argument)
        message = Message(path, parameters, session=self)
        if self.answer("mail", argument, "250 2.1.0 ok").startswith("2"):
            self.message = message
            self.messages.append(message)

    def do_rcpt(self, argument):
        path, parameters = split_path(argument)
        usual = "250 2.1.5 ok" if self.message else "503 5.5.1 MAIL first"
        accepted = self.answer("rcpt", argument, usual).startswith("2")
        if self.message:
            (self.message.recipients if accepted else self.message.refused).append(path)
            self.message.recipient_parameters[path] = parameters

    def do_data(self, argument):
        usual = "354 go" if self.message and self.message.recipients else "554 5.5.1 no valid recipients"
        if self.answer("data", argument, usual).startswith("3"):
            self.take(self.read_body())

    def do_bdat(self, argument):
        size, _, last = argument.partition(" ")
        data = self.read_exactly(int(size))
        if not self.message:
            self.say("503 5.5.1 MAIL first")
        elif last:
            self.take(self.message.data + data)
        elif self.answer("bdat", argument, "250 2.0.0 more").startswith("2"):
            self.message.data += data

    def take(self, data):
        message, self.message = self.message, None
        message.data = data
        self.sink.note()
        message.reply = self.answer("dot", message, "250 2.0.0 taken")
        self.sink.note()

    def do_rset(self, argument):
        self.message = None
        self.answer("rset", argument, "250 2.0.0 ok")

    def do_noop(self, argument):
        self.answer("noop", argument, "250 2.0.0 ok")

    def do_vrfy(self, argument):
        self.answer("vrfy", argument, "252 2.0.0 try")

    def do_quit(self, argument):
        self.answer("quit", argument, "221 2.0.0 bye")
        raise Ended

    def do_auth(self, argument):
        mechanism, _, initial = argument.partition(" ")
        check = {"PLAIN": self.login_plain, "LOGIN": self.login_login, "CRAM-MD5": self.login_cram,
                 "XOAUTH2": self.login_bearer, "OAUTHBEARER": self.login_bearer}.get(mechanism.upper())
        if not check or mechanism.upper() not in self.sink.mechanisms:
            return self.say("504 5.5.4 no such mechanism")
        good = check(mechanism.upper(), initial)
        self.answer("auth", argument, "235 2.7.0 welcome" if good else "535 5.7.8 wrong")

    # -- logins

    def challenge(self, text):
        self.say("334 " + base64.b64encode(text.encode()).decode())
        return decode64(self.read_line())

    def login_plain(self, mechanism, initial):
        _, user, password = (decode64(initial) if initial else self.challenge("")).split("\0")
        self.login = (mechanism, user, password)
        return self.sink.logins.get(user) == password

    def login_login(self, mechanism, initial):
        user = decode64(initial) if initial else self.challenge("Username:")
        self.login = (mechanism, user, self.challenge("Password:"))
        return self.sink.logins.get(user) == self.login[2]

    def login_cram(self, mechanism, initial):
        challenge = f"<{id(self)}.1@{self.sink.name}>"
        user, digest = self.challenge(challenge).rsplit(" ", 1)
        self.login = (mechanism, user, None)
        wanted = hmac.new(self.sink.logins.get(user, "").encode(), challenge.encode(), hashlib.md5).hexdigest()
        return user in self.sink.logins and digest == wanted

    def login_bearer(self, mechanism, initial):
        fields = (decode64(initial) if initial else self.challenge("")).split("\x01")
        token = next((one[len("auth=Bearer "):] for one in fields if one.startswith("auth=Bearer ")), None)
        user = next((one.split("=", 1)[1] for one in fields[0].split(",") if one.startswith(("user=", "a="))), "")
        self.login = (mechanism, user, token)
        good = self.sink.logins.get(user) == token
        if not good:
            self.challenge('{"status":"401"}')
        return good


class Sink:
    """Listens on address:port until close()."""

    def __init__(self, address, port, name, tls=None, implicit_tls=False, logins=None, mechanisms=("PLAIN", "LOGIN", "CRAM-MD5"),
                 login_in_clear=False):
        self.address, self.port, self.name = address, port, name
        self.tls, self.implicit_tls = tls, implicit_tls
        self.logins, self.mechanisms, self.login_in_clear = dict(logins or {}), tuple(mechanisms), login_in_clear
        self.extensions = ["PIPELINING", "SIZE 104857600", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"]
        self.sessions = []
        self.closing = False
        self._rules = {}
        self._changed = threading.Condition()
        self._listen()

    def _listen(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self._listener = socket.create_server((self.address, self.port), family=family, backlog=512)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            session = Session(self, connection, peer)
            with self._changed:
                self.sessions.append(session)
                self._changed.notify_all()
            threading.Thread(target=session.run, daemon=True).start()

    def stop_listening(self):
        """Connections are refused from now on; sessions go on."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def listen_again(self):
        self._listen()

    def close(self):
        self.closing = True
        for end in [self._listener] + [session.connection for session in self.sessions]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    # -- the script

    def on(self, stage, *answers, match=""):
        """The answers are given one after another; the last one stays. A later rule goes before an earlier one."""
        with self._changed:
            self._rules.setdefault(stage, []).insert(0, Rule(list(answers), match))

    def rule(self, stage, argument):
        with self._changed:
            text = argument if isinstance(argument, str) else ""
            return next((rule for rule in self._rules.get(stage, []) if rule.match in text), None)

    def forget_rules(self):
        with self._changed:
            self._rules.clear()

    # -- what was heard

    def note(self):
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, what, condition, limit=LIMIT):
        """The first true value of condition(), looked at whenever something was heard."""
        with self._changed:
            value = self._changed.wait_for(condition, limit)
        assert value, f"{self.name} waited {limit} s in vain: {what}; heard {[s.commands for s in self.sessions]}"
        return value

    @property
    def messages(self):
        """Those that were accepted."""
        return [message for session in list(self.sessions) for message in session.messages if message.accepted]

    def wait_messages(self, count=1, limit=LIMIT):
        self.wait_for(f"{count} messages", lambda: len(self.messages) >= count, limit)
        return self.messages

    def wait_sessions(self, count=1, limit=LIMIT):
        self.wait_for(f"{count} sessions", lambda: len(self.sessions) >= count, limit)
        return list(self.sessions)

    def wait_over(self, limit=LIMIT):
        self.wait_for("the end of all sessions", lambda: all(session.over for session in self.sessions), limit)


def decode64(text):
    return base64.b64decode(text).decode("utf-8", "surrogateescape")


def split_path(argument):
    """FROM:<path> A=b C -> (path, {"A": "b", "C": None})"""
    path, _, rest = argument.partition(":")[2].strip().partition("> ")
    pairs = [word.partition("=") for word in rest.split()]
    return path.strip("<>"), {key.upper(): value if mark else None for key, mark, value in pairs}


def tls_server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
