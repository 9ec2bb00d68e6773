"""`python -m tests.judges [NAME ...]`: run these external judges, or all; exit 1 if one has findings.

JUDGES_SECONDS limits the time of each. Logs and reports stay in build/judges.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

from tests.chaos.cluster import REPOSITORY
from tests.judges.verdict import Verdict

JUDGES = ("frames", "autobahn", "api", "graphql", "injections", "slow")
SECONDS = 300.0
MOST_SHOWN = 10


def hear(name: str, seconds: float) -> Verdict:
    """Run one judge; return its verdict. A judge that fails to run counts as a finding."""
    folder = REPOSITORY / "build" / "judges" / name
    folder.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        log.unlink()
    try:
        verdict: Verdict = importlib.import_module(f"tests.judges.{name}").judge(seconds, folder)
    except Exception as error:
        verdict = Verdict("it could not be run", [f"{type(error).__name__}: {error}"])
    (folder / "verdict.txt").write_text("\n".join([verdict.says, *verdict.findings]) + "\n")
    return verdict


def show(name: str, verdict: Verdict, seconds: float) -> None:
    """Print the verdict in one line, and its first findings."""
    state = "skipped" if verdict.skipped else "FOUND" if verdict.findings else "clean"
    print(f"{name:<11} {state:<8} {verdict.says} ({seconds:.0f} s)", flush=True)
    for finding in verdict.findings[:MOST_SHOWN]:
        print(f"            - {finding}")
    if len(verdict.findings) > MOST_SHOWN:
        print(f"            - and {len(verdict.findings) - MOST_SHOWN} more")


def main(names: list[str]) -> int:
    """Run the judges of these names one after the other; return the exit code."""
    unknown = set(names) - set(JUDGES)
    if unknown:
        print(f"There are the judges {', '.join(JUDGES)}, not {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    seconds = float(os.environ.get("JUDGES_SECONDS") or SECONDS)
    found = False
    for name in names or JUDGES:
        began = time.monotonic()
        verdict = hear(name, seconds)
        show(name, verdict, time.monotonic() - began)
        found = found or bool(verdict.findings)
    print(f"Logs: {Path('build/judges')}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
