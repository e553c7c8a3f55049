"""facteurd's own life: killed, ended, started twice, given a wrong configuration."""
import signal
import subprocess

import pytest

from peer.common import BUILD, LIMIT
from peer.sink import DEFAULT, HANG

QUICK = {"RetryQueue": {"RemoteRetryMinutes": "2s", "RetryMinutes": "2s", "DelayAfterTempErrorMinutes": "0"},
         "Delivery": {"CacheConnectionFailuresMinutes": "0"}}
RECORDS = "dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2"


def fill(f, count):
    with f.client() as client:
        for n in range(count):
            client.sendmail("a@facteur.test", [f"b{n}@dest.test"], f"Subject: {n}\r\n\r\nx\r\n")


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_nothing_that_waits_is_lost(facteurd, nameserver, sink, end):
    """F01, F25: an end of either kind, and a start."""
    nameserver.set(*RECORDS)
    receiver = sink(2)
    receiver.stop_listening()
    f = facteurd(QUICK)
    fill(f, 200)
    getattr(f, end)()
    receiver.listen_again()
    f.start()
    receiver.wait_for("200 different letters", lambda: len({m.recipients[0] for m in receiver.messages}) == 200)
    assert len(receiver.messages) == 200


def test_a_second_one_is_refused(facteurd):
    f = facteurd()
    second = facteurd({"Server": {"DataDir": f.data}}, start=False)
    done = subprocess.run([BUILD / "facteurd", "-c", second.ini], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 1 and str(f.data) in done.stderr
    assert f.is_running()


def test_a_newer_format_is_refused(facteurd):
    f = facteurd()
    f.stop()
    (f.data / "format").write_text("facteur data 999\n")
    done = subprocess.run([BUILD / "facteurd", "-c", f.ini], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 1 and "format" in done.stderr
    assert (f.data / "format").read_text() == "facteur data 999\n"


def test_a_wrong_configuration_is_refused(facteurd, nameserver, sink):
    """At SIGHUP the running one stays; at a start and with -t each problem is told."""
    nameserver.set(*RECORDS)
    receiver, f = sink(2), facteurd()
    f.change({"Delivery": {"Mode": "direkt"}})
    f.popen.send_signal(signal.SIGHUP)
    f.wait_log(r"facteur\.ini:\d+: Delivery\.Mode: ")
    f.send("a@facteur.test", ["b@dest.test"])
    receiver.wait_messages(1)
    f.stop()
    for more in ([], ["-t"]):
        done = subprocess.run([BUILD / "facteurd", "-c", f.ini, *more], capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 1 and "facteur.ini:" in done.stderr and "Delivery.Mode: " in done.stderr


def test_a_letter_that_ends_the_server_is_set_aside(facteurd, nameserver, sink):
    """The server ends abruptly whenever it has sent this letter: three times, then it is held, and all else goes on."""
    nameserver.set(*RECORDS, "other.test. MX 10 mx3.test.", "mx3.test. A 127.0.0.3")
    receiver, bystander = sink(2), sink(3)

    def hangs(session, message):
        return HANG if message.recipients == ["evil@dest.test"] else DEFAULT

    def tries():
        return sum(bool(m.data) for s in receiver.sessions for m in s.messages if m.recipients == ["evil@dest.test"])

    receiver.on("dot", hangs)
    f = facteurd(QUICK)
    f.send("a@facteur.test", ["evil@dest.test"])
    for count in (1, 2, 3):
        receiver.wait_for("the letter once more", lambda: tries() == count)
        f.send("a@facteur.test", [f"b{count}@other.test"])
        f.wait_count(r"\nremoved id=", count)  # else the end finds it under way as well, and it is counted too
        f.popen.send_signal(signal.SIGABRT)
        f.popen.wait()
        f.start()
    row, = f.wait_queue("it is held", lambda rows: [r["recipients"][0]["state"] for r in rows] == ["held"])
    assert row["queue"] == "holding" and row["recipients"][0]["to"] == "evil@dest.test" and row["recipients"][0]["last"]["in_doubt"]
    assert [m.recipients for m in bystander.messages] == [[f"b{n}@other.test"] for n in (1, 2, 3)]
    assert tries() == 3
    receiver.forget_rules()
    f.facteur("queue", "release", row["id"])
    receiver.wait_for("it as well", lambda: any(m.recipients == ["evil@dest.test"] for m in receiver.messages))
    f.wait_empty()
