"""Records attempts and released lanes, for all lanes of a worker at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import structlog

from nexcorp.db import Database, sql
from nexcorp.delivery import emit
from nexcorp.errors import AppError
from workers import POOL_WAIT_SECONDS
from workers.metrics import WEBHOOKS

log = structlog.get_logger("nexcorp.webhooks")

# Results within this time are recorded together.
GATHER_SECONDS = 0.02
# How often, and how far apart, recording is tried while PostgreSQL is away. Unrecorded deliveries are sent
# again, with the same id.
TRIES, PAUSE_SECONDS = 30, 2.0
FAILING_DAYS = 5


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one request. `begun_at`: the next_at of its delivery at the start; `wait`: seconds until
    the next one, if it is pending."""

    id: UUID
    begun_at: datetime
    status: Literal["pending", "delivered", "failed"]
    ms: int
    wait: float = 0.0
    code: int | None = None
    error: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The end of a turn in a lane: see sql.webhooks_sending.release_lanes."""

    webhook_id: UUID
    ok: bool
    failed: int
    rest: float
    reason: str | None


class Recorder:
    """Writes the results of a worker's lanes.

    `released` is called with the webhooks whose turns are recorded, or cannot be.
    """

    def __init__(
        self, database: Database, worker_id: str, released: Callable[[Sequence[UUID]], None]
    ) -> None:
        self.database, self.worker_id, self.released = database, worker_id, released
        self._attempts: list[Attempt] = []
        self._releases: list[Release] = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, said: Attempt | Release) -> None:
        """Write a result soon; a lane is released after its attempts are recorded."""
        if isinstance(said, Attempt):
            self._attempts.append(said)
        else:
            self._releases.append(said)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def settle(self) -> None:
        """Wait until all results are written."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self) -> None:
        try:
            while self._attempts or self._releases:
                await asyncio.sleep(GATHER_SECONDS)
                attempts, self._attempts = self._attempts, []
                releases, self._releases = self._releases, []
                await self._write_patiently(attempts, releases)
                if releases:
                    self.released([one.webhook_id for one in releases])
        finally:
            self._writing = None

    async def _write_patiently(self, attempts: list[Attempt], releases: list[Release]) -> None:
        for left in reversed(range(TRIES)):
            try:
                await self._write_part(attempts, releases)
                return
            except asyncpg.DeadlockDetectedError:
                # A webhook was deleted meanwhile.
                reason, pause = "deadlock", GATHER_SECONDS
            except AppError as error:
                reason, pause = error.code, PAUSE_SECONDS
            except Exception as error:
                log.exception("attempts are not recorded", error=type(error).__name__)
                return
            if left:
                await asyncio.sleep(pause)
        log.error("attempts are not recorded", reason=reason, attempts=len(attempts), lanes=len(releases))

    async def _write_part(self, attempts: list[Attempt], releases: list[Release]) -> None:
        async with self.database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
            if releases:
                await sql.webhooks_sending.lock_lanes(conn, ids=[one.webhook_id for one in releases])
            if attempts:
                await sql.webhooks_sending.record_attempts(
                    conn,
                    ids=[one.id for one in attempts],
                    begun_ats=[one.begun_at for one in attempts],
                    statuses=[one.status for one in attempts],
                    waits=[one.wait for one in attempts],
                    codes=[one.code for one in attempts],
                    errors=[one.error for one in attempts],
                    mss=[one.ms for one in attempts],
                    responses=[one.response for one in attempts],
                )
            if releases:
                stopped = await sql.webhooks_sending.release_lanes(
                    conn,
                    ids=[one.webhook_id for one in releases],
                    worker_id=self.worker_id,
                    oks=[one.ok for one in releases],
                    faileds=[one.failed for one in releases],
                    rests=[one.rest for one in releases],
                    reasons=[one.reason for one in releases],
                    most_failing_days=FAILING_DAYS,
                )
                for row in stopped:
                    await emit(
                        conn,
                        f"webhook.{row['status']}",
                        actor_id=None,
                        entity=("webhook", row["id"]),
                        payload={"ownerId": row["owner_id"], "reason": row["reason"]},
                    )
        for one in attempts:
            WEBHOOKS.labels(one.status).inc()
