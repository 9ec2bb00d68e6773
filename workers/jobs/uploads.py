"""Jobs of uploads: make thumbnails, and remove files that are no longer used.

The rows hold the work to do, so nothing is lost with a job, a worker or Redis. Each row is claimed for a
while (SKIP LOCKED, and a time put ahead): two workers never do the same, and a killed worker's rows become
due again.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from nexcorp.db import Database, sql
from nexcorp.domain.posts import show_post
from nexcorp.domain.tasks import show_task
from nexcorp.errors import Unavailable
from nexcorp.features.messaging.texts import show_message
from nexcorp.integrations.storage.disk import FULL
from nexcorp.integrations.storage.local import LocalStore

log = structlog.get_logger("nexcorp.uploads")

# Longer than a run may take, so that no other worker claims its rows.
LEASE_SECONDS = 300
PART = 20
MAX_ATTEMPTS = 5
WAIT_SECONDS = 10.0
OLD_SECONDS = 24 * 3600.0
INCOMING_SECONDS = 3600.0
KEYS_A_QUESTION = 500


async def make_thumbnails(ctx: Any) -> int:
    """Make the due thumbnails; return how many were made."""
    database: Database = ctx["database"]
    store: LocalStore = ctx["stores"]["local"]
    made = 0
    while True:
        # One at a time: an image that kills the worker costs no other image an attempt.
        async with database.connection(wait=WAIT_SECONDS) as conn:
            row = await sql.uploads.claim_thumbnail(conn, seconds=LEASE_SECONDS)
        if row is None:
            return made
        made += await make_one(database, store, row)


async def make_one(database: Database, store: LocalStore, row: Any) -> bool:
    """Make one thumbnail, and show it where its image is used. Return False if that fails."""
    url, full = None, False
    # After MAX_ATTEMPTS that killed the worker, or timed out, the row comes up once more, to be given up.
    if row["attempts"] <= MAX_ATTEMPTS:
        try:
            url = await store.make_thumbnail(row["store_key"])
        except Exception as error:
            # A full disk passes, a broken image does not; for those Pillow raises anything.
            full = isinstance(error, OSError) and error.errno in FULL
            log.warning("no thumbnail", upload=str(row["id"]), error=type(error).__name__)
    if url is None:
        if full:
            async with database.connection(wait=WAIT_SECONDS) as conn:
                await sql.uploads.forgive_thumbnail(conn, upload_id=row["id"])
        elif row["attempts"] >= MAX_ATTEMPTS:
            async with database.connection(wait=WAIT_SECONDS) as conn:
                await sql.uploads.give_up_thumbnail(conn, upload_id=row["id"])
        return False
    async with database.transaction(wait=WAIT_SECONDS) as conn:
        shown = await sql.uploads.set_thumbnail(conn, upload_id=row["id"], thumbnail_url=url)
        if shown is None or shown["owner_id"] is None:
            return True
        # No user did this: the events have no actor.
        if shown["post_id"] is not None:
            await show_post(conn, "post.thumbnail_made", shown["post_id"], shown["owner_id"], actor_id=None)
        if shown["task_id"] is not None:
            await show_task(conn, shown["task_id"], None, actor_id=None, changed=["uploads"])
        if shown["message_id"] is not None:
            await show_message(conn, shown["message_id"], shown["owner_id"])
    return True


async def remove_uploads(ctx: Any) -> int:
    """Delete removed uploads from their stores, then their rows; return how many.

    If a store is down, the row stays, and comes up again.
    """
    database: Database = ctx["database"]
    async with database.connection(wait=WAIT_SECONDS) as conn:
        await sql.uploads.remove_stale_uploads(conn)
    removed = 0
    while True:
        async with database.connection(wait=WAIT_SECONDS) as conn:
            rows = await sql.uploads.claim_removed(conn, seconds=LEASE_SECONDS, most=PART)
        removed += sum(await asyncio.gather(*(remove_one(ctx, row) for row in rows)))
        if len(rows) < PART:
            return removed


async def remove_one(ctx: Any, row: Any) -> bool:
    """Delete one file, then its row; return False if it has to wait."""
    store = ctx["stores"].get(row["store"])
    if store is None:
        log.error("a removed upload waits: its store is not configured any more", store=row["store"])
        return False
    try:
        await store.remove(row["store_key"], row["type"])
    except Unavailable as error:
        log.warning("a removed upload waits", upload=str(row["id"]), reason=error.code)
        return False
    except Exception as error:
        # A failure must not hold up the others of its part.
        log.error("a removed upload waits", upload=str(row["id"]), error=type(error).__name__)
        return False
    async with ctx["database"].connection(wait=WAIT_SECONDS) as conn:
        await sql.uploads.drop_upload(conn, upload_id=row["id"])
    return True


async def sweep_files(ctx: Any) -> int:
    """Delete files of the local store without a row, as after a restored backup, and remains of interrupted
    uploads; return how many."""
    database: Database = ctx["database"]
    store: LocalStore = ctx["stores"]["local"]
    gone = await store.clear_incoming(INCOMING_SECONDS)
    paths = await store.list_old(OLD_SECONDS)
    for start in range(0, len(paths), KEYS_A_QUESTION):
        part = paths[start : start + KEYS_A_QUESTION]
        # Files whose name is not a key are not ours: keep them.
        keys = {path: key for path in part if (key := store.original_of(path.name)) is not None}
        async with database.connection(wait=WAIT_SECONDS) as conn:
            rows = await sql.uploads.list_known_keys(conn, store_keys=sorted(set(keys.values())))
        known = {row["store_key"] for row in rows}
        unknown = [path for path, key in keys.items() if key not in known]
        await store.delete(unknown)
        gone += len(unknown)
    if gone:
        log.info("files without a row are gone", files=gone)
    return gone
