"""Turns: who changes one hot row waits in this process, not with a connection that others need.

PostgreSQL lets one transaction at a time change a row, and each lasts as long as a commit takes. Without
this, a post that everybody likes at once would keep the whole pool waiting, and strangers would be refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import web

from nexcorp.errors import Contention

# One commits while the next one is getting there.
AT_ONCE = 2
WAIT_SECONDS = 2.0


@dataclass(slots=True)
class Line:
    """Those at one row: who holds a turn, and how many hold or want one."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    people: int = 0


class Turns:
    """The queues of one process, by the id of what is changed."""

    def __init__(self) -> None:
        self._queues: dict[UUID, Line] = {}

    @asynccontextmanager
    async def take(self, row_id: UUID) -> AsyncIterator[None]:
        """Wait for a turn and hold it; raises Unavailable where none comes within WAIT_SECONDS."""
        line = self._queues.get(row_id)
        if line is None:
            line = self._queues[row_id] = Line()
        line.people += 1
        try:
            try:
                # Locked or not: a timer is only worth its price where there is something to wait for.
                async with asyncio.timeout(WAIT_SECONDS if line.turns.locked() else None):
                    await line.turns.acquire()
            except TimeoutError:
                raise Contention() from None
            try:
                yield
            finally:
                line.turns.release()
        finally:
            line.people -= 1
            if not line.people:
                del self._queues[row_id]


TURNS = web.AppKey("turns", Turns)
