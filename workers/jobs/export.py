"""Makes the exports that people asked for."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import sql

log = structlog.get_logger("nexcorp.export")


async def build_exports(ctx: Any) -> int:
    """Make what is asked for until nothing is left; returns how many. Safe to run anywhere and twice."""
    made = 0
    while await build_next(ctx["database"]):
        made += 1
    return made


async def build_next(database: Any) -> bool:
    """Make one export; False where there is none to make, or others are at them.

    The claim is the lock of this transaction: when the worker dies, the next one does the work.
    """
    owner: UUID | None = None
    try:
        async with database.transaction(wait=10.0) as conn:
            owner = await sql.exports.claim_export(conn)
            if owner is None:
                return False
            text = await sql.exports.build_export(conn, user_id=owner)
            body = await asyncio.to_thread(gzip.compress, text.encode())
            await sql.exports.finish_export(conn, user_id=owner, body=body)
    except Exception as error:
        if owner is None:
            raise
        # Not the message: PostgreSQL quotes rows in it.
        log.warning("export failed", user=str(owner), error=type(error).__name__)
        async with database.transaction(wait=10.0) as conn:
            await sql.exports.fail_export(conn, user_id=owner, error=type(error).__name__)
    return True
