"""sqlmap over every input of clients: query strings, paths, JSON bodies and headers, as an administrator."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nexcorp.domain.demo import DEMO_PASSWORD, EMMY, PEOPLE
from tests.judges.service import Service, run_service
from tests.judges.verdict import Deadline, Verdict, run_program

LACKING = "sqlmap is not installed (pip install sqlmap, or Debian and Ubuntu: apt install sqlmap)"
API = "/api/v1"
FOUND = "identified the following injection point"
# sqlmap prints this line for each parameter it could not inject.
HELD = re.compile(r"parameter '.+' does not seem to be injectable")
LEAST_SECONDS = 5.0
# From this many seconds on, sqlmap tries more kinds of injection.
LONG_SECONDS = 1800


class Target(NamedTuple):
    """A request. In paths and headers, * follows the value to inject; in queries and bodies all are tried."""

    method: str
    path: str
    body: Any = None
    header: str | None = None


def list_targets(service: Service) -> Iterator[Target]:
    """Yield requests whose values come nearest to SQL: searches, filters, orders, cursors, ids, documents.

    Each request is valid, so that none is refused for a value that is not being tried.
    """
    posts = service.call("GET", f"{API}/posts?limit=1", role="admin")
    post, me = posts["data"][0]["id"], service.call("GET", f"{API}/auth/me", role="admin")["id"]
    word, day = "compiler", "2026-01-01T00:00:00Z"
    yield Target("GET", f"{API}/search?q={word}&kind=post&limit=5")
    yield Target("GET", f"{API}/posts?q={word}&author={me}&type=normal&limit=5")
    yield Target("GET", f"{API}/posts?limit=1&cursor={posts['nextCursor']}")
    yield Target("GET", f"{API}/tasks?q={word}&sort=due&status=todo&priority=high&assignee={me}&due=overdue")
    yield Target("GET", f"{API}/leads?q={word}&stage=new&source=website&minScore=1&sort=score&owner={me}")
    yield Target("GET", f"{API}/users?q=ada&role=admin&status=active&page=1&pageSize=5")
    yield Target("GET", f"{API}/events?type=post.created&entityType=post&entityId={post}&from={day}")
    yield Target("GET", f"{API}/projects?q={word}&visibility=private&role=owner&limit=5")
    yield Target("GET", f"{API}/messages/search?q={word}&limit=5")
    yield Target("GET", f"{API}/notifications?type=mention&unread=true&grouped=true&limit=5")
    yield Target("GET", f"{API}/tasks/export.csv?q={word}&sort=due&kind=task")
    yield Target("GET", f"{API}/posts/{post}*")
    yield Target("GET", f"{API}/users/{me}*/posts")
    yield Target("GET", f"{API}/auth/me", header='If-None-Match: "abc*"')
    said = {"title": "A title", "body": "Something"}
    # Each sign-in ends an older session; no other request uses this person's.
    person = {"email": PEOPLE[EMMY].email, "password": DEMO_PASSWORD, "platform": "cli"}
    for header in ("X-Request-Id: abc*", "User-Agent: abc*", "X-Forwarded-For: ::1*"):
        yield Target("POST", f"{API}/auth/login", person, header)
    yield Target("POST", f"{API}/posts", said, "Idempotency-Key: abc*")
    yield Target("POST", f"{API}/posts", said)
    yield Target("POST", f"{API}/auth/login", person)
    yield Target("POST", f"{API}/tasks", {"title": "A task", "description": "To do", "priority": "high"})
    yield Target("PATCH", f"{API}/users/me", {"firstName": "Ada", "bio": "Writes", "department": "Sales"})
    document = "query($stage: String, $owner: ID) { getLeads(stage: $stage, owner: $owner) { id } }"
    yield Target("POST", "/api/graphql", {"query": document, "variables": {"stage": "new", "owner": me}})


def make_command(program: str, service: Service, target: Target, output: Path, level: int) -> list[str]:
    """Return the command line for one target; every status counts as an answer."""
    command = [program, "--batch", "--disable-coloring", "--flush-session", "--output-dir", str(output)]
    command += ["--dbms", "PostgreSQL", "--technique", "BEUSTQ", "--level", str(level), "--risk", "2"]
    command += ["--threads", "2", "--time-sec", "3", "--timeout", "20", "--ignore-code", "*"]
    command += ["--skip", "Cookie", "--method", target.method, "-u", service.url + target.path]
    command += ["-H", f"Authorization: Bearer {service.tokens['admin']}"]
    if target.header is not None:
        command += ["-H", target.header]
    if target.body is not None:
        command += ["-H", "Content-Type: application/json", "--data", json.dumps(target.body)]
    elif target.method == "POST":
        command += ["--data", ""]
    return command


def find_program() -> str | None:
    """Return the path of sqlmap in this environment or on the machine, or None."""
    own = Path(sys.executable).with_name("sqlmap")
    return str(own) if own.exists() else shutil.which("sqlmap")


def judge(seconds: float, folder: Path) -> Verdict:
    """Try as many targets as there is time for."""
    program = find_program()
    if program is None:
        return Verdict(LACKING, skipped=True)
    deadline, tried, held, findings = Deadline(seconds), 0, 0, []
    level = 3 if seconds >= LONG_SECONDS else 1
    with run_service(folder) as service:
        targets = list(list_targets(service))
        for number, target in enumerate(targets):
            left = deadline.left()
            if left < LEAST_SECONDS:
                break
            log = folder / f"{number:02}.log"
            # Fails unless the request itself is accepted.
            service.call(target.method, target.path.replace("*", ""), target.body, "admin")
            command = make_command(program, service, target, folder / "output", level)
            code = run_program(command, log, min(left, seconds / 4), cwd=folder)
            text = log.read_text(errors="replace")
            count = len(HELD.findall(text))
            tried, held = tried + 1, held + count
            if FOUND in text:
                findings.append(f"{target.method} {target.path}: injectable, see {log}")
            elif not count and code is not None:
                findings.append(f"{target.method} {target.path}: nothing was tried, see {log}")
        findings += service.list_complaints()
    return Verdict(
        f"sqlmap: {held} parameters of {tried} of {len(targets)} requests held at level {level}", findings
    )
