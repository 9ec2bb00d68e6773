"""The push of committed frames to the web nodes: rendered once for each kind of entity, published by room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from nexcorp.db import Database
from nexcorp.errors import AppError
from nexcorp.manifest import Product
from nexcorp.realtime.protocol import RoomMessage
from nexcorp.realtime.rooms import count_unread, list_gatherers
from workers import POOL_WAIT_SECONDS
from workers.tracing import NO_TRACES, add_traces, follow_frames

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer

log = structlog.get_logger("nexcorp.delivery")

Publish = Callable[[list[RoomMessage]], Awaitable[None]]
ListHeard = Callable[[Collection[str]], Awaitable[set[str]]]


async def hear_all(names: Collection[str]) -> set[str]:
    """Return every room, as if each had members."""
    return set(names)


class Pusher:
    """Pushes the frames of one batch while the next one is written; batches go out in order.

    Failures are logged: web nodes read missed frames from PostgreSQL. `list_heard` returns the rooms that
    have members anywhere: frames of other rooms are neither rendered nor pushed.
    """

    def __init__(
        self,
        database: Database,
        publish: Publish,
        list_heard: ListHeard,
        product: Product,
        tracer: Tracer | None = None,
    ) -> None:
        self.database, self.publish, self.list_heard, self.tracer = database, publish, list_heard, tracer
        self.renderer, self.gatherers = product.renderer, list_gatherers(product.rooms)
        self._pushing: asyncio.Task[None] | None = None

    async def begin(self, frames: list[Any], traces: Mapping[UUID, str] = NO_TRACES) -> None:
        """Start pushing committed rows of room_frames after the previous batch; return once that is pushed.

        `traces` has the `traceparent` of events that have one.
        """
        before = self._pushing
        if frames:
            self._pushing = asyncio.create_task(self._push_behind(before, frames, traces))
        if before is not None:
            await before

    async def end(self) -> None:
        """Wait until everything that was started is pushed."""
        while (pushing := self._pushing) is not None:
            await pushing
            if self._pushing is pushing:
                self._pushing = None

    async def _push_behind(
        self, before: asyncio.Task[None] | None, frames: list[Any], traces: Mapping[UUID, str]
    ) -> None:
        if before is not None:
            await before
        await self.push(frames, traces)

    async def _keep_heard(self, frames: list[Any]) -> list[Any]:
        """Return the frames whose room, or a room that gathers it, has members."""
        shown = {row["room"]: [row["room"]] for row in frames}
        for name, rooms in shown.items():
            rooms += self.gatherers.get(name.partition(":")[0], ())
        heard = await self.list_heard({name for rooms in shown.values() for name in rooms})
        return [row for row in frames if not heard.isdisjoint(shown[row["room"]])]

    async def _compose(self, frames: list[Any]) -> dict[str, RoomMessage]:
        """Return the messages by room."""
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
        return messages

    async def push(self, frames: list[Any], traces: Mapping[UUID, str] = NO_TRACES) -> None:
        """Render frames as they are now, and push them, one message a room."""
        try:
            frames = await self._keep_heard(frames)
            if not frames:
                return
            with follow_frames(self.tracer, frames, traces) as followed:
                messages = await self._compose(frames)
                if followed:
                    add_traces(messages, frames, followed)
                await self.publish(list(messages.values()))
        except AppError as error:
            log.warning("frames are not pushed", reason=error.code, frames=len(frames))
        except Exception:
            log.exception("frames are not pushed", frames=len(frames))
