"""What the owner of an account is told of it."""

from __future__ import annotations

from nexcorp.delivery.events import EventType, Notice


def security(variant: str, title: str, message: str, *, unless: str = "") -> EventType:
    """An event that the owner of an account, `userId` of its payload, is told of, whoever did it; not where
    the payload says `unless`."""
    notice = Notice(
        "security",
        title,
        message=message,
        variant=variant,
        receivers=lambda event: [] if event.payload.get(unless) else [event.get_id("userId")],
        entity=lambda event: None,
        why="account",
        tells_actor=True,
    )
    return EventType((notice,))
