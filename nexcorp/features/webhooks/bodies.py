"""Bodies of deliveries, rendered from references as the webhook's owner may see the entities now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import sql
from nexcorp.db.encoding import encode, format_time
from nexcorp.delivery.events import Entity
from nexcorp.manifest import Product

log = structlog.get_logger("nexcorp.webhooks")

MAX_BODY_BYTES = 64 * 1024
NOTIFICATION = "notification"
# The kind of an event that was removed from the trail: only its id is known.
FORGOTTEN = "event"
# Errors of rendering a malformed row; other rows are sent all the same.
UNRENDERED = (AttributeError, KeyError, TypeError, ValueError)
# Fields of an event's payload that a body contains, as the activity of a project does: states, ids and
# names of fields.
DETAILS = ("changed", "before", "after", "userId")


def find_entity(row: Any) -> Entity:
    """Return the entity of a row of sql.webhooks_sending.read_lane, or the event itself if that is gone."""
    if row["notification_id"] is not None:
        return NOTIFICATION, row["notification_id"]
    return row["entity_type"] or FORGOTTEN, row["entity_id"] or row["event_id"]


def write(row: Any, data: dict[str, Any]) -> bytes:
    """Encode a body with this data; beyond MAX_BODY_BYTES, with a reference only."""
    told = {"type": row["type"], "timestamp": format_time(row["happened_at"]), "data": data}
    body = encode(told)
    if len(body) > MAX_BODY_BYTES:
        kind, entity_id = find_entity(row)
        body = encode({**told, "data": {"id": entity_id, "entity": kind, "truncated": True}})
    return body


class Bodies:
    """Renders bodies with the kinds of all features."""

    def __init__(self, product: Product) -> None:
        self.kinds, self.sentences = product.kinds, product.sentences

    async def render(self, conn: Any, rows: Sequence[Any]) -> dict[UUID, bytes]:
        """Render rows of sql.webhooks_sending.read_lane, all of one webhook; return their bodies by id.

        A row that cannot be rendered is missing, and logged.
        """
        try:
            shown = await self._show(conn, rows)
        except UNRENDERED:
            shown = await self._show_singly(conn, rows)
        return {row["id"]: write(row, shown[row["id"]]) for row in rows if row["id"] in shown}

    async def _show_singly(self, conn: Any, rows: Sequence[Any]) -> dict[UUID, dict[str, Any]]:
        shown: dict[UUID, dict[str, Any]] = {}
        for row in rows:
            try:
                shown |= await self._show(conn, [row])
            except UNRENDERED as error:
                log.error("an event is not rendered", type=row["type"], error=type(error).__name__)
        return shown

    async def _show(self, conn: Any, rows: Sequence[Any]) -> dict[UUID, dict[str, Any]]:
        """Return the data of the bodies of `rows`, by the id of the delivery."""
        members = await self._read(conn, rows[0]["owner_id"], {find_entity(row) for row in rows})
        return {row["id"]: compose(row, members) for row in rows}

    async def _read(
        self, conn: Any, owner_id: UUID, entities: Iterable[Entity]
    ) -> dict[Entity, dict[str, Any]]:
        """Return the fields of entities that the user may see now; {} for a kind that nothing renders."""
        known = sorted(entity for entity in entities if entity[0] != FORGOTTEN)
        kinds, ids = zip(*known, strict=True) if known else ((), ())
        seen = await sql.webhooks_sending.list_seen(
            conn, types=list(kinds), ids=list(ids), viewer_id=owner_id
        )
        found: dict[Entity, dict[str, Any]] = {}
        by_kind: dict[str, list[UUID]] = {}
        for row in seen:
            if row["type"] in self.kinds:
                by_kind.setdefault(row["type"], []).append(row["id"])
            else:
                found[row["type"], row["id"]] = {}
        for name, wanted in by_kind.items():
            kind = self.kinds[name]
            for row in await kind.render(conn, ids=wanted):
                found[name, row["id"]] = kind.show(row, self.sentences)
        return found


def compose(row: Any, members: Mapping[Entity, dict[str, Any]]) -> dict[str, Any]:
    """Build the data of one body."""
    kind, entity_id = entity = find_entity(row)
    shown = members.get(entity)
    if shown is None:
        return {"id": entity_id, "deleted": True}
    if kind == NOTIFICATION:
        return shown
    details = {name: row["payload"][name] for name in DETAILS if name in row["payload"]}
    return {**shown, "id": entity_id, "entity": kind, "actorId": row["actor_id"], "details": details}
