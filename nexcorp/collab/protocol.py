"""y-websocket's messages, as they travel in binary WebSocket frames, and the codes that end a socket."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import WSCloseCode

from nexcorp.collab.encoding import BadUpdate, read_number, write_number
from nexcorp.realtime import protocol
from nexcorp.realtime.inbound import Allowance

MB = 1024 * 1024
MAX_UPDATE_BYTES = MB
MAX_STATE_BYTES = 8 * MB
MAX_TEXT_BYTES = 2 * MB
MAX_SAVED_BYTES = 256
# A step 2 may hold the whole document, updates typed offline, and a few bytes of the protocol.
ALLOWANCE = Allowance(
    per_second=100.0,
    burst=500.0,
    bytes_a_frame=16 * 1024,
    message_bytes=MAX_STATE_BYTES + MAX_UPDATE_BYTES + 1024,
)

SYNC, AWARENESS, AUTH, QUERY_AWARENESS, SAVED = 0, 1, 2, 3, 102
STEP_1, STEP_2, UPDATE = 0, 1, 2
PERMISSION_DENIED = 0
BINARY = 0x82

# y-websocket gives up only on close codes 4400 to 4499, and reconnects on all others.
SESSION_OVER = 4401
NO_MEMBER = 4403
FILE_GONE = 4404
TOO_LARGE = 4413
MALFORMED = 4422
# Close codes of realtime -> codes here.
CODES: Mapping[int, int] = {
    protocol.SESSION_REVOKED: SESSION_OVER,
    WSCloseCode.MESSAGE_TOO_BIG: TOO_LARGE,
}


def frame(*parts: bytes) -> bytes:
    """Return a WebSocket frame with one message."""
    return protocol.wrap(b"".join(parts), BINARY)


def frame_sync(kind: int, body: bytes) -> bytes:
    """Return a frame of the sync protocol: STEP_1, STEP_2 or UPDATE."""
    return frame(bytes((SYNC, kind)), write_number(len(body)), body)


def frame_awareness(body: bytes) -> bytes:
    """Return a frame of states in the format of Awareness.pack()."""
    return frame(bytes((AWARENESS,)), write_number(len(body)), body)


def frame_saved(body: bytes) -> bytes:
    """Return the answer to a client that asked whether everything it sent is stored."""
    return frame(bytes((SAVED,)), body)


def frame_denied(reason: str) -> bytes:
    """Return the answer to a client that writes without permission."""
    text = reason.encode()
    return frame(bytes((AUTH, PERMISSION_DENIED)), write_number(len(text)), text)


# Clients give up on a service that is silent for 30 seconds, and pings do not count.
NO_STATES = frame_awareness(b"\x00")
DENIED = frame_denied("You may read this file, not change it.")


def read_message(data: bytes) -> tuple[int, int, bytes]:
    """Return a client's message: its type, its kind, and its body; raises BadUpdate."""
    try:
        message, p = read_number(data, 0)
        if message == SAVED:
            if len(data) - p > MAX_SAVED_BYTES:
                raise BadUpdate("What is asked to be saved is too long.")
            return SAVED, 0, data[p:]
        if message == QUERY_AWARENESS and p == len(data):
            return QUERY_AWARENESS, 0, b""
        kind = 0
        if message == SYNC:
            kind, p = read_number(data, p)
        if message not in (SYNC, AWARENESS) or kind not in (STEP_1, STEP_2, UPDATE):
            raise BadUpdate("There is no such message.")
        size, p = read_number(data, p)
    except IndexError:
        raise BadUpdate("The message is cut short.") from None
    if p + size != len(data):
        raise BadUpdate("The message is not as long as it says.")
    return message, kind, data[p:]
