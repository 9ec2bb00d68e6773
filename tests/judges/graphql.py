"""schemathesis against GraphQL: queries and mutations made from the schema, as three roles."""

from __future__ import annotations

from pathlib import Path

from tests.judges.api import REST_SECONDS, read_report
from tests.judges.service import ROLES, Service, run_service
from tests.judges.verdict import Verdict, run_program
from tests.web.test_fuzz import PROGRAM


def make_command(service: Service, role: str, seconds: float) -> list[str]:
    """The command line for one role."""
    command = [PROGRAM, "run", f"{service.url}/api/graphql", "--max-time", str(round(seconds))]
    command += ["--continue-on-failure", "--no-color", "--request-timeout", "20", "--warnings", "off"]
    # An answer with errors is right where what is named does not exist: only crashes and other shapes count.
    command += ["--generation-database", "none"]
    return [*command, "--header", f"Authorization: Bearer {service.tokens[role]}"]


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
        findings += service.list_complaints()
    return Verdict(f"documents of schemathesis: {', '.join(said)}", findings)
