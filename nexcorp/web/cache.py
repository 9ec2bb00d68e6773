"""Cache answers that are the same for everybody: in Redis, for seconds, until they are outdated.

Each group of answers has a generation, a number in Redis. An answer is stored with the generation that was
read before it was made, and is invalid once the generation has changed: one INCR after a commit invalidates
the whole group on every node, including answers that were being made at the time. In the second half of an
answer's lifetime the first request starts a refresh, and nobody waits for it. No request waits for Redis
longer than WAIT_SECONDS: if it fails, answers are made from PostgreSQL, and Redis is left alone for a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from nexcorp.context import apart
from nexcorp.logs import seldom
from nexcorp.redis_client import CONNECTION_LOST, connect
from nexcorp.redis_places import lane_of

log = structlog.get_logger("nexcorp.cache")

WAIT_SECONDS = 0.05
REST_SECONDS = 1.0

Make = Callable[[], Awaitable[bytes]]
Groups = tuple[str, ...]


class Cache:
    """The cache of one web process."""

    def __init__(self, url: str) -> None:
        self.client = connect(url, seconds=WAIT_SECONDS, lane=lane_of("cache"))
        self._rest_until = 0.0
        self._flights: dict[str, tuple[Groups, asyncio.Task[bytes]]] = {}
        self._refreshes: dict[str, asyncio.Task[bytes]] = {}

    def _generation(self, group: str) -> str:
        return f"{self.client.tag}nexcorp:generation:{group}"

    def _place(self, name: str) -> str:
        return f"{self.client.tag}nexcorp:cache:{name}"

    async def load(
        self, group: str, key: str, seconds: int, make: Make, *also: str, most: int | None = None
    ) -> bytes:
        """Return the cached answer, or else the result of `make`, which is then cached for `seconds`.

        An answer of more than `most` bytes is not cached. It is invalidated with its group, and with the
        groups in `also`. Concurrent calls on one node share one `make`. Raises the errors of `make`.
        """
        name, groups = f"{group}:{key}", (group, *also)
        flying, flight = self._flights.get(name, (groups, None))
        if flight is None or flying != groups:
            flight = asyncio.create_task(self._load(groups, name, seconds, make, most), context=apart())
            self._flights[name] = groups, flight
            flight.add_done_callback(lambda done: self._land(name, done))
        # A caller that is cancelled must not cancel it for the others.
        return await asyncio.shield(flight)

    def _land(self, name: str, flight: asyncio.Task[bytes]) -> None:
        if name in self._flights and self._flights[name][1] is flight:
            del self._flights[name]

    async def _load(self, groups: Groups, name: str, seconds: int, make: Make, most: int | None) -> bytes:
        generations = [self._generation(group) for group in groups]
        found = await self._ask(lambda: self.client.mget(*generations, self._place(name)))
        if found is None:
            return await make()
        generation = b",".join(one or b"0" for one in found[:-1])
        if found[-1] is not None:
            of, ages_at, kept = found[-1].split(b"\n", 2)
            if of == generation:
                if time.time() >= float(ages_at) and name not in self._refreshes:
                    refresh = asyncio.create_task(self._make(name, generation, seconds, make, most))
                    self._refreshes[name] = refresh
                    refresh.add_done_callback(lambda done: self._end_refresh(name, done))
                answer: bytes = kept
                return answer
        return await self._make(name, generation, seconds, make, most)

    async def _make(self, name: str, generation: bytes, seconds: int, make: Make, most: int | None) -> bytes:
        """Make an answer and store it with the generation that was read before."""
        made = await make()
        if most is None or len(made) <= most:
            value = b"%b\n%.3f\n%b" % (generation, time.time() + seconds / 2, made)
            await self._ask(lambda: self.client.set(self._place(name), value, ex=seconds))
        return made

    def _end_refresh(self, name: str, refresh: asyncio.Task[bytes]) -> None:
        del self._refreshes[name]
        error = None if refresh.cancelled() else refresh.exception()
        # The old answer is still valid; once it expires, callers see the error.
        if error is not None and seldom("cache"):
            log.warning("cache was not refreshed", error=type(error).__name__)

    async def forget(self, *groups: str) -> None:
        """Invalidate all answers of these groups; call it after the commit of a change."""
        # An answer being made may have been read before the commit: no new caller may join it.
        for name in [name for name, (of, _) in self._flights.items() if not set(of).isdisjoint(groups)]:
            del self._flights[name]
        pipeline = self.client.pipeline(transaction=False)
        for group in groups:
            pipeline.incr(self._generation(group))
        await self._ask(pipeline.execute)

    async def _ask(self, command: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of a Redis command; None if Redis fails, and for a second after that."""
        if time.monotonic() < self._rest_until:
            return None
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await command()
        except CONNECTION_LOST as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            if seldom("cache"):
                log.warning("cache is left alone", error=type(error).__name__)
            return None

    async def close(self) -> None:
        """Cancel refreshes and close the connection to Redis."""
        for refresh in self._refreshes.values():
            refresh.cancel()
        await self.client.aclose()


CACHE = web.AppKey("cache", Cache)
