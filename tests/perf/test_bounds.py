"""What clients and servers do to make facteurd grow (S17, S27): each attack meets its bound, and a good client is served
meanwhile. Figures are the peak of resident memory over what it was before."""
import contextlib
import socket
import ssl
import threading

import pytest

from peer.common import LIMIT, wait_until

KIB = 1024
SESSION_MAX = 256 * KIB
HALF_OPEN_MAX = 4 * KIB  # of a session that has sent half a line
# Of one whose client is silent where TLS begins, and of one that has begun it: OpenSSL's buffers, the transcript, keys.
HANDSHAKE_MAX = {"silent": 16 * KIB, "begun": 64 * KIB}
RECIPIENTS_MAX = 1024 * KIB  # of a transaction with as many recipients as it may have: 1,000
FLOOD = 64 << 20  # octets of an endless thing; facteurd may end it before


class Flood:
    """A client that sends without waiting. Its replies are read and counted by a thread, or not at all."""

    def __init__(self, port, reads=True):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.replies, self.last = 0, b""
        self.thread = threading.Thread(target=self._read, daemon=True)
        if reads:
            self.thread.start()

    def _read(self):
        with contextlib.suppress(OSError):
            while data := self.socket.recv(1 << 16):
                self.replies += data.count(b"\r\n")
                self.last = (self.last + data)[-400:]

    def send(self, data, times=1):
        """False when facteurd has ended it before everything was out."""
        try:
            for _ in range(times):
                self.socket.sendall(data)
            return True
        except OSError:
            return False

    def end(self):
        """All that facteurd has still to say; it closes, because of QUIT or of what was said before."""
        if self.thread.is_alive():
            self.thread.join(LIMIT)
            assert not self.thread.is_alive(), "neither answered nor closed"
        self.socket.close()
        return self.last


OPENING = b"EHLO flood.test\r\nMAIL FROM:<s@source.test>\r\nRCPT TO:<m@sink.test>\r\n"


def endless_line(port):
    flood = Flood(port)
    flood.send(b"A" * (1 << 20), FLOOD >> 20)
    flood.send(b"\r\nQUIT\r\n")
    assert b"500 " in flood.end(), flood.last


def endless_body_line(port):
    flood = Flood(port)
    flood.send(OPENING + b"DATA\r\n")
    flood.send(b"A" * (1 << 20), FLOOD >> 20)
    flood.send(b"\r\n.\r\nQUIT\r\n")
    assert b"552 " in flood.end(), flood.last


def tiny_chunks(port):
    flood = Flood(port)
    flood.send(OPENING)
    flood.send(b"BDAT 1\r\nx" * 10000, 20)
    flood.send(b"RSET\r\nQUIT\r\n")
    assert b"221 " in flood.end(), flood.last
    assert flood.replies > 200000


def header_fields(port):
    flood = Flood(port)
    flood.send(OPENING + b"DATA\r\n")
    flood.send(b"X: y\r\n" * 10000, 100)
    flood.send(b"RSET" * 30000 + b"\r\n")  # part of the header: an endless field name
    flood.send(b"\r\nx\r\n.\r\nQUIT\r\n")
    assert b"221 " in flood.end(), flood.last


def commands(port):
    flood = Flood(port)
    flood.send(b"EHLO flood.test\r\n")
    flood.send(b"NOOP\r\nRSET\r\n" * 10000, 10)
    flood.send(b"QUIT\r\n")
    assert b"221 " in flood.end(), flood.last


def recipients(port):
    flood = Flood(port)
    flood.send(OPENING)
    flood.send(b"".join(b"RCPT TO:<%s%d@sink.test>\r\n" % (b"m" * 50, n) for n in range(100000)))
    flood.send(b"QUIT\r\n")
    assert b"452 " in flood.end() or b"421 " in flood.last, flood.last


def replies_that_nobody_reads(port):
    """EHLO has the longest answer. The kernel's buffers are full soon, then facteurd's."""
    flood = Flood(port, reads=False)
    flood.socket.settimeout(5)  # it is facteurd that stops reading: nothing is awaited but that
    assert not flood.send(b"EHLO flood.test\r\n" * 10000, 1000), "170 MB of commands were read without their answers being taken"
    flood.socket.close()


def touch(port):
    """Every part of facteurd that an attack goes through, once and in small: pages of programs do not count."""
    flood = Flood(port)
    flood.send(b"A" * 3000 + b"\r\n" + OPENING + b"BDAT 10\r\n0123456789BDAT 2 LAST\r\n\r\n")
    flood.send(OPENING + b"DATA\r\nX: y\r\n\r\n" + b"line\r\n" * 60000 + b".\r\nQUIT\r\n")
    assert b"221 " in flood.end(), flood.last


@pytest.mark.parametrize("attack", [endless_line, endless_body_line, tiny_chunks, header_fields, commands, recipients,
                                    replies_that_nobody_reads])
def test_a_client_that_floods(daemon, load, attack):
    server = daemon()
    source = load(server.sink_port)
    server.start()
    source.relay(server.relay_port, 2, 20)
    touch(server.relay_port)
    server.forget_peak()
    before = server.resident()
    attack(server.relay_port)
    grown = server.peak() - before
    print(f"\n{attack.__name__}: {grown / KIB:.0f} KiB")
    with server.client() as client:
        assert client.noop()[0] == 250
    assert grown <= (RECIPIENTS_MAX if attack is recipients else SESSION_MAX)


def test_sessions_that_say_half_a_line(daemon):
    server = daemon().start()
    made = []

    def open_some(count):
        for _ in range(count):
            made.append(socket.create_connection(("127.0.0.1", server.relay_port), LIMIT))
            made[-1].sendall(b"EHLO half-a-li")
            assert made[-1].recv(4096).startswith(b"220 ")

    open_some(300)
    before = server.resident()
    open_some(1000)
    each = (server.resident() - before) / 1000
    with server.client() as client:
        assert client.noop()[0] == 250
    print(f"\na session that has said half a line: {each:.0f} octets")
    assert each <= HALF_OPEN_MAX
    for one in made:
        one.close()


def client_hello():
    """The first octets of a handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = context.wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("hello", ["silent", "begun"])
def test_sessions_that_do_not_finish_the_handshake(daemon, hello):
    server = daemon().start()
    octets = client_hello() if hello == "begun" else b""
    made = []

    def open_some(count):
        for _ in range(count):
            made.append(socket.create_connection(("127.0.0.1", server.submissions_port), LIMIT))
            made[-1].sendall(octets)
            if octets:
                assert made[-1].recv(1)

    open_some(300)
    before = server.resident()
    open_some(1000)
    with server.client() as client:
        assert client.noop()[0] == 250
    each = (server.resident() - before) / 1000
    print(f"\na session with its handshake {hello}: {each:.0f} octets")
    assert each <= HANDSHAKE_MAX[hello]
    for one in made:
        one.close()


class Babbler:
    """A server that says one thing for ever at a stage."""

    def __init__(self, port, stage, text):
        self.stage, self.text, self.told, self.over = stage, text * ((1 << 16) // len(text)), 0, 0
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                session, _ = self.listener.accept()
                with contextlib.suppress(OSError):
                    self._serve(session)
                session.close()
                self.over += 1

    def _serve(self, session):
        if self.stage != "banner":
            session.sendall(b"220 babbler.test\r\n")
            while session.recv(4096)[:4].upper() != self.stage.encode():
                session.sendall(b"250 ok\r\n")
        while self.told < FLOOD:
            session.sendall(self.text)
            self.told += len(self.text)

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("stage, text", [("banner", b"2"), ("banner", b"220-and on\r\n"), ("EHLO", b"250-X-AND-ON\r\n"),
                                         ("EHLO", b"250-AUTH PLAIN"), ("MAIL", b"250-and on\r\n")])
def test_a_server_that_does_not_stop(daemon, stage, text):
    server = daemon()
    babbler = Babbler(server.sink_port, stage, text)
    server.start()
    server.send("s@source.test", ["m@sink.test"])
    wait_until("the first babbling has ended", lambda: babbler.over > 0)
    server.wait_log(r"delivery .*status=deferred")
    server.forget_peak()
    before = server.resident()
    over, babbler.told = babbler.over, 0
    wait_until("the attempt is settled", lambda: server.run_facteur("queue", "retry", server.queue()[0]["id"]).returncode == 0)
    wait_until("the second one too", lambda: babbler.over > over)
    grown = server.peak() - before
    print(f"\n{stage} answered without end: {grown / KIB:.0f} KiB; it took {babbler.told} octets")
    assert grown <= SESSION_MAX
    babbler.close()
