"""Turns: who changes one hot row waits in this process, not with a connection that others need.

PostgreSQL lets one transaction at a time change a row, and each lasts as long as a commit takes. Without
this, a post that everybody likes at once would keep the whole pool waiting, and strangers would be refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from aiohttp import web

from nexcorp.errors import Unavailable

# One commits while the next one is getting there.
AT_ONCE = 2
WAIT_SECONDS = 2.0


class Turns:
    """The queues of one process, by the id of what is changed."""

    def __init__(self) -> None:
        self._queues: dict[UUID, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def take(self, row_id: UUID) -> AsyncIterator[None]:
        """Wait for a turn and hold it; raises Unavailable where none comes within WAIT_SECONDS."""
        semaphore, users = self._queues.setdefault(row_id, (asyncio.Semaphore(AT_ONCE), []))
        users.append(None)
        try:
            try:
                # Locked or not: a timer is only worth its price where there is something to wait for.
                async with asyncio.timeout(WAIT_SECONDS if semaphore.locked() else None):
                    await semaphore.acquire()
            except TimeoutError:
                raise Unavailable("contention", "Too many changes at once; try again.") from None
            try:
                yield
            finally:
                semaphore.release()
        finally:
            users.pop()
            if not users:
                self._queues.pop(row_id, None)


TURNS = web.AppKey("turns", Turns)
