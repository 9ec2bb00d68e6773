"""The words that search suggests: one goes with the last text that has it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any

import asyncpg
import structlog

from nexcorp.db import Database, sql
from nexcorp.manifest import Product

log = structlog.get_logger("nexcorp.words")

PART = 500
# What is deleted and changed in the meantime is decided together; delivery waits no more often than that.
PAUSE_SECONDS = 0.2
# The job is queued again where this was not enough.
RUN_SECONDS = 45.0
POOL_WAIT_SECONDS = 5.0


async def settle_words(ctx: Any) -> None:
    """Decide about all words in doubt; a call during another one's run leaves it to that."""
    if ctx.get("settling"):
        return
    ctx["settling"] = True
    deadline = time.monotonic() + RUN_SECONDS
    try:
        while time.monotonic() < deadline:
            await asyncio.sleep(PAUSE_SECONDS)
            if not await settle_part(ctx["database"], ctx["product"]):
                return
    finally:
        ctx["settling"] = False


async def settle_part(database: Database, product: Product) -> int:
    """Decide about up to PART doubts; returns how many there were. They stay while a batch takes too long."""
    try:
        async with database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            rows = await sql.search.claim_doubts(conn, most=PART)
            words = {row["word"] for row in rows}
            # Most words are in other texts as well: no batch has to wait for that to be found out.
            gone = words - await find_kept(conn, product, words)
            if gone:
                await sql.search.claim_words(conn)
                # Batches have ended meanwhile that took these words for known.
                gone -= await find_kept(conn, product, gone)
                await sql.search.delete_words(conn, words=sorted(gone))
            await sql.search.delete_doubts(conn, ids=[row["id"] for row in rows])
    except asyncpg.LockNotAvailableError:
        log.debug("words stay in doubt", words=len(words))
    return len(rows)


async def find_kept(conn: Any, product: Product, words: Collection[str]) -> set[str]:
    """Which of `words` some text still has."""
    kept: set[str] = set()
    for kind in product.search.values():
        left = sorted(set(words) - kept)
        if left and kind.list_words is not None:
            kept.update(row["word"] for row in await kind.list_words(conn, words=left))
    return kept
