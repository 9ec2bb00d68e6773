"""Bytes: the frames for clients, their WebSocket headers, and the messages between nodes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import msgspec

from nexcorp.db.encoding import encode

SUBPROTOCOL = "nexcorp.v1"
# As SUBPROTOCOL, but each message is a JSON array of frames.
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
    """A worker's message to the web nodes about one room.

    `frames` are (seq, text) in order; `unread` is the count to show after them, in `user:` rooms. `traces`
    has the `traceparent` of the frames that have one, by frame number.
    """

    room: str
    frames: list[tuple[int, str]]
    unread: int | None = None
    traces: dict[int, str] | None = None


pack_messages = msgspec.msgpack.Encoder().encode
unpack_messages = msgspec.msgpack.Decoder(list[RoomMessage]).decode


def wrap(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a whole unmasked WebSocket frame (RFC 6455, 5.2): built once, written to every socket."""
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", opcode, size)
    elif size < 65536:
        header = struct.pack("!BBH", opcode, 126, size)
    else:
        header = struct.pack("!BBQ", opcode, 127, size)
    return header + payload


def unwrap(frame: bytes) -> bytes:
    """Return the payload of a frame made by wrap()."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def wrap_all(frames: Iterable[bytes]) -> bytes:
    """Return one frame whose payload is a JSON array of these frames' payloads."""
    return wrap(b"[" + b",".join(map(unwrap, frames)) + b"]")


def wrap_event(event: str, data: Any, **more: Any) -> bytes:
    """Return a frame without a number: an answer, a count, a warning."""
    return wrap(encode({"event": event, "data": data, **more}))
