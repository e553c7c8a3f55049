#!/usr/bin/env python3
"""Each planted defect (src/base/planted.h) is found by the simulated worlds, and by nothing but the defect: the world that
finds it is clean without it. Argument: the program facteur-sim-planted."""
import re
import subprocess
import sys
from pathlib import Path

SEEDS = "1-1000"  # the first that finds a defect stands in docs/TESTING.md; any of these will do
HEADER = Path(__file__).resolve().parents[2] / "src/base/planted.h"


def run(program, *arguments):
    done = subprocess.run([program, *arguments, "--once"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def check(program, defect):
    """What is wrong, or None; prints what was found."""
    status, said = run(program, "--plant", defect, "--seeds", SEEDS)
    found = re.search(r"^seed (\d+): (.+)$", said, flags=re.M)
    if status != 1 or not found:
        return f"{defect}: not found in seeds {SEEDS} (status {status}): {said.strip()}"
    print(f"{defect}: seed {found[1]}: {found[2]}")
    status, said = run(program, "--plant", "none", "--seeds", found[1])
    if status != 0 or "1 worlds, 0 violations" not in said:
        return f"{defect}: seed {found[1]} is not clean without it (status {status}): {said.strip()}"
    return None


def main(program):
    defects = re.findall(r'PLANTED_ROW\(\w+, "([^"]+)"\)', HEADER.read_text(encoding="utf-8"))
    assert len(defects) >= 6, "no defects are listed in src/base/planted.h"
    status, said = run(program, "--plant", "nonsense", "--seeds", "1")
    assert status == 2, f"a defect that does not exist is accepted: {said}"
    wrong = [what for what in (check(program, defect) for defect in defects) if what]
    for what in wrong:
        print(what, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
