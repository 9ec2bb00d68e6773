"""Rooms that gather frames of other rooms: `feed` gathers the posts of the people you follow.

A worker pushes each frame to every node as it is. A node with clients in a gathering room asks the database
once, for all frames that came meanwhile, which of its users they concern: an author with a hundred thousand
followers costs no more than one with two. Frames that Redis lost are found by reading what is recent.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from nexcorp.db import Database
from nexcorp.db.encoding import decode, encode
from nexcorp.delivery.kinds import Renderer
from nexcorp.realtime.checks import CHECK_SECONDS, Checks
from nexcorp.realtime.hub import Hub, Room
from nexcorp.realtime.metrics import FRAMES
from nexcorp.realtime.protocol import RoomMessage, wrap
from nexcorp.realtime.rooms import Gathering

# How far back to look for lost frames, and how long to remember what was shown.
RECENT_SECONDS = 30.0
KNOWN_SECONDS = 2 * RECENT_SECONDS
# Most pairs of user and source room in one statement.
MOST_PAIRS = 20_000
# If more frames wait, the oldest are dropped, and found by the next check.
MOST_WAITING = 1_000
POOL_WAIT_SECONDS = 2.0


class Gathered:
    """One gathering room on this node."""

    def __init__(
        self, database: Database, hub: Hub, renderer: Renderer, name: str, gathering: Gathering
    ) -> None:
        self.database, self.hub, self.renderer = database, hub, renderer
        self.name, self.gathering = name, gathering
        # The first bytes of this event's frames, as Renderer writes them.
        self._beginning = encode({"event": gathering.event}).decode().removesuffix("}")
        # By entity id: the source room's id, and the text of the frame there.
        self._waiting: dict[UUID, tuple[UUID, str]] = {}
        self._shown: dict[UUID, float] = {}
        self._checks = Checks("gathered room", room=name)

    def take(self, message: RoomMessage) -> None:
        """Note the frames of a pushed message that belong in this room."""
        kind, _, source = message.room.partition(":")
        if kind == self.gathering.source and self.name in self.hub.rooms:
            for _, text in message.frames:
                self._note(UUID(source), text)

    def check_soon(self) -> None:
        """Look for lost frames now."""
        self._checks.check_soon()

    async def run(self) -> None:
        """Show frames as they come, and look for lost ones every few seconds; until cancelled."""
        await self._checks.run(lambda: CHECK_SECONDS, self.show)

    async def show(self, check: bool) -> None:
        """Write the waiting frames to the clients whom they concern; with `check`, lost frames as well."""
        room = self.hub.rooms.get(self.name)
        if room is None:
            self._waiting.clear()
            self._shown.clear()
            return
        if not (check or self._waiting):
            return
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            if check:
                await self._find_lost(conn, room)
            while self._waiting:
                await self._show_part(conn, room)

    async def _show_part(self, conn: Any, room: Room) -> None:
        users = list({member.socket.user_id for member in room.members.values()})
        ids = list(self._waiting)[: max(1, MOST_PAIRS // max(1, len(users)))]
        part = {entity_id: self._waiting.pop(entity_id) for entity_id in ids}
        sources = list({source for source, _ in part.values()})
        rows = await self.gathering.list_concerned(conn, user_ids=users, source_ids=sources)
        concerned: dict[UUID, list[UUID]] = {}
        for row in rows:
            concerned.setdefault(row["source_id"], []).append(row["user_id"])
        for entity_id, (source, text) in part.items():
            self._shown[entity_id] = time.monotonic()
            self._write(room, concerned.get(source, ()), text)

    def _write(self, room: Room, users: Any, text: str) -> None:
        sockets = [
            socket
            for user in users
            for socket in self.hub.by_user.get(user, ())
            # A client that has just joined fetches the state after the answer to its command.
            if (member := room.members.get(socket)) is not None and member.buffer is None
        ]
        if not sockets:
            return
        frame = decode(text)
        data = wrap(encode({"event": frame["event"], "data": frame["data"], "room": self.name}))
        FRAMES.inc(len(sockets))
        for socket in sockets:
            socket.write(data)

    def _note(self, source: UUID, text: str) -> None:
        # The frame is of another event, or of a deleted entity.
        if not text.startswith(self._beginning):
            return
        entity_id = UUID(decode(text)["data"]["id"])
        if entity_id in self._shown:
            return
        self._waiting[entity_id] = source, text
        if len(self._waiting) > MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        self._checks.wake()

    async def _find_lost(self, conn: Any, room: Room) -> None:
        now = time.monotonic()
        self._shown = {key: at for key, at in self._shown.items() if now - at < KNOWN_SECONDS}
        # Skip what is older than the first member's joining.
        seconds = min(RECENT_SECONDS, now - min(member.since for member in room.members.values()))
        rows = await self.gathering.list_recent(conn, seconds=seconds)
        frames = [
            {
                "room": f"{self.gathering.source}:{row['source_id']}",
                "seq": 0,
                "event": self.gathering.event,
                "entity_type": row["entity_type"],
                "entity_id": row["entity_id"],
                "data": {},
                "members": None,
            }
            for row in rows
            if row["entity_id"] not in self._shown and row["entity_id"] not in self._waiting
        ]
        texts = await self.renderer.render(conn, frames)
        for row, text in zip(frames, texts, strict=True):
            self._note(UUID(row["room"].partition(":")[2]), text)
