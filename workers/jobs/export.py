"""Makes the exports that people asked for."""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import sql
from nexcorp.db.encoding import encode, format_time, row_to_dict
from nexcorp.manifest import Product

log = structlog.get_logger("nexcorp.export")


async def build_exports(ctx: Any) -> int:
    """Make what is asked for until nothing is left; returns how many. Safe to run anywhere and twice."""
    made = 0
    while await build_next(ctx["database"], ctx["product"]):
        made += 1
    return made


async def build_next(database: Any, product: Product) -> bool:
    """Make one export; False where there is none to make, or others are at them.

    The claim is the lock of this transaction: when the worker dies, the next one does the work.
    """
    owner: UUID | None = None
    try:
        # One snapshot, so that what belongs together is whole.
        async with database.transaction(wait=10.0, isolation="repeatable_read") as conn:
            owner = await sql.exports.claim_export(conn)
            if owner is None:
                return False
            text = encode(await collect(conn, owner, product))
            body = await asyncio.to_thread(gzip.compress, text)
            await sql.exports.finish_export(conn, user_id=owner, body=body)
    except Exception as error:
        if owner is None:
            raise
        # Not the message: PostgreSQL quotes rows in it.
        log.warning("export failed", user=str(owner), error=type(error).__name__)
        async with database.transaction(wait=10.0) as conn:
            await sql.exports.fail_export(conn, user_id=owner, error=type(error).__name__)
    return True


async def collect(conn: Any, user_id: UUID, product: Product) -> dict[str, Any]:
    """Everything that is kept of a person, but for secrets, in the sections that the features bring."""
    found: dict[str, Any] = {"exportedAt": format_time(datetime.now(UTC))}
    for name, section in product.export.items():
        rows = [row_to_dict(row) for row in await section.read(conn, user_id=user_id)]
        found[name] = rows[0] if section.single else rows
    return found
