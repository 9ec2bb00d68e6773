"""The audit trail over REST."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.errors import PermissionRequired
from nexcorp.features.audit.schemas import AuditEventPage, EventQuery
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.web.app_keys import PRODUCT
from nexcorp.web.paging import FIRST_ID, Cursor, cut_page
from nexcorp.web.replies import reply
from nexcorp.web.routing import get

READ_ALL = "audit:read"
# Before the first event and after the last: with both bounds always set, one statement does for every page.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)

NEWEST: Cursor[tuple[datetime, UUID]] = Cursor(
    "events", tuple[datetime, UUID], (END, FIRST_ID), before="createdAt", before_id="id"
)


def clamp(moment: datetime) -> datetime:
    """Return `moment` in UTC, limited to the range that the database accepts; all events lie within."""
    return min(max(moment, BEGINNING), END).astimezone(UTC)


def find_types(wanted: str, known: Iterable[str]) -> list[str]:
    """Return the event types that a filter matches: itself, or for `user.` all that begin with it."""
    if not wanted.endswith("."):
        return [wanted]
    return [name for name in known if name.startswith(wanted)]


def choose_statement(query: dict[str, Any], known: Iterable[str]) -> Callable[..., Awaitable[list[Any]]]:
    """Return the statement for these filters, arguments bound; the most selective filter decides."""
    actor, kind, wanted = query.get("actor"), query.get("entityType"), query.get("type")
    types = find_types(wanted, known) if wanted is not None else None

    if "entityId" in query:
        entity = {"entity_type": kind, "entity_id": query["entityId"]}
        if actor is None and types is None:
            return partial(sql.audit.list_by_entity, **entity)
        return partial(sql.audit.list_entity_filtered, **entity, actor_id=actor, types=types)
    if actor is not None:
        if kind is None and types is None:
            return partial(sql.audit.list_by_actor, actor_id=actor)
        return partial(sql.audit.list_actor_filtered, actor_id=actor, entity_type=kind, types=types)
    if kind is not None:
        return partial(sql.audit.list_filtered, entity_type=kind, types=types)
    if types is None:
        return sql.audit.list_newest
    if len(types) == 1:
        return partial(sql.audit.list_by_type, type=types[0])
    return partial(sql.audit.list_by_types, types=types)


async def list_events(request: web.Request, query: dict[str, Any]) -> web.Response:
    who = caller(request)
    if not who.may(READ_ALL) and query.setdefault("actor", who.id) != who.id:
        message = f"The events of others need the permission {READ_ALL}."
        raise PermissionRequired(READ_ALL, message=message)
    since, until = clamp(query.get("from_", BEGINNING)), clamp(query.get("to", END))
    before, before_id = min(NEWEST.read(request, query), (until, FIRST_ID))
    statement = choose_statement(query, request.app[PRODUCT].events)
    async with database(request).connection() as conn:
        rows = await statement(conn, since=since, before=before, before_id=before_id, most=query["limit"] + 1)
        page, next_cursor = cut_page(request, rows, query["limit"], NEWEST)
        names = await read_names(request, conn, page)
    shown = [
        {**row_to_dict(row), "entityName": names.get((row["entityType"], row["entityId"]))} for row in page
    ]
    return reply({"data": shown, "nextCursor": next_cursor})


async def read_names(
    request: web.Request, conn: Any, events: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, UUID], str]:
    """Return the names of these events' entities, by type and id, as far as the caller may see them.

    The trail does not store names: a deleted entity has none.
    """
    who = caller(request)
    kinds = {kind for kind, permission in request.app[PRODUCT].named.items() if who.may(permission)}
    things = {(row["entityType"], row["entityId"]) for row in events if row["entityType"] in kinds}
    if not things:
        return {}
    types, ids = zip(*things, strict=True)
    rows = await sql.audit.name_entities(conn, types=list(types), ids=list(ids), viewer_id=who.id)
    return {(row["type"], row["id"]): row["name"] for row in rows}


ROUTES = [
    get(
        "/events",
        list_events,
        "Events of the audit trail, newest first",
        AuditEventPage,
        query=EventQuery(),
        access=allow(READ_ALL, otherwise="you see your own actions"),
        heavy=True,
        stale=True,
        tag="Audit",
    )
]
