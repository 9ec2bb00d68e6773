"""An import belongs to one worker while that lives, and soon to another one afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import sql
from nexcorp.errors import Unavailable
from tests.workers.test_reminders import run
from workers.jobs import imports


async def wait_in_line(database: Any, owner_id: UUID) -> UUID:
    """Queue an import; return its id."""
    async with database.connection(wait=5) as conn:
        options = {"projectId": None, "dryRun": False, "seesAll": False}
        row = await sql.imports.create_import(
            conn, owner_id=owner_id, kind="tasks", options=options, body=b"title\nx\n"
        )
    return UUID(str(row["id"]))


async def test_who_reads_a_file_keeps_it_and_who_dies_does_not(database: Any, people: Any) -> None:
    [ada] = await people(1)
    ctx, one = {"database": database}, await wait_in_line(database, ada)
    with pytest.raises(Unavailable):
        async with database.transaction(wait=5) as held:
            assert await sql.imports.claim_import(held, seconds=0)
            assert await sql.imports.hold_import(held, import_id=one)
            # The lock holds however long the import takes.
            assert await imports.run_imports(ctx) == 0
            await run(database, "SELECT pg_terminate_backend($1)", held.get_server_pid())
            await held.execute("SELECT 1")
    assert await imports.run_imports(ctx) == 1
    assert await run(database, "SELECT counts ->> 'created' FROM imports WHERE id = $1", one) == "1"


async def test_a_file_that_always_fails_is_given_up(
    database: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    [ada] = await people(1)
    ctx, one = {"database": database}, await wait_in_line(database, ada)

    async def fail(*args: Any) -> Any:
        raise RuntimeError("again")

    monkeypatch.setitem(imports.READERS, "tasks", fail)
    monkeypatch.setattr(imports, "LEASE_SECONDS", 0)
    for _ in range(imports.MOST_ATTEMPTS):
        with pytest.raises(RuntimeError):
            await imports.run_imports(ctx)
    assert await imports.run_imports(ctx) == 1
    async with database.connection(wait=5) as conn:
        row = await sql.imports.get_import(conn, import_id=one, owner_id=ada)
    assert row["counts"]["failed"] == 1 and row["rowErrors"][0]["code"] == "import_failed"
