"""A full disk (S32, F05): nothing new is taken, what is under way is recorded, and mail goes on when there is room again."""
import os
import smtplib
import socket
import subprocess
import threading

import pytest

from peer.common import need, wait_until

MIB = 1 << 20
SIZE = 96 * MIB
MIN_FREE = 16 * MIB
SETTINGS = {"Limits": {"SegmentSize": "8M", "MinFree": "16M"},
            "RetryQueue": {"RemoteRetryMinutes": "2s", "RetryMinutes": "2s", "DelayAfterTempErrorMinutes": "0"},
            "Delivery": {"CacheConnectionFailuresMinutes": "0"}}


@pytest.fixture
def small_disk(tmp_path):
    """The folder of a file system of SIZE octets in memory."""
    need("mount", root=True)
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def is_open(f):
    """Room again, no restart: the alert goes and mail is taken."""
    return not any(alert["subject"] == "disk full" for alert in f.ask("status")["alerts"])


def fill(folder, left):
    """All but `left` octets are taken by one file."""
    path = folder / "filler"
    facts = os.statvfs(folder)
    with open(path, "ab") as file:
        size = file.tell() + facts.f_bavail * facts.f_frsize - left
        os.posix_fallocate(file.fileno(), 0, size)
    return path


def try_to_send(f, recipient, data="Subject: x\r\n\r\nx\r\n"):
    """The code and text of the first refusal, or of the answer to the dot."""
    with f.client() as client:
        client.ehlo()
        for step in (lambda: client.mail("a@facteur.test"), lambda: client.rcpt(recipient), lambda: client.data(data)):
            try:
                code, text = step()
            except smtplib.SMTPDataError as error:
                return error.smtp_code, error.smtp_error.decode()
            if code >= 400:
                return code, text.decode()
    return code, text.decode()


@pytest.mark.parametrize("left", [MIN_FREE // 2, 0], ids=["below MinFree", "no room at all"])
def test_what_is_under_way_is_recorded(facteurd, nameserver, sink, small_disk, left):
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    gate = threading.Event()
    receiver = sink(2)
    receiver.on("dot", (gate, "250 2.0.0 taken"))
    receiver.on("rcpt", "450 4.2.0 later", "250 2.1.5 ok", match="later")
    f = facteurd({**SETTINGS, "Server": {"DataDir": small_disk / "data"}})
    recipients = [f"b{n}@dest.test" for n in range(12)] + ["later@dest.test", "box@dest.test"]
    for recipient in recipients:
        assert f.send("a@facteur.test", [recipient], b"Subject: x\r\n\r\n" + 1000 * b"0123456789\r\n") == {}
    receiver.wait_for("letters at the gate", lambda: sum(bool(m.data) for s in receiver.sessions for m in s.messages) >= 5)
    filler = fill(small_disk, left)
    code, text = wait_until("new mail is refused", lambda: (lambda answer: answer if answer[0] != 250 else None)(try_to_send(f, "c@dest.test")))
    assert code == 452 and text.startswith("4.3.1"), text
    gate.set()
    receiver.wait_for("all letters", lambda: {m.recipients[0] for m in receiver.messages} >= set(recipients))
    wait_until("all is recorded", lambda: not any(f.ask("status")["queues"].values()))  # the list is as old as the index
    taken = sorted(m.recipients[0] for m in receiver.messages)
    f.kill()
    filler.unlink()
    f.start()
    f.wait_count("the queue is read in", 2)
    f.wait_empty()
    assert try_to_send(f, "d@dest.test")[0] == 250
    receiver.wait_for("the letter after it", lambda: any(m.recipients[0] == "d@dest.test" for m in receiver.messages))
    assert sorted(m.recipients[0] for m in receiver.messages if m.recipients[0] != "d@dest.test") == taken
    assert [one for one in taken if one != "c@dest.test"] == sorted(recipients)


def test_it_goes_on_by_itself(facteurd, nameserver, sink, small_disk):
    nameserver.set("dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2")
    receiver = sink(2)
    f = facteurd({**SETTINGS, "Server": {"DataDir": small_disk / "data"}})
    filler = fill(small_disk, 0)
    refused = wait_until("new mail is refused", lambda: [answer for answer in [try_to_send(f, "a@dest.test")] if answer[0] != 250])
    assert refused[0][0] == 452
    large = "Subject: x\r\n\r\n" + 30_000 * "0123456789\r\n"
    code, text = try_to_send(f, "large@dest.test", large)
    assert code == 452 and text.startswith("4.3.1"), text
    assert not is_open(f)
    filler.unlink()
    wait_until("mail is taken again", lambda: is_open(f) and try_to_send(f, "b@dest.test")[0] == 250)
    assert try_to_send(f, "large@dest.test", large)[0] == 250
    receiver.wait_for("both", lambda: {m.recipients[0] for m in receiver.messages} >= {"b@dest.test", "large@dest.test"})
    f.stop()


def test_a_start_without_room(facteurd, small_disk):
    """It serves, takes nothing new, and nothing is missing."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # a name server that says nothing: no attempt is over before the end
    silent.bind(("127.0.0.1", 0))
    f = facteurd({**SETTINGS, "Server": {"DataDir": small_disk / "data"}, "DNS": {"Servers": f"127.0.0.1@{silent.getsockname()[1]}"}})
    f.send("a@facteur.test", ["b@nowhere.test"])
    f.kill()
    filler = fill(small_disk, 0)
    f.start()
    f.wait_count("the queue is read in", 2)
    code, text = try_to_send(f, "c@nowhere.test")
    assert code == 452 and text.startswith("4.3.1"), text
    filler.unlink()
    wait_until("mail is taken again", lambda: try_to_send(f, "c@nowhere.test")[0] == 250)
    f.wait_queue("both are there", lambda rows: {row["recipients"][0]["to"] for row in rows} == {"b@nowhere.test", "c@nowhere.test"})
