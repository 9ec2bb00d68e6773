"""The loop of what keeps rooms complete: it works when something came, and every few seconds in any case."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from nexcorp.errors import AppError
from nexcorp.logs import seldom

log = structlog.get_logger("nexcorp.realtime")

CHECK_SECONDS = 5.0
# After what failed.
REST_SECONDS = 0.5


class Checks:
    """What is done again and again, for one purpose; `name` and `about` stand in its lines of the log.

    A check that fails for want of the database is due again at once.
    """

    def __init__(self, name: str, **about: Any) -> None:
        self.name, self.about = name, about
        self._wake = asyncio.Event()
        self._now = False

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def check_soon(self) -> None:
        """Something may have been lost: a check is due now."""
        self._now = True
        self._wake.set()

    async def run(self, seconds: Callable[[], float], work: Callable[[bool], Awaitable[None]]) -> None:
        """Call `work` when there is something to do, with whether a check is due; until cancelled.

        That is `seconds()` after the last: what keeps waking the loop must not put it off.
        """
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(checked_at + seconds()):
                    await self._wake.wait()
            self._wake.clear()
            due = self._now or loop.time() >= checked_at + seconds()
            if due:
                self._now, checked_at = False, loop.time()
            try:
                await work(due)
            except AppError as error:
                if seldom(f"{self.name} {error.code}"):
                    log.warning(f"{self.name} waits", reason=error.code, **self.about)
                await asyncio.sleep(REST_SECONDS)
                self.check_soon()
            except Exception:
                log.exception(f"{self.name} failed", **self.about)
                await asyncio.sleep(REST_SECONDS)
