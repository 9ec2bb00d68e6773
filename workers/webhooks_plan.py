"""Plans the webhook deliveries of a batch of the outbox, in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nexcorp.db import sql
from nexcorp.delivery.effects import Job
from nexcorp.delivery.events import FOLDED
from nexcorp.manifest import Product
from workers.batch import Batch

SEND_WEBHOOKS = Job("send_webhooks")


async def plan_webhooks(conn: Any, batch: Batch, product: Product, frames: Sequence[Any]) -> None:
    """Write the deliveries of a batch; `frames`: the result of tell().

    Events that are not public are left out, and so are their notifications. A folded notification is
    delivered if the notifications that it stands for would be.
    """
    notifications = {
        (row["room"], row["event_id"]): row["entity_id"]
        for row in frames
        if row["event"] == "notification:created"
    }
    rows: list[tuple[Any, ...]] = [
        (event.id, event.created_at, event.type, event.project_id, None, None)
        for event in batch.events
        if product.events[event.type].public
    ]
    for one in batch.told:
        notification_id = notifications.get((f"user:{one.receiver}", one.event.id))
        public = product.events[one.event.type].public
        if one.notice.variant == FOLDED:
            public = one.notice.type in product.public_notices
        if notification_id is not None and public:
            type = f"notification.{one.notice.type}"
            rows.append((one.event.id, one.event.created_at, type, None, one.receiver, notification_id))
    if not rows:
        return
    event_ids, event_ats, types, project_ids, receiver_ids, notification_ids = zip(*rows, strict=True)
    planned = await sql.webhooks_sending.plan_deliveries(
        conn,
        event_ids=list(event_ids),
        event_ats=list(event_ats),
        types=list(types),
        project_ids=list(project_ids),
        receiver_ids=list(receiver_ids),
        notification_ids=list(notification_ids),
    )
    if planned["woken"]:
        conn.after(SEND_WEBHOOKS)
