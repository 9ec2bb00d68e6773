"""Events of linked repositories: the notifications and frames that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Audience, Event, EventType, Frame, Notice, NoticeType
from nexcorp.realtime.shapes import ID, FrameDoc, refer, shape


def synced_frames(event: Event) -> list[Frame]:
    """A frame with the repository as it is now."""
    return [Frame(f"project:{event.payload['projectId']}", "repository:synced", event.entity)]


def deleted_frames(event: Event) -> list[Frame]:
    """A frame with the id of a repository that was unlinked."""
    data = {"id": str(event.entity_id)}
    return [
        Frame(f"project:{event.payload['projectId']}", "repository:deleted", event.entity, data, members=())
    ]


def list_owners(event: Event) -> Audience | Iterable[UUID]:
    """Return the owners of the project, for the first refused token since the repository last worked."""
    if not event.payload.get("isNews"):
        return ()
    return Audience(sql.repositories.list_owners_after, project_id=event.get_id("projectId"))


SHOWN = EventType(frames=synced_frames, public=True)
EVENTS = {
    "repository.linked": SHOWN,
    "repository.updated": SHOWN,
    "repository.started": SHOWN,
    "repository.synced": SHOWN,
    "repository.failed": EventType(
        (
            Notice(
                "repository",
                "A linked repository wants a token, or another one than it has",
                list_owners,
                "{excerpt}: it is not synced until you give it one that may read it.",
                why="owner",
            ),
        ),
        synced_frames,
        public=True,
    ),
    "repository.unlinked": EventType(frames=deleted_frames, public=True),
}
NOTICE_TYPES = (NoticeType("repository"),)
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
