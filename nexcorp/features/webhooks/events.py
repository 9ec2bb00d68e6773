"""Events of webhooks, and the notifications to their owners."""

from __future__ import annotations

from uuid import UUID

from nexcorp.delivery.events import SILENT, Event, EventType, Notice, NoticeType

# Reason for stopping -> title and message to the owner; without `owner`, who paused it themselves.
STOPPED = {
    "failing": (
        "A webhook is paused: its endpoint failed for five days",
        "{excerpt}: what happens is kept for 14 days and sent when you resume it.",
    ),
    "right_lost": (
        "A webhook is paused: you may not have all that it sends any more",
        "{excerpt}: it can be resumed once you may again.",
    ),
    "secret_lost": (
        "A webhook is paused: its secret cannot be read any more",
        "{excerpt}: make a new secret, then resume it.",
    ),
    "gone": (
        "A webhook is disabled: its endpoint says that it is gone",
        "{excerpt}: the endpoint answered 410. Nothing is kept for it until you resume it.",
    ),
}


def tell_stopped(reason: str) -> Notice:
    """Make the notice to the owner of a webhook that stopped for this reason."""
    title, message = STOPPED[reason]

    def list_receivers(event: Event) -> list[UUID | None]:
        return [event.get_id("ownerId")] if event.payload["reason"] == reason else []

    return Notice("webhook", title, list_receivers, message, variant=reason, why="account")


EVENTS: dict[str, EventType] = {
    "webhook.created": SILENT,
    "webhook.updated": SILENT,
    "webhook.deleted": SILENT,
    "webhook.secret_renewed": SILENT,
    "webhook.paused": EventType(tuple(tell_stopped(one) for one in STOPPED if one != "gone")),
    "webhook.disabled": EventType((tell_stopped("gone"),)),
    "webhook.resumed": SILENT,
    "webhook.redelivered": SILENT,
    # Sent only to the webhook that it tests, though the event is not public.
    "webhook.test": SILENT,
}

NOTICE_TYPES = (NoticeType("webhook", email="always"),)
