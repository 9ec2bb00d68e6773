"""Partitions of the audit trail, one for each month, made ahead."""

from __future__ import annotations

import asyncio

import structlog

from nexcorp.db import Database, sql

log = structlog.get_logger("nexcorp.cleanup")

MONTHS_AHEAD = 3
AGAIN_SECONDS = 60.0


async def make_months(database: Database) -> int:
    """Make the missing partitions, one by one; return how many were made.

    A failure does not stop the others; the last one is raised at the end.
    """
    async with database.connection(wait=10.0) as conn:
        months = [
            row["month"] for row in await sql.events.list_missing_months(conn, months_ahead=MONTHS_AHEAD)
        ]
    made, failure = 0, None
    for month in months:
        try:
            async with database.connection(wait=10.0) as conn:
                made += await sql.events.ensure_partition(conn, month=month)
        except Exception as error:
            log.warning(
                "a month of the trail has no partition yet", month=str(month), error=type(error).__name__
            )
            failure = error
    if failure is not None:
        raise failure
    return made


async def begin_months(database: Database) -> None:
    """Make missing partitions when a worker starts, until it succeeds; later the hourly job does it."""
    while True:
        try:
            await make_months(database)
            return
        except Exception as error:
            log.warning("the months of the trail wait", error=type(error).__name__, seconds=AGAIN_SECONDS)
            await asyncio.sleep(AGAIN_SECONDS)
