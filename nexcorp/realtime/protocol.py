"""Bytes: the frames clients see, the WebSocket header around them, and the message between nodes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import msgspec

from nexcorp.db.encoding import encode

SUBPROTOCOL = "nexcorp.v1"
# The same, with frames in JSON arrays.
BATCHED = "nexcorp.v1.batch"
MAX_INBOUND_BYTES = 64 * 1024
MAX_RECOVERED = 500

# Close codes, as in the contract. Up to 4499 a client may come back, from 4500 on it must not.
GOING_AWAY = 4001
TOKEN_EXPIRED = 4005
TOO_SLOW = 4008
RESYNC = 4010
NO_PONG = 4012
TOO_MANY_MESSAGES = 4013
BAD_TOKEN = 4500
SESSION_REVOKED = 4503
TOO_MANY_SOCKETS = 4504

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


class RoomMessage(msgspec.Struct, array_like=True):
    """What a worker tells the web nodes about one room.

    `frames` are (seq, text) in order; `unread` is the count to show after them, in `user:` rooms.
    `traces` has the `traceparent` of frames that have one, by their number.
    """

    room: str
    frames: list[tuple[int, str]]
    unread: int | None = None
    traces: dict[int, str] | None = None


pack_messages = msgspec.msgpack.Encoder().encode
unpack_messages = msgspec.msgpack.Decoder(list[RoomMessage]).decode


def wrap(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole unmasked WebSocket frame (RFC 6455, 5.2): built once, written to every socket."""
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", opcode, size)
    elif size < 65536:
        header = struct.pack("!BBH", opcode, 126, size)
    else:
        header = struct.pack("!BBQ", opcode, 127, size)
    return header + payload


def unwrap(frame: bytes) -> bytes:
    """The payload of what wrap() made."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def wrap_all(frames: Iterable[bytes]) -> bytes:
    """One frame with a JSON array of what wrap() was given for each of these."""
    return wrap(b"[" + b",".join(map(unwrap, frames)) + b"]")


def wrap_event(event: str, data: Any, **more: Any) -> bytes:
    """A frame outside of any numbering: an answer, a count, a warning."""
    return wrap(encode({"event": event, "data": data, **more}))
