"""schemathesis against GraphQL: queries and mutations made from the schema, as three roles."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.cluster import REPOSITORY
from tests.judges.api import ask_roles
from tests.judges.service import Service
from tests.judges.verdict import Verdict
from tests.web.test_fuzz import PROGRAM

CHECKS = "not_broken,content_type_conformance,response_schema_conformance"
HOOKS = {"SCHEMATHESIS_HOOKS": "tests.judges.hooks", "PYTHONPATH": str(REPOSITORY)}


def make_command(service: Service, role: str, seconds: float) -> list[str]:
    """Return the command line for one role."""
    command = [PROGRAM, "run", f"{service.url}/api/graphql", "--max-time", str(round(seconds))]
    command += ["--checks", CHECKS, "--continue-on-failure", "--no-color", "--warnings", "off"]
    command += ["--request-timeout", "20", "--generation-database", "none"]
    return [*command, "--header", f"Authorization: Bearer {service.tokens[role]}"]


def judge(seconds: float, folder: Path) -> Verdict:
    """Run schemathesis for a third of the time as each role."""
    return ask_roles(make_command, seconds, folder, HOOKS)
