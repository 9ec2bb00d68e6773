"""Notifications about an account's security, for its owner."""

from __future__ import annotations

from nexcorp.delivery.events import EventType, Notice


def security(variant: str, title: str, message: str, *, unless: str = "") -> EventType:
    """Return an event that notifies the owner of an account, `userId` of its payload, even of their own
    actions.

    `unless` names a member of the payload that suppresses the notification if it is true.
    """
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
