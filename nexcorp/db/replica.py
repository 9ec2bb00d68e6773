"""A streaming replica of the database: its lag, whether it may be read, and its pool of connections."""

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
# A replica that does not report its position within this time counts as lost.
LOST_SECONDS = 1.0
MOST_SAMPLES = 1000
# Greater than all positions, and exact as a score in Redis.
NEVER = 2**53


class Replica:
    """The server at DATABASE_READ_URL, checked ten times a second while run() runs.

    Its lag is computed with this process's own clock, from samples of the primary's log position: so it is
    also known for a quiet primary, and for a replica that is cut off from the primary. While the primary does
    not answer, no new lag is known. `is_told`: whether this process receives the messages that call for
    fence().
    """

    def __init__(self, config: Config, primary: Database, is_told: Callable[[], bool]) -> None:
        self.config = replace(config, database_url=config.database_read_url)
        self.primary, self.is_told = primary, is_told
        # Why the replica is not read now; None if it is.
        self.problem: str | None = "not looked at yet"
        # The position in the primary's log that it has replayed, in bytes, and its lag in seconds.
        self.replayed = 0
        self.lag = 0.0
        self._database: Database | None = None
        self._conn: Any = None
        # (time.monotonic(), position) of the primary, for positions that are not replayed yet.
        self._samples: deque[tuple[float, int]] = deque()
        self._sampled_at: float | None = None
        self._newest = 0
        # The position it must reach before it is read; NEVER until the primary has reported that position.
        self._fence, self._fenced_at = 0, 0.0

    @property
    def source(self) -> Database | None:
        """The pool to read from; None if the primary must be read."""
        return self._database if self.problem is None and not self.fenced else None

    @property
    def fenced(self) -> bool:
        """Whether the replica has not reached the position of the last fence()."""
        return self.replayed < self._fence

    def fence(self) -> None:
        """Stop reading until the replica has all that is committed by now: it may show withdrawn rows."""
        self._fence, self._fenced_at = NEVER, time.monotonic()

    async def run(self) -> None:
        """Check the primary and the replica until cancelled."""
        try:
            while True:
                if not self.is_told():
                    self.fence()
                await asyncio.gather(self._sample(), self._look())
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._leave()

    def lose(self, reason: str) -> None:
        """Stop reading the replica until the next check succeeds; its running statements fail."""
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
            # A promoted server in the primary's place continues from where the logs parted.
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
                    # A connection of its own: a full pool must not look like a lost replica.
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
