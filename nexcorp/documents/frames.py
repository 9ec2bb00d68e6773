"""The frames of `/ws` that belong to no feature: commands, their answers, errors and closes."""

from __future__ import annotations

from collections.abc import Iterable

from nexcorp.errors import (
    AppError,
    Contention,
    DatabaseExhausted,
    DatabaseUnavailable,
    EmailUnverified,
    InternalError,
    Overloaded,
    PermissionRequired,
    TimedOut,
    Unauthorized,
)
from nexcorp.realtime import protocol
from nexcorp.realtime.errors import COMMAND_ERRORS, SOCKET_ENDS
from nexcorp.realtime.shapes import FLAG, ID, NULLABLE_TEXT, TEXT, TIME, WHOLE, CommandDoc, FrameDoc, shape
from nexcorp.realtime.wanted import MAX_ROOMS_AT_ONCE

ROOM = {"room": TEXT}
ROOMS = {
    "type": "array",
    "items": {"oneOf": [TEXT, shape(ROOM, epoch=TEXT, seq=WHOLE)]},
    "minItems": 1,
    "maxItems": MAX_ROOMS_AT_ONCE,
}
TASK = {"taskId": ID}
POINT = {"epoch": NULLABLE_TEXT, "seq": WHOLE, "recovered": FLAG}

JOINED = shape({**ROOM, **POINT})
REFUSED = shape({**ROOM, "error": shape({"code": TEXT, "message": TEXT})})

CLIENT_FRAMES: dict[str, CommandDoc] = {
    "subscribe": CommandDoc(
        "Join a room: post:{id}, profile:{id} of a person, or feed, with post:read; task:{id} or "
        "project:{id}, with task:read; conversation:{id}, with message:read; leads, with lead:read; "
        "admin, with audit:read. Your own room, user:{id}, is joined at once if you hold "
        "notification:read. With epoch and seq, the frames that you missed since come after the answer. "
        "You can join several rooms at once, each by its name or with the seq up to which you know it; "
        "every five rooms count as one more frame.",
        {"oneOf": [shape(ROOM, epoch=TEXT, seq=WHOLE), shape({"rooms": ROOMS}, epoch=TEXT)]},
        "subscribed",
    ),
    "unsubscribe": CommandDoc("Leave a room.", shape(ROOM), "unsubscribed"),
    "subscribe-to-task": CommandDoc(
        "The same as subscribe to task:{taskId}; from an older protocol.",
        shape(TASK, epoch=TEXT, seq=WHOLE),
        "subscribed",
    ),
    "unsubscribe-from-task": CommandDoc(
        "The same as unsubscribe from task:{taskId}; from an older protocol.", shape(TASK), "unsubscribed"
    ),
    "ping": CommandDoc("Check that the service answers.", shape({}), "pong"),
    "auth": CommandDoc(
        "Replace the token by a newer one of the same person, before it ends. An invalid token is "
        "answered by the error unauthorized, and closes the socket with 4500.",
        shape({"token": TEXT}),
        "authenticated",
    ),
    "ack": CommandDoc(
        "Say that you have shown the frames of a joined room up to this number, which records them as "
        "delivered. Answered only if the frame has an id, or is wrong.",
        shape({**ROOM, "seq": WHOLE}),
        "acknowledged",
    ),
}

FRAME_ERRORS: tuple[type[AppError], ...] = (
    *COMMAND_ERRORS,
    *SOCKET_ENDS,
    *(
        EmailUnverified,
        PermissionRequired,
        Unauthorized,
        Overloaded,
        TimedOut,
        Contention,
        DatabaseUnavailable,
        DatabaseExhausted,
        InternalError,
    ),
)


def describe_errors(brought: Iterable[type[AppError]] = ()) -> FrameDoc:
    """Return the frame `error`, with the codes of the protocol and of the features' commands.

    Raises ValueError if a code has two meanings.
    """
    codes: dict[str, str] = {}
    for kind in (*FRAME_ERRORS, *brought):
        if codes.setdefault(kind.code, kind.meaning) != kind.meaning:
            raise ValueError(f"{kind.__qualname__} is not the only meaning of {kind.code}")
    return FrameDoc(
        "An error in a frame; the socket stays open. With `closeCode` the socket is closed now, for this "
        "reason. Codes: " + " ".join(f"{code}: {meaning}" for code, meaning in codes.items()),
        shape({"code": {"type": "string", "enum": list(codes)}, "message": TEXT}, closeCode=WHOLE),
    )


SERVER_FRAMES: dict[str, FrameDoc] = {
    "connected": FrameDoc(
        "The first frame. Without notification:read your own room is not joined, and seq is 0. "
        "recovered: the frames after the given seq follow; if false, fetch the state again.",
        shape({"userId": ID, "sessionId": ID, **POINT, "expiresAt": TIME}),
    ),
    "subscribed": FrameDoc(
        "Answer to subscribe. recovered: the frames that you missed follow; if false, fetch the state "
        "again. For feed it is never true: call GET /feed after this answer. For several rooms: each "
        "room, or the reason why it is not joined.",
        {"oneOf": [JOINED, shape({"rooms": {"type": "array", "items": {"oneOf": [JOINED, REFUSED]}}})]},
    ),
    "unsubscribed": FrameDoc(
        "Answer to unsubscribe. Also sent without an id if you may no longer see the room.",
        shape(ROOM),
    ),
    "pong": FrameDoc("Answer to ping.", shape({"time": TIME})),
    "authenticated": FrameDoc("Answer to auth.", shape({"expiresAt": TIME})),
    "acknowledged": FrameDoc("Answer to an ack that has an id.", shape({**ROOM, "seq": WHOLE})),
    "error": describe_errors(),
    "token-expiring": FrameDoc("The token expires: send auth within `in` seconds.", shape({"in": WHOLE})),
    "unread-count": FrameDoc(
        "The exact number of unread notifications. The frame has no seq: the newest one is right.",
        shape({"count": WHOLE}),
    ),
}


CLOSE_CODES = {
    1002: "not the WebSocket protocol; mend the client",
    1007: "a text frame that is not UTF-8; mend the client",
    1009: f"a message over {protocol.MAX_INBOUND_BYTES} bytes; mend the client",
    protocol.GOING_AWAY: "going away; come back after the seconds in the reason",
    protocol.TOKEN_EXPIRED: "the token expired, or the role changed; come back with a new one",
    protocol.TOO_SLOW: "the client reads too slowly; come back and resume",
    protocol.RESYNC: "missed too much; come back and fetch the state again",
    protocol.NO_PONG: "no pong within 10 seconds; come back",
    protocol.TOO_MANY_MESSAGES: "more than 20 frames a second, 40 at once, each 16 KB as one more; send less",
    protocol.BAD_TOKEN: "auth with an invalid token; do not come back",
    protocol.SESSION_REVOKED: "the session was ended; do not come back",
    protocol.TOO_MANY_SOCKETS: "more than 10 sockets of one user, all of which answer; do not come back",
    4507: "forbidden; reserved, this version never sends it; do not come back",
}
