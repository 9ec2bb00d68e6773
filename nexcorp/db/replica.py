"""A streaming replica of the database: how far it is, whether it may be read, and its pool of connections."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asyncpg
import structlog

from nexcorp.config import Config
from nexcorp.db.catalog import sql
from nexcorp.db.pool import Database

log = structlog.get_logger("nexcorp.replica")

LOOK_SECONDS = 0.1
SAMPLE_SECONDS = 0.5
# A replica that does not say so soon how far it is counts as lost.
LOST_SECONDS = 1.0
MOST_SAMPLES = 1000
# Behind all positions, and exact as a score of Redis.
NEVER = 2**53


class Replica:
    """The server at DATABASE_READ_URL, looked at ten times a second while run() runs.

    How old its state is follows from where the primary's log stood when, by this process's own clock: it is
    known of a quiet primary, and of a replica that is cut off from it. Where the primary does not answer,
    nothing is known to be missing. `is_told`: whether this process is told now of what calls for fence().
    """

    def __init__(self, config: Config, primary: Database, is_told: Callable[[], bool]) -> None:
        self.config = replace(config, database_url=config.database_read_url)
        self.primary, self.is_told = primary, is_told
        # Why it is not read now; None where it is.
        self.problem: str | None = "not looked at yet"
        # Up to where in the primary's log it has come, in bytes, and how many seconds are behind that.
        self.replayed = 0
        self.lag = 0.0
        self._database: Database | None = None
        self._conn: Any = None
        # (time.monotonic(), position) of the primary, as far as not replayed.
        self._samples: deque[tuple[float, int]] = deque()
        self._sampled_at: float | None = None
        self._newest = 0
        # How far it must have come before it is read; NEVER until the primary has said so.
        self._fence, self._fenced_at = 0, 0.0

    @property
    def source(self) -> Database | None:
        """The pool to read from; None where the primary is to be read."""
        return self._database if self.problem is None and not self.fenced else None

    @property
    def fenced(self) -> bool:
        """Whether it has not come as far as the last fence()."""
        return self.replayed < self._fence

    def fence(self) -> None:
        """Do not read it before it has all that is committed by now: it would show what was taken away."""
        self._fence, self._fenced_at = NEVER, time.monotonic()

    async def run(self) -> None:
        """Look, again and again; until cancelled."""
        try:
            while True:
                if not self.is_told():
                    self.fence()
                await asyncio.gather(self._sample(), self._look())
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._leave()

    def lose(self, reason: str) -> None:
        """Read it no longer until the next look finds it well; statements on it end with an error."""
        self._judge(reason)
        self._leave()

    async def _sample(self) -> None:
        now = time.monotonic()
        recent = self._sampled_at is not None and now - self._sampled_at < SAMPLE_SECONDS
        if recent and self._fence != NEVER:
            return
        try:
            async with asyncio.timeout(LOST_SECONDS), self.primary.connection() as conn:
                position = await sql.service.get_position(conn)
        except Exception as error:
            log.debug("the primary's position is not known", error=type(error).__name__)
            return
        self._sampled_at = now
        if self._fence == NEVER and now > self._fenced_at:
            self._fence = position
        if position < self._newest:
            # A server promoted in its place, which begins where the log parted.
            self._samples.clear()
            self._fence = min(self._fence, position)
        elif self._samples and len(self._samples) >= MOST_SAMPLES:
            self._samples.pop()
        self._samples.append((now, position))
        self._newest = position

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(LOST_SECONDS):
                if self._conn is None or self._conn.is_closed():
                    # One of its own: a full pool is no lost replica.
                    self._conn = await asyncpg.connect(
                        self.config.database_url,
                        statement_cache_size=self.config.statement_cache,
                        server_settings={"application_name": "nexcorp replica"},
                    )
                found = await sql.service.get_replay(self._conn)
        except Exception as error:
            self._measure()
            self.lose(f"cannot be reached: {type(error).__name__}")
            return
        if found is None or not found["inRecovery"]:
            self.lose("is no replica, or no longer one")
            return
        self.replayed = found["position"] or 0
        self._measure()
        if self._sampled_at is None:
            self._judge("how far it is behind is not known yet")
        elif self.lag > self.config.database_read_lag:
            self._judge(f"{self.lag:.1f} s behind")
        elif self._database is not None or await self._open():
            self._judge(None)

    async def _open(self) -> bool:
        database = Database(self.config, application="nexcorp web reads")
        try:
            async with asyncio.timeout(5 * LOST_SECONDS):
                await database.open()
        except Exception as error:
            database.abandon()
            self._judge(f"takes no connections: {type(error).__name__}")
            return False
        self._database = database
        return True

    def _measure(self) -> None:
        while self._samples and self._samples[0][1] <= self.replayed:
            self._samples.popleft()
        self.lag = time.monotonic() - self._samples[0][0] if self._samples else 0.0

    def _judge(self, problem: str | None) -> None:
        if (problem is None) != (self.problem is None):
            if problem is None:
                log.info("the replica is read")
            else:
                log.warning("the replica is not read, the primary is", reason=problem)
        self.problem = problem

    def _leave(self) -> None:
        if self._conn is not None:
            self._conn.terminate()
            self._conn = None
        if self._database is not None:
            self._database.abandon()
            self._database = None
