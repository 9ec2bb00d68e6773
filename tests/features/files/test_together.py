"""Concurrent changes of files: no deadlock, and sums and contents stay correct."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from nexcorp.collab.versions import sweep_contents
from nexcorp.db import sql
from tests.api import API, fetch, fetch_value
from tests.features.files.helpers import make
from tests.features.files.test_contents import elsewhere
from tests.features.projects.helpers import found
from workers.jobs.cleanup import purge_files
from workers.settling import Settler, drop_settled

pytestmark = pytest.mark.shared
# Longer than deadlock_timeout of PostgreSQL.
SECONDS = 3.0
FOLDERS = ("a", "b", "c")
CONTENTS = (b"one content\n" * 20, b"another one\n" * 30, b"\0binary")
AGE = """
WITH aged AS MATERIALIZED (
    SELECT id FROM files WHERE deleted_at IS NOT NULL AND random() < 0.5 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE files SET deleted_at = now() - interval '31 days' FROM aged WHERE files.id = aged.id
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
# Rows that must not exist: wrong sums, versions without content, a file with the path of a folder.
WRONG = """
SELECT 'bytes' FROM projects AS p
WHERE p.file_bytes <> (SELECT coalesce(sum(f.bytes), 0) FROM files AS f WHERE f.project_id = p.id)
UNION ALL
SELECT 'content' FROM file_versions AS v
WHERE NOT EXISTS (SELECT FROM file_chunks AS c WHERE c.sha256 = v.sha256)
UNION ALL
SELECT 'path' FROM files AS f INNER JOIN files AS g ON g.project_id = f.project_id
WHERE f.deleted_at IS NULL AND g.deleted_at IS NULL AND lower(g.path) IN (SELECT folders_of(f.path))
"""


def choose_call(rng: Random, project: str, files: list[Any]) -> tuple[str, str, dict[str, Any]]:
    """A random request in the project: method, path, and the options of the call."""
    file, folder = f"/files/{rng.choice(files)}", f"/projects/{project}/folders"
    one, other = rng.choice(FOLDERS), rng.choice(FOLDERS)
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", f"{file}/content", {"data": rng.choice(CONTENTS)}),
        ("PUT", f"{file}/content", {"data": b"%d\n" % rng.randrange(9)}),
        ("POST", f"{file}/versions/1/restore", {}),
        ("PATCH", file, {"json": {"path": f"{one}/{rng.randrange(9)}"}}),
        ("DELETE", file, {}),
        ("POST", f"{file}/restore", {}),
        ("POST", f"{file}/restore", {}),
        ("PATCH", folder, {"json": {"from": one, "to": other}}),
        ("PATCH", folder, {"json": {"from": f"{one}/{other}", "to": one}}),
        ("DELETE", f"{folder}?path={one}", {}),
        ("DELETE", f"/projects/{project}/files/trash", {}),
    ]
    return rng.choice(calls)


async def test_whatever_happens_at_once(make_user, service, other_node):
    ada = await make_user()
    clients = [ada.client, elsewhere(ada, other_node)]
    projects = [await found(ada) for _ in range(2)]
    files: dict[str, list[Any]] = {project: [] for project in projects}
    before = await fetch_value(service, DEADLOCKS)
    end = time.monotonic() + SECONDS
    seen: set[int] = set()

    async def work(seed: int) -> None:
        rng = Random(seed)
        while time.monotonic() < end:
            project = rng.choice(projects)
            if len(files[project]) < 5 or rng.random() < 0.1:
                made = await make(ada, project, f"{rng.choice(FOLDERS)}/{rng.random()}", "text\n")
                files[project] = [*files[project][-8:], made["id"]]
            method, path, sent = choose_call(rng, project, files[project])
            answer = await rng.choice(clients).call(method, API + path, **sent)
            seen.add(answer.status)

    async def repeat(act: Callable[[], Awaitable[Any]]) -> None:
        while time.monotonic() < end:
            await act()
            await asyncio.sleep(0.05)

    async def leave() -> None:
        """Change projects and files as a person's leaving does."""
        async with service.db.transaction(wait=5) as conn:
            await sql.projects.lock_projects_of(conn, user_id=ada.id)
            await sql.files.forget_person(conn, user_id=ada.id)

    database = service.db
    settler = Settler(database, quiet=0.0)
    await asyncio.gather(
        *(work(seed) for seed in range(8)),
        repeat(leave),
        repeat(lambda: fetch(service, AGE)),
        repeat(lambda: purge_files({"database": database})),
        repeat(lambda: purge_files({"database": database})),
        repeat(lambda: sweep_contents(database)),
        repeat(lambda: drop_settled(database)),
        repeat(settler.drain),
    )
    assert seen <= {200, 204, 404, 409} and {200, 204} <= seen
    await sweep_contents(database)
    assert await fetch(service, WRONG) == []
    # PostgreSQL updates its statistics a moment later.
    await asyncio.sleep(1.1)
    assert await fetch_value(service, DEADLOCKS) == before
