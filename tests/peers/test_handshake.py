"""STARTTLS octet by octet: what a client may send together with the end of the handshake."""
import socket
import ssl

from peer.common import LIMIT


class Handshake:
    """TLS over a connection whose octets the test sends itself."""

    def __init__(self, connection):
        self.connection = connection
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.wire_in, self.wire_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.wire_in, self.wire_out)

    def complete(self):
        """Up to the client's last octets, which stay unsent."""
        while True:
            try:
                return self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                self.wire_in.write(self.connection.recv(65536))

    def flush(self, step=None):
        octets = self.wire_out.read()
        for n in range(0, len(octets), step or len(octets) or 1):
            self.connection.sendall(octets[n:n + (step or len(octets))])

    def read_reply(self):
        lines = b""
        while not lines.endswith(b"\n") or lines.split(b"\r\n")[-2][3:4] == b"-":
            try:
                lines += self.tls.read(65536)
            except ssl.SSLWantReadError:
                octets = self.connection.recv(65536)
                assert octets, f"closed after {lines}"
                self.wire_in.write(octets)
        return lines


def opened(port, implicit):
    connection = socket.create_connection(("127.0.0.1", port), LIMIT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not implicit:
        file = connection.makefile("rb", buffering=0)
        assert file.readline().startswith(b"220")
        connection.sendall(b"EHLO client.test\r\n")
        while file.readline()[3:4] == b"-":
            pass
        connection.sendall(b"STARTTLS\r\n")
        assert file.readline().startswith(b"220")
    handshake = Handshake(connection)
    handshake.complete()
    return handshake


def test_commands_with_the_last_octets_of_the_handshake(facteurd):
    """TLS 1.3 lets a client speak in the segment that ends the handshake, and Postfix does: that is no reason to stumble."""
    f = facteurd()
    for port, implicit in ((f.submission_port, False), (f.submissions_port, True)):
        for step in (None, 1):
            h = opened(port, implicit)
            h.tls.write(b"EHLO client.test\r\n")
            h.flush(step)
            if implicit:
                assert h.read_reply().startswith(b"220 ")
            assert b"AUTH PLAIN LOGIN" in h.read_reply()
            h.tls.write(b"QUIT\r\n")
            h.flush(step)
            assert h.read_reply().startswith(b"221 ")
    assert f.is_running()


def test_a_long_letter_right_behind_the_handshake(facteurd, sink):
    """More than one turn's credit, as one stream with the handshake's end."""
    receiver = sink(2)
    f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"{receiver.address}:{receiver.port}"}})
    body = b"".join(b"line %06d\r\n" % n for n in range(40000))
    h = opened(f.relay_port, implicit=False)
    h.tls.write(b"EHLO client.test\r\nMAIL FROM:<a@facteur.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\n")
    h.flush()
    text = b""
    while b"354" not in text:
        text += h.read_reply()
    h.tls.write(b"Subject: long\r\n\r\n" + body + b".\r\nQUIT\r\n")
    h.flush()
    assert h.read_reply().startswith(b"250 ")
    assert receiver.wait_messages(1)[0].data.endswith(body)
