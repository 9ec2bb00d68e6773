"""From possible receivers to notifications: deciding, grouping, and writing them with their frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from nexcorp.db import sql
from nexcorp.delivery.effects import Job
from nexcorp.manifest import Product
from workers.batch import Batch, Told


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels configured beside the inbox; nothing is planned on others."""

    mail: bool = False
    push: bool = False


INBOX_ALONE = Channels()
SEND_PUSHES = Job("send_pushes")


async def tell(conn: Any, batch: Batch, product: Product, channels: Channels = INBOX_ALONE) -> list[Any]:
    """Write a batch's notifications and frames; return the numbered frames, to push after the commit."""
    held: list[Told] = []
    if batch.told:
        held = await decide(conn, batch, product, channels)
    if batch.told:
        await group(conn, batch, product)
    if held:
        # After the counters: leaving locks the counter, then the user's row, to which these rows refer.
        await hold(conn, held)
    if not batch.told and not batch.frames:
        return []
    frames = await sql.telling.deliver(conn, **batch.columns())
    await plan(conn, batch, frames)
    return frames


async def decide(conn: Any, batch: Batch, product: Product, channels: Channels) -> list[Told]:
    """Keep those of a batch to be notified, with their planned channels; return those to hold back, with the
    reason."""
    asked, seen = [], set()
    for one in batch.told:
        # A batch may hold a like, its removal, and the like again.
        once = (one.receiver, one.once_key or one.event.id)
        if once not in seen:
            seen.add(once)
            asked.append(one)
    types = [product.notice_types[one.notice.type] for one in asked]
    entities = [one.entity for one in asked]
    rows = await sql.preferences.decide(
        conn,
        receiver_ids=[one.receiver for one in asked],
        event_ids=[one.event.id for one in asked],
        once_keys=[one.once_key for one in asked],
        actor_ids=[one.event.actor_id for one in asked],
        types=[one.notice.type for one in asked],
        entity_types=[kind for kind, _ in entities],
        entity_ids=[entity_id for _, entity_id in entities],
        criticals=[of.critical for of in types],
        in_apps=[of.in_app for of in types],
        emails=[of.email for of in types],
        pushes=[of.push for of in types],
        mail=channels.mail,
        push=channels.push,
    )
    batch.told, held = [], []
    for row in rows:
        one = asked[row["place"] - 1]
        if row["held"] is not None:
            one.held = row["held"]
            held.append(one)
            continue
        left_out = {"email": row["email_reason"], "push": row["push_reason"]}
        plan: dict[str, Any] = {name: reason for name, reason in left_out.items() if reason is not None}
        if row["silent"]:
            plan["silent"] = True
        one.plan = plan or None
        one.email_due_at, one.email_wait = row["email_due_at"], row["email_wait"]
        one.push_due_at, one.push_wait = row["push_due_at"], "quiet_hours" if row["silent"] else None
        batch.told.append(one)
    return held


async def hold(conn: Any, held: list[Told]) -> None:
    """Store the held notices, for their receivers to look up."""
    entities = [one.entity for one in held]
    await sql.preferences.hold(
        conn,
        receiver_ids=[one.receiver for one in held],
        event_ids=[one.event.id for one in held],
        actor_ids=[one.event.actor_id for one in held],
        types=[one.notice.type for one in held],
        variants=[one.notice.variant for one in held],
        whys=[one.notice.why for one in held],
        entity_types=[kind for kind, _ in entities],
        entity_ids=[entity_id for _, entity_id in entities],
        params=[one.params for one in held],
        reasons=[one.held for one in held],
        created_ats=[one.event.created_at for one in held],
    )


async def group(conn: Any, batch: Batch, product: Product) -> None:
    """Count the receivers' notifications, which locks their counters, then assign them to groups."""
    told = Counter(one.receiver for one in batch.told)
    await sql.telling.count_told(conn, user_ids=list(told), added=list(told.values()))
    grouped = [one for one in batch.told if product.notice_types[one.notice.type].groupable]
    if not grouped:
        return
    rows = await sql.telling.join_groups(
        conn,
        receiver_ids=[one.receiver for one in grouped],
        keys=[one.group_key for one in grouped],
    )
    for row in rows:
        grouped[row["place"] - 1].group_id = row["group_id"]


async def plan(conn: Any, batch: Batch, frames: list[Any]) -> None:
    """Plan the mails and pushes, with the number of the frame that shows each notification."""
    planned = {
        (f"user:{one.receiver}", one.event.id): one
        for one in batch.told
        if one.email_due_at is not None or one.push_due_at is not None
    }
    if not planned:
        return
    found = [
        (row["entity_id"], row["seq"], one)
        for row in frames
        if row["event"] == "notification:created"
        and (one := planned.get((row["room"], row["event_id"]))) is not None
    ]
    await sql.deliveries.plan_deliveries(
        conn,
        notification_ids=[notification_id for notification_id, _, _ in found],
        receiver_ids=[one.receiver for _, _, one in found],
        frame_seqs=[seq for _, seq, _ in found],
        email_due_ats=[one.email_due_at for _, _, one in found],
        email_waits=[one.email_wait for _, _, one in found],
        push_due_ats=[one.push_due_at for _, _, one in found],
        push_waits=[one.push_wait for _, _, one in found],
    )
    if any(one.push_due_at is not None for one in planned.values()):
        conn.after(SEND_PUSHES)
