"""A feature in one folder of its own: badges that people give each other, on shelves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.delivery.events import Event, EventType, Frame, Notice, NoticeType
from nexcorp.delivery.kinds import Kind
from nexcorp.features import FEATURES
from nexcorp.manifest import Feature, Job, Product, SearchKind, Section, SocketCommand
from nexcorp.realtime.rooms import RoomKind
from nexcorp.realtime.shapes import ID, WHOLE, CommandDoc, FrameDoc, refer, shape
from nexcorp.security.tokens import Principal
from tests.features.throwaway.commands import thank
from tests.features.throwaway.errors import BadgeNotFound
from tests.features.throwaway.schemas import Badge
from tests.features.throwaway.statements import sql


def shelf(event: Event, member: str = "shelfId") -> str:
    return f"shelf:{event.payload[member]}"


def moved_frames(event: Event) -> list[Frame]:
    """Frames for the old and the new shelf; on the old one the kind turns an update into a deletion."""
    was, now = shelf(event, "fromId"), shelf(event)
    if was == now:
        return [Frame(now, "badge:updated", event.entity)]
    return [Frame(was, "badge:updated", event.entity), Frame(now, "badge:created", event.entity)]


def removed_frames(event: Event) -> list[Frame]:
    return [Frame(shelf(event), "badge:deleted", event.entity, {"id": str(event.entity_id)}, members=())]


async def may_join_shelf(conn: Any, who: Principal, shelf_id: UUID) -> bool:
    seen: bool = await sql.is_shelf_seen(conn, shelf_id=shelf_id, viewer_id=who.user_id)
    return seen


EVENTS = {
    "badge.given": EventType(
        (
            Notice(
                "badge",
                "{actor} gave you a badge",
                variant="given",
                message="It is the company's number {number}.",
                params=("number",),
                receivers=lambda event: [event.get_id("holderId")],
            ),
        ),
        lambda event: [Frame(shelf(event), "badge:created", event.entity)],
        public=True,
    ),
    "badge.moved": EventType(frames=moved_frames),
    "badge.thanked": EventType(
        (
            Notice(
                "badge",
                "{actor} thanks you for a badge",
                variant="thanked",
                receivers=lambda event: [event.get_id("giverId")],
            ),
        ),
        lambda event: [Frame(shelf(event), "badge:updated", event.entity)],
    ),
    "badge.removed": EventType(frames=removed_frames, public=True),
}
BADGES = Feature(
    name="badges",
    routes=("tests.features.throwaway.routes:ROUTES",),
    events=EVENTS,
    notice_types=(NoticeType("badge", critical=True, email="never", push=False),),
    kinds={"badge": Kind(sql.render_badges, Badge, deleted="badge:deleted")},
    frames={
        "badge:created": FrameDoc("In shelf:{id}.", refer("Badge")),
        "badge:updated": FrameDoc("In shelf:{id}.", refer("Badge")),
        "badge:deleted": FrameDoc("In shelf:{id}; also of what was moved elsewhere.", shape({"id": ID})),
    },
    rooms={"shelf": RoomKind("badge:read", may_join_shelf)},
    commands={
        "thank-for-badge": SocketCommand(
            thank,
            CommandDoc("Say thanks.", shape({"badgeId": ID}), "badge-thanked", errors=(BadgeNotFound,)),
        )
    },
    answers={"badge-thanked": FrameDoc("Answer to thank-for-badge.", shape({"id": ID, "version": WHOLE}))},
    # Every second, so that a test sees it run.
    jobs=(Job("tests.features.throwaway.work:polish_badges", cron="* * * * * */1", seconds=30),),
    search={
        "badge": SearchKind(
            sql.search_badges,
            sql.index_badges,
            dict.fromkeys(("badge.given", "badge.moved"), lambda event: (event.entity_id,)),
            permission="badge:read",
        )
    },
    permissions=("badge:give", "badge:read"),
    on_leave=sql.delete_badges,
    export={"badges": Section(sql.export_badges)},
    seed="tests.features.throwaway.work:give_demo_badges",
    graphql="tests.features.throwaway.graphql:PART",
)
PRODUCT = Product((*FEATURES, BADGES))
