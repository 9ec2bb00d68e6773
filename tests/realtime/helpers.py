"""Helpers of the tests of sockets: events that make frames, closes, and a client at the level of bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import WSMsgType

from nexcorp.db import Database
from nexcorp.delivery import emit
from tests.api import publish
from tests.clients import PATIENCE
from tests.conftest import Live, User
from tests.contract import check_frame

ENDED = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)

# The largest body of a post, in bytes.
LONG = "\U0001f600" * 20_000


async def create_post(user: User, body: str = "A post") -> UUID:
    """Create a post; return its id."""
    return UUID((await publish(user, body))["id"])


async def edit_post(
    db: Database, post_id: UUID, author_id: UUID, times: int = 1, body: str | None = None
) -> None:
    """Edit a post `times` times in one transaction: each edit is a version and a frame in the post's room."""
    async with db.transaction(wait=5) as conn:
        for _ in range(times):
            version = await conn.fetchval(
                "UPDATE posts SET version = version + 1, body = coalesce($2, body) WHERE id = $1 "
                "RETURNING version",
                post_id,
                body,
            )
            payload = {"authorId": author_id, "version": version, "fields": ["body"], "mentionedIds": []}
            await emit(conn, "post.updated", actor_id=author_id, entity=("post", post_id), payload=payload)


async def store_frames(db: Database, room: str, count: int) -> None:
    """Create a room with frames 1 to `count`, as a worker stores them; each shows its own number."""
    async with db.transaction(wait=5) as conn:
        await conn.execute("INSERT INTO rooms (name, last_seq) VALUES ($1, $2)", room, count)
        await conn.execute(
            """INSERT INTO room_frames (room, seq, event_id, event, entity_type, entity_id, data, members)
            SELECT
                $1, n, uuidv7(), 'post:updated', 'post', split_part($1, ':', 2)::uuid,
                jsonb_build_object('id', split_part($1, ':', 2), 'interestCount', n), '{}'
            FROM generate_series(1, $2::bigint) AS n""",
            room,
            count,
        )


async def subscribe(live: Live, room: str, **more: Any) -> dict[str, Any]:
    """Join a room; return the data of the answer."""
    await live.send("subscribe", {"room": room, **more})
    return (await live.next("subscribed"))["data"]


async def read_seqs(live: Live, room: str, count: int) -> list[int]:
    """Return the numbers of the next `count` frames of a room."""
    seqs: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(seqs) < count:
            frame = await live.next()
            if frame.get("room") == room:
                seqs.append(frame["seq"])
    return seqs


async def ask(live: Live, event: str, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Send a frame with an id; return the frame that answers it."""
    await live.send(event, data, id="asked", **more)
    while True:
        frame = await live.next()
        if frame.get("id") == "asked":
            return frame


async def closed(live: Live) -> tuple[int | None, str]:
    """Wait for the end; return the close code and the reason. Earlier frames are added to `live.frames`."""
    async with asyncio.timeout(PATIENCE):
        while True:
            message = await live.ws.receive()
            if message.type is WSMsgType.TEXT:
                frame = json.loads(message.data)
                check_frame(frame, live.product)
                live.frames.append(frame)
            elif message.type is WSMsgType.CLOSE:
                return message.data, message.extra or ""
            elif message.type in ENDED:
                return live.ws.close_code, ""


class Raw:
    """A client that controls each byte it sends, and whether it reads."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, payload: bytes, opcode: int = 0x81) -> None:
        """Send one masked frame."""
        mask, size = os.urandom(4), len(payload)
        if size < 126:
            header = struct.pack("!BB", opcode, 0x80 | size)
        elif size < 65536:
            header = struct.pack("!BBH", opcode, 0x80 | 126, size)
        else:
            header = struct.pack("!BBQ", opcode, 0x80 | 127, size)
        key = int.from_bytes((mask * (size // 4 + 1))[:size])
        masked = (int.from_bytes(payload) ^ key).to_bytes(size) if size else b""
        self.writer.write(header + mask + masked)

    async def read(self) -> tuple[int, bytes]:
        """Return the next frame's first byte and payload; raises IncompleteReadError at the end."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first, await self.reader.readexactly(size)

    async def rest(self) -> list[tuple[int, bytes]]:
        """Return every frame until the connection ends."""
        frames = []
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    frames.append(await self.read())
            except (asyncio.IncompleteReadError, ConnectionError):
                return frames


@asynccontextmanager
async def open_raw(
    url: str, user: User, *, path: str = "/ws", receive_bytes: int | None = None, spoken: str = "nexcorp.v1"
) -> AsyncIterator[Raw]:
    """Open a socket by a handmade handshake; `receive_bytes` limits the buffer of a client that stalls."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 0
    sock = socket.socket()
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=receive_bytes or 2**16)
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        f"Sec-WebSocket-Protocol: {spoken}",
        f"Authorization: Bearer {user.token}",
    ]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
