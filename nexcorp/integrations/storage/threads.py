"""Blocking work in a few threads, with a limit on waiting calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from nexcorp.context import aside
from nexcorp.errors import Overloaded

Result = TypeVar("Result")


class Threads:
    """A pool of `workers` threads; if `waiting` calls wait already, further ones are refused at once."""

    def __init__(self, name: str, workers: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._most, self._in_hand = workers + waiting, 0

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in a thread; raises Overloaded if too many calls wait already."""
        if self._in_hand >= self._most:
            raise Overloaded()
        self._in_hand += 1
        work = self._pool.submit(function, *arguments)
        # A thread cannot be interrupted: a cancelled caller leaves it busy until it ends by itself.
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(self._done))
        with aside():
            return await asyncio.wrap_future(work)

    def _done(self) -> None:
        self._in_hand -= 1

    def close(self) -> None:
        """Take no more calls; do not wait for those that run."""
        self._pool.shutdown(wait=False, cancel_futures=True)
