"""emit(): records what happened, and queues it, in the transaction in which it happened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.context import current
from nexcorp.db import sql
from nexcorp.delivery.effects import WAKE


async def emit(
    conn: Any,
    event_type: str,
    *,
    actor_id: UUID | None,
    entity: tuple[str, UUID],
    payload: dict[str, Any],
    dedup_key: str | None = None,
) -> None:
    """Append to the audit trail and to the outbox; a worker is woken once the transaction commits.

    `entity` is (type, id) of what it happened to. `payload` is in the API's words and holds whatever
    the catalogue's audience and frames for this event need. With a `dedup_key` the outbox takes the
    same thing only once while it is queued.
    """
    context = current.get()
    metadata: dict[str, Any] = {}
    correlation_id = None
    if context is not None:
        correlation_id = context.request_id
        metadata = {"ip": context.ip, "userAgent": context.user_agent, "sessionId": context.session_id}
    await sql.events.record_event(
        conn,
        event_type=event_type,
        actor_id=actor_id,
        entity_type=entity[0],
        entity_id=entity[1],
        payload=payload,
        metadata=metadata,
        correlation_id=correlation_id,
        dedup_key=dedup_key,
    )
    conn.after(WAKE)
