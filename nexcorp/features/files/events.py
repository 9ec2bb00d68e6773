"""Events of files, and the frames that the project's room gets."""

from __future__ import annotations

from nexcorp.delivery.events import Event, EventType, Frame
from nexcorp.realtime.shapes import ID, WHOLE, FrameDoc, refer, shape


def show(name: str) -> EventType:
    """Return an event type whose frame `name` shows the file as it is now."""

    def frames(event: Event) -> list[Frame]:
        return [Frame(f"project:{event.payload['projectId']}", name, event.entity)]

    return EventType(frames=frames, public=True)


def deleted_frames(event: Event) -> list[Frame]:
    """Return the frames of a file that was put into the trash."""
    data = {"id": str(event.entity_id)}
    return [Frame(f"project:{event.payload['projectId']}", "file:deleted", event.entity, data, members=())]


def saved_frames(event: Event) -> list[Frame]:
    """Return the frames of a new version of a file."""
    payload = event.payload
    data = {
        "fileId": str(event.entity_id),
        "version": payload["version"],
        "seq": payload["seq"],
        "authors": payload["authorIds"],
    }
    return [Frame(f"project:{payload['projectId']}", "file:saved", event.entity, data, members=())]


def folder_frames(event: Event) -> list[Frame]:
    """Return the frames of a folder that was moved or deleted."""
    data = {"id": str(event.entity_id), "files": len(event.payload["fileIds"])}
    return [Frame(f"project:{event.entity_id}", "folder:changed", event.entity, data, members=())]


EVENTS = {
    "file.created": show("file:created"),
    "file.updated": show("file:updated"),
    "file.restored": show("file:created"),
    "file.deleted": EventType(frames=deleted_frames, public=True),
    "file.saved": EventType(frames=saved_frames, public=True),
    "files.purged": EventType(public=True),
    "folder.moved": EventType(frames=folder_frames, public=True),
    "folder.deleted": EventType(frames=folder_frames, public=True),
}
FRAMES = {
    "file:created": FrameDoc("In project:{id}: a file is new, or back from the trash.", refer("File")),
    "file:updated": FrameDoc(
        "In project:{id}: a file has another path, type, kind or kind of line ends.", refer("File")
    ),
    "file:deleted": FrameDoc("In project:{id}: a file went into the trash.", shape({"id": ID})),
    "file:saved": FrameDoc(
        "In project:{id}: the content of a file has a new version.",
        shape({"fileId": ID, "version": WHOLE, "seq": WHOLE, "authors": {"type": "array", "items": ID}}),
    ),
    "folder:changed": FrameDoc(
        "In project:{id}: a folder was moved or deleted; fetch the list again.",
        shape({"id": ID, "files": WHOLE}),
    ),
}
