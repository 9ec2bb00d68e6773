"""schemathesis at length: every phase and every check against the REST API, as three roles."""

from __future__ import annotations

import re
from pathlib import Path

from tests.judges.service import ROLES, Service, run_service
from tests.judges.verdict import Verdict, run_program
from tests.web.test_fuzz import ELSEWHERE, ENDS_THE_RUN, PROGRAM, UNCONFIGURED

# What its time does not suffice for to shrink or to report.
REST_SECONDS = 180.0
CASES = re.compile(r"Test cases:\s*\n?\s*([\d,]+) generated", re.MULTILINE)
# Each of these takes a right answer of the service for a fault; see CONTRIBUTING.md.
MISTAKEN: tuple[str, ...] = ()


def make_command(service: Service, role: str, seconds: float) -> list[str]:
    """The command line for one role."""
    command = [PROGRAM, "run", f"{service.url}/api/openapi.json", "--max-time", str(round(seconds))]
    command += ["--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure", "--no-color"]
    command += ["--request-timeout", "20", "--generation-database", "none", "--warnings", "off"]
    if MISTAKEN:
        command += ["--exclude-checks", ",".join(MISTAKEN)]
    for operation in (*ENDS_THE_RUN, *UNCONFIGURED):
        command += ["--exclude-name", operation]
    for path in ELSEWHERE:
        command += ["--exclude-path", path]
    return [*command, "--header", f"Authorization: Bearer {service.tokens[role]}"]


def read_report(log: Path, code: int | None, who: str) -> tuple[str, list[str]]:
    """How many cases there were, and the findings as schemathesis heads them."""
    text = log.read_text(errors="replace")
    found = CASES.search(text)
    cases = found.group(1) if found else "no"
    if code == 0:
        return cases, []
    titles = sorted(set(re.findall(r"^- (.+)$", text, re.MULTILINE))) or [f"it ended with {code}"]
    return cases, [f"{who}: {title}; see {log}" for title in titles]


def judge(seconds: float, folder: Path) -> Verdict:
    """A third of the time for each role."""
    said, findings = [], []
    with run_service(folder) as service:
        for role in ROLES:
            log = folder / f"{role}.log"
            share = seconds / len(ROLES)
            code = run_program(make_command(service, role, share), log, share + REST_SECONDS, cwd=folder)
            cases, found = read_report(log, code, role)
            said.append(f"{cases} as {role}")
            findings += found
            service.call("GET", "/api/v1/auth/me", role=role)
        findings += service.list_complaints()
    return Verdict(f"cases of schemathesis: {', '.join(said)}", findings)
