"""emit() and emit_all(): record an event and queue it, in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from nexcorp.context import current, traceparent
from nexcorp.db import sql
from nexcorp.delivery.effects import WAKE


def describe_context() -> dict[str, Any]:
    """Return the origin of the current request, for the SQL function emit(); {} outside of a request."""
    context = current.get()
    if context is None:
        return {}
    described = {
        "ip": context.ip,
        "userAgent": context.user_agent,
        "sessionId": context.session_id,
        "requestId": context.request_id,
    }
    if (parent := traceparent.get()) is not None:
        described["traceparent"] = parent
    return described


async def emit(
    conn: Any,
    event_type: str,
    *,
    actor_id: UUID | None,
    entity: tuple[str, UUID],
    payload: dict[str, Any],
    root: UUID | None = None,
    dedup_key: str | None = None,
) -> UUID:
    """Append an event to the audit trail and to the outbox; return its id.

    A worker is woken once the transaction commits. `entity` is the (kind, id) that the event is about.
    `payload` holds references: ids, states, numbers, dates and names of fields, whatever the event's audience
    and frames need. Events of one `root`, by default the entity, are delivered in their order. With a
    `dedup_key` the outbox takes the event only once while it is queued. A hot write calls the SQL function of
    this name in its own statement.
    """
    values: dict[str, Any] = {
        "event_type": event_type,
        "actor_id": actor_id,
        "entity_type": entity[0],
        "entity_id": entity[1],
        "payload": payload,
        "context": describe_context(),
        "root": root,
    }
    if dedup_key is None:
        event_id = await sql.events.emit(conn, **values)
    else:
        event_id = await sql.events.emit_once(conn, **values, dedup_key=dedup_key)
    conn.after(WAKE)
    return cast("UUID", event_id)


async def emit_all(
    conn: Any,
    kind: str,
    events: Sequence[tuple[str, UUID, dict[str, Any], UUID | None]],
    *,
    actor_id: UUID | None,
) -> None:
    """Emit events of several entities of a kind, in this order: (event type, id, payload, root) each."""
    types, ids, payloads, roots = zip(*events, strict=True) if events else ((), (), (), ())
    await sql.events.emit_all(
        conn,
        event_types=list(types),
        actor_id=actor_id,
        entity_type=kind,
        entity_ids=list(ids),
        payloads=list(payloads),
        context=describe_context(),
        roots=list(roots),
    )
    conn.after(WAKE)


async def record_all(
    conn: Any, kind: str, events: Sequence[tuple[str, UUID, dict[str, Any]]], *, actor_id: UUID | None
) -> None:
    """Append (event type, id, payload) of several entities of a kind to the audit trail only, in this order.

    For changes that the caller announces by one event for all.
    """
    types, ids, payloads = zip(*events, strict=True) if events else ((), (), ())
    await sql.events.record_all(
        conn,
        event_types=list(types),
        actor_id=actor_id,
        entity_type=kind,
        entity_ids=list(ids),
        payloads=list(payloads),
        context=describe_context(),
    )
