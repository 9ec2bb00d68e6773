"""From those who might be told to notifications: what is decided, how they are grouped, and their frames."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.manifest import Product
from workers.batch import Batch


async def tell(conn: Any, batch: Batch, product: Product) -> list[Any]:
    """Write a batch's notifications and frames; returns the numbered frames, to push after the commit."""
    if batch.told:
        await decide(conn, batch)
    if batch.told:
        await group(conn, batch, product)
    if not batch.told and not batch.frames:
        return []
    return await sql.notifications.deliver(conn, **batch.columns())


async def decide(conn: Any, batch: Batch) -> None:
    """Keep those of a batch who are told: once each, and only who is active."""
    told, seen = [], set()
    for one in batch.told:
        # A batch may hold a like, its end, and the like again.
        once = (one.receiver, one.once_key or one.event.id)
        if once not in seen:
            seen.add(once)
            told.append(one)
    rows = await sql.notifications.decide(
        conn,
        receiver_ids=[one.receiver for one in told],
        event_ids=[one.event.id for one in told],
        once_keys=[one.once_key for one in told],
    )
    batch.told = [told[row["place"] - 1] for row in rows]


async def group(conn: Any, batch: Batch, product: Product) -> None:
    """Take the counters of all receivers, in order, then find the groups that theirs join."""
    await sql.notifications.lock_counters(conn, user_ids=sorted({one.receiver for one in batch.told}))
    grouped = [one for one in batch.told if product.notice_types[one.notice.type].groupable]
    if not grouped:
        return
    rows = await sql.notifications.join_groups(
        conn,
        receiver_ids=[one.receiver for one in grouped],
        keys=[one.group_key for one in grouped],
    )
    for row in rows:
        grouped[row["place"] - 1].group_id = row["group_id"]
