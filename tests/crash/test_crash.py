"""A sample of ./dev crash, always the same; and that a loss would be seen."""
import dataclasses
import shutil
import signal
import subprocess

import pytest

from peer.common import BUILD, LIMIT
from sweep import Case, Sweep
from world import SETTINGS, SHIM, Crash


@pytest.fixture(scope="module")
def sweep():
    if not SHIM.exists():
        pytest.fail(f"{SHIM} is not there: ./dev build")
    made = Sweep(slots=8)
    yield made
    made.close()


@pytest.mark.parametrize("part, stride", [("start", 41), ("mail", 31), ("early", 29), ("move", 37), ("recover", 97), ("power", 43)])
def test_nothing_is_lost(sweep, part, stride):
    sums = sweep.run_all(sweep.cases(part, stride))
    print(f"{part}: {sums.cases} runs, {sums.deaths} ends, {sums.answered} answered, {sums.copies} second copies")
    assert not sums.wrong, "\n".join(f"{case}: {what}" for case, what in sums.wrong)
    assert sums.deaths >= sums.cases // 2 > 0 and sums.answered > 0


def test_a_sync_that_does_nothing_is_found(sweep):
    """A planted defect: 250 is said before anything is on disk."""
    calls = sweep.count(sweep.mail)
    outcome = sweep.run(Case("power", sweep.mail, [Crash(len(calls) // 2, lose=True, lie=True)]))
    assert outcome.died[0] and outcome.answered > 0
    assert any(what.startswith("lost: ") for what in outcome.wrong), outcome.wrong


def test_the_same_end_without_the_defect(sweep):
    """What was not synced really goes: the change before which it ended, and nothing that was answered."""
    calls = sweep.count(sweep.mail)
    outcome = sweep.run(Case("power", sweep.mail, [Crash(len(calls) // 2, lose=True)]))
    assert outcome.died[0] and outcome.answered > 0 and not outcome.wrong


def test_the_seal_of_secrets_is_safe_before_it_seals(sweep):
    """Ended between its name and the sync of its folder; the next start uses it, so that it must not go any more."""
    certificate, key = sweep.ca.issue("mta.facteur.test")  # making one would sync the folder
    scenario = dataclasses.replace(sweep.start, settings={"TLS": {"Certificate": certificate, "Key": key}})
    calls = sweep.count(scenario)
    at = next(n for n, line in enumerate(calls, 1) if line.split()[1:3] == ["rename", "keys/seal"])
    world = sweep.worlds.get()
    try:
        daemon = world.daemon
        daemon.put_in_place(scenario.template)
        daemon.change(scenario.settings)
        daemon.begin(Crash(at, "after", keep=True))
        assert daemon.popen.wait() == -signal.SIGKILL
        seal = (daemon.data / "keys/seal").read_bytes()
        daemon.begin(Crash(len(calls) // 2, lose=True))
        assert daemon.popen.wait() == -signal.SIGKILL
        assert (daemon.data / "keys/seal").read_bytes() == seal
    finally:
        world.discard()
        world.daemon.change(SETTINGS)
        sweep.worlds.put(world)


def run_facteur(daemon, crash, *arguments):
    """The exit status, and the trace; what it changes lies beside facteur.ini and in the data folder."""
    environment = {**daemon.environment(crash), "CRASH_FOLDER": str(daemon.folder)}
    done = subprocess.run([BUILD / "facteur", "-c", daemon.ini, *arguments], input="secret\n", text=True, capture_output=True,
                          env=environment, timeout=LIMIT)
    return done.returncode, daemon.calls()


@pytest.mark.parametrize("file, sign, arguments", [
    ("facteur.ini", "GiveUpDays = 3", ("config", "set", "RetryQueue.GiveUpDays", "3")),
    ("data/accounts.ini", "[more@facteur.test]", ("account", "add", "more@facteur.test", "--password-file", "-")),
], ids=["config set", "account add"])
@pytest.mark.parametrize("lose", [False, True])
def test_a_file_is_the_old_one_or_the_new_one(sweep, file, sign, arguments, lose):
    """F23: the command line ended at each change that it makes."""
    world = sweep.worlds.get()
    try:
        daemon, at, done, kept = world.daemon, 0, None, 0
        daemon.put_in_place(sweep.start.template)
        before = (daemon.folder / file).read_text()
        while done != 0:
            at += 1
            (daemon.folder / file).write_text(before)
            shutil.rmtree(daemon.aside)
            daemon.aside.mkdir()
            done, calls = run_facteur(daemon, Crash(at, lose=lose), *arguments)
            assert done == (-signal.SIGKILL if calls[-1].split()[0] == str(at) else 0), calls
            after = (daemon.folder / file).read_text()
            kept += after == before
            if after != before:
                assert sign in after and set(before.split()) <= set(after.split()), after
                assert subprocess.run([BUILD / "facteurd", "-t", "-c", daemon.ini], capture_output=True).returncode == 0
        assert at > 5 and after != before and 0 < kept < at
    finally:
        daemon.ini.write_text("")
        daemon.change({})
        sweep.worlds.put(world)
