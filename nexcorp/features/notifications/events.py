"""Changes of a person's own notifications: seen by that person's other devices."""

from __future__ import annotations

from nexcorp.delivery.events import Event, EventType, Frame
from nexcorp.realtime.shapes import FLAG, ID, NULLABLE_TEXT, WHOLE, FrameDoc, refer, shape


def updated_frames(event: Event) -> list[Frame]:
    """The notification as it is now."""
    return [Frame(f"user:{event.actor_id}", "notification:updated", event.entity)]


def deleted_frames(event: Event) -> list[Frame]:
    """Its id."""
    data = {"id": str(event.entity_id)}
    return [Frame(f"user:{event.actor_id}", "notification:deleted", event.entity, data, members=())]


def read_frames(event: Event) -> list[Frame]:
    """How many were read at once, and up to which position: the frame comes behind newer ones at times."""
    told = {name: event.payload.get(name) for name in ("updated", "through", "before")}
    data = {"isRead": True, **told}
    return [Frame(f"user:{event.actor_id}", "notifications:bulk-updated", event.entity, data, members=())]


EVENTS: dict[str, EventType] = {
    "notification.updated": EventType(frames=updated_frames),
    "notification.deleted": EventType(frames=deleted_frames),
    "notifications.read": EventType(frames=read_frames),
}

FRAMES = {
    "notification:created": FrameDoc(
        "In user:{id}: a new notification, as in the list.", refer("Notification")
    ),
    "notification:updated": FrameDoc(
        "In user:{id}: it was read, archived or seen elsewhere; as it is now.", refer("Notification")
    ),
    "notification:deleted": FrameDoc(
        "In user:{id}. Among frames that were missed also in place of what the notification was.",
        shape({"id": ID}),
    ),
    "notifications:bulk-updated": FrameDoc(
        "In user:{id}: all were read that came with a `seq` up to `through` (null: all) and stand before "
        "`before`, an id or a time as in POST /notifications/read-all (null: all). A list that was "
        "fetched at a later `seq` may have been read before or after: fetch it again.",
        shape(
            {"isRead": FLAG, "updated": WHOLE, "through": {"type": ["integer", "null"]}}, before=NULLABLE_TEXT
        ),
    ),
}
