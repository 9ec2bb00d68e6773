"""`/collab/{fileId}` in the AsyncAPI document: y-websocket's binary messages, and the close codes."""

from __future__ import annotations

from typing import Any

from nexcorp.collab import protocol
from nexcorp.collab.node import MAX_SOCKETS_PER_FILE, MAX_SOCKETS_PER_USER
from nexcorp.documents.examples import EXAMPLE_ID
from nexcorp.realtime.protocol import GOING_AWAY, NO_PONG, TOO_MANY_MESSAGES, TOO_SLOW
from nexcorp.realtime.shapes import TEXT

# Both sides send most messages: (name, side, description).
MESSAGES: tuple[tuple[str, str, str], ...] = (
    (
        "syncStep1",
        "both",
        "0 0: a state vector. Answered by a complete step 2. The service sends it to editors, too, and "
        "to a client whose update builds on updates that are missing. Clients may send it once a second; "
        "earlier ones wait.",
    ),
    (
        "syncStep2",
        "both",
        f"0 1: everything that a state vector lacks, at most {protocol.MAX_UPDATE_BYTES} bytes beside the "
        "document.",
    ),
    ("update", "both", f"0 2: a change, at most {protocol.MAX_UPDATE_BYTES} bytes."),
    (
        "awareness",
        "both",
        "1: states of clients, at most four a socket, 4 KB each. The service puts the id of the user "
        "into each as `userId`, drops states of clients that belong to another socket, and sends a "
        "message without states after 20 quiet seconds.",
    ),
    ("permissionDenied", "server", "2 0: you may read this file, not change it. Sent once."),
    ("queryAwareness", "client", "3: asks for the states of all others."),
    (
        "saved",
        "both",
        "102 and up to 256 bytes: sent back unchanged once everything sent before it on this socket is "
        "stored, and the step 1 of the service is answered. Of several, only the newest is sent back. "
        "y-websocket does not know it; clients need not send it.",
    ),
)
CLOSE_CODES = {
    protocol.SESSION_OVER: "the session is over; final",
    protocol.NO_MEMBER: "not a member of the project any more, or without the permission; final",
    protocol.FILE_GONE: "the file does not exist, or is gone; final",
    4409: "the file is binary (`not_text`), with `?refuse=close`; final",
    protocol.TOO_LARGE: "the message is too large, or the file full (text 2 MB, state 8 MB); final",
    protocol.MALFORMED: "a message that cannot be read, or text; final",
    GOING_AWAY: "this node is stopping, or the database is away; comes back",
    TOO_SLOW: "the client reads too slowly; comes back",
    NO_PONG: "no pong within 10 seconds; comes back",
    TOO_MANY_MESSAGES: (
        f"more than {protocol.ALLOWANCE.per_second:.0f} messages a second, {protocol.ALLOWANCE.burst:.0f} at "
        f"once, each 16 KB as one more; or more than {MAX_SOCKETS_PER_FILE} sockets in a file on a node, or "
        f"{MAX_SOCKETS_PER_USER} of a user there; comes back"
    ),
}
PROSE = """\
A text file, edited together by y-websocket's protocol, unchanged: binary messages, never text. The shared
type is `content`, or, if the first update names only one type, that one. The handshake needs a token or
a ticket like that of `/ws`, also for public projects. y-websocket reconnects by itself, and a ticket works
once: give it a token by
`Object.defineProperty(provider, 'protocols', {{get: () => ['nexcorp.v1', 'bearer.' + token()]}})`.
The socket lives as long as the session, even if the token expires. Changes of the user's rights take effect
at once, or within two seconds while Redis is away. Readers see everything; their changes are answered by
permissionDenied.

y-websocket gives up only on close codes from 4400 to 4499. With `?refuse=close` a handshake that is refused
opens the socket, and closes it with 4000 and the HTTP status.

Close codes:

{codes}
"""
CHANNEL = {"$ref": "#/channels/collab"}


def component(name: str) -> str:
    """Return the component key of a message, distinct from those of /ws."""
    return f"collab{name[0].upper()}{name[1:]}"


def describe_messages() -> dict[str, Any]:
    """Return the messages as components."""
    return {
        component(name): {
            "name": name,
            "title": name,
            "summary": summary,
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
        }
        for name, _, summary in MESSAGES
    }


def describe_channel() -> dict[str, Any]:
    """Return the channel."""
    codes = "\n".join(f"- {code}: {meaning}" for code, meaning in CLOSE_CODES.items())
    query = {
        "type": "object",
        "properties": {"ticket": TEXT, "refuse": {"type": "string", "enum": ["close"]}},
    }
    return {
        "address": "/collab/{fileId}",
        "description": PROSE.format(codes=codes),
        "parameters": {"fileId": {"description": "The id of a text file.", "examples": [str(EXAMPLE_ID)]}},
        "messages": {
            component(name): {"$ref": f"#/components/messages/{component(name)}"} for name, _, _ in MESSAGES
        },
        "bindings": {"ws": {"method": "GET", "query": query}},
    }


def describe_operations() -> dict[str, Any]:
    """Return one operation per side, with the messages that it sends."""

    def refer(side: str) -> list[dict[str, str]]:
        return [
            {"$ref": f"#/channels/collab/messages/{component(name)}"}
            for name, sender, _ in MESSAGES
            if sender in ("both", side)
        ]

    return {
        "edit": {
            "action": "receive",
            "channel": CHANNEL,
            "summary": "Messages that an editor sends.",
            "messages": refer("client"),
        },
        "show": {
            "action": "send",
            "channel": CHANNEL,
            "summary": "Messages that an editor gets.",
            "messages": refer("server"),
        },
    }
