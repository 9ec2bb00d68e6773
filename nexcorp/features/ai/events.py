"""Events of chats, and the frames that the owner's room gets. No event holds a text."""

from __future__ import annotations

from nexcorp.delivery.events import Event, EventType, Frame
from nexcorp.realtime.shapes import ID, FrameDoc, refer, shape


def own_frame(event: Event, name: str, **data: object) -> list[Frame]:
    """Return one frame for the owner's room: the chat as it is now, and `data`."""
    return [Frame(f"user:{event.payload['ownerId']}", name, event.entity, data)]


def created_frames(event: Event) -> list[Frame]:
    """Return the frames of a new chat."""
    return own_frame(event, "ai-chat:created")


def updated_frames(event: Event) -> list[Frame]:
    """Return the frames of a chat that was changed, or asked a question."""
    return own_frame(event, "ai-chat:updated")


def deleted_frames(event: Event) -> list[Frame]:
    """Return the frames of a deleted chat: rendered without one, they become `ai-chat:deleted`."""
    return own_frame(event, "ai-chat:updated")


def ended_frames(event: Event) -> list[Frame]:
    """Return the frames of an answer that has ended."""
    payload = event.payload
    return own_frame(event, "ai-answer:ended", messageId=payload["messageId"], status=payload["status"])


EVENTS: dict[str, EventType] = {
    "ai_chat.created": EventType(frames=created_frames),
    "ai_chat.updated": EventType(frames=updated_frames),
    "ai_chat.asked": EventType(frames=updated_frames),
    "ai_chat.deleted": EventType(frames=deleted_frames),
    "ai_answer.ended": EventType(frames=ended_frames),
}


FRAMES = {
    "ai-chat:created": FrameDoc("In user:{id}: you began a chat with the language model.", refer("RoomChat")),
    "ai-chat:updated": FrameDoc("In user:{id}: a chat was changed, or got a question.", refer("RoomChat")),
    "ai-answer:ended": FrameDoc(
        "In user:{id}: the answer `messageId` has ended, with this `status`.", refer("RoomChat")
    ),
    "ai-chat:deleted": FrameDoc("In user:{id}: a chat is gone.", shape({"id": ID})),
}
