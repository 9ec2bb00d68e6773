"""The months of the audit trail: each has a partition, made ahead."""

from __future__ import annotations

import asyncio

import structlog

from nexcorp.db import Database, sql

log = structlog.get_logger("nexcorp.cleanup")

MONTHS_AHEAD = 3
AGAIN_SECONDS = 60.0


async def make_months(database: Database) -> int:
    """Make the partitions that are missing, each by itself; returns how many were new.

    One that cannot be made keeps no other from being made; what it met is raised at the end.
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
    """Make what is missing when a worker starts, again until it is there; then the hourly job goes on."""
    while True:
        try:
            await make_months(database)
            return
        except Exception as error:
            log.warning("the months of the trail wait", error=type(error).__name__, seconds=AGAIN_SECONDS)
            await asyncio.sleep(AGAIN_SECONDS)
