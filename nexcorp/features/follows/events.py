"""Events of follows, and the notification of the followed user."""

from __future__ import annotations

from nexcorp.delivery.events import EventType, Notice, NoticeType

EVENTS: dict[str, EventType] = {
    "user.followed": EventType(
        (
            Notice(
                "follow",
                "{actor} follows you",
                message="",
                several="{actor} follow you",
                receivers=lambda event: [event.entity_id],
                entity=lambda event: ("user", event.actor_id) if event.actor_id else None,
                group=lambda event: event.entity,
                why="followed",
                once_key=lambda event: f"follow:{event.actor_id}",
            ),
        ),
        public=True,
    ),
    "user.unfollowed": EventType(public=True),
}

NOTICE_TYPES = (NoticeType("follow", groupable=True),)
