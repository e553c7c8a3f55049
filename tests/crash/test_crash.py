"""A sample of ./dev crash, always the same; and that a loss would be seen."""
import pytest

from sweep import Case, Sweep
from world import SHIM, Crash


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
