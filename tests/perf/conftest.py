"""facteurd for tests of counts and memory: the fixtures of the real peers, and a start under a tracer or a shim."""
import itertools
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "peers")]

from load import Load  # noqa: E402
from peer.common import BUILD, LIMIT, free_port, wait_until  # noqa: E402
from peer.server import Facteurd  # noqa: E402


class Daemon(Facteurd):
    """A smart host on sink_port takes all mail. before: words in front of the program's name, as strace's."""

    def __init__(self, folder, sink_port, settings=None, before=(), environment=None):
        super().__init__(folder, {"Delivery": {"Mode": "smarthost", "SmartHost": f"[127.0.0.1]:{sink_port}"},
                                  "Limits": {"MinFree": "10M", "MaxSessionsPerAddress": "2000"}})
        self.change(settings or {})
        self.sink_port, self.before, self.environment = sink_port, list(before), environment

    def start(self, limit=LIMIT):
        self._ready.clear()
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen([*self.before, BUILD / "facteurd", "-c", self.ini], stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=log, env=self.environment)
        threading.Thread(target=self._read_stdout, args=(self.popen,), daemon=True).start()
        wait_until("facteurd says ready or ends", lambda: self._ready.is_set() or not self.is_running(), limit)
        return self

    def is_ready(self):
        return self._ready.is_set()

    def pid(self):
        """Of facteurd itself, under a tracer too."""
        if not self.before:
            return self.popen.pid
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()
        return int(children[0])

    def resident(self, what="VmRSS"):
        """Octets."""
        status = Path(f"/proc/{self.pid()}/status").read_text()
        return int(re.search(rf"^{what}:\s*(\d+) kB", status, re.M)[1]) * 1024

    def peak(self):
        return self.resident("VmHWM")

    def forget_peak(self):
        Path(f"/proc/{self.pid()}/clear_refs").write_text("5")

    def largest_mappings(self, count=6):
        """What the resident memory is, by file: {name: octets}."""
        sizes, name = Counter(), None
        for line in Path(f"/proc/{self.pid()}/smaps").read_text().splitlines():
            words = line.split(None, 5)
            if "-" in words[0] and not words[0].endswith(":"):
                name = Path(words[5]).name if len(words) > 5 else "anonymous"
            elif words[0] == "Rss:":
                sizes[name] += int(words[1]) * 1024
        return dict(sizes.most_common(count))


@pytest.fixture
def daemon(tmp_path):
    if not (BUILD / "facteurd").exists():
        pytest.fail("build/facteurd is not there: ./dev build")
    made, numbers = [], itertools.count(1)

    def make(settings=None, **options):
        server = Daemon(tmp_path / f"f{next(numbers)}", options.pop("sink_port", None) or free_port(), settings, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.discard()


@pytest.fixture
def load():
    made = []

    def make(*arguments, **options):
        made.append(Load(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
