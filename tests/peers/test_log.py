"""`facteur log`: the last events, and those to come as they happen; in both languages, as JSON, through filters."""
import json
import re
import signal
import subprocess
import threading

import pytest

from peer.common import BUILD, LIMIT, wait_until

SENDER, TO = "a@facteur.test", "b@dest.test"


class Follower:
    """`facteur log -f ...`: what it prints, as it comes."""

    def __init__(self, server, *arguments, json=True, language="C.UTF-8"):
        self.lines = []
        options = ["--json"] if json else []
        self.popen = subprocess.Popen([BUILD / "facteur", "-c", server.ini, *options, "log", "-f", *arguments], text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      env={"LANG": language, "PATH": "/usr/bin:/bin"})
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.popen.stdout:
            self.lines.append(line)

    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def wait(self, what, condition):
        return wait_until(what, lambda: next((event for event in self.events() if condition(event)), None))

    def wait_line(self, text):
        return wait_until(text, lambda: next((line for line in list(self.lines) if text in line), None))

    def end(self):
        self.popen.terminate()
        self.popen.wait(LIMIT)


def wait_following(server, one, sender, recipient):
    """Messages that it should hear of, until it has heard of one."""
    wait_until("it follows", lambda: (server.send(sender, [recipient]), one.lines)[1])


@pytest.fixture
def follow():
    made = []

    def start(*arguments, **options):
        made.append(Follower(*arguments, **options))
        return made[-1]

    yield start
    for one in made:
        one.end()
        one.popen.stderr.close()


@pytest.fixture
def server(facteurd, sink):
    receiver = sink(9)
    f = facteurd({"Delivery": {"Mode": "smarthost", "SmartHost": f"127.0.0.9:{receiver.port}"}})
    f.receiver = receiver
    return f


def test_events_come_as_they_happen(server, follow):
    one = follow(server)
    started = one.wait("the events before", lambda event: event["event"] == "start")
    assert set(started) >= {"at", "event", "id", "from", "to", "rule", "last"} and started["id"] is None
    server.receiver.on("rcpt", "451 4.3.0 not now", match=TO)
    server.send(SENDER, [TO])
    received = one.wait("the message", lambda event: event["event"] == "received")
    deferred = one.wait("its delivery", lambda event: event["event"] == "delivery")
    assert received["id"] == deferred["id"] and received["from"] == SENDER and received["listener"] == "relay"
    assert (deferred["to"], deferred["status"], deferred["rule"]) == (TO, "deferred", "A24")
    assert deferred["last"]["code"] == 451 and deferred["last"]["stage"] == "rcpt" and deferred["next_attempt"]
    one.wait("connections too, while it follows", lambda event: event["event"] == "disconnect")


def test_filters(server, follow):
    by_recipient, by_sender = follow(server, "--to", TO.upper()), follow(server, "--from", "c@facteur.test")
    null = follow(server, "--from", "<>")
    wait_following(server, by_recipient, SENDER, TO)
    wait_following(server, by_sender, "c@facteur.test", "d@dest.test")
    wait_following(server, null, "", "e@dest.test")
    server.wait_empty()
    by_sender.wait("its end", lambda event: event["event"] == "removed")
    assert {event["to"] for event in by_recipient.events()} == {TO}
    assert {event["from"] for event in by_sender.events()} == {"c@facteur.test"}
    assert {event["from"] for event in null.events()} == {""} and all(event["id"] for event in null.events())
    number = by_sender.events()[0]["id"]
    server.wait_log(rf"(?m)^removed id={number} ")
    listed = server.ask("log", "--id", number)
    assert {event["id"] for event in listed} == {number} and listed[-1]["event"] == "removed"


def test_the_last_events_without_following(server):
    server.send(SENDER, [TO])
    server.wait_log(r"(?m)^removed ")
    events = server.ask("log")
    assert [event["event"] for event in events][-3:] == ["received", "delivery", "removed"]
    assert [event["event"] for event in server.ask("log", "--limit", "2")] == ["delivery", "removed"]
    assert "connect" not in {event["event"] for event in events}


@pytest.mark.parametrize("language, words", [("C.UTF-8", ("received", "deferred", "login failed")),
                                             ("fr_FR.UTF-8", ("re\u00e7u", "report\u00e9", "\u00e9chec d\u2019identification"))])
def test_for_people(server, follow, language, words):
    """One line an event, whatever a server says in it (S21)."""
    one = follow(server, json=False, language=language)
    server.receiver.on("rcpt", "451-4.3.0 not \x1b[31mnow\n451 4.3.0 \u202eor ever", match=TO)
    server.send(SENDER, [TO])
    assert f"<{SENDER}>" in one.wait_line(words[0])
    line = one.wait_line(words[1])
    assert f"<{SENDER}> > <{TO}>" in line and "451 4.3.0" in line and "(A24)" in line
    with server.client(server.submission_port) as client:
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] == 535
    one.wait_line(words[2])
    assert not any(mark in line for line in one.lines for mark in ("\x1b", "\u202e"))


def test_a_follower_that_does_not_read_loses_events_and_nothing_else(server, follow):
    """S21: bounded, counted, said; the server goes on. Two clients of which one reads only at the end."""
    slow, quick = follow(server), follow(server, "--to", "b0@dest.test")
    wait_following(server, slow, SENDER, "b1@dest.test")
    wait_following(server, quick, SENDER, "b0@dest.test")
    server.wait_empty()
    before = len(re.findall(r"(?m)^delivery .*to=<b0@dest.test>", server.log_text()))
    slow.popen.send_signal(signal.SIGSTOP)
    try:
        for _ in range(4):
            server.send(SENDER, [f"b{n}@dest.test" for n in range(1000)])
        server.wait_empty()
        wait_until("all of them", lambda: sum(event["event"] == "delivery" for event in quick.events()) == before + 4)
    finally:
        slow.popen.send_signal(signal.SIGCONT)
    dropped = slow.wait("how many were lost", lambda event: event["event"] == "dropped")
    server.send(SENDER, ["last@dest.test"])
    slow.wait("the last", lambda event: event["to"] == "last@dest.test")
    assert dropped["count"] > 0
    told = sum(event["event"] in ("attempt", "delivery") for event in slow.events())
    assert 100 < told < 8000


def test_a_follower_ends_with_the_server(server, follow):
    one = follow(server)
    one.wait("it follows", lambda event: event["event"] == "start")
    server.stop()
    assert one.popen.wait(LIMIT) == 2 and "lost" in one.popen.stderr.read()


def test_too_many_followers_are_refused(server, follow):
    for _ in range(16):
        follow(server).wait_line("start")
    one = follow(server)
    assert one.popen.wait(LIMIT) == 1 and "Too many" in one.popen.stderr.read()
