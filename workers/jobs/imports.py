"""The job that imports CSV files, one after the other."""

from __future__ import annotations

import time
from typing import Any

import structlog

from nexcorp.db import sql
from nexcorp.domain.tables import Outcome
from nexcorp.errors import AppError
from nexcorp.features.leads.importing import import_leads
from nexcorp.features.tasks.importing import import_tasks

log = structlog.get_logger("nexcorp.imports")

# After a worker is killed, SAQ retries its job only after the job's `seconds`: keep runs short.
RUN_SECONDS = 30
# The time to lock a claimed file, and the pause before a failed one is read again.
LEASE_SECONDS = 30
# A file that fails this often, or ends its worker, is itself at fault.
MOST_ATTEMPTS = 10
READERS = {"leads": import_leads, "tasks": import_tasks}


class NotTaken(AppError):
    """The file failed too often."""

    code, message = "import_failed", "The file could not be read in, time and again."


async def run_imports(ctx: Any) -> int:
    """Import waiting files for RUN_SECONDS; return how many. A file that fails waits for LEASE_SECONDS."""
    database, done = ctx["database"], 0
    began = time.monotonic()
    while time.monotonic() - began < RUN_SECONDS:
        async with database.connection(wait=10.0) as conn:
            row = await sql.imports.claim_import(conn, seconds=LEASE_SECONDS)
        if row is None:
            return done
        await run_import(database, row)
        done += 1
    return done


async def run_import(database: Any, claimed: Any) -> None:
    """Import one file in one transaction: a worker that dies leaves nothing behind."""
    try:
        if claimed["attempts"] > MOST_ATTEMPTS:
            raise NotTaken()
        async with database.transaction(wait=10.0) as conn:
            row = await sql.imports.hold_import(conn, import_id=claimed["id"])
            if row is None:
                return
            reader = READERS[row["kind"]]
            outcome = await reader(conn, row["owner_id"], row["id"], dict(row["options"]), row["body"])
            await finish(conn, row["id"], outcome)
    except AppError as error:
        # The file can never be imported: its project is gone, or its owner has lost the permission.
        name, messages = next(iter((error.errors or {}).items()), (None, [error.message]))
        said = {"row": 1, "field": name, "code": error.code, "message": messages[0]}
        async with database.transaction(wait=10.0) as conn:
            await finish(conn, claimed["id"], Outcome(failed=1, errors=[said]))
        log.info("an import was refused", id=str(claimed["id"]), code=error.code)


async def finish(conn: Any, import_id: Any, outcome: Outcome) -> None:
    """Record the outcome of a file."""
    await sql.imports.finish_import(
        conn, import_id=import_id, counts=outcome.counts, row_errors=outcome.first_errors
    )
