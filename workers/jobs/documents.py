"""The job that rebuilds search documents part by part, after a release that changes them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from nexcorp.db import Database, sql
from nexcorp.manifest import Product
from workers import POOL_WAIT_SECONDS

log = structlog.get_logger("nexcorp.documents")

PART = 200
# The job runs every minute anyway.
RUN_SECONDS = 50.0
# A pause takes as long as the part before it, to leave PostgreSQL to others.
LEAST_PAUSE_SECONDS = 0.02


async def rebuild_documents(ctx: Any) -> None:
    """Continue the rebuilds of search_rebuilds, until none is left or RUN_SECONDS are over."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        began = time.monotonic()
        if not await rebuild_part(ctx["database"], ctx["product"]):
            return
        await asyncio.sleep(max(LEAST_PAUSE_SECONDS, time.monotonic() - began))


async def rebuild_part(database: Database, product: Product) -> bool:
    """Rebuild up to PART documents of one kind; return False if no rebuild was left."""
    async with database.transaction(wait=POOL_WAIT_SECONDS) as conn:
        row = await sql.search.claim_rebuild(conn)
        if row is None:
            return False
        kind = product.search.get(row["kind"])
        ids = []
        if kind is not None and kind.list_ids is not None:
            ids = [one["id"] for one in await kind.list_ids(conn, before=row["before"], most=PART)]
        if kind is None or not ids:
            await sql.search.end_rebuild(conn, kind=row["kind"])
            log.info("documents are made anew", kind=row["kind"])
            return True
        await sql.search.share_words(conn)
        words = {one["word"] for one in await kind.index(conn, ids=sorted(ids))}
        if words:
            await sql.search.note_words(conn, words=sorted(words))
        await sql.search.note_rebuild(conn, kind=row["kind"], before=ids[-1])
    return True
