"""Events of sessions: the frames in the rooms of their projects."""

from __future__ import annotations

from typing import Any

from nexcorp.delivery.events import Event, EventType, Frame
from nexcorp.realtime.shapes import ID, FrameDoc, refer, shape


def make_frame(event: Event, name: str, **data: Any) -> list[Frame]:
    """A frame with the session as it is now, and `data`, for the room of its project."""
    data["sessionId"] = str(event.entity_id)
    return [Frame(f"project:{event.payload['projectId']}", name, event.entity, data)]


def started_frames(event: Event) -> list[Frame]:
    """A frame with a session that starts."""
    return make_frame(event, "session:started")


def ended_frames(event: Event) -> list[Frame]:
    """A frame with a session that has ended for all its participants."""
    return make_frame(event, "session:ended")


def joined_frames(event: Event) -> list[Frame]:
    """A frame saying that a person joined."""
    return make_frame(event, "session:joined", userId=event.payload["userId"])


def left_frames(event: Event) -> list[Frame]:
    """A frame saying that a person left, or was not seen for a minute."""
    return make_frame(event, "session:left", userId=event.payload["userId"])


EVENTS: dict[str, EventType] = {
    "collab_session.started": EventType(frames=started_frames, public=True),
    "collab_session.ended": EventType(frames=ended_frames, public=True),
    "collab_session.joined": EventType(frames=joined_frames, public=True),
    "collab_session.left": EventType(frames=left_frames, public=True),
}


FRAMES = {
    "session:started": FrameDoc("In project:{id}: a session begins.", refer("RoomSession")),
    "session:joined": FrameDoc("In project:{id}: the user `userId` joined a session.", refer("RoomSession")),
    "session:left": FrameDoc(
        "In project:{id}: the user `userId` left a session, or was not seen in it for 60 seconds.",
        refer("RoomSession"),
    ),
    "session:ended": FrameDoc(
        "In project:{id}: a session is over, and everybody has left it.", refer("RoomSession")
    ),
    "session:deleted": FrameDoc(
        "In project:{id}: replaces earlier frames of a session that no longer exists.", shape({"id": ID})
    ),
}
