"""Rooms that people may lose sight of while they are in them: asked again before a frame is shown.

A node asks once for all frames that came meanwhile, about the people in their rooms here. Nobody needs to
tell it that somebody was taken out of a project: whoever may not see a room any more sees no frame of it
that was pushed after that was committed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from nexcorp.db import Database
from nexcorp.realtime.checks import Checks
from nexcorp.realtime.hub import Hub
from nexcorp.realtime.protocol import RoomMessage
from nexcorp.realtime.rooms import Rooms
from nexcorp.realtime.socket import Listener

POOL_WAIT_SECONDS = 2.0
IDLE_SECONDS = 60.0


class Guard:
    """What stands before the hub of one node."""

    def __init__(self, database: Database, hub: Hub, rooms: Rooms) -> None:
        self.database, self.hub, self.rooms = database, hub, rooms
        self._waiting: list[RoomMessage] = []
        self._checks = Checks("room guard")

    def receive(self, message: RoomMessage) -> None:
        """Take what a worker pushed: to the hub at once, or behind the question who may still see it."""
        watch = self.rooms.find_watch(message.room)
        if watch is None or not watch.each_time:
            self.hub.receive(message)
        elif message.room in self.hub.rooms:
            self._waiting.append(message)
            self._checks.wake()

    async def run(self) -> None:
        """Ask and pass on; until cancelled. What cannot be asked is dropped: the position check finds it."""
        await self._checks.run(lambda: IDLE_SECONDS, lambda due: self._work())

    async def _work(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                await self.clear(conn, {message.room for message in waiting})
            for message in waiting:
                self.hub.receive(message)

    async def clear(self, conn: Any, names: Collection[str]) -> None:
        """Take everybody out of these rooms who may not see them any more, and tell them so."""
        by_kind: dict[str, list[tuple[str, Listener]]] = {}
        for name in names:
            room = self.hub.rooms.get(name)
            if room is not None and self.rooms.find_watch(name) is not None:
                by_kind.setdefault(name.partition(":")[0], []).extend(
                    (name, listener) for listener in room.members
                )
        for pairs in by_kind.values():
            watch = self.rooms.find_watch(pairs[0][0])
            if watch is None:
                continue
            rows = await watch.list_watchers(
                conn,
                ids=[UUID(name.partition(":")[2]) for name, _ in pairs],
                user_ids=[listener.user_id for _, listener in pairs],
                sees_all=[
                    watch.all_with is not None and self.rooms.has(listener.principal, watch.all_with)
                    for _, listener in pairs
                ],
            )
            kept = {row["place"] for row in rows}
            for place, (name, listener) in enumerate(pairs, 1):
                if place not in kept:
                    self.evict(listener, name)

    def evict(self, listener: Listener, name: str) -> None:
        """Take a listener out of a room, where it is in it, and tell it so."""
        if self.hub.find_member(listener, name) is not None:
            self.hub.leave(listener, name)
            listener.send("unsubscribed", {"room": name})
