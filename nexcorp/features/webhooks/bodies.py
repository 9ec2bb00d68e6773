"""The bodies of deliveries, rendered of references as the owner of the webhook may see these now."""

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
# Of an event that has left the trail nothing can be said.
FORGOTTEN = "event"
# What rendering raises where a row is not as it should be: the others go out all the same.
UNRENDERED = (AttributeError, KeyError, TypeError, ValueError)
# What a body says of an event beside its entity, as the activity of a project does: states, ids and names of
# fields.
DETAILS = ("changed", "before", "after", "userId")


def find_entity(row: Any) -> Entity:
    """The entity of a row of sql.webhooks_sending.read_lane; the event itself where that is gone."""
    if row["notification_id"] is not None:
        return NOTIFICATION, row["notification_id"]
    return row["entity_type"] or FORGOTTEN, row["entity_id"] or row["event_id"]


def write(row: Any, data: dict[str, Any]) -> bytes:
    """The body with these data; beyond MAX_BODY_BYTES with a reference alone."""
    told = {"type": row["type"], "timestamp": format_time(row["happened_at"]), "data": data}
    body = encode(told)
    if len(body) > MAX_BODY_BYTES:
        kind, entity_id = find_entity(row)
        body = encode({**told, "data": {"id": entity_id, "entity": kind, "truncated": True}})
    return body


class Bodies:
    """Renders with the kinds of all features."""

    def __init__(self, product: Product) -> None:
        self.kinds, self.sentences = product.kinds, product.sentences

    async def render(self, conn: Any, rows: Sequence[Any]) -> dict[UUID, bytes]:
        """The bodies of rows of sql.webhooks_sending.read_lane, which are of one webhook, by their id.

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
        """What the bodies of `rows` say, by the id of the delivery."""
        members = await self._read(conn, rows[0]["owner_id"], {find_entity(row) for row in rows})
        return {row["id"]: compose(row, members) for row in rows}

    async def _read(
        self, conn: Any, owner_id: UUID, entities: Iterable[Entity]
    ) -> dict[Entity, dict[str, Any]]:
        """The members of those entities that a person may see now; of a kind that nothing renders none."""
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
    """The data of one body."""
    kind, entity_id = entity = find_entity(row)
    shown = members.get(entity)
    if shown is None:
        return {"id": entity_id, "deleted": True}
    if kind == NOTIFICATION:
        return shown
    details = {name: row["payload"][name] for name in DETAILS if name in row["payload"]}
    return {**shown, "id": entity_id, "entity": kind, "actorId": row["actor_id"], "details": details}
