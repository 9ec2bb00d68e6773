"""Autobahn's cases of the WebSocket protocol, against an echo server made of the sockets of /ws.

The suite needs Python 2.7: it is installed there, or runs as its Docker image.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from nexcorp.embedded.process import kill_group, spawn
from tests.chaos.cluster import REPOSITORY, choose_ports
from tests.judges.service import wait_for
from tests.judges.verdict import Deadline, Verdict, run_program

PACKAGE = "autobahntestsuite==25.10.1"
IMAGE = "crossbario/autobahn-testsuite"
INSTALL_SECONDS = 600.0
LACKING = (
    "Autobahn needs Python 2.7 (JUDGES_PYTHON2=/path/to/python2.7, for example of `pyenv install 2.7.18`) "
    "or a Docker that answers"
)
# 12 and 13 test compression, which the service does not offer; 9 tests large messages and takes long.
CASES = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
LARGE = "9.*"
LARGE_SECONDS = 300
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}


def find_python2() -> str | None:
    """Return the path of a Python 2.7, or None."""
    known = [os.environ.get("JUDGES_PYTHON2"), shutil.which("python2.7")]
    known += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/2.7*/bin/python2.7")))
    for path in known:
        if path and subprocess.run([path, "-c", "0"], capture_output=True).returncode == 0:
            return path
    return None


def install_suite(python: str, site: Path, log: Path) -> bool:
    """Install the suite into the folder `site` unless it is there; return whether it is."""
    if (site / "autobahntestsuite").exists():
        return True
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    if run_program([*install, "--target", str(site), PACKAGE], log, INSTALL_SECONDS) == 0:
        return True
    shutil.rmtree(site, ignore_errors=True)
    return False


def find_suite(folder: Path, log: Path) -> list[str] | None:
    """Return the command that runs the suite, or None if neither Python 2.7 nor Docker works."""
    python, site = find_python2(), folder / "site"
    if python is not None and install_suite(python, site, log):
        # The suite has a namespace package, which is found only in a site directory.
        start = "from autobahntestsuite.wstest import run; run()"
        start = f"import site; site.addsitedir({str(site)!r}); {start}"
        # The suite warns at length that Python 2 is no longer maintained.
        return [python, "-W", "ignore", "-c", start]
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "info"], capture_output=True).returncode == 0:
        mount = f"{folder}:{folder}"
        return [docker, "run", "--rm", "--network", "host", "-v", mount, IMAGE, "wstest"]
    return None


def judge(seconds: float, folder: Path) -> Verdict:
    """Run the cases; those of large messages only if there is time for them."""
    log, deadline = folder / "autobahn.log", Deadline(seconds)
    command = find_suite(folder, log)
    if command is None:
        return Verdict(LACKING, skipped=True)
    (port,) = choose_ports(1)
    reports = folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    plan = {
        "outdir": str(reports),
        "servers": [{"agent": "nexcorp", "url": f"ws://127.0.0.1:{port}"}],
        "cases": [*CASES, *([LARGE] if seconds >= LARGE_SECONDS else [])],
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    arguments = ["-m", "fuzzingclient", "-s", str(folder / "plan.json")]
    with log.open("ab") as output:
        echo = spawn(
            [sys.executable, "-m", "tests.judges.echo", str(port)],
            cwd=REPOSITORY,
            output=output,
            death_signal=signal.SIGKILL,
        )
    try:
        wait_for(port)
        code = run_program([*command, *arguments], log, deadline.left(), cwd=folder)
    finally:
        kill_group(echo)
    if code is None or not (reports / "index.json").exists():
        return Verdict("Autobahn did not come to its end", [f"Autobahn ended with {code}: see {log}"])
    return read_reports(json.loads((reports / "index.json").read_text())["nexcorp"])


def read_reports(cases: dict[str, Any]) -> Verdict:
    """Return the verdict on the suite's report."""
    counts: dict[str, int] = {}
    findings = []
    for name, case in sorted(cases.items()):
        counts[case["behavior"]] = counts.get(case["behavior"], 0) + 1
        if case["behavior"] not in GOOD or case["behaviorClose"] not in GOOD:
            findings.append(f"case {name}: {case['behavior']}, closing {case['behaviorClose']}")
    shown = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    return Verdict(f"{len(cases)} cases of Autobahn: {shown}", findings)
