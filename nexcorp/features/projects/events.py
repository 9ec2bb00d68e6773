"""Events of projects: the notifications and frames that follow from them."""

from __future__ import annotations

from nexcorp.delivery.events import Event, EventType, Frame, Notice, NoticeType
from nexcorp.realtime.shapes import ID, FrameDoc, refer, shape


def updated_frames(event: Event) -> list[Frame]:
    """A frame with the project as it is now, and the names of changed fields."""
    data = {"changed": event.payload.get("changed", ["members"])}
    return [Frame(f"project:{event.entity_id}", "project:updated", event.entity, data)]


def restored_frames(event: Event) -> list[Frame]:
    """A frame with a project that was restored from the trash."""
    return [Frame(f"project:{event.entity_id}", "project:restored", event.entity)]


def deleted_frames(event: Event) -> list[Frame]:
    """A frame with the id of a project that was moved to the trash, with its tasks and files."""
    data = {"id": str(event.entity_id)}
    return [Frame(f"project:{event.entity_id}", "project:deleted", event.entity, data, members=())]


EVENTS: dict[str, EventType] = {
    "project.created": EventType(public=True),
    "project.updated": EventType(frames=updated_frames, public=True),
    "project.deleted": EventType(frames=deleted_frames, public=True),
    "project.restored": EventType(frames=restored_frames, public=True),
    "project.purged": EventType(public=True),
    "member.added": EventType(
        (
            Notice(
                "member_added",
                "{actor} added you to a project",
                message="{excerpt}: {role}",
                params=("role",),
                receivers=lambda event: [event.get_id("userId")],
                why="member",
            ),
        ),
        updated_frames,
        public=True,
    ),
    "member.role_changed": EventType(
        (
            Notice(
                "member_added",
                "{actor} changed your role in a project",
                variant="role",
                message="{excerpt}: {role}",
                params=("role",),
                receivers=lambda event: [event.get_id("userId")] if event.actor_id is not None else [],
                why="member",
            ),
            Notice(
                "member_added",
                "You are an owner of a project now: its last one has left",
                variant="heir",
                receivers=lambda event: [event.get_id("userId")] if event.actor_id is None else [],
                why="member",
            ),
        ),
        updated_frames,
        public=True,
    ),
    "member.removed": EventType(frames=updated_frames, public=True),
}

NOTICE_TYPES = (NoticeType("member_added"),)

FRAMES = {
    "project:updated": FrameDoc(
        "In project:{id}: the project as it is now, and `changed`, the names of the changed fields; "
        "`members`: somebody joined, left, or has another role.",
        refer("RoomProject"),
    ),
    "project:restored": FrameDoc(
        "In project:{id}: the project is back from the trash.", refer("RoomProject")
    ),
    "project:deleted": FrameDoc(
        "In project:{id}: the project went into the trash, and nobody sees its tasks and files any more.",
        shape({"id": ID}),
    ),
}
