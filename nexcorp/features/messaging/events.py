"""Events of messages: who is notified, and which frames a conversation's room gets. Events hold no texts."""

from __future__ import annotations

from nexcorp.db import sql
from nexcorp.delivery.events import SILENT, Audience, Entity, Event, EventType, Frame, Notice, NoticeType
from nexcorp.realtime.shapes import FLAG, ID, TEXT, WHOLE, FrameDoc, refer, shape

# Seconds that a message waits to be read before anybody is notified of it.
WAIT_SECONDS = 10.0


def room_of(event: Event) -> str:
    """Return the room of an event's conversation."""
    return f"conversation:{event.payload['conversationId']}"


def message_frames(event: Event) -> list[Frame]:
    """Return the frames that show a message as it is now."""
    payload = event.payload
    data = {"conversationId": payload["conversationId"], "n": payload["n"]}
    return [Frame(room_of(event), event.type.replace(".", ":"), event.entity, data)]


def deleted_frames(event: Event) -> list[Frame]:
    """Return the frames of a deleted message: its id, conversation and number."""
    payload = event.payload
    data = {"id": event.entity_id, "conversationId": payload["conversationId"], "n": payload["n"]}
    return [Frame(room_of(event), "message:deleted", event.entity, data, members=())]


def reaction_frames(event: Event) -> list[Frame]:
    """Return the frames of a reaction that was added or removed, with all current reactions."""
    payload = event.payload
    data = {
        "id": event.entity_id,
        "conversationId": payload["conversationId"],
        "n": payload["n"],
        "emoji": payload["emoji"],
        "userId": event.actor_id,
        "added": event.type == "message.reaction_added",
    }
    return [Frame(room_of(event), "message:reaction", event.entity, data, members=("reactions",))]


def conversation_frames(event: Event) -> list[Frame]:
    """Return the frames that show a conversation as it is now."""
    data = {"changed": event.payload.get("changed", ["members"])}
    return [Frame(f"conversation:{event.entity_id}", "conversation:updated", event.entity, data)]


def ended_frames(event: Event) -> list[Frame]:
    """Return the frames of a deleted conversation."""
    data = {"id": event.entity_id}
    return [Frame(f"conversation:{event.entity_id}", "conversation:deleted", event.entity, data, members=())]


def member_frames(event: Event) -> list[Frame]:
    """Return the frames of a member who was added or removed."""
    payload = event.payload
    data = {"conversationId": event.entity_id, "userId": payload["userId"], "by": event.actor_id}
    name = "member:added" if event.type == "conversation.member_added" else "member:removed"
    if "role" in payload:
        data["role"] = payload["role"]
    room = f"conversation:{event.entity_id}"
    return [Frame(room, name, event.entity, data, members=("memberCount",))]


def list_waiting(event: Event) -> Audience:
    """Return the members who have not read a message, and want to be notified of it."""
    return Audience(
        sql.conversations.list_to_notify,
        conversation_id=event.get_id("conversationId"),
        n=event.payload["n"],
        author_id=event.actor_id,
        mentioned_ids=event.get_ids("mentionedIds"),
    )


def lead_to_conversation(event: Event) -> Entity | None:
    """Return the conversation of an event: its notifications are grouped."""
    conversation_id = event.get_id("conversationId")
    return ("conversation", conversation_id) if conversation_id is not None else None


EVENTS: dict[str, EventType] = {
    "conversation.created": SILENT,
    "conversation.updated": EventType(frames=conversation_frames),
    "conversation.deleted": EventType(frames=ended_frames),
    "conversation.member_added": EventType(frames=member_frames),
    "conversation.member_removed": EventType(frames=member_frames),
    "conversation.role_changed": EventType(frames=conversation_frames),
    "message.created": EventType(
        (
            Notice(
                "message",
                "{actor} wrote to you",
                message="{beginning}",
                several="{actor} wrote to you",
                group=lead_to_conversation,
                receivers=list_waiting,
                # Reading the conversation finds the notification by this key (sql/messages.sql).
                once_key=lambda event: f"message:{event.entity_id}",
                why="conversation",
            ),
        ),
        message_frames,
        notices_after=WAIT_SECONDS,
    ),
    "message.updated": EventType(frames=message_frames),
    "message.deleted": EventType(frames=deleted_frames),
    "message.reaction_added": EventType(frames=reaction_frames),
    "message.reaction_removed": EventType(frames=reaction_frames),
    "user.blocked": SILENT,
    "user.unblocked": SILENT,
}

NOTICE_TYPES = (NoticeType("message", groupable=True),)

WHERE = "In conversation:{id}"
PLACE = {"conversationId": ID, "n": WHOLE}
MEMBER = {"conversationId": ID, "userId": ID, "by": {"type": ["string", "null"], "format": "uuid"}}
FRAMES = {
    "message:created": FrameDoc(f"{WHERE}: a new message, as it is now.", refer("RoomMessage")),
    "message:updated": FrameDoc(
        f"{WHERE}: the message as it is now: its text was changed, or, with an unchanged version, "
        "thumbnails were made.",
        refer("RoomMessage"),
    ),
    "message:deleted": FrameDoc(
        f"{WHERE}: the message was deleted, and only its number is left. It also replaces earlier frames "
        "of the message.",
        shape({"id": ID}, **PLACE),
    ),
    "message:reaction": FrameDoc(
        f"{WHERE}: somebody reacted, or removed a reaction; `reactions` are all present ones.",
        shape(
            {"id": ID, **PLACE, "emoji": TEXT, "userId": ID, "added": FLAG},
            reactions={"type": "array", "items": {"type": "object"}},
        ),
    ),
    "conversation:updated": FrameDoc(
        f"{WHERE}: the conversation as it is now, and `changed`, the names of the changed fields.",
        refer("RoomConversation"),
    ),
    "conversation:deleted": FrameDoc(f"{WHERE}: an owner deleted the conversation.", shape({"id": ID})),
    "member:added": FrameDoc(
        f"{WHERE}: somebody was added to it.", shape({**MEMBER, "role": TEXT}, memberCount=WHOLE)
    ),
    "member:removed": FrameDoc(f"{WHERE}: somebody left, or was removed.", shape(MEMBER, memberCount=WHOLE)),
}
