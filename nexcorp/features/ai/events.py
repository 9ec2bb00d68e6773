"""Chats: what the audit trail has of them, and their owners' rooms see. No text is in an event."""

from __future__ import annotations

from nexcorp.delivery.events import Event, EventType, Frame
from nexcorp.realtime.shapes import ID, FrameDoc, refer, shape


def own_frame(event: Event, name: str, **data: object) -> list[Frame]:
    """The chat as it is now, and `data`, in its owner's room."""
    return [Frame(f"user:{event.payload['ownerId']}", name, event.entity, data)]


def created_frames(event: Event) -> list[Frame]:
    """A chat begins."""
    return own_frame(event, "ai-chat:created")


def updated_frames(event: Event) -> list[Frame]:
    """A chat was changed, or asked something."""
    return own_frame(event, "ai-chat:updated")


def deleted_frames(event: Event) -> list[Frame]:
    """A chat is gone: the frame is shown as that."""
    return own_frame(event, "ai-chat:updated")


def ended_frames(event: Event) -> list[Frame]:
    """An answer has ended."""
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
    "ai-chat:created": FrameDoc(
        "In user:{id}: the person began a chat with the language model.", refer("RoomChat")
    ),
    "ai-chat:updated": FrameDoc("In user:{id}: a chat was changed, or asked something.", refer("RoomChat")),
    "ai-answer:ended": FrameDoc(
        "In user:{id}: the answer `messageId` has ended, with this `status`.", refer("RoomChat")
    ),
    "ai-chat:deleted": FrameDoc("In user:{id}: a chat is gone.", shape({"id": ID})),
}
