"""Linked repositories: what the rooms of their projects see of them."""

from __future__ import annotations

from nexcorp.delivery.events import Event, EventType, Frame
from nexcorp.realtime.shapes import ID, FrameDoc, refer, shape


def synced_frames(event: Event) -> list[Frame]:
    """The repository as it is now."""
    return [Frame(f"project:{event.payload['projectId']}", "repository:synced", event.entity)]


def deleted_frames(event: Event) -> list[Frame]:
    """A repository that is not linked any more."""
    data = {"id": str(event.entity_id)}
    return [
        Frame(f"project:{event.payload['projectId']}", "repository:deleted", event.entity, data, members=())
    ]


SHOWN = EventType(frames=synced_frames, public=True)
EVENTS = {
    "repository.linked": SHOWN,
    "repository.updated": SHOWN,
    "repository.started": SHOWN,
    "repository.synced": SHOWN,
    "repository.failed": SHOWN,
    "repository.unlinked": EventType(frames=deleted_frames, public=True),
}
FRAMES = {
    "repository:synced": FrameDoc(
        "In project:{id}: the linked repository as it is now: it was linked or changed, is being synced, "
        "is synced, or failed. See `status`.",
        refer("Repository"),
    ),
    "repository:deleted": FrameDoc(
        "In project:{id}: the repository is not linked any more.", shape({"id": ID})
    ),
}
