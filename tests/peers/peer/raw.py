"""A client that sends what octets it likes, and reads replies."""
import socket

from peer.common import LIMIT

OPENING = b"EHLO client.test\r\n", b"MAIL FROM:<a@facteur.test>\r\n", b"RCPT TO:<b@dest.test>\r\n", b"DATA\r\n"


def connect(port, source="127.0.0.1"):
    """(connection, file of what comes back)"""
    connection = socket.create_connection(("127.0.0.1", port), LIMIT, (source, 0))
    return connection, connection.makefile("rb")


def reply(file):
    """All lines of one reply."""
    lines = []
    while not lines or lines[-1][3:4] == b"-":
        lines.append(file.readline())
        assert lines[-1], f"closed after {lines}"
    return b"".join(lines)


def say(connection, file, line):
    """One command and its reply's code."""
    connection.sendall(line + b"\r\n")
    return int(reply(file)[:3])


def opened(port, source="127.0.0.1"):
    """As connect, greeted, and EHLO said."""
    connection, file = connect(port, source)
    assert reply(file)[:3] == b"220" and say(connection, file, b"EHLO client.test") == 250
    return connection, file
