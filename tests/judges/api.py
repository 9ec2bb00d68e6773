"""schemathesis with all its phases and checks against the REST API, as three roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.judges.service import ROLES, Service, run_service
from tests.judges.verdict import Verdict, run_program
from tests.web.test_fuzz import ELSEWHERE, ENDS_THE_RUN, PROGRAM, UNCONFIGURED

# schemathesis ends its run by itself, and then shrinks its failures for some time.
MORE_SECONDS = 240.0
CASES = re.compile(r"Test cases:\s*([\d,]+) generated")
# Lines of failures in the summary at the end.
FAILURES = re.compile(r"^  ❌ (\S+ .+: \d+)$", re.MULTILINE)
# This check takes correct refusals for faults: a cursor of another list, an idempotency key used before,
# values that contradict each other. OpenAPI cannot describe these.
MISTAKEN = ("positive_data_acceptance",)


def make_command(service: Service, role: str, seconds: float) -> list[str]:
    """Return the command line for one role."""
    command = [PROGRAM, "run", f"{service.url}/api/openapi.json", "--max-time", str(round(seconds))]
    command += ["--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure", "--no-color"]
    command += ["--request-timeout", "20", "--generation-database", "none", "--warnings", "off"]
    command += ["--exclude-checks", ",".join(MISTAKEN)]
    for operation in (*ENDS_THE_RUN, *UNCONFIGURED):
        command += ["--exclude-name", operation]
    for path in ELSEWHERE:
        command += ["--exclude-path", path]
    return [*command, "--header", f"Authorization: Bearer {service.tokens[role]}"]


def ask_roles(
    command: Callable[[Service, str, float], list[str]],
    seconds: float,
    folder: Path,
    env: Mapping[str, str] | None = None,
) -> Verdict:
    """Run schemathesis as each role, for an equal share of the time."""
    said, findings = [], []
    share = seconds / len(ROLES)
    with run_service(folder) as service:
        for role in ROLES:
            log = folder / f"{role}.log"
            code = run_program(command(service, role, share), log, share + MORE_SECONDS, cwd=folder, env=env)
            text = log.read_text(errors="replace")
            cases = CASES.search(text)
            said.append(f"{cases.group(1) if cases else 'no'} as {role}")
            if code != 0:
                titles = FAILURES.findall(text) or [f"it ended with {code}"]
                findings += [f"{role}: {title}; see {log}" for title in titles]
            # Raises if the session has ended: then every case was refused.
            service.call("GET", "/api/v1/auth/me", role=role)
        findings += service.list_complaints()
    return Verdict(f"cases of schemathesis: {', '.join(said)}", findings)


def judge(seconds: float, folder: Path) -> Verdict:
    """Run schemathesis for a third of the time as each role."""
    return ask_roles(make_command, seconds, folder)
