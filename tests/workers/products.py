"""Small products with one event, for tests of the worker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from nexcorp.db import Database
from nexcorp.delivery import emit
from nexcorp.delivery.events import Event, EventType, Frame, Notice, NoticeType
from nexcorp.manifest import Feature, Product

NEWS = "news.told"


def make_product(*notices: Notice, rooms: Iterable[str] = ("admin",)) -> Product:
    """Return a product with the event NEWS, these notices, and a frame with its payload in each room.

    A room named "thing" stands for the room of the event's entity.
    """

    def frames(event: Event) -> list[Frame]:
        names = [f"thing:{event.entity_id}" if name == "thing" else name for name in rooms]
        return [Frame(name, "news", event.entity, event.payload, members=()) for name in names]

    types = [NoticeType(name) for name in sorted({notice.type for notice in notices})]
    return Product([Feature(name="news", events={NEWS: EventType(notices, frames)}, notice_types=types)])


async def emit_news(
    database: Database, thing: UUID | None = None, actor: UUID | None = None, **data: Any
) -> None:
    """Emit NEWS for a thing, by default a new one."""
    async with database.transaction(wait=5) as conn:
        await emit(conn, NEWS, actor_id=actor, entity=("thing", thing or uuid4()), payload=data)


def thing_in(lane: int) -> UUID:
    """Return a new id whose events are in this lane."""
    return UUID(int=uuid4().int >> 8 << 8 | lane)
