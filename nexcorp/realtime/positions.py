"""The check that makes Redis optional: compare each room's position on a node with PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import structlog

from nexcorp.db import Database, sql
from nexcorp.delivery.kinds import Renderer
from nexcorp.realtime import protocol
from nexcorp.realtime.checks import CHECK_SECONDS, Checks
from nexcorp.realtime.hub import Hub
from nexcorp.realtime.metrics import RECOVERED
from nexcorp.realtime.protocol import RoomMessage
from nexcorp.realtime.rooms import count_unread

log = structlog.get_logger("nexcorp.realtime")

ROOMS_AT_ONCE = 100
FRAMES_AT_ONCE = 200
POOL_WAIT_SECONDS = 2.0

Clear = Callable[[Any, Collection[str]], Awaitable[None]]


async def clear_nobody(conn: Any, names: Collection[str]) -> None:
    """Clear nothing: a default for rooms that nobody loses access to."""


class Positions:
    """Keeps the rooms of one node complete. `epoch` identifies the numbering; None until it has been read.

    `clear` removes members who may no longer see a room, before missed frames are shown to them.
    """

    def __init__(
        self,
        database: Database,
        hub: Hub,
        renderer: Renderer,
        *,
        clear: Clear = clear_nobody,
        seconds: float = CHECK_SECONDS,
    ) -> None:
        self.clear = clear
        self.database, self.hub, self.renderer, self.seconds = database, hub, renderer, seconds
        self.epoch: str | None = None
        self._behind: set[str] = set()
        self._checks = Checks("position check")
        hub.on_behind = self.note_behind

    def note_behind(self, name: str) -> None:
        """Note that a room missed a frame: it is read as soon as possible."""
        self._behind.add(name)
        self._checks.wake()

    def check_soon(self) -> None:
        """Compare every room now: messages may have been lost while Redis was away."""
        self._checks.check_soon()

    async def run(self) -> None:
        """Read missed frames when woken, and compare every room every few seconds; until cancelled."""
        await self._checks.run(lambda: self.seconds, self._work)

    async def _work(self, due: bool) -> None:
        if due:
            await self.check()
        while self._behind:
            names = [self._behind.pop() for _ in range(min(ROOMS_AT_ONCE, len(self._behind)))]
            await self.catch_up(names)

    async def check(self) -> None:
        """Compare epoch and positions with PostgreSQL; note the rooms that lag as behind."""
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            epoch = await sql.realtime.get_epoch(conn)
            mine = self.hub.positions()
            rows = await sql.realtime.list_positions(conn, names=list(mine)) if mine else []
        if self.epoch is not None and epoch != self.epoch:
            # Numbers may have been issued twice, so all positions are meaningless now.
            log.warning("epoch changed", old=self.epoch, new=epoch)
            for socket in list(self.hub.sockets):
                socket.close(protocol.RESYNC, "epoch changed")
        self.epoch = epoch
        self._behind.update(row["name"] for row in rows if row["last_seq"] > mine[row["name"]])

    async def catch_up(self, names: list[str]) -> None:
        """Broadcast the missed frames of these rooms; close the sockets of a room that missed too many."""
        mine = self.hub.positions()
        names = [name for name in names if name in mine]
        if not names:
            return
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            rows = await sql.realtime.read_missing(
                conn, names=names, afters=[mine[name] for name in names], most=protocol.MAX_RECOVERED + 1
            )
            await self.clear(conn, {row["room"] for row in rows})
            unread = await count_unread(conn, names)
            missing: dict[str, list[Any]] = {name: [] for name in names}
            for row in rows:
                missing[row["room"]].append(row)
            for group in group_rooms(missing):
                found = [row for name in group for row in missing[name]]
                texts = iter(await self.renderer.render(conn, found))
                for name in group:
                    frames = [(row["seq"], next(texts)) for row in missing[name]]
                    first_kept = not frames or frames[0][0] == mine[name] + 1
                    if len(frames) > protocol.MAX_RECOVERED or not first_kept:
                        self.hub.drop_room(name, protocol.RESYNC, "too far behind")
                    elif frames:
                        RECOVERED.inc(len(frames))
                        self.hub.receive(RoomMessage(name, frames, unread.get(name)))


def group_rooms(missing: Mapping[str, Sequence[Any]]) -> Iterator[list[str]]:
    """Yield room names in groups of at most FRAMES_AT_ONCE frames, or one room, to render at once."""
    group: list[str] = []
    count = 0
    for name, rows in missing.items():
        if group and count + len(rows) > FRAMES_AT_ONCE:
            yield group
            group, count = [], 0
        group.append(name)
        count += len(rows)
    if group:
        yield group
