"""One facteurd that is ended at the N-th change of its disk, a receiver and a sender; and what must hold when all is over.

A letter that was answered 250 arrives with equal octets at each recipient that takes it, in each local Maildir, and as a notice
for each recipient that was refused. One that was not answered arrives whole or not at all. A second copy needs a reason: the
message's slot in run/inflight said at the crash that its final dot was on its way and that nothing was settled yet.
"""
import contextlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import smtplib
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from peer.common import BUILD, LIMIT, free_port
from peer.server import Facteurd
from peer.sink import DEFAULT, Sink

SHIM = BUILD / "tests/crash/crash-shim.so"
SLOW = 0.25  # seconds that the slow receiver takes, so that others are settled before
POLL = 0.03  # seconds between two looks at what cannot call us
EMPTY_TIMES = 30  # looks at an empty queue before something is missing for good
SETTINGS = {
    "Limits": {"SegmentSize": "8M", "MinFree": "10M"},
    "RetryQueue": {"RemoteRetryMinutes": "3s", "RetryMinutes": "3s", "DelayAfterTempErrorMinutes": "0"},
    "Delivery": {"Mode": "smarthost"},
    "TLS": {"Certificate": None, "Key": None},
    "DNS": {"Servers": "127.0.0.1@9", "Timeout": "1s"},
}


@dataclass
class Letter:
    """token is in all its addresses; takes, local and refused are local parts that say what becomes of them."""
    token: str
    sender: str
    recipients: list
    octets: bytes
    reply: str = ""  # to its final dot; empty: there was none

    @property
    def answered(self):
        return self.reply.startswith("250")


@dataclass
class Crash:
    """How a run of facteurd is to end: at which change, before or after it or half-way; lose: what was not synced goes too."""
    at: int
    how: str = "before"
    lose: bool = False
    seed: int = 0
    keep: bool = False
    lie: bool = False

    def __str__(self):
        words = [f"{self.how} {self.at}"] + ["unsynced lost" if self.seed == 0 else f"unsynced lost, seed {self.seed}"] * self.lose
        return ", ".join(words + ["unsynced kept for the next"] * self.keep)


@dataclass
class Outcome:
    crashes: list
    died: list = field(default_factory=list)  # of each crash: the last line of its trace, or "" when it was not reached
    calls: list = field(default_factory=list)  # of each run with the shim: its whole trace
    answered: int = 0
    copies: int = 0  # second ones, with a reason
    wrong: list = field(default_factory=list)


def letter(token, sender, recipients, size):
    text = random.Random(token).randbytes(size * 3 // 4 + 60).hex()
    lines = [text[n:n + 70] for n in range(0, max(size, 70), 70)]
    lines[len(lines) // 2] = "." + lines[len(lines) // 2]
    head = [f"From: <{sender}>", f"Subject: {token}", f"Message-ID: <{token}@sender.test>", ""]
    return Letter(token, sender, recipients, "\r\n".join(head + lines + [""]).encode())


class Daemon(Facteurd):
    """Started with the shim or without it, again and again, on a data folder that is put in place before."""

    def __init__(self, folder, settings, ca):
        super().__init__(folder, settings, ca=ca)
        self.aside, self.trace = folder / "aside", folder / "trace"

    def put_in_place(self, template):
        for path in (self.data, self.aside):
            shutil.rmtree(path, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        self.aside.mkdir()
        if template:
            subprocess.run(["cp", "-a", "--sparse=always", template, self.data], check=True)
        else:
            self.data.mkdir()

    def environment(self, crash):
        if crash is None:
            return None
        made = {"LD_PRELOAD": SHIM, "CRASH_FOLDER": self.data, "CRASH_TRACE": self.trace, "CRASH_AT": crash.at, "CRASH_HOW": crash.how,
                "CRASH_SEED": crash.seed, "CRASH_KEEP": int(crash.keep), "CRASH_LIE": int(crash.lie)}
        if crash.lose or crash.keep:
            made["CRASH_ASIDE"] = self.aside
        return {**os.environ, **{key: str(value) for key, value in made.items()}}

    def begin(self, crash=None):
        """Up, or gone."""
        self._ready.clear()
        self.trace.write_text("")
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen([BUILD / "facteurd", "-c", self.ini], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=log, env=self.environment(crash))
        threading.Thread(target=self._read_stdout, args=(self.popen,), daemon=True).start()
        end = time.monotonic() + LIMIT
        while not self._ready.wait(POLL) and self.is_running():
            assert time.monotonic() < end, "facteurd neither says ready nor ends"

    def calls(self):
        return self.trace.read_text().splitlines()

    def ask_socket(self, verb, **arguments):
        """By the control socket; None when facteurd has gone."""
        with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(LIMIT)
            s.connect(str(self.data / "control"))
            s.sendall(json.dumps({"v": 1, "verb": verb, **arguments}).encode() + b"\n")
            answer = json.loads(s.makefile("rb").readline())
            assert answer["ok"], answer
            return answer["result"]
        return None

    def inflight(self):
        """Ids of the messages that were being tried, and of those whose final dot was sent."""
        path = self.data / "run/inflight"
        words = [word for word, _ in struct.iter_unpack("<QQ", path.read_bytes())][1:] if path.exists() else []
        return {format_id(word & ~(1 << 63)) for word in words if word}, {format_id(word & ~(1 << 63)) for word in words if word >> 63}


def format_id(number):
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[number >> shift & 31] for shift in range(60, -5, -5))


class World:
    """A slot: folder and ports of its own, used for one case after another."""

    def __init__(self, folder, ca):
        self.port = free_port()
        settings = {"Delivery": {"SmartHost": f"[127.0.0.1]:{self.port}"}, "Outbound": {"Port": self.port}}
        self.daemon = Daemon(folder, settings, ca)
        self.sinks = []
        self.letters, self.sent = [], False

    # -- the receiver

    def open_sinks(self, defers=True):
        """The smart host, 127.0.0.2 for direct delivery, and 127.0.0.3 that takes its time before it answers a letter."""
        self.sinks = [Sink(f"127.0.0.{n}", self.port, f"mx{n}.test") for n in (1, 2, 3)]
        asked = set()

        def later(session, argument):
            new = argument not in asked
            asked.add(argument)
            return "450 4.2.0 come again" if new else DEFAULT

        def slowly(session, argument):
            time.sleep(SLOW)
            return DEFAULT

        self.sinks[0].on("rcpt", "550 5.1.1 no such user", match="<refused")
        if defers:
            self.sinks[0].on("rcpt", later, match="<later")
        self.sinks[2].on("dot", slowly)

    def taken(self):
        return [message for sink in self.sinks for message in sink.messages]

    # -- the sender

    def send(self, letters):
        """One after the other on one connection, until it ends."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            with self.daemon.client() as client:
                for one in letters:
                    client.ehlo_or_helo_if_needed()
                    client.mail(one.sender)
                    for recipient in one.recipients:
                        code, text = client.rcpt(recipient)
                        assert code == 250, (recipient, code, text)
                    code, text = client.data(one.octets)
                    one.reply = f"{code} {text.decode()}"

    def send_together(self, letters):
        threads = [threading.Thread(target=self.send, args=([one],)) for one in letters]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # -- what has arrived

    def copies(self, recipient):
        """(id, octets) of each copy that the receiver took for it."""
        return [(received_id(m.data), m.data) for m in self.taken() if recipient in m.recipients]

    def notices(self, recipient):
        """(id, octets) of each notice that says that it failed, wherever the sender is."""
        names = f"Final-Recipient: rfc822; {recipient}".lower().encode()
        at_sink = [(received_id(m.data) or message_id(m.data), m.data) for m in self.taken() if m.sender == ""]
        local = [(name.split(".")[0], data) for name, data in self.maildir_files("box")]
        return [(id, data) for id, data in at_sink + local if names in data.lower()]

    def maildir_files(self, user):
        found = []
        for path in sorted((self.daemon.data / "mail/facteur.test" / user).glob("new/*")):
            found.append((path.name, path.read_bytes()))
        return found

    def local_copies(self, one):
        return [(name, data) for name, data in self.maildir_files("box") if data.endswith(one.octets.replace(b"\r\n", b"\n"))]

    def arrivals(self, one, recipient):
        kind = recipient.split("-")[0]
        if kind == "refused":
            return self.notices(recipient)
        return self.local_copies(one) if recipient.endswith("@facteur.test") else self.copies(recipient)

    def missing(self):
        return [recipient + " of " + one.token for one in self.letters if one.answered for recipient in one.recipients
                if not self.arrivals(one, recipient)]

    # -- one run

    def wait_over(self, hurry=False, last=False):
        """All that was answered has arrived and the queue is empty: "". Or facteurd has gone: None. Or what is missing.
        hurry: what waits is made due. last: the queue may be asked at any time, and an empty one ends it."""
        end, empty = time.monotonic() + LIMIT, 0
        while time.monotonic() < end and empty < EMPTY_TIMES:
            if not self.daemon.is_running():
                return None
            missing = self.missing()
            answer = self.daemon.ask_socket("queue", limit=100) if hurry or last or not missing else None
            rows = answer["rows"] if answer else ["?"]
            if not rows and not missing:
                return ""
            empty = 0 if rows else empty + 1
            if hurry and answer and rows:
                self.daemon.ask_socket("order", order="retry", ids=[row["id"] for row in rows])
            time.sleep(10 * POLL if hurry else POLL)
        return f"missing: {missing}" if missing else f"never empty: {rows}"

    def end(self):
        """SIGTERM; the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.daemon.popen.send_signal(signal.SIGTERM)
        return self.daemon.popen.wait(LIMIT)

    def discard(self):
        if self.daemon.is_running():
            self.daemon.kill()
        for sink in self.sinks:
            sink.close()

    def run(self, scenario, crashes):
        """The scenario with the crashes one after another, then a run to the end."""
        outcome = Outcome(crashes)
        self.daemon.put_in_place(scenario.template)
        self.daemon.change(SETTINGS)
        self.daemon.change(scenario.settings)
        self.letters = scenario.letters()
        self.open_sinks(scenario.defers)
        self.sent, doubts = False, []
        try:
            for n, crash in enumerate([*crashes, None], 1):
                over, status = self.run_once(scenario, crash)
                died = status == -signal.SIGKILL
                if crash:
                    outcome.calls.append(self.daemon.calls())
                    outcome.died.append(outcome.calls[-1][-1] if died else "")
                    doubts.append(self.daemon.inflight()[1])
                if over:
                    outcome.wrong.append(over)
                if status != 0 and not (crash and died):
                    outcome.wrong.append(f"run {n} ended with status {status}")
            self.check(outcome, doubts)
            if scenario.check:
                scenario.check(self, outcome)
        finally:
            outcome.answered = sum(one.answered for one in self.letters)
            self.discard()
        return outcome

    def run_once(self, scenario, crash):
        """What wait_over said, and the exit status. The letters are sent by the first run that listens."""
        self.daemon.begin(crash)
        if not self.daemon._ready.is_set():
            return None, self.daemon.popen.wait()
        if not self.sent:
            self.sent = True
            scenario.send(self)
        over = self.wait_over(scenario.hurry, last=crash is None)
        return over, self.daemon.popen.wait() if over is None else self.end()

    # -- what must hold

    def check(self, outcome, doubts):
        say = outcome.wrong.append
        torn = sum(1 for crash in outcome.crashes if crash.how == "half" or crash.lose)
        for one in self.letters:
            ids = set()
            if one.reply and not one.answered:
                say(f"{one.token} was answered {one.reply}")
            for recipient in one.recipients:
                kind, arrivals = recipient.split("-")[0], self.arrivals(one, recipient)
                if one.answered and not arrivals:
                    say(f"lost: {recipient} of {one.token}")
                if kind == "refused":
                    if len({id for id, _ in arrivals}) > 1 + torn:
                        say(f"{len(arrivals)} notices for {recipient}")
                elif not recipient.endswith("@facteur.test"):
                    ids |= {id for id, _ in arrivals}
                    for id, data in arrivals:
                        if not is_whole(data, one.octets):
                            say(f"altered: {recipient} of {one.token}")
                elif len(arrivals) > 1:
                    say(f"{len(arrivals)} copies in the Maildir of {recipient} of {one.token}")
                allowed = {id: 1 + sum(id in doubt for doubt in doubts) for id, _ in arrivals}
                for id, many in ((id, sum(id == other for other, _ in arrivals)) for id in allowed):
                    outcome.copies += many - 1
                    if many > allowed[id]:
                        say(f"{many} copies of {one.token} for {recipient}, {allowed[id]} have a reason")
            if len(ids) > 1:
                say(f"{one.token} was taken {len(ids)} times")
        known = {r for one in self.letters for r in [*one.recipients, one.sender]}
        for message in self.taken():
            if not set(message.recipients) <= known:
                say(f"nobody sent this: {message.recipients}")


def received_id(data):
    found = re.match(rb"(?:[^\r\n]|\r\n[ \t])*?\bid ([0-9A-Za-z]+)", data)
    return found[1].decode() if data.startswith(b"Received:") and found else None


def message_id(data):
    found = re.search(rb"(?im)^message-id: *<([^@>\r\n]+)@", data)
    return found[1].decode() if found else None


def is_whole(data, octets):
    head = data[:len(data) - len(octets)]
    return data.endswith(octets) and re.fullmatch(rb"(Received:[^\r\n]*\r\n([ \t][^\r\n]*\r\n)*)+", head) is not None


# ---- scenarios ----

@dataclass
class Scenario:
    name: str
    template: Path  # the data folder at the beginning
    letters: object  # () -> what is sent, or waits there already
    send: object  # (world): when facteurd is up for the first time
    settings: dict = field(default_factory=dict)
    defers: bool = True  # the receiver answers 450 the first time that it is asked for later-...
    hurry: bool = False  # what waits is made due by hand
    check: object = None  # (world, outcome): what must hold besides


def data_folder(world, where):
    """One that has never been used, but for the account."""
    world.daemon.put_in_place(None)
    world.daemon.write_accounts({"box@facteur.test": {"Password": "secret"}})
    shutil.move(world.daemon.data, where)
    return where


def mail_letters():
    """Each shape of letter that the store treats in a way of its own."""
    return [
        letter("small", "a-small@sender.test", ["take-small@dest.test"], 200),
        letter("refused", "a-refused@sender.test", ["refused-refused@dest.test"], 300),
        letter("three", "a-three@sender.test", [f"take-three{n}@dest{n}.test" for n in range(3)], 5000),
        letter("local", "a-local@sender.test", ["box@facteur.test"], 900),
        letter("big", "a-big@sender.test", ["take-big@dest.test"], 330_000),
        letter("later", "a-later@sender.test", ["later-later@dest.test"], 2000),
        letter("all", "a-all@sender.test", ["take-all@dest.test", "refused-all@dest.test", "later-all@other.test", "box@facteur.test"], 100_000),
        letter("inner", "box@facteur.test", ["refused-inner@dest.test"], 400),
        letter("biglater", "a-biglater@sender.test", ["later-biglater@dest.test", "box@facteur.test"], 300_000),
    ] + [letter(f"burst{n}", f"a-burst{n}@sender.test", [f"take-burst{n}@dest.test"], 3000) for n in range(4)]


def mail_send(world):
    world.send(world.letters[:-4])
    world.send_together(world.letters[-4:])


def mail_scenario(world, fresh, where):
    """facteurd has run before: there is a segment that can be recycled."""
    letters = [letter("before1", "a-before1@sender.test", ["take-before1@dest.test"], 9000),
               letter("before2", "a-before2@sender.test", ["take-before2@dest.test"], 300_000)]
    done = world.run(Scenario("", fresh, lambda: letters, lambda w: w.send(letters)), [])
    assert not done.wrong and done.answered == 2, done
    shutil.move(world.daemon.data, where)
    return Scenario("mail", where, mail_letters, mail_send)


def start_scenario(fresh):
    """The very first start."""
    letters = lambda: [letter("first", "a-first@sender.test", ["take-first@dest.test"], 400)]  # noqa: E731
    return Scenario("start", fresh, letters, lambda w: w.send(w.letters))


LONG = {"RetryQueue": {"RemoteRetryMinutes": "60", "RetryMinutes": "60"}}


def move_scenario(world, fresh, where):
    """Three segments with one letter each that waits: they are copied on, and the segments recycled."""
    world.daemon.put_in_place(fresh)
    world.daemon.change(LONG)
    letters = [letter(f"rest{n}", f"a-rest{n}@sender.test", [f"later-rest{n}@dest.test"], size)
               for n, size in enumerate((700, 100_000, 300_000))]
    world.letters = []
    world.open_sinks()
    for one in letters:
        world.daemon.begin()
        world.send([one])
        assert one.answered
        world.sinks[0].wait_for("its refusal", lambda: any(one.recipients[0] in line for s in world.sinks[0].sessions for line in s.commands))
        world.daemon.wait_queue("it waits", lambda rows: any(row["recipients"][0]["attempts"] for row in rows
                                                             if row["from"] == one.sender))
        assert world.end() == 0
    world.discard()
    shutil.move(world.daemon.data, where)

    def waiting():
        made = [letter(f"rest{n}", one.sender, one.recipients, size) for n, (one, size) in
                enumerate(zip(letters, (700, 100_000, 300_000)))]
        for new, one in zip(made, letters):
            new.reply = one.reply
        return made + [letter("new", "a-new@sender.test", ["take-new@dest.test"], 1000)]

    return Scenario("move", where, waiting, move_send, LONG, defers=False, hurry=True)


def move_send(world):
    """Waits until nothing is moved any more."""
    world.send(world.letters[-1:])
    before = None
    while world.daemon.is_running():
        now = len(world.daemon.calls())
        if now == before:
            return
        before = now
        time.sleep(0.5)


def early_scenario(template):
    """One recipient is delivered to while the other's host is slow: once that is settled, no end makes a second copy of it."""
    def letters():
        return [letter("early", "a-early@sender.test", ["take-early@[127.0.0.2]", "take-slow@[127.0.0.3]"], 900)]

    def check(world, outcome):
        if any(batches_synced(calls) >= 2 for calls in outcome.calls) and len(world.copies("take-early@[127.0.0.2]")) > 1:
            outcome.wrong.append("a second copy of what was settled")

    return Scenario("early", template, letters, lambda w: w.send(w.letters), {"Delivery": {"Mode": "direct"}}, check=check)


def batches_synced(calls):
    """How many batches of the journal were on disk when the trace ended. A segment's filling is written by the MiB, then its head."""
    heads, written, synced = set(), 0, 0
    for line in calls[:-1]:
        _, call, path, size = line.split(" ")
        if not path.startswith("segments/"):
            continue
        if call == "pwritev" and int(size) != 1 << 20:
            written += path in heads
            heads.add(path)
        elif call == "fdatasync":
            synced = written
    return synced
