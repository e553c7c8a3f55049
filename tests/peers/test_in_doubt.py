"""A18 and the unclean end: what may have arrived is marked, shown, counted, tried again as the rules say, and doubled only then."""
import re
import threading

import pytest

from peer.common import wait_until
from peer.sink import CLOSE, DEFAULT, HANG, RESET

SENDER, TO = "a@facteur.test", "b@dest.test"
QUICK = {"RetryQueue": {"RemoteRetryMinutes": "2s", "RetryMinutes": "2s", "DelayAfterTempErrorMinutes": "0"},
         "Outbound": {"DotTimeout": "1s"}}
TWO_MX = ("dest.test. MX 10 mx2.test.", "dest.test. MX 20 mx3.test.", "mx2.test. A 127.0.0.2", "mx3.test. A 127.0.0.3")


def dots(receiver):
    """How many times a whole message came, answered or not."""
    return [message for session in list(receiver.sessions) for message in session.messages if message.data]


@pytest.fixture
def server(facteurd, nameserver, sink):
    nameserver.set(*TWO_MX)
    receiver, other = sink(2), sink(3)
    f = facteurd(QUICK)
    f.receiver, f.other = receiver, other
    return f


@pytest.mark.parametrize("end, cause", [(CLOSE, "lost"), (RESET, "lost"), (HANG, "timeout")])
def test_no_answer_to_the_final_dot(server, end, cause):
    f, receiver = server, server.receiver
    receiver.on("dot", end, DEFAULT)
    f.send(SENDER, [TO])
    line = f.wait_log(rf"delivery .*to=<{TO}> .*status=deferred.*").group(0)
    assert "stage=dot" in line and "in_doubt=yes" in line and "rule=A18" in line
    receiver.wait_messages(1)
    f.wait_empty()
    assert len(dots(receiver)) == 2 and not f.other.sessions  # no other host in that attempt
    assert dots(receiver)[0].data == dots(receiver)[1].data
    message_id, = {event["id"] for event in f.ask("history", "--to", TO)}
    events = f.ask("history", "--id", message_id)
    doubtful = [event for event in events if event["event"] == "attempt" and event["last"]["in_doubt"]]
    assert len(doubtful) == 1 and (doubtful[0]["rule"], doubtful[0]["last"]["cause"]) == ("A18", cause)
    assert f.ask("status")["counters"]["in_doubt"] == 1


def test_the_queue_shows_it(server):
    f = server
    f.reload({"RetryQueue": {"RemoteRetryMinutes": "1h", "DelayAfterTempErrorMinutes": "1h"}})
    f.receiver.on("dot", CLOSE)
    f.send(SENDER, [TO])
    row, = f.wait_queue("one that was tried", lambda rows: rows and rows[0]["recipients"][0]["last"])
    recipient = row["recipients"][0]
    assert recipient["state"] == "waiting" and recipient["rule"] == "A18"
    assert recipient["last"]["in_doubt"] is True and recipient["last"]["stage"] == "dot" and recipient["last"]["code"] is None
    why = f.ask("queue", "why", row["id"])
    assert any(event["event"] == "attempt" and event["last"]["in_doubt"] for event in why["history"])
    assert [one["rule"] for one in why["decided_by"]] == ["A18"]
    assert "it may have arrived" in f.facteur("queue", "why", row["id"])
    french = f.run_facteur("queue", "why", row["id"], language="fr_FR.UTF-8").stdout
    assert "peut-\u00eatre arriv\u00e9" in french and "issue incertaine" in french
    assert f.run_facteur("queue", "retry", row["id"]).returncode == 0
    wait_until("tried again by order", lambda: len(dots(f.receiver)) == 2)


def test_an_answer_that_comes_is_no_doubt(server):
    """A 4xx or 5xx to the dot says that it was not taken: never in doubt, and the next host may have it (A17)."""
    f = server
    f.receiver.on("dot", "554 5.6.0 no")
    f.send(SENDER, [TO])
    f.other.wait_messages(1)
    f.wait_empty()
    assert f.ask("status")["counters"]["in_doubt"] == 0 and "in_doubt" not in f.log_text()


def stuck_at(receiver, stage):
    """The receiver stops at that stage; set when somebody has come there."""
    there = threading.Event()

    def stop(session, argument):
        there.set()
        return HANG

    receiver.on(stage, stop)
    return there


def wait_stuck(there):
    wait_until("a message on its way", there.is_set)


def test_killed_between_the_dot_and_its_answer(server):
    """The message is in doubt after the start, tried alone, and arrives twice; all others arrive once."""
    f, receiver = server, server.receiver
    f.change({"Outbound": {"DotTimeout": "10m", "MaxConnectionsPerDestination": "1"}})
    f.restart()
    there = stuck_at(receiver, "dot")
    f.send(SENDER, [TO])
    wait_stuck(there)
    for n in range(20):
        f.send(SENDER, [f"c{n}@dest.test"])
    f.kill()
    receiver.forget_rules()
    f.start()
    f.wait_log(rf"attempt .*to=<{TO}> .*in_doubt=yes .*rule=A18")
    receiver.wait_messages(21)
    f.wait_empty()
    came = sorted(message.recipients[0] for message in dots(receiver))
    assert came == sorted([TO, TO] + [f"c{n}@dest.test" for n in range(20)])
    doubtful = [event for event in f.ask("history", "--to", TO) if event["event"] == "attempt" and event["last"]["in_doubt"]]
    assert len(doubtful) == 1 and doubtful[0]["rule"] == "A18"


def test_killed_before_the_dot(server):
    """It cannot have arrived, so it is not in doubt, and arrives once."""
    f, receiver = server, server.receiver
    there = stuck_at(receiver, "data")
    f.send(SENDER, [TO])
    wait_stuck(there)
    f.kill()
    receiver.forget_rules()
    f.start()
    receiver.wait_messages(1)
    f.wait_empty()
    assert len(dots(receiver)) == 1 and "in_doubt" not in f.log_text()


def test_held_after_the_third_unclean_end(server):
    """No letter can stop the server for ever: after three it waits for the administrator, who may let it go."""
    f, receiver = server, server.receiver
    f.change({"Outbound": {"DotTimeout": "10m"}})
    f.restart()
    f.send(SENDER, ["ready@dest.test"])
    receiver.wait_messages(1)
    f.wait_empty()
    there = stuck_at(receiver, "dot")
    f.send(SENDER, [TO])
    for _ in range(3):
        wait_stuck(there)
        there.clear()
        f.kill()
        f.start()
    row, = f.wait_queue("held", lambda rows: rows and rows[0]["queue"] == "holding")
    assert row["recipients"][0]["state"] == "held" and row["recipients"][0]["last"]["in_doubt"] is True
    assert len(dots(receiver)) == 1 + 3
    receiver.forget_rules()
    f.facteur("queue", "release", row["id"])
    receiver.wait_messages(2)
    f.wait_empty()
    assert len(re.findall(r"(?m)^attempt .*in_doubt=yes", f.log_text())) == 3
