"""Changes of one's own notifications: seen by one's other devices."""

from __future__ import annotations

from collections.abc import Callable

from nexcorp.delivery.events import Entry, Event, Frame


def own_frames(name: str, *keys: str) -> Callable[[Event], list[Frame]]:
    """A frame for the actor's own devices, with these keys of the payload."""

    def frames(event: Event) -> list[Frame]:
        data = {key: event.payload[key] for key in keys} if keys else event.payload["notification"]
        return [Frame(f"user:{event.actor_id}", name, data)]

    return frames


INBOX: dict[str, Entry] = {
    "notification.updated": Entry(frames=own_frames("notification:updated")),
    "notification.deleted": Entry(frames=own_frames("notification:deleted", "id")),
    "notifications.read": Entry(frames=own_frames("notifications:bulk-updated", "isRead", "updated")),
}
