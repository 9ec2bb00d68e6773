"""Turns: changes of one hot row queue in this process, without holding a connection that others need.

PostgreSQL lets one transaction at a time change a row, and each lasts as long as a commit. Without turns, a
post that everybody likes at once would occupy the whole pool, and other requests would be refused.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.context import aside
from nexcorp.errors import Contention

# One commits while the next one gets its lock.
AT_ONCE = 2
WAIT_SECONDS = 2.0


class Line:
    """The queue at one row: its semaphore, and how many hold or want a turn."""

    __slots__ = ("people", "turns")

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.people = 0


class Turns:
    """The queues of one process, by the id of the row."""

    def __init__(self) -> None:
        self._queues: dict[UUID, Line] = {}

    def take(self, row_id: UUID) -> Turn:
        """Wait for a turn and hold it for a block: `async with turns.take(row_id)`.

        Raises Contention if no turn comes within WAIT_SECONDS.
        """
        return Turn(self._queues, row_id)


class Turn:
    """A turn at one row, for the length of a block."""

    __slots__ = ("_line", "_queues", "_row_id")

    def __init__(self, queues: dict[UUID, Line], row_id: UUID) -> None:
        self._queues, self._row_id = queues, row_id

    async def __aenter__(self) -> None:
        line = self._queues.get(self._row_id)
        if line is None:
            line = self._queues[self._row_id] = Line()
        self._line = line
        line.people += 1
        try:
            # Only a wait needs a timer, which has its price.
            if line.turns.locked():
                with aside():
                    async with asyncio.timeout(WAIT_SECONDS):
                        await line.turns.acquire()
            else:
                await line.turns.acquire()
        except TimeoutError:
            self._leave()
            raise Contention() from None
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._line.turns.release()
        self._leave()

    def _leave(self) -> None:
        self._line.people -= 1
        if not self._line.people:
            del self._queues[self._row_id]


TURNS = web.AppKey("turns", Turns)
