"""Where GETs read whose routes are `stale`: on a replica, unless the caller would miss what they wrote.

Behind each request that writes, the primary's position in its log is kept for the caller in Redis, where
every node finds it. A read goes to the replica when that has come as far; else, and where anything is not
known, to the primary. Where people may see less from now on, every node waits for the replica to come as far.
Whatever the replica cannot answer, or says is not there, the primary is asked as well.
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
from nexcorp.security.app_keys import CALLER, READING
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

# How long a read and a write wait for Redis, and how long each lets it be after it did not answer.
ASK_SECONDS = 0.05
REST_SECONDS = 1.0
NOTE_SECONDS = 0.5
# How much longer a position is kept than a replica that is read may be behind.
MORE_SECONDS = 5
# What the primary may know that the replica does not: not there yet, or not allowed yet.
UNSURE = (Forbidden, NotFound, Unavailable)


def is_unsure(error: Exception) -> bool:
    """Whether the primary may answer what the replica did not; what took too long stays refused."""
    if isinstance(error, AppError):
        return isinstance(error, UNSURE) and not isinstance(error, TimedOut)
    return not isinstance(error, asyncpg.QueryCanceledError | TimeoutError)


async def ask_again(request: web.Request, work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns, which reads by database(request); on the primary where the replica fails."""
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
    """The replica of one web process, and who has to read elsewhere."""

    def __init__(self, config: Config, primary: Database, is_told: Callable[[], bool]) -> None:
        self.primary, self.replica = primary, Replica(config, primary, is_told)
        self._redis = Lanes(config.redis_url, seconds=NOTE_SECONDS)
        self._keep = config.database_read_lag + MORE_SECONDS
        self._rest_until = self._blind_until = self._mute_until = 0.0
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look at the replica."""
        self._looking = asyncio.create_task(self.replica.run())

    async def stop(self) -> None:
        """Let go of the replica and of Redis."""
        if self._looking is not None:
            await end_tasks((self._looking,))
        await self._redis.aclose()

    def note_lost(self, source: Database) -> None:
        """A request found the replica gone from which it read by `source`."""
        if self.replica.source is source:
            self.replica.lose("was lost")

    def show(self) -> None:
        """Bring the gauges up to date."""
        REPLICA_LAG.set(self.replica.lag)
        REPLICA_READ.set(self.replica.problem is None)

    async def read(self, request: web.Request, work: Callable[[], Awaitable[R]]) -> R:
        """What `work` answers, which reads on the replica where the caller misses nothing there."""
        reason = await self._find_reason(request)
        source = self.replica.source
        if reason is not None or source is None:
            STALE_READS.labels("primary", reason or "unwell").inc()
            return await work()
        STALE_READS.labels("replica", "").inc()
        request[READING] = source
        return await ask_again(request, work)

    async def write(self, request: web.Request, work: Callable[[], Awaitable[R]]) -> R:
        """What `work` answers; the caller's next reads find what it wrote."""
        try:
            response = await persist(request, work)
        except Replay:
            await self._note(request)
            raise
        await self._note(request)
        return response

    async def _find_reason(self, request: web.Request) -> str | None:
        """Why the replica is not read for this request; None where it is."""
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
        """Keep how far a replica has to be to show the caller what was committed so far."""
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
                # Two requests may come here in another order than they committed.
                pipeline.zadd(key, {"at": await self._get_position()}, gt=True).expire(key, self._keep)
                await pipeline.execute()
        except CONNECTION_LOST as error:
            self._mute_until = time.monotonic() + REST_SECONDS
            self._blind_until = time.monotonic() + self._keep
            if seldom("reading"):
                log.warning("a write is not known to others", error=type(error).__name__)

    def _find(self, user_id: UUID) -> tuple[Any, str]:
        """Where the position of a person's last write is kept: whom to ask, and the key."""
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
