"""The loop that keeps rooms complete: it works when woken, and at least every few seconds."""

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
# Pause after a failure.
REST_SECONDS = 0.5


class Checks:
    """A repeated check for one purpose; `name` and `about` appear in its log lines.

    A check that fails with an AppError (no database) is repeated after REST_SECONDS.
    """

    def __init__(self, name: str, **about: Any) -> None:
        self.name, self.about = name, about
        self._wake = asyncio.Event()
        self._now = False

    def wake(self) -> None:
        """Run the work soon, without a check."""
        self._wake.set()

    def check_soon(self) -> None:
        """Run the work with a check now: something may have been lost."""
        self._now = True
        self._wake.set()

    async def run(self, seconds: Callable[[], float], work: Callable[[bool], Awaitable[None]]) -> None:
        """Call `work(due)` whenever woken, and when a check is due; until cancelled.

        A check is due `seconds()` after the last one, however often the loop is woken in between.
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
