"""emit() and emit_all(): record what happened, and queue it, in the transaction in which it happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from nexcorp.context import current, traceparent
from nexcorp.db import sql
from nexcorp.delivery.effects import WAKE


def describe_context() -> dict[str, Any]:
    """Where the current request came from, as the SQL function emit() takes it; {} outside of a request."""
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
    """Append to the audit trail and to the outbox; a worker is woken once the transaction commits.

    Returns the id of the event.

    `entity` is (kind, id) of what it happened to. `payload` holds references: ids, states, numbers, dates
    and names of fields, whatever the event's audience and frames need. Events of one `root`, the entity
    unless told otherwise, are delivered in their order. With a `dedup_key` the outbox takes the same thing
    only once while it is queued. A hot write calls the SQL function of this name in its own statement.
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
    """The same for several entities of a kind: (event type, id, payload, root) each, in this order."""
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
    """Append (event type, id, payload) of several entities of a kind to the audit trail alone, in this order.

    For what people are told of by one event for all, which the caller emits.
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
