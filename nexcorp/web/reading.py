"""Choose where GETs of `stale` routes read: on a replica, unless the caller would miss their own writes.

After each request that writes, the primary's log position is kept for the caller in Redis, where every node
finds it. A read goes to the replica if the replica has reached that position; otherwise, and whenever
something is unknown, to the primary. When rights are taken away, every node waits for the replica to reach
that point. If the replica fails, or finds no row or no right, the primary is asked as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import structlog
from aiohttp import web
from prometheus_client import Counter, Gauge

from nexcorp.background import end_tasks
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.db.replica import NEVER, Replica
from nexcorp.errors import AppError, DatabaseUnavailable, Forbidden, NotFound, TimedOut, Unavailable
from nexcorp.logs import seldom
from nexcorp.redis_client import CONNECTION_LOST, Lanes
from nexcorp.security.app_keys import CALLER, CONTEXT, READING
from nexcorp.web.transactions import Replay, persist

log = structlog.get_logger("nexcorp.reading")

STALE_READS = Counter(
    "nexcorp_stale_reads_total",
    "Requests that a replica may answer, by where they were read and why not there.",
    ["where", "why"],
)
REPLICA_LAG = Gauge(
    "nexcorp_replica_lag_seconds", "How far the replica is behind.", multiprocess_mode="livemax"
)
REPLICA_READ = Gauge("nexcorp_replica_read", "Whether the replica is read.", multiprocess_mode="livemin")

R = TypeVar("R", bound=web.StreamResponse)
T = TypeVar("T")

# How long a read and a write wait for Redis, and how long each leaves it alone after a failure.
ASK_SECONDS = 0.05
REST_SECONDS = 1.0
NOTE_SECONDS = 0.5
# A position is kept for this much longer than the lag at which a replica is still read.
MORE_SECONDS = 5
# Errors that the primary may not raise: the row or the right may not have reached the replica yet.
UNSURE = (Forbidden, NotFound, Unavailable)


def is_unsure(error: Exception) -> bool:
    """Return whether the primary may succeed where the replica failed; time-outs stay refused."""
    if isinstance(error, AppError):
        return isinstance(error, UNSURE) and not isinstance(error, TimedOut)
    return not isinstance(error, asyncpg.QueryCanceledError | TimeoutError)


async def ask_again(request: web.Request, work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `work`, which reads by database(request); if the replica fails, on the primary."""
    try:
        return await work()
    except Exception as error:
        if READING not in request or not is_unsure(error):
            raise
        if isinstance(error, DatabaseUnavailable):
            request.app[READS].note_lost(request[READING])
        del request[READING]
        STALE_READS.labels("primary", "asked again").inc()
    return await work()


class Reads:
    """The replica of one web process, and the callers who must read from the primary."""

    def __init__(self, config: Config, primary: Database, is_told: Callable[[], bool]) -> None:
        self.primary, self.replica = primary, Replica(config, primary, is_told)
        self._redis = Lanes(config.redis_url, seconds=NOTE_SECONDS)
        self._keep = config.database_read_lag + MORE_SECONDS
        self._rest_until = self._blind_until = self._mute_until = 0.0
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the replica."""
        self._looking = asyncio.create_task(self.replica.run())

    async def stop(self) -> None:
        """Close the connections to the replica and to Redis."""
        if self._looking is not None:
            await end_tasks((self._looking,))
        await self._redis.aclose()

    def note_lost(self, source: Database) -> None:
        """Note that a request found the replica gone, from which it read by the pool `source`."""
        if self.replica.source is source:
            self.replica.lose("was lost")

    def show(self) -> None:
        """Update the gauges."""
        REPLICA_LAG.set(self.replica.lag)
        REPLICA_READ.set(self.replica.problem is None)

    async def read(self, request: web.Request, work: Callable[[], Awaitable[R]]) -> R:
        """Return the answer of `work`, which reads on the replica if the caller misses nothing there."""
        reason = await self._find_reason(request)
        source = self.replica.source
        if reason is not None or source is None:
            STALE_READS.labels("primary", reason or "unwell").inc()
            return await work()
        STALE_READS.labels("replica", "").inc()
        request[READING] = source
        return await ask_again(request, work)

    async def write(self, request: web.Request, work: Callable[[], Awaitable[R]]) -> R:
        """Return the answer of `work`, and note the position: the caller's next reads find their change.

        An error is noted only if something was committed before it, as a wrong password's event is.
        """
        try:
            response = await persist(request, work)
        except Exception as error:
            if isinstance(error, Replay) or request[CONTEXT].committed:
                await self._note(request)
            raise
        await self._note(request)
        return response

    async def _find_reason(self, request: web.Request) -> str | None:
        """Return why this request must not read the replica; None if it may."""
        if self.replica.source is None:
            return "revoked" if self.replica.problem is None else "unwell"
        now, who = time.monotonic(), request.get(CALLER)
        if who is None:
            return None
        if now < max(self._rest_until, self._blind_until):
            return "unknown"
        try:
            async with asyncio.timeout(ASK_SECONDS):
                client, key = self._find(who.id)
                written = await client.zscore(key, "at")
        except CONNECTION_LOST as error:
            self._rest_until = now + REST_SECONDS
            if seldom("reading"):
                log.warning("who wrote is not known, the primary is read", error=type(error).__name__)
            return "unknown"
        return "written" if written is not None and written > self.replica.replayed else None

    async def _note(self, request: web.Request) -> None:
        """Store the log position that a replica must reach to show the caller everything committed so far."""
        who = request.get(CALLER)
        if who is None:
            return
        now = time.monotonic()
        if now < self._mute_until:
            self._blind_until = now + self._keep
            return
        client, key = self._find(who.id)
        try:
            async with asyncio.timeout(NOTE_SECONDS):
                pipeline: Any = client.pipeline(transaction=False)
                # Two requests may arrive here in another order than they committed.
                pipeline.zadd(key, {"at": await self._get_position()}, gt=True).expire(key, self._keep)
                await pipeline.execute()
        except CONNECTION_LOST as error:
            self._mute_until = time.monotonic() + REST_SECONDS
            self._blind_until = time.monotonic() + self._keep
            if seldom("reading"):
                log.warning("a write is not known to others", error=type(error).__name__)

    def _find(self, user_id: UUID) -> tuple[Any, str]:
        """Return the Redis client and the key that keep the position of a person's last write."""
        name = f"nexcorp:wrote:{user_id}"
        client = self._redis.find(name)
        return client, client.tag + name

    async def _get_position(self) -> int:
        try:
            async with self.primary.connection() as conn:
                position: int = await sql.service.get_position(conn)
                return position
        except (AppError, asyncpg.PostgresError):
            return NEVER


READS = web.AppKey("reads", Reads)
