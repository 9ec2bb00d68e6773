"""Events and frames about changes of a person's preferences, for that person's other devices."""

from __future__ import annotations

from nexcorp.delivery.events import SILENT, Event, EventType, Frame
from nexcorp.realtime.shapes import TEXT, FrameDoc, shape

UPDATED = "notification-settings:updated"


def settings_frames(event: Event) -> list[Frame]:
    """A frame with the names of the settings that changed."""
    data = {"fields": event.payload.get("fields", ["mutes"])}
    return [Frame(f"user:{event.actor_id}", UPDATED, event.entity, data, members=())]


EVENTS: dict[str, EventType] = {
    "notifications.settings_updated": EventType(frames=settings_frames),
    "notifications.muted": EventType(frames=settings_frames),
    "notifications.unmuted": EventType(frames=settings_frames),
    "notifications.type_changed": SILENT,
}

FRAMES = {
    UPDATED: FrameDoc(
        "In user:{id}: settings of notifications changed on one of your devices. `fields` names them: "
        "`timezone`, `quietHours`, `digest`, `digestAt`, `types.like.email` ..., `mutes`. Fetch them "
        "again.",
        shape({"fields": {"type": "array", "items": TEXT}}),
    ),
}
