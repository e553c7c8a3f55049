"""Bit rot in a stopped queue (F08, S33): what is damaged is set aside and named, the other letters are delivered."""
import re

import pytest

from peer.common import wait_until

SETTINGS = {"Limits": {"SegmentSize": "8M"},
            "RetryQueue": {"RemoteRetryMinutes": "2s", "RetryMinutes": "2s", "DelayAfterTempErrorMinutes": "0"},
            "Delivery": {"CacheConnectionFailuresMinutes": "0"}}
RECORDS = "dest.test. MX 10 mx2.test.", "mx2.test. A 127.0.0.2"
LETTERS = 6


def fill(f, size=3000):
    """Each letter's body says its name again and again; the ids by recipient."""
    for n in range(LETTERS):
        f.send("a@facteur.test", [f"b{n}@dest.test"], f"Subject: letter{n}\r\n\r\n" + size // 10 * f"body-of-{n}\r\n")
    f.wait_queue("all wait", lambda rows: len(rows) == LETTERS and all(row["recipients"][0]["attempts"] for row in rows))
    ids = {row["recipients"][0]["to"]: row["id"] for row in f.queue()}
    f.stop()
    return ids


def flip(folder, pattern, which=0):
    """Another bit in the middle of the which-th place where the octets stand, in any file of the folder."""
    for path in sorted(folder.iterdir()):
        octets = bytearray(path.read_bytes())
        places = [found.start() for found in re.finditer(re.escape(pattern), octets)]
        if places:
            octets[places[min(which, len(places) - 1)] + len(pattern) // 2] ^= 4
            path.write_bytes(octets)
            return
    raise AssertionError(f"{pattern} is nowhere in {folder}")


def flip_all(folder, pattern):
    """The same in each place: an envelope was written with the letter, and again with each attempt."""
    found = False
    for path in folder.iterdir():
        octets = path.read_bytes()
        bad = bytearray(pattern)
        bad[len(bad) // 2] ^= 4
        found |= pattern in octets
        path.write_bytes(octets.replace(pattern, bytes(bad)))
    assert found


def check(f, receiver, ids, damaged):
    """All but the damaged ones are delivered with what was sent; those are named, out of the queue, and their octets kept."""
    receiver.listen_again()
    f.start()
    good = {to for to in ids if to not in damaged}
    receiver.wait_for("the others", lambda: {m.recipients[0] for m in receiver.messages} >= good)
    for to in damaged:
        f.wait_log(rf"(?m)^quarantined id={ids[to]} ")
    f.wait_empty()
    assert {m.recipients[0] for m in receiver.messages} == good and len(receiver.messages) == len(good)
    for message in receiver.messages:
        number = message.recipients[0][1]
        assert message.data.count(f"body-of-{number}\r\n".encode()) * 12 > len(message.data) - 700
    assert any(alert["subject"] == "damaged" for alert in f.ask("status")["alerts"]) == bool(damaged)
    assert bool(damaged) == any((f.data / "quarantine").glob("*"))
    f.stop()


@pytest.fixture
def queue(facteurd, nameserver, sink):
    nameserver.set(*RECORDS)
    receiver = sink(2)
    receiver.stop_listening()
    return facteurd(SETTINGS), receiver


def test_an_envelope(queue):
    f, receiver = queue
    ids = fill(f)
    flip_all(f.data / "segments", b"b3@dest.test")
    check(f, receiver, ids, ["b3@dest.test"])


def test_a_body(queue):
    f, receiver = queue
    ids = fill(f)
    flip(f.data / "segments", b"body-of-2", 40)
    check(f, receiver, ids, ["b2@dest.test"])


def test_two_bodies_and_an_envelope(queue):
    f, receiver = queue
    ids = fill(f)
    for n in (1, 4):
        flip(f.data / "segments", f"body-of-{n}".encode(), 7)
    flip_all(f.data / "segments", b"b5@dest.test")
    check(f, receiver, ids, ["b1@dest.test", "b4@dest.test", "b5@dest.test"])


def test_a_large_body(queue):
    f, receiver = queue
    ids = fill(f, size=300_000)
    flip(f.data / "big", b"body-of-0", 20_000)
    check(f, receiver, ids, ["b0@dest.test"])


def test_a_letter_for_a_mailbox(facteurd):
    f = facteurd(SETTINGS)
    f.add_account("box@facteur.test", "secret")
    (f.data / "mail/facteur.test").mkdir(parents=True)
    in_the_way = f.data / "mail/facteur.test/box"
    in_the_way.write_text("no folder")
    for n in range(3):
        f.send("a@facteur.test", ["box@facteur.test"], f"Subject: letter{n}\r\n\r\n" + 300 * f"body-of-{n}\r\n")
    rows = f.wait_queue("all wait", lambda rows: len(rows) == 3 and all(row["recipients"][0]["attempts"] for row in rows))
    f.stop()
    flip(f.data / "segments", b"body-of-1", 7)
    in_the_way.unlink()
    f.start()
    assert sorted(letter["Subject"] for letter in f.wait_maildir("box", 2)) == ["letter0", "letter2"]
    f.wait_log(rf"(?m)^quarantined id={sorted(row['id'] for row in rows)[1]} ")
    f.wait_empty()
    assert len(f.maildir("box")) == 2


def test_a_page_of_the_index(queue):
    """The index can be made again from the journal: nothing is missing."""
    f, receiver = queue
    ids = fill(f)
    index, = f.data.glob("index-*.db")
    octets = bytearray(index.read_bytes())
    for page in range(1, len(octets) // 4096):
        octets[page * 4096 + 2000] ^= 1
        octets[page * 4096 + 4000] ^= 1
    index.write_bytes(octets)
    check(f, receiver, ids, [])
