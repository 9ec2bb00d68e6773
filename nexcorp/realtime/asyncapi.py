"""The AsyncAPI 3.0 document of `/ws`: every frame in either direction, and every close code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexcorp import __version__
from nexcorp.realtime import protocol

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
FLAG: dict[str, Any] = {"type": "boolean"}
ID: dict[str, Any] = {"type": "string", "format": "uuid"}
TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
NULLABLE_TEXT: dict[str, Any] = {"type": ["string", "null"]}


def shape(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """An object schema from its required and optional members."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


ANY_OBJECT: dict[str, Any] = {"type": "object"}
ROOM = {"room": TEXT}
CLIENT_FRAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "subscribe": (
        "Join a room; with epoch and seq, what was missed since comes first.",
        shape(ROOM, epoch=TEXT, seq=WHOLE),
    ),
    "unsubscribe": ("Leave a room.", shape(ROOM)),
    "ping": ("Whether anybody is there.", shape({})),
    "auth": ("Go on past the token's end with a newer one.", shape({"token": TEXT})),
    "ack": ("Shown up to this number; recorded as delivered.", shape({**ROOM, "seq": WHOLE})),
}

POINT = {"epoch": NULLABLE_TEXT, "seq": WHOLE, "recovered": FLAG}
SERVER_FRAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "connected": (
        "The first frame. recovered: the frames after the given seq follow; otherwise fetch the state anew.",
        shape({"userId": ID, "sessionId": ID, **POINT, "expiresAt": TIME}),
    ),
    "subscribed": ("Answer to subscribe; what was missed follows.", shape({**ROOM, **POINT})),
    "unsubscribed": ("Answer to unsubscribe.", shape(ROOM)),
    "pong": ("Answer to ping.", shape({"time": TIME})),
    "authenticated": ("Answer to auth.", shape({"expiresAt": TIME})),
    "acknowledged": ("Answer to an ack that has an id.", shape({**ROOM, "seq": WHOLE})),
    "error": ("What was wrong with a frame; the socket stays open.", shape({"code": TEXT, "message": TEXT})),
    "token-expiring": ("Send auth within so many seconds.", shape({"in": WHOLE})),
    "unread-count": ("The exact count, without a number: the newest one counts.", shape({"count": WHOLE})),
}

ROOM_FRAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "notification:created": (
        "In user:{id}: a new notification, as in the list; with no message where what it tells of is gone.",
        ANY_OBJECT,
    ),
    "notification:updated": ("In user:{id}: it was read, archived or seen elsewhere.", ANY_OBJECT),
    "notification:deleted": ("In user:{id}.", shape({"id": ID})),
    "notifications:bulk-updated": ("In user:{id}: all were read.", shape({"isRead": FLAG, "updated": WHOLE})),
    "post:created": ("In profile:{id} of the author.", ANY_OBJECT),
    "post:updated": (
        "In post:{id} and profile:{id}: the whole post, or its id and what changed; of an older text, when "
        "resuming, no more than the id.",
        shape({"id": ID}),
    ),
    "post:deleted": ("In post:{id} and profile:{id}.", shape({"id": ID})),
    "post:liked": (
        "In post:{id}, when a like comes or goes.",
        shape({"postId": ID, "userId": ID, "liked": FLAG, "likeCount": WHOLE}),
    ),
    "comment:created": ("In post:{id}, with the post's commentCount.", ANY_OBJECT),
    "comment:updated": (
        "In post:{id}: the comment; of an older text, when resuming, no more than its ids.",
        shape({"id": ID, "postId": ID}),
    ),
    "comment:deleted": (
        "In post:{id}, with the post's commentCount and the replies that went along; both only when live.",
        shape({"id": ID, "postId": ID}, commentCount=WHOLE, replyIds={"type": "array", "items": ID}),
    ),
}

CLOSE_CODES = {
    protocol.GOING_AWAY: "going away; come back after the seconds in the reason",
    protocol.TOKEN_EXPIRED: "the token expired; come back with a new one",
    protocol.TOO_SLOW: "the client reads too slowly; come back and resume",
    protocol.RESYNC: "missed too much; come back and fetch the state anew",
    protocol.NO_PONG: "no pong within 10 seconds",
    protocol.TOO_MANY_MESSAGES: "more than 20 messages a second, 40 at once",
    protocol.BAD_TOKEN: "auth with a bad token; do not come back",
    protocol.SESSION_REVOKED: "the session was ended; do not come back",
    protocol.TOO_MANY_SOCKETS: "more than 10 sockets of one user; do not come back",
}

PROSE = """\
Frames are JSON text: `{{"event", "data"}}`, at most {limit} bytes from clients. A client's frame may carry
an `id`, which its answer repeats. A frame of a room adds `room` and `seq`: numbers without gaps, in commit
order. Keep (`epoch`, `seq`) of the last frame shown; connect with `?epoch=&seq=` to get what came since,
once and in order. The handshake wants one of: an `Authorization` header, the subprotocol entry
`bearer.<accessToken>` beside `{name}`, or `?ticket=` from POST /api/v1/auth/ticket.

Close codes: {codes}.
"""


def message_name(event: str, side: str) -> str:
    """A component key: letters and digits only."""
    words = event.replace(":", "-").split("-")
    return side + "".join(word.capitalize() for word in words)


def describe_message(event: str, summary: str, data: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """One message object; `more` are members beside event and data."""
    payload = shape({"event": {"const": event}, "data": data}, **more)
    return {"name": event, "title": event, "summary": summary, "payload": payload}


def make_asyncapi() -> dict[str, Any]:
    """The whole document."""
    answer = {"id": {"type": ["string", "integer"]}}
    numbered = {"room": TEXT, "seq": WHOLE}
    messages: dict[str, dict[str, Any]] = {}
    for side, frames, more in (
        ("client", CLIENT_FRAMES, answer),
        ("server", SERVER_FRAMES, answer),
        ("server", ROOM_FRAMES, numbered),
    ):
        for event, (summary, data) in frames.items():
            messages[message_name(event, side)] = describe_message(event, summary, data, more)
    names = {side: [name for name in messages if name.startswith(side)] for side in ("client", "server")}
    codes = "; ".join(f"{code} {meaning}" for code, meaning in CLOSE_CODES.items())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "NexCorp Connect, live",
            "version": __version__,
            "description": PROSE.format(
                limit=protocol.MAX_INBOUND_BYTES, name=protocol.SUBPROTOCOL, codes=codes
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "ws": {
                "address": "/ws",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "query": {
                            "type": "object",
                            "properties": {"epoch": TEXT, "seq": WHOLE, "ticket": TEXT},
                        },
                    }
                },
            }
        },
        "operations": {
            action: {
                "action": action,
                "channel": {"$ref": "#/channels/ws"},
                "messages": [{"$ref": f"#/channels/ws/messages/{name}"} for name in names[side]],
            }
            for action, side in (("receive", "client"), ("send", "server"))
        },
        "components": {"messages": messages},
    }
