"""S36: the unix sockets take whatever comes, in whatever pieces, and the server goes on."""
import json
import random
import socket

import pytest

from peer.common import LIMIT

STATUS = b'{"v":1,"verb":"status"}\n'


class Client:
    def __init__(self, server, name="control"):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(LIMIT)
        self.socket.connect(str(server.data / name))
        self.file = self.socket.makefile("rb")

    def send(self, octets):
        self.socket.sendall(octets)

    def answer(self):
        return json.loads(self.file.readline())

    def is_closed(self):
        """Waits for the end of what comes."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True


@pytest.fixture
def server(facteurd):
    f = facteurd()
    yield f
    assert f.is_running() and f.ask("status")["ready"] is True  # whatever the test did


def test_lines_in_any_pieces(server):
    client = Client(server)
    for octet in STATUS:
        client.send(bytes([octet]))
    assert client.answer()["ok"] is True
    client.send(STATUS + STATUS + STATUS[:10])
    assert client.answer()["ok"] and client.answer()["ok"]
    client.send(STATUS[10:] + b"\n")
    assert client.answer()["ok"] is True and client.answer()["ok"] is False
    client.send(STATUS)
    client.socket.shutdown(socket.SHUT_WR)
    assert client.is_closed()


@pytest.mark.parametrize("name", ["control", "submit"])
def test_garbage(server, name):
    """Lines and no lines, from many who leave in the middle. A fixed seed."""
    dice = random.Random(36)
    for _ in range(60):
        client = Client(server, name)
        try:
            for _ in range(dice.randrange(1, 20)):
                octets = dice.randbytes(dice.randrange(1, 3000))
                client.send(octets + b"\n" if dice.randrange(2) else octets)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the listener of mail ends a session after some errors
        client.socket.close()


def test_an_endless_line_is_cut_off(server):
    other, client = Client(server), Client(server)
    try:
        for _ in range(5 << 4):
            client.send(b"x" * (1 << 16))
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert client.is_closed()
    other.send(STATUS)
    assert other.answer()["ok"] is True


def test_one_that_does_not_read_is_cut_off(server):
    """Its answers are bounded in memory: 64 MiB."""
    with server.client() as sender:
        for n in range(300):
            sender.sendmail("", [f"b{n}@nowhere.invalid"], "Subject: x\r\n\r\nx\r\n")
    client = Client(server)
    client.socket.settimeout(1)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(2000):
            try:
                client.send(b'{"v":1,"verb":"log","limit":1000}\n')
            except TimeoutError:
                continue


def test_too_many_clients(server):
    """64 at a time; those who leave make room."""
    clients = [Client(server) for _ in range(64)]
    for client in clients:
        client.send(STATUS)
        assert client.answer()["ok"] is True
    assert Client(server).is_closed()
    for client in clients:
        client.file.close()
        client.socket.close()


def test_a_follower_that_leaves(server):
    for _ in range(40):
        client = Client(server)
        client.send(b'{"v":1,"verb":"log","follow":true}\n')
        assert client.answer()["ok"] is True
        server.send("", ["b@nowhere.invalid"])
        client.file.close()
        client.socket.close()
