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
        "Join a room: post:{id} or profile:{id} of a person, with post:read; feed, of those whom you follow, "
        "likewise; leads, with lead:read; user:{id}, one's own, is joined at once by whoever holds "
        "notification:read. With epoch and seq, what was missed since comes after the answer. Or several "
        "rooms at once, by name or each with the seq up to which it is known; five of them count as one more "
        "frame.",
        {"oneOf": [shape(ROOM, epoch=TEXT, seq=WHOLE), shape({"rooms": ROOMS}, epoch=TEXT)]},
        "subscribed",
    ),
    "unsubscribe": CommandDoc("Leave a room.", shape(ROOM), "unsubscribed"),
    "subscribe-to-task": CommandDoc(
        "The same as subscribe to task:{taskId}, of an older protocol.",
        shape(TASK, epoch=TEXT, seq=WHOLE),
        "subscribed",
    ),
    "unsubscribe-from-task": CommandDoc(
        "The same as unsubscribe from task:{taskId}, of an older protocol.", shape(TASK), "unsubscribed"
    ),
    "ping": CommandDoc("Whether anybody is there.", shape({}), "pong"),
    "auth": CommandDoc(
        "Go on past the token's end with a newer one of the same person. A bad one is answered by the error "
        "unauthorized, and ends the socket with 4500.",
        shape({"token": TEXT}),
        "authenticated",
    ),
    "ack": CommandDoc(
        "Shown up to this number, which was sent in a room that was joined; recorded as delivered. Answered "
        "only where it has an id, or is wrong.",
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
        "What was wrong with a frame; the socket stays open. With `closeCode` it is why the socket is closed "
        "now. Codes: " + " ".join(f"{code}: {meaning}" for code, meaning in codes.items()),
        shape({"code": {"type": "string", "enum": list(codes)}, "message": TEXT}, closeCode=WHOLE),
    )


SERVER_FRAMES: dict[str, FrameDoc] = {
    "connected": FrameDoc(
        "The first frame. Without notification:read the own room is not joined, and seq is 0. "
        "recovered: the frames after the given seq follow; otherwise fetch the state anew.",
        shape({"userId": ID, "sessionId": ID, **POINT, "expiresAt": TIME}),
    ),
    "subscribed": FrameDoc(
        "Answer to subscribe. recovered: what was missed follows; otherwise fetch the state anew. Of feed it "
        "is never true: fetch GET /feed behind this answer. To several rooms: each of them, and why it is "
        "not joined where it is not.",
        {"oneOf": [JOINED, shape({"rooms": {"type": "array", "items": {"oneOf": [JOINED, REFUSED]}}})]},
    ),
    "unsubscribed": FrameDoc(
        "Answer to unsubscribe; without an id also where the role or the person may not see it any more.",
        shape(ROOM),
    ),
    "pong": FrameDoc("Answer to ping.", shape({"time": TIME})),
    "authenticated": FrameDoc("Answer to auth.", shape({"expiresAt": TIME})),
    "acknowledged": FrameDoc("Answer to an ack that has an id.", shape({**ROOM, "seq": WHOLE})),
    "error": describe_errors(),
    "token-expiring": FrameDoc("Send auth within so many seconds.", shape({"in": WHOLE})),
    "unread-count": FrameDoc(
        "The exact count, without a number: the newest one counts.", shape({"count": WHOLE})
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
    protocol.TOO_MANY_MESSAGES: "more than 20 frames a second, 40 at once, each 16 KB as one more; send less",
    protocol.BAD_TOKEN: "auth with a bad token; do not come back",
    protocol.SESSION_REVOKED: "the session was ended; do not come back",
    protocol.TOO_MANY_SOCKETS: "more than 10 sockets of one user, all of which answer; do not come back",
    4507: "forbidden; kept for later, this version never sends it; do not come back",
}
