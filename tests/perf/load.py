"""A load of SMTP: sessions that submit, and a receiver that checks what arrives, in one process with one loop.

It is fast enough to keep 10 to 50 sessions busy while facteurd is traced. Each message carries its number in the
envelope, in a header field and in its body; the receiver compares every octet."""
import selectors
import socket
import time
from collections import Counter

BLOCK = 65536


def body_of(number, size):
    """Lines of printable octets, some of which begin with a dot; size octets or a few more. Without dot-stuffing."""
    head = f"From: <s@source.test>\r\nSubject: load\r\nX-Number: {number}\r\n\r\n{number:012d}\r\n".encode()
    line = bytes(33 + (number + i) % 90 for i in range(70)) + b"\r\n"
    lines = [b"." + line if i % 7 == 3 else line for i in range(size // len(line) + 1)]
    return head + b"".join(lines)


def stuffed(body):
    return body.replace(b"\r\n.", b"\r\n..")


class Session:
    """One client session: lockstep, or pipelined with the next envelope behind the final dot."""

    def __init__(self, load, port):
        self.load = load
        self.out, self.lines, self.expect, self.number = b"", b"", ["greeting"], None
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        load.selector.register(self.socket, selectors.EVENT_READ, self.readable)

    def readable(self):
        try:
            data = self.socket.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end()
            return
        *lines, self.lines = (self.lines + data).split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-":
                self.reply(int(line[:3]))
        self.flush()

    def end(self):
        self.load.selector.unregister(self.socket)
        self.socket.close()
        self.load.live -= 1
        self.load.in_doubt += [n for n in [self.number] if n is not None]

    def envelope(self):
        self.number = self.load.take()
        if self.number is None:
            self.out += b"QUIT\r\n"
            self.expect.append("quit")
            return
        lines = [b"MAIL FROM:<s@source.test>\r\n", b"RCPT TO:<u%d@%s>\r\n" % (self.number, self.load.domain), b"DATA\r\n"]
        if self.load.pipelined:
            self.out += b"".join(lines)
            self.expect += ["more", "more", "data"]
        else:
            self.out += lines[0]
            self.rest = lines[1:]
            self.expect.append("step")

    def reply(self, code):
        what = self.expect.pop(0)
        if what == "greeting":
            self.out += b"EHLO load.test\r\n"
            self.expect.append("hello")
        elif what == "hello":
            self.envelope()
        elif what == "step" and code == 250:
            self.out += self.rest.pop(0)
            self.expect.append("step" if self.rest else "data")
        elif what == "data" and code == 354:
            number = self.number
            self.expect.append(("dot", number))
            self.out += self.load.wire(number)
            if self.load.pipelined:
                self.envelope()
        elif isinstance(what, tuple):
            self.load.answered(what[1], code)
            if not self.load.pipelined:
                self.envelope()
        elif what not in ("more", "quit"):
            raise AssertionError(f"{code} to {what}")

    def flush(self):
        if not self.out:
            return
        try:
            sent = self.socket.send(self.out)
        except BlockingIOError:
            sent = 0
        except OSError:
            return
        self.out = self.out[sent:]
        self.load.selector.modify(self.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0), self.readable)

    writable = flush


class Receiver:
    """One session of the receiving end. refuse(number) says which recipients get 550."""

    def __init__(self, load, connection):
        self.load, self.socket, self.data, self.in_data = load, connection, b"", False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        load.selector.register(connection, selectors.EVENT_READ, self.readable)
        connection.send(b"220 sink.test ESMTP\r\n")

    def readable(self):
        try:
            data = self.socket.recv(BLOCK * 4)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.load.selector.unregister(self.socket)
            self.socket.close()
            return
        self.data += data
        answers = []
        while self.step(answers):
            pass
        if answers:
            try:
                self.socket.send(b"".join(answers))
            except OSError:
                pass

    def step(self, answers):
        if self.in_data:
            end = self.data.find(b"\r\n.\r\n")
            if end < 0:
                return False
            message, self.data, self.in_data = self.data[:end + 2], self.data[end + 5:], False
            self.load.arrived_one(message)
            answers.append(b"250 ok\r\n")
            return True
        line, found, rest = self.data.partition(b"\r\n")
        if not found:
            return False
        self.data = rest
        verb = line[:4].upper()
        if verb == b"EHLO":
            answers.append(b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 0\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
            answers.append(b"354 go\r\n")
            self.in_data = True
        elif verb == b"RCPT":
            answers.append(b"550 5.1.1 nobody\r\n" if b"<u" in line and self.load.refuses(line) else b"250 ok\r\n")
        elif verb == b"QUIT":
            answers.append(b"221 bye\r\n")
        else:
            answers.append(b"250 ok\r\n")
        return True


class Load:
    """The receiver listens as soon as this is made; submit() runs sessions until each number was offered once."""

    def __init__(self, sink_port, size=1024, domain="sink.test", refuse=lambda number: False, size_of=None):
        self.selector = selectors.DefaultSelector()
        self.size_of = size_of or (lambda number: size)
        self.domain, self.refuse = domain.encode(), refuse
        self.accepted, self.refused, self.in_doubt = set(), {}, []
        self.arrived, self.altered, self.notices = Counter(), [], Counter()
        self.next, self.last, self.live, self.pipelined = 0, 0, 0, False
        self.listener = socket.create_server(("127.0.0.1", sink_port), backlog=256)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, lambda: Receiver(self, self.listener.accept()[0]))

    def take(self):
        if self.next == self.last:
            return None
        self.next += 1
        return self.next - 1

    def wire(self, number):
        return stuffed(body_of(number, self.size_of(number))) + b".\r\n"

    def answered(self, number, code):
        if code == 250:
            self.accepted.add(number)
        else:
            self.refused[number] = code

    def refuses(self, line):
        return self.refuse(int(line.partition(b"<u")[2].partition(b"@")[0]))

    def arrived_one(self, message):
        message = message.replace(b"\r\n..", b"\r\n.")
        head, _, _ = message.partition(b"\r\n\r\n")
        at = message.find(b"X-Number: ")
        number = int(message[at + 10:message.find(b"\r\n", at)]) if at >= 0 else None
        if number is None or b"multipart/report" in head:
            self.notices[number] += 1
            return
        self.arrived[number] += 1
        if not message.endswith(body_of(number, self.size_of(number))):
            self.altered.append(number)

    def turn(self, timeout):
        for key, events in self.selector.select(timeout):
            if events & selectors.EVENT_WRITE:
                key.data.__self__.flush()
            if events & selectors.EVENT_READ:
                key.data()

    def begin(self, port, sessions, count, pipelined=False):
        self.pipelined, self.last = pipelined, self.last + count
        self.live += sessions
        for _ in range(sessions):
            Session(self, port)

    def run(self, until, limit=60):
        """Runs until the condition holds."""
        end = time.monotonic() + limit
        while not until():
            assert time.monotonic() < end, f"waited {limit} s: {len(self.accepted)} accepted, {len(self.arrived)} arrived"
            self.turn(0.05)

    def relay(self, port, sessions, count, pipelined=False, limit=120):
        """All of count messages in, and all of them out again."""
        self.begin(port, sessions, count, pipelined)
        self.finish(limit)

    def finish(self, limit=120):
        """All of what was begun, in and out."""
        self.run(lambda: self.live == 0 and len(self.arrived) >= len(self.accepted), limit)
        assert len(self.accepted) == self.last, f"refused: {self.refused}"
        assert not self.altered, f"altered on the way: {self.altered[:10]}"

    def close(self):
        for key in list(self.selector.get_map().values()):
            self.selector.unregister(key.fileobj)
            key.fileobj.close()
        self.selector.close()
