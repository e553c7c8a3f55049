"""Large queues of the optimised facteurd: octets a message in memory, what is due at a start, lists, a changed mode.

50,000 messages, or as many as FACTEUR_SCALE says: `./dev scale` runs this file with a million, and prints how long the
start took until the first attempt. fill-queue makes the queues."""
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from peer.common import BUILD, LIMIT, wait_until

COUNT = int(os.environ.get("FACTEUR_SCALE", "50000"))
LIMIT_LARGE = LIMIT + COUNT // 2000  # seconds; no test needs it
BASE = 10000  # messages with which what does not grow is there
STUB_MAX = 150
LIST_MAX = 8 << 20  # what a list may add to facteurd, and all that facteur holds while it prints one
DELIVERING_MAX = 16 << 20  # what sessions, batches and history take that was not there before the first letter went
DUE = 3
READ_IN = re.compile(r'^start .*reason="the queue is read in"', re.M)


def fill(folder, count, due=0, seconds=86400, domains=1000):
    subprocess.run([BUILD / "fill-queue", folder, str(count), str(due), str(seconds), str(domains)], check=True, timeout=LIMIT_LARGE)


def read_in(server):
    """facteurd, started, with all of its queue in memory."""
    before = len(READ_IN.findall(server.log_text()))
    server.start(LIMIT_LARGE)
    wait_until("the queue is read in", lambda: len(READ_IN.findall(server.log_text())) > before, LIMIT_LARGE)
    return server


@pytest.fixture(scope="module")
def queued(tmp_path_factory):
    """(folder of COUNT messages, octets that each is in memory)"""
    from conftest import Daemon
    server = Daemon(tmp_path_factory.mktemp("scale") / "f", 1)
    fill(server.data, BASE)
    base = read_in(server).resident()
    server.stop(LIMIT_LARGE)
    fill(server.data, COUNT)
    each = (read_in(server).resident() - base) / COUNT
    yield server, each
    server.discard()


def test_octets_a_message(queued):
    _, each = queued
    print(f"\n{COUNT} messages more: {each:.0f} octets each")
    assert each <= STUB_MAX


def ids_of(out):
    """Of one JSON array of messages; a million of them at a time would need gigabytes here."""
    out.seek(0)
    if COUNT <= 100000:
        return [row["id"] for row in json.load(out)]
    ids, rest = [], ""
    while text := out.read(1 << 20):
        *whole, rest = (rest + text).split('{"id": "')
        ids += [one[:13] for one in whole[1 if not ids else 0:]]
    assert rest.endswith("]\n")
    return ids + [rest[:13]]


def test_a_list_is_held_by_nobody(queued):
    """Page by page: neither facteurd nor facteur grows with the queue, and other sessions are answered in between."""
    server, _ = queued
    server.forget_peak()
    before = server.resident()
    out = open(server.folder / "list", "w+")
    facteur = subprocess.Popen([BUILD / "facteur", "-c", server.ini, "--json", "queue", "list"], stdout=out)
    answered, peak = 0, 0
    with server.client() as client:
        while facteur.poll() is None:
            assert client.noop()[0] == 250
            answered += 1
            try:
                peak = max(peak, int(re.search(r"VmHWM:\s*(\d+)", open(f"/proc/{facteur.pid}/status").read())[1]) * 1024)
            except (OSError, TypeError):
                pass  # it has just ended
    assert facteur.returncode == 0
    ids = ids_of(out)
    grown = server.peak() - before
    print(f"\na list of {len(ids)}: facteurd {grown / 1024:.0f} KiB more, facteur {peak / 1024:.0f} KiB in all; "
          f"{answered} answers to another session meanwhile")
    assert len(ids) == COUNT + BASE and len(set(ids)) == len(ids)
    assert grown <= LIST_MAX and peak <= LIST_MAX + (8 << 20)
    assert answered >= len(ids) / 5000, "nobody else was served while the list was made"


def test_what_is_due_does_not_wait_for_the_rest(daemon):
    """The youngest of many are due. Seconds are printed and not judged: they are the machine's too."""
    server = daemon()
    listener = socket.create_server(("127.0.0.1", server.sink_port))
    listener.settimeout(LIMIT_LARGE)
    fill(server.data, COUNT, DUE)
    begun = time.monotonic()
    ready = []
    starter = threading.Thread(target=lambda: ready.append((server.start(LIMIT_LARGE), time.monotonic() - begun)))
    starter.start()
    session, _ = listener.accept()
    first = time.monotonic() - begun
    starter.join()
    wait_until("the queue is read in", lambda: READ_IN.search(server.log_text()), LIMIT_LARGE)
    print(f"\n{COUNT} messages, the last {DUE} of them due: ready after {ready[0][1]:.2f} s, first attempt after {first:.2f} s, "
          f"all in memory after {time.monotonic() - begun:.2f} s")
    assert server.ask("status")["queues"]["remote"] == COUNT
    session.close()
    listener.close()


def test_a_changed_mode_moves_all(daemon, load):
    """10,000 wait for 50 hosts that cannot be reached; the mode is changed; all of them go to the smart host, and nothing
    of their old routes was kept."""
    count = 10000
    server = daemon({"Delivery": {"Mode": "direct"}, "DNS": {"Servers": "127.0.0.1@9"}})
    fill(server.data, count, domains=50)
    source = load(server.sink_port)
    before = read_in(server).resident()
    server.reload({"Delivery": {"Mode": "smarthost"}})
    source.run(lambda: source.notices[None] >= count, LIMIT_LARGE)
    server.wait_empty()
    grown = server.resident() - before
    print(f"\n{count} messages after a change of the mode: {grown / 1024:.0f} KiB more")
    assert source.notices[None] == count
    assert grown <= DELIVERING_MAX
