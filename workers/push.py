"""From committed frames to the web nodes: rendered once for each kind of entity, published by room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from nexcorp.db import Database
from nexcorp.delivery.kinds import Renderer
from nexcorp.errors import AppError
from nexcorp.realtime.protocol import RoomMessage
from nexcorp.realtime.rooms import count_unread
from workers import POOL_WAIT_SECONDS

log = structlog.get_logger("nexcorp.delivery")


Publish = Callable[[list[RoomMessage]], Awaitable[None]]


class Pusher:
    """Pushes the frames of one batch while the next one is written: batches go out one behind the other.

    What fails is logged: web nodes find in PostgreSQL what they missed.
    """

    def __init__(self, database: Database, publish: Publish, renderer: Renderer) -> None:
        self.database, self.publish, self.renderer = database, publish, renderer
        self._pushing: asyncio.Task[None] | None = None

    async def begin(self, frames: list[Any]) -> None:
        """Begin to push rows of room_frames, which are committed, once the batch before is pushed."""
        await self.end()
        if frames:
            self._pushing = asyncio.create_task(self.push(frames))

    async def end(self) -> None:
        """Wait until everything that was begun is pushed."""
        pushing, self._pushing = self._pushing, None
        if pushing is not None:
            await pushing

    async def push(self, frames: list[Any]) -> None:
        """Render frames as they are now, and push them, one message a room."""
        try:
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                texts = await self.renderer.render(conn, frames)
                unread = await count_unread(conn, {row["room"] for row in frames})
            messages: dict[str, RoomMessage] = {}
            for row, text in zip(frames, texts, strict=True):
                room = row["room"]
                message = messages.get(room)
                if message is None:
                    message = messages[room] = RoomMessage(room, [], unread.get(room))
                message.frames.append((row["seq"], text))
            await self.publish(list(messages.values()))
        except AppError as error:
            log.warning("frames are not pushed", reason=error.code, frames=len(frames))
        except Exception:
            log.exception("frames are not pushed", frames=len(frames))
