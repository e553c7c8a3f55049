"""System calls, syncs and wake-ups a message: counts, which do not depend on how fast the machine is.

With batches of 8 and more a message costs at most 14 calls in lockstep and 6 pipelined; a batch is one write and one sync
of the journal, and two wake-ups between the loop's thread and the store's. The trace itself is read, so a failure says
which calls there were."""
import contextlib
import os
import re
import signal
from collections import Counter

import pytest

from peer.common import need

CALL = re.compile(r"^(\d+) +(\w+)\((?:(\d+))?(.*)$")
SYNCS = ("fdatasync", "fsync", "sync_file_range", "syncfs", "msync")


class Counts:
    """What strace saw of one run: calls by name, those by which the threads wake one another, and syncs by file."""

    def __init__(self, text, loop_thread, files):
        self.calls, self.threads = Counter(), Counter()
        self.wakeups, self.syncs, self.writes = 0, Counter(), Counter()
        for line in text.splitlines():
            found = CALL.match(line)
            if not found:
                continue
            thread, name, descriptor, rest = found.groups()
            in_loop, file = thread == str(loop_thread), files.get(descriptor, descriptor)
            self.calls[name] += 1
            self.threads[(in_loop, name)] += 1
            self.syncs[file] += name in SYNCS
            self.writes[file] += name in ("pwritev", "pwrite64")
            woken = name == "futex" and "FUTEX_WAKE" in rest and "FUTEX_WAIT" not in rest and in_loop
            self.wakeups += woken or (name == "write" and not in_loop and "eventfd" in str(file))
        self.total = sum(self.calls.values())

    def journal(self):
        """The active segment: nothing else is synced so often."""
        return self.syncs.most_common(1)[0][0]


def open_files(pid):
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[name] = os.readlink(f"/proc/{pid}/fd/{name}")
    return found


def traced(daemon, load, sessions, count, pipelined, tmp_path):
    """The counts of count messages, all of them in and out, through a warm facteurd; their sessions' beginning and end too."""
    need("strace")
    trace = tmp_path / "trace"
    server = daemon({"Limits": {"SegmentSize": "16M"}}, before=["strace", "-f", "-qq", "-s", "0", "-e", "signal=none", "-o", str(trace)])
    source = load(server.sink_port)
    server.start(limit=120)
    assert server.is_ready(), server.log_text()
    source.relay(server.relay_port, sessions, sessions * 8, pipelined)
    pid = server.pid()
    files, from_octet = open_files(pid), trace.stat().st_size
    source.relay(server.relay_port, sessions, count, pipelined)
    to_octet, files = trace.stat().st_size, open_files(pid) | files
    assert all(times == 1 for times in source.arrived.values()), "delivered twice"
    with open(trace, "rb") as file:
        file.seek(from_octet)
        text = file.read(to_octet - from_octet).decode(errors="replace")
    os.kill(pid, signal.SIGTERM)
    server.popen.wait()
    return Counts(text, pid, files)


@pytest.mark.parametrize("sessions, pipelined, most", [(64, False, 14), (64, True, 6)])
def test_calls_a_message(daemon, load, tmp_path, sessions, pipelined, most):
    count = 2000
    counts = traced(daemon, load, sessions, count, pipelined, tmp_path)
    journal = counts.journal()
    batches, syncs = counts.writes[journal], counts.syncs[journal]
    other_syncs = sum(n for file, n in counts.syncs.items() if "/segments/" not in file)  # the next one may be made ready
    a_message = {name: round(n / count, 3) for name, n in counts.calls.most_common(14)}
    print(f"\n{sessions} sessions {'pipelined' if pipelined else 'lockstep'}: {counts.total / count:.2f} calls a message "
          f"(at most {most}), {count / batches:.1f} messages a batch, {syncs / batches:.2f} syncs and "
          f"{counts.wakeups / batches:.2f} wake-ups a batch, {other_syncs} other syncs; {a_message}\n"
          f"loop: { {n: round(v / count, 3) for (l, n), v in counts.threads.most_common(20) if l} }\n"
          f"others: { {n: round(v / count, 3) for (l, n), v in counts.threads.most_common(24) if not l} }")
    assert "/segments/" in journal, f"synced most often: {journal}"
    assert count / batches >= 8, f"batches of {count / batches:.1f}: the load does not keep it busy"
    assert counts.total / count <= most, a_message
    assert abs(syncs - batches) <= 1, f"{syncs} syncs of the journal for {batches} writes to it"  # the trace begins between two
    assert other_syncs <= batches / 10, f"syncs beside the journal's: {counts.syncs}"
    # The history wakes its thread too, a few times a second and so more often a batch when the trace is slow.
    assert counts.wakeups <= 2.5 * batches, f"{counts.wakeups} wake-ups for {batches} batches"
