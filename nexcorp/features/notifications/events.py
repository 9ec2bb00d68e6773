"""Events and frames about changes of a person's notifications, for that person's other devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nexcorp.db.encoding import show_time
from nexcorp.delivery.events import Event, EventType, Frame
from nexcorp.realtime.shapes import FLAG, ID, NULLABLE_TEXT, TIME, WHOLE, FrameDoc, refer, shape


def updated_frames(event: Event) -> list[Frame]:
    """A frame with the notification as it is now, for the room of the user who changed it."""
    return [Frame(f"user:{event.actor_id}", "notification:updated", event.entity)]


def woken_frames(event: Event) -> list[Frame]:
    """A frame with the notification that woke, for its receiver's room; the event has no actor."""
    return [Frame(f"user:{event.payload['receiverId']}", "notification:updated", event.entity)]


def deleted_frames(event: Event) -> list[Frame]:
    """A frame with the id of the deleted notification."""
    data = {"id": str(event.entity_id)}
    return [Frame(f"user:{event.actor_id}", "notification:deleted", event.entity, data, members=())]


def bulk_frames(event: Event) -> list[Frame]:
    """A frame about a change of many notifications; it may arrive after frames of newer ones."""
    data: dict[str, Any] = {"before": None, **event.payload}
    if "at" in data:
        data["at"] = show_time(datetime.fromisoformat(data["at"]))
    return [Frame(f"user:{event.entity_id}", "notifications:bulk-updated", event.entity, data, members=())]


def retired_frames(event: Event) -> list[Frame]:
    """A frame saying that read notifications up to a position left the list because of their age."""
    payload = {**event.payload, "archived": True, "onlyRead": True, "archivedThrough": event.payload["upTo"]}
    told = Event(event.id, event.type, None, event.entity_type, event.entity_id, payload, event.created_at)
    return bulk_frames(told)


EVENTS: dict[str, EventType] = {
    "notification.updated": EventType(frames=updated_frames),
    "notification.woken": EventType(frames=woken_frames),
    "notification.deleted": EventType(frames=deleted_frames),
    "notifications.read": EventType(frames=bulk_frames),
    "notifications.seen": EventType(frames=bulk_frames),
    "notifications.archived": EventType(frames=bulk_frames),
    "notifications.retired": EventType(frames=retired_frames),
}

FRAMES = {
    "notification:created": FrameDoc(
        "In user:{id}: a new notification, as in the list. In a grouped list, a notification with a "
        "groupId becomes the item of that group, at its position.",
        refer("Notification"),
    ),
    "notification:updated": FrameDoc(
        "In user:{id}: a notification as it is now, after it was marked, archived, snoozed or the like "
        "elsewhere, or after its snooze ended. If archivedAt or snoozedUntil is set, remove it from the "
        "list, else put it at its position; after a snooze that is a new one, on top.",
        refer("Notification"),
    ),
    "notification:deleted": FrameDoc(
        "In user:{id}: the notification was deleted. Among missed frames it also replaces earlier "
        "frames of the notification.",
        shape({"id": ID}),
    ),
    "notifications:bulk-updated": FrameDoc(
        "In user:{id}: many notifications changed at once, at the time `at`: those in the list with a "
        "position up to `upTo`; with `groupId`, only those of that group; if `before` is a time, only "
        "those with an earlier createdAt. `isRead`: they are read, and seen. `seen`: they are seen. "
        "`archived`: they have left the list, with `onlyRead` only the read ones; `archivedThrough` is "
        "the `upTo` of those that left it because of their age. `updated` is the number of notifications "
        "that changed, `before` the value in the request. Leave notifications with an updatedAt later "
        "than `at` alone: they have changed since. Notifications with a `seq` behind `through` did not "
        "exist yet, and are behind `upTo`, too. Frames of single changes come in order with these.",
        shape(
            {"updated": WHOLE, "through": {"type": ["integer", "null"]}},
            isRead=FLAG,
            seen=FLAG,
            archived=FLAG,
            onlyRead=FLAG,
            at=TIME,
            upTo=ID,
            before=NULLABLE_TEXT,
            groupId=ID,
            archivedThrough=ID,
        ),
    ),
}
