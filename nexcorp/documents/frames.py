"""Every frame of `/ws` in either direction, and what errors and closes say: the document is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nexcorp.domain.posts import OWN
from nexcorp.domain.shapes import Post
from nexcorp.errors import (
    AppError,
    Contention,
    DatabaseUnavailable,
    InternalError,
    Overloaded,
    TimedOut,
    Unauthorized,
)
from nexcorp.realtime import protocol
from nexcorp.realtime.errors import COMMAND_ERRORS

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
FLAG: dict[str, Any] = {"type": "boolean"}
ID: dict[str, Any] = {"type": "string", "format": "uuid"}
TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
NULLABLE_TEXT: dict[str, Any] = {"type": ["string", "null"]}


class RoomPost(Post):
    """A post as everybody in a room sees it: without what is one viewer's own."""

    class Meta:
        exclude = OWN


def shape(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """An object schema from its required and optional members."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def refer(name: str) -> dict[str, Any]:
    """A reference to one of the shapes that OpenAPI has as well."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class Command:
    """A frame of the client: what it is for, its data, and the frames that may answer it beside `error`."""

    summary: str
    data: dict[str, Any]
    answer: str | None


ROOM = {"room": TEXT}
TASK = {"taskId": ID}
POINT = {"epoch": NULLABLE_TEXT, "seq": WHOLE, "recovered": FLAG}

CLIENT_FRAMES: dict[str, Command] = {
    "subscribe": Command(
        "Join a room: post:{id}, or profile:{id} of a person; user:{id}, one's own, is joined always. With "
        "epoch and seq, what was missed since comes after the answer.",
        shape(ROOM, epoch=TEXT, seq=WHOLE),
        "subscribed",
    ),
    "unsubscribe": Command("Leave a room.", shape(ROOM), "unsubscribed"),
    "subscribe-to-task": Command(
        "The same as subscribe to task:{taskId}, of an older protocol. This version has no such rooms.",
        shape(TASK, epoch=TEXT, seq=WHOLE),
        "subscribed",
    ),
    "unsubscribe-from-task": Command(
        "The same as unsubscribe from task:{taskId}, of an older protocol.", shape(TASK), "unsubscribed"
    ),
    "ping": Command("Whether anybody is there.", shape({}), "pong"),
    "auth": Command(
        "Go on past the token's end with a newer one of the same person. A bad one is answered by the error "
        "unauthorized, and ends the socket with 4500.",
        shape({"token": TEXT}),
        "authenticated",
    ),
    "ack": Command(
        "Shown up to this number, which was sent in a room that was joined; recorded as delivered. Answered "
        "only where it has an id, or is wrong.",
        shape({**ROOM, "seq": WHOLE}),
        "acknowledged",
    ),
}

FRAME_ERRORS: tuple[type[AppError], ...] = (
    *COMMAND_ERRORS,
    *(Unauthorized, Overloaded, TimedOut, Contention, DatabaseUnavailable, InternalError),
)
ERROR_CODES = {kind.code: kind.meaning for kind in FRAME_ERRORS}

SERVER_FRAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "connected": (
        "The first frame. recovered: the frames after the given seq follow; otherwise fetch the state anew.",
        shape({"userId": ID, "sessionId": ID, **POINT, "expiresAt": TIME}),
    ),
    "subscribed": (
        "Answer to subscribe. recovered: what was missed follows; otherwise fetch the state anew.",
        shape({**ROOM, **POINT}),
    ),
    "unsubscribed": ("Answer to unsubscribe.", shape(ROOM)),
    "pong": ("Answer to ping.", shape({"time": TIME})),
    "authenticated": ("Answer to auth.", shape({"expiresAt": TIME})),
    "acknowledged": ("Answer to an ack that has an id.", shape({**ROOM, "seq": WHOLE})),
    "error": (
        "What was wrong with a frame; the socket stays open, but for a bad auth. Codes: "
        + " ".join(f"{code}: {meaning}" for code, meaning in ERROR_CODES.items()),
        shape({"code": {"type": "string", "enum": list(ERROR_CODES)}, "message": TEXT}),
    ),
    "token-expiring": ("Send auth within so many seconds.", shape({"in": WHOLE})),
    "unread-count": ("The exact count, without a number: the newest one counts.", shape({"count": WHOLE})),
}


def closed(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """A shape with no other members, so that it can be told from a longer one."""
    return {**shape(required, **optional), "additionalProperties": False}


ROOM_FRAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "notification:created": (
        "In user:{id}: a new notification, as in the list; with no message where what it tells of is gone.",
        refer("Notification"),
    ),
    "notification:updated": (
        "In user:{id}: it was read, archived or seen elsewhere; as it is now.",
        refer("Notification"),
    ),
    "notification:deleted": ("In user:{id}.", shape({"id": ID})),
    "notifications:bulk-updated": ("In user:{id}: all were read.", shape({"isRead": FLAG, "updated": WHOLE})),
    "post:created": ("In profile:{id} of the author; also of a draft that is published.", refer("RoomPost")),
    "post:updated": (
        "In post:{id} and profile:{id}: the whole post as it is now; of an unchanged version where a "
        "thumbnail was made. In post:{id} alone, when an interest comes or goes: id and interestCount. Among "
        "frames that were missed, in place of an older text: the id.",
        {"oneOf": [refer("RoomPost"), closed({"id": ID}, interestCount=WHOLE)]},
    ),
    "post:deleted": ("In post:{id} and profile:{id}.", shape({"id": ID})),
    "post:liked": (
        "In post:{id}, when a like comes or goes.",
        shape({"postId": ID, "userId": ID, "liked": FLAG, "likeCount": WHOLE}),
    ),
    "comment:created": (
        "In post:{id}, with the post's commentCount.",
        refer("NewComment"),
    ),
    "comment:updated": (
        "In post:{id}. Among frames that were missed, in place of an older text: the ids.",
        {"oneOf": [refer("Comment"), closed({"id": ID, "postId": ID})]},
    ),
    "comment:deleted": (
        "In post:{id}, with the post's commentCount and the replies that went along. Among frames that were "
        "missed also in place of what the comment was, without both.",
        shape({"id": ID, "postId": ID}, commentCount=WHOLE, replyIds={"type": "array", "items": ID}),
    ),
}

CLOSE_CODES = {
    1002: "not the WebSocket protocol; mend the client",
    1007: "a text frame that is no UTF-8; mend the client",
    1009: f"a message over {protocol.MAX_INBOUND_BYTES} bytes; mend the client",
    protocol.GOING_AWAY: "going away; come back after the seconds in the reason",
    protocol.TOKEN_EXPIRED: "the token expired, or the role changed; come back with a new one",
    protocol.TOO_SLOW: "the client reads too slowly; come back and resume",
    protocol.RESYNC: "missed too much; come back and fetch the state anew",
    protocol.NO_PONG: "no pong within 10 seconds; come back",
    protocol.TOO_MANY_MESSAGES: "more than 20 messages a second, 40 at once; come back and send less",
    protocol.BAD_TOKEN: "auth with a bad token; do not come back",
    protocol.SESSION_REVOKED: "the session was ended; do not come back",
    protocol.TOO_MANY_SOCKETS: "more than 10 sockets of one user; do not come back",
    4507: "forbidden; kept for later, this version never sends it; do not come back",
}
