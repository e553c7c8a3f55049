"""The real facteurd ended at every change of its disk, and what became of the mail: ./dev crash.

Each part runs its scenario once to count the changes, then once for each of them:
  start    the very first start, and one letter
  mail     letters of every shape, through to the clean end
  early    a recipient is settled while another one's host is slow
  move     segments with survivors are copied on and recycled
  recover  ended at some places of mail, then again at every place of the start that follows
  power    as mail, and what was not synced is lost: all of it, or some of it by a seed
Before the change, after it, and half-way through a write.
"""
import argparse
import collections
import concurrent.futures
import queue
import re
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "peers")]

from peer.common import BUILD, CertificateAuthority  # noqa: E402
from world import SHIM, Crash, Scenario, World, data_folder, early_scenario, mail_scenario, move_scenario, start_scenario  # noqa: E402

PARTS = "start mail early move recover power".split()
SPARE = 1.1  # so much more than counted: what happens at the same time does not happen in the same order twice


@dataclass
class Case:
    part: str
    scenario: Scenario
    crashes: list

    def __str__(self):
        return f"{self.part}: {'; then '.join(map(str, self.crashes))}"


@dataclass
class Sums:
    cases: int = 0
    deaths: int = 0
    missed: int = 0  # the run was over before its crash came
    answered: int = 0
    copies: int = 0
    wrong: list = field(default_factory=list)
    places: collections.Counter = field(default_factory=collections.Counter)


class Sweep:
    """Worlds in which cases run at the same time; in memory, for a kill leaves the page cache as it is."""

    def __init__(self, slots, keep=None):
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="facteur-crash-", dir=memory if memory.is_dir() else None))
        (self.folder / "ca").mkdir()
        self.ca = CertificateAuthority(self.folder / "ca")
        self.worlds = queue.Queue()
        for n in range(slots):
            self.worlds.put(World(self.folder / f"w{n}", self.ca))
        self.slots, self.keep = slots, keep
        self.lock = threading.Lock()
        world = self.worlds.get()
        fresh = data_folder(world, self.folder / "fresh")
        self.start = start_scenario(fresh)
        self.mail = mail_scenario(world, fresh, self.folder / "mail")
        self.early = early_scenario(self.folder / "mail")
        self.move = move_scenario(world, fresh, self.folder / "move")
        self.worlds.put(world)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- the cases

    def count(self, scenario, crashes=()):
        """The changes of a run that nothing ends: one of the scenario, or the one that follows the crashes."""
        outcome = self.run(Case("count", scenario, [*crashes, Crash(0)]))
        assert not outcome.wrong, outcome.wrong
        return outcome.calls[-1]

    def cases(self, part, stride=1):
        if part == "recover":
            yield from self.cases_recover(stride)
            return
        scenario = self.mail if part == "power" else getattr(self, part)
        calls = self.count(scenario)
        writes = {int(line.split()[0]) for line in calls if "write" in line.split()[1]}
        for at in range(1, int(len(calls) * SPARE) + 1):
            if (at + len(part)) % stride:
                continue
            if part == "power":
                yield Case(part, scenario, [Crash(at, lose=True)])
                yield Case(part, scenario, [Crash(at, lose=True, seed=at)])
                continue
            yield Case(part, scenario, [Crash(at)])
            yield Case(part, scenario, [Crash(at, "after")])
            if at in writes:
                yield Case(part, scenario, [Crash(at, "half")])

    def cases_recover(self, stride):
        """Every place of the start that follows a few ends far apart; then every end with one place of the start after it. Where
        the first run's unsynced changes are kept, a power cut in the second takes them too."""
        calls = self.count(self.mail)
        step = max(len(calls) // max(12 // stride, 2), 1)
        for at in range(step // 2, len(calls), step):
            first = Crash(at, "half" if "write" in calls[at - 1].split()[1] else "before")
            again = self.count(self.mail, [first])
            for then in range(1, int(len(again) * SPARE) + 1):
                if (at + then) % stride == 0:
                    yield Case("recover", self.mail, [first, Crash(then)])
                if (at + then) % (3 * stride) == 0:
                    yield Case("recover", self.mail, [Crash(at, keep=True), Crash(then, lose=True, seed=then % 2 * then)])
        for at in range(1, len(calls) + 1):
            if at % stride == 0:
                yield Case("recover", self.mail, [Crash(at, "after"), Crash(at * 13 % len(again) + 1)])

    # -- running them

    def run(self, case):
        world = self.worlds.get()
        try:
            outcome = world.run(case.scenario, case.crashes)
            if outcome.wrong and self.keep:
                self.save(world, case, outcome)
            return outcome
        finally:
            self.worlds.put(world)

    def save(self, world, case, outcome):
        place = self.keep / re.sub(r"\W+", "-", str(case))
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(world.daemon.folder, place, ignore=lambda folder, names: [name for name in names if name in ("control", "submit")])
        (place / "wrong").write_text("\n".join(outcome.wrong + outcome.died) + "\n")

    def run_all(self, cases, tell=lambda sums: None):
        sums = Sums()
        with concurrent.futures.ThreadPoolExecutor(self.slots) as pool:
            waiting = {}
            for case in cases:
                waiting[pool.submit(self.run, case)] = case
                while len(waiting) >= self.slots:
                    self.gather(waiting, sums, tell)
            while waiting:
                self.gather(waiting, sums, tell)
        return sums

    def gather(self, waiting, sums, tell):
        done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
        for one in done:
            case, outcome = waiting.pop(one), one.result()
            sums.cases += 1
            sums.deaths += sum(1 for line in outcome.died if line)
            sums.missed += sum(1 for line in outcome.died if not line)
            sums.answered += outcome.answered
            sums.copies += outcome.copies
            sums.wrong += [(case, what) for what in outcome.wrong]
            sums.places.update(place_of(line) for line in outcome.died if line)
            tell(sums)


def place_of(line):
    """12 pwritev segments/00000003 8192 -> pwritev segments/N"""
    _, call, path, _ = line.split(" ")
    path = re.sub(r"(mail/[^/]+/[^/]+/\w+)/.+", r"\1/N", path)
    path = re.sub(r"(big|segments|quarantine)/.+", r"\1/N", path)
    return f"{call} {re.sub(r'index-[0-9]+', 'index-N', path)}"


class Progress:
    def __init__(self, part):
        self.part, self.begun, self.told = part, time.monotonic(), time.monotonic()

    def __call__(self, sums):
        if time.monotonic() - self.told > 10:
            self.told = time.monotonic()
            print(f"   {self.part}: {sums.cases} runs in {self.told - self.begun:.0f} s, {sums.deaths} ends, "
                  f"{sums.answered} letters answered 250, {len(sums.wrong)} wrong", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help=" ".join(PARTS) + " (all)")
    parser.add_argument("--stride", type=int, default=1, help="only every so many-th place")
    parser.add_argument("--slots", type=int, default=8, help="runs at the same time")
    arguments = parser.parse_args()
    assert SHIM.exists(), f"{SHIM} is not there: ./dev build"
    keep = BUILD / "crash"
    shutil.rmtree(keep, ignore_errors=True)
    sweep, wrong, deaths = Sweep(arguments.slots, keep), 0, 0
    try:
        for part in arguments.parts or PARTS:
            sums = sweep.run_all(sweep.cases(part, arguments.stride), Progress(part))
            print(f"{part}: {sums.cases} runs, {sums.deaths} ends ({sums.missed} places not reached), {sums.answered} letters answered "
                  f"250, {sums.copies} second copies with a reason, {len(sums.wrong)} wrong", flush=True)
            for place, count in sorted(sums.places.items()):
                print(f"      {count:5} {place}")
            for case, what in sums.wrong:
                print(f"   {case}: {what}")
            wrong, deaths = wrong + len(sums.wrong), deaths + sums.deaths
    finally:
        sweep.close()
    print(f"{deaths} ends, {wrong} wrong" + (f"; folders and logs of those are in {keep}" if wrong else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
