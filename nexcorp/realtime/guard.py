"""Rooms whose members may lose access: access is asked again before a frame is shown.

A node asks once for all frames that came meanwhile, about all members of their rooms here. It need not be
told that a user was removed from a project: frames pushed after that commit do not reach that user.
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
    """The gate before the hub of one node."""

    def __init__(self, database: Database, hub: Hub, rooms: Rooms) -> None:
        self.database, self.hub, self.rooms = database, hub, rooms
        self._waiting: list[RoomMessage] = []
        self._checks = Checks("room guard")

    def receive(self, message: RoomMessage) -> None:
        """Pass a pushed message to the hub, at once or after its members' access has been checked."""
        watch = self.rooms.find_watch(message.room)
        if watch is None or not watch.each_time:
            self.hub.receive(message)
        elif message.room in self.hub.rooms:
            self._waiting.append(message)
            self._checks.wake()

    async def run(self) -> None:
        """Check access and pass messages on until cancelled. If a check fails, Positions finds them later."""
        await self._checks.run(lambda: IDLE_SECONDS, lambda due: self._work())

    async def _work(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                await self.clear(conn, {message.room for message in waiting})
            for message in waiting:
                self.hub.receive(message)

    async def clear(self, conn: Any, names: Collection[str]) -> None:
        """Remove members who may no longer see these rooms, and tell them so."""
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
        """Remove a listener from a room and tell it so; nothing happens if it is not a member."""
        if self.hub.find_member(listener, name) is not None:
            self.hub.leave(listener, name)
            listener.send("unsubscribed", {"room": name})
