"""Words that search suggests: a word is deleted with the last text that has it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
import structlog

from nexcorp.db import Database, sql
from nexcorp.manifest import Product
from workers import POOL_WAIT_SECONDS

log = structlog.get_logger("nexcorp.words")

# If none of this many words is kept, delivery waits for some 50 ms.
PART = 250
# Doubts that come meanwhile are decided together, and delivery gets its turn.
PAUSE_SECONDS = 0.1
# After a batch that took too long: while it hangs, do not hold up others again and again.
REST_SECONDS = 5.0
# The job runs every minute anyway.
RUN_SECONDS = 45.0

# Whether this worker's run makes another pass. Each job has its own context, but the database is shared.
_again: WeakKeyDictionary[Database, bool] = WeakKeyDictionary()


async def settle_words(ctx: Any) -> None:
    """Decide about all words in doubt. If a run is active in this worker, it makes another pass."""
    database = ctx["database"]
    if database in _again:
        _again[database] = True
        return
    deadline = time.monotonic() + RUN_SECONDS
    _again[database] = True
    try:
        while _again[database] and time.monotonic() < deadline:
            _again[database] = False
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                if await settle_part(database, ctx["product"]):
                    _again[database] = True
            except asyncpg.LockNotAvailableError:
                log.info("words stay in doubt until a batch ends")
                _again[database] = True
                await asyncio.sleep(REST_SECONDS)
    finally:
        del _again[database]


async def settle_part(database: Database, product: Product) -> int:
    """Decide about up to PART doubts; return how many there were.

    Raises asyncpg.LockNotAvailableError if a batch takes too long: the words stay in doubt then.
    """
    async with database.transaction(wait=POOL_WAIT_SECONDS) as conn:
        rows = await sql.search.claim_doubts(conn, most=PART)
        words = {row["word"] for row in rows}
        # Most words are in other texts as well: check that before holding up batches.
        gone = words - await find_kept(conn, product, words)
        if gone:
            await sql.search.claim_words(conn)
            # Batches that ended meanwhile may have relied on these words being known.
            gone -= await find_kept(conn, product, gone)
            await sql.search.delete_words(conn, words=sorted(gone))
        await sql.search.delete_doubts(conn, ids=[row["id"] for row in rows])
    return len(rows)


async def find_kept(conn: Any, product: Product, words: Collection[str]) -> set[str]:
    """Return those of `words` that some text still has."""
    kept: set[str] = set()
    for kind in product.search.values():
        left = sorted(set(words) - kept)
        if left and kind.list_words is not None:
            kept.update(row["word"] for row in await kind.list_words(conn, words=left))
    return kept
