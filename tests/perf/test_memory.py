"""Resident memory of the optimised facteurd: at rest, of idle sessions, of a large letter on its way to a slow receiver.

The bounds are those that the design promises; each test prints what it measured. Memory that the C library keeps for the
next session is in the figures."""
import socket
import ssl

import pytest

from peer.common import LIMIT

KIB = 1024
IDLE_MAX = 20 << 20
SESSION_MAX = 8 * KIB  # of an idle client session in clear
SESSION_FRESH_MAX = 4 * KIB  # likewise, of one that has said EHLO and nothing else
SESSION_TLS_MAX = 32 * KIB  # what OpenSSL keeps is most of it
RELOADS, RELOADS_MAX = 30, 4 << 20
LARGE_SIZE = 100 << 20
LARGE_MAX = 1 << 20
LINE = b"0123456789" * 7 + b"abcdef\r\n"


class Client:
    """A session in lockstep."""

    def __init__(self, port, hello=True):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.answer()
        if hello:
            self.say(b"EHLO client.test")

    def answer(self):
        """The last line of the next reply."""
        while True:
            while b"\r\n" not in self.rest:
                data = self.socket.recv(65536)
                assert data, "closed"
                self.rest += data
            line, self.rest = self.rest.split(b"\r\n", 1)
            if line[3:4] == b" ":
                return line

    def say(self, line, code=b"2"):
        self.socket.sendall(line + b"\r\n")
        answer = self.answer()
        assert answer.startswith(code), f"{line!r}: {answer!r}"

    def begin(self, recipient=b"m@sink.test"):
        self.say(b"MAIL FROM:<s@source.test>")
        self.say(b"RCPT TO:<" + recipient + b">")
        self.say(b"DATA", b"354")

    def letter(self, size):
        self.begin()
        self.socket.sendall(b"Subject: one\r\n\r\n" + LINE * (size // len(LINE)))
        self.say(b".")

    def close(self):
        self.socket.close()


@pytest.fixture
def clients():
    made = []

    def make(count, port, **options):
        made.extend(Client(port, **options) for _ in range(count))
        return made[-count:]

    yield make
    for client in made:
        client.close()


def test_a_fresh_start(daemon):
    server = daemon().start()
    size = server.resident()
    print(f"\na fresh start: {size / (1 << 20):.1f} MiB resident; the largest of it: {server.largest_mappings()}")
    assert size < IDLE_MAX


def test_idle_sessions(daemon, clients):
    """The growth from 500 sessions to 1,500, so that what the start left free does not hide it."""
    server = daemon().start()
    clients(500, server.relay_port)
    before = server.resident()
    clients(1000, server.relay_port)
    each = (server.resident() - before) / 1000
    print(f"\nan idle session: {each:.0f} octets")
    assert each <= SESSION_FRESH_MAX


def test_sessions_that_are_idle_after_a_letter(daemon, load, clients):
    """What a letter needed is given back when it is over."""
    server = daemon()
    source = load(server.sink_port)
    server.start()

    def letters(count):
        for client in clients(count, server.relay_port):
            client.letter(20 * KIB)
            sent.append(client)
            source.run(lambda: source.notices[None] == len(sent))

    sent = []
    letters(300)
    before = server.resident()
    letters(1000)
    each = (server.resident() - before) / 1000
    print(f"\na session that is idle after a letter of 20 KiB: {each:.0f} octets")
    assert each <= SESSION_MAX


def test_idle_sessions_over_tls(daemon):
    server = daemon().start()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    made = []

    def open_some(count):
        for _ in range(count):
            plain = socket.create_connection(("127.0.0.1", server.submissions_port), LIMIT)
            made.append(context.wrap_socket(plain))
            assert made[-1].recv(4096).startswith(b"220 ")
            made[-1].sendall(b"EHLO client.test\r\n")
            assert made[-1].recv(4096).startswith(b"250-")

    open_some(200)
    before = server.resident()
    open_some(500)
    each = (server.resident() - before) / 500
    print(f"\nan idle session over TLS: {each:.0f} octets")
    assert each <= SESSION_TLS_MAX
    for one in made:
        one.close()


def test_reloads(daemon):
    """What a reload replaces is given back, also while a session began before it."""
    server = daemon().start()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    old = context.wrap_socket(socket.create_connection(("127.0.0.1", server.submissions_port), LIMIT))
    assert old.recv(4096).startswith(b"220 ")
    for _ in range(5):
        server.reload()
    before = server.resident()
    for _ in range(RELOADS):
        server.reload()
    grown = server.resident() - before
    print(f"\n{RELOADS} reloads: {grown / KIB:.0f} KiB")
    old.sendall(b"NOOP\r\n")
    assert old.recv(4096).startswith(b"250 ")
    assert grown <= RELOADS_MAX
    old.close()


class SlowReceiver:
    """Takes letters only as far as the test reads them, from a small buffer."""

    def __init__(self, port):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()
        self.listener.settimeout(LIMIT)
        self.sessions = []

    def open(self):
        """A session, up to 354."""
        session, _ = self.listener.accept()
        self.sessions.append(session)
        session.settimeout(LIMIT)
        session.sendall(b"220 sink.test ESMTP\r\n")
        for line in session.makefile("rb", 1024):
            if line[:4].upper() == b"DATA":
                break
            session.sendall(b"250-sink.test\r\n250 8BITMIME\r\n" if line[:4].upper() == b"EHLO" else b"250 ok\r\n")
        session.sendall(b"354 go\r\n")
        return session

    def close(self):
        for one in [self.listener, *self.sessions]:
            one.close()


def test_a_large_letter_to_a_slow_receiver(daemon):
    """100 MB come in, and go out a KiB at a time; the answers to NOOP show that the loop has turned in between. A
    small letter goes before, so that what is touched once in a lifetime does not count."""
    server = daemon({"Limits": {"MaxMessageSize": "200M"}})
    receiver = SlowReceiver(server.sink_port)
    server.start()
    client = Client(server.relay_port)

    def sips(session, count):
        for _ in range(count):
            assert len(session.recv(KIB)) > 0
            client.say(b"NOOP")

    client.letter(1 << 20)
    sips(receiver.open(), 64)
    server.forget_peak()
    before = server.resident()
    client.letter(LARGE_SIZE)
    taken = server.peak() - before
    sips(receiver.open(), 64)
    sent = server.peak() - before
    print(f"\n100 MB taken in: {taken / KIB:.0f} KiB; and waiting for the receiver: {sent / KIB:.0f} KiB")
    assert taken <= LARGE_MAX and sent <= LARGE_MAX
    receiver.close()
    client.close()
