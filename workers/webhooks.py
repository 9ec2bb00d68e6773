"""Sends webhooks: lanes are claimed and given back, and each delivery is sent at least once.

The unit of work is the endpoint: a worker leases a webhook, sends its due deliveries for some seconds, and
gives it back. The leases of a killed worker run out; deliveries that it sent but did not record are sent
again, with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.errors import AppError
from nexcorp.features.webhooks.bodies import Bodies
from nexcorp.logs import seldom
from nexcorp.manifest import Product
from nexcorp.security.secrets import Secrets
from workers import POOL_WAIT_SECONDS
from workers.webhooks_lane import Lane, Pace, Tools
from workers.webhooks_record import Recorder

log = structlog.get_logger("nexcorp.webhooks")

# The shortest time between two claims, however often it is woken.
REST_SECONDS = 0.02


@dataclass(slots=True)
class Turn:
    """A turn in a lane, until it is recorded or cannot be; `proven`: which budget it counts against."""

    task: asyncio.Task[None]
    proven: bool


class Webhooks:
    """Sends due webhooks, in one worker process."""

    def __init__(
        self, database: Database, config: Config, product: Product, worker_id: str, pace: Pace | None = None
    ) -> None:
        self.database, self.worker_id, self.pace = database, worker_id, pace or Pace()
        self.recorder = Recorder(database, worker_id, self._end)
        self.tools = Tools(
            database,
            config.outbound_allow,
            Bodies(product),
            Secrets.from_config(config),
            self.recorder,
            worker_id,
            self.pace,
        )
        self._turns: dict[UUID, Turn] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Claim due webhooks now instead of at the next poll."""
        self._woken.set()

    async def run(self) -> None:
        """Claim lanes and work on them until close() is called."""
        while not self.tools.closing:
            self._woken.clear()
            try:
                await self._claim()
            except AppError as error:
                if seldom(f"webhooks {error.code}"):
                    log.warning("webhooks wait", reason=error.code)
            except Exception as error:
                log.error("webhooks are not claimed", error=type(error).__name__)
            await asyncio.sleep(REST_SECONDS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self.pace.poll)

    async def close(self) -> None:
        """Send no more, give running attempts a moment to end, and give the lanes back."""
        self.tools.closing = True
        self.wake()
        tasks = [turn.task for turn in self._turns.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=self.pace.grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.recorder.settle()
        for places in (self.tools.proven, self.tools.others):
            await places.door.close()

    async def _claim(self) -> None:
        """Claim as many lanes of each kind as there are places."""
        taken = sum(turn.proven for turn in self._turns.values())
        proven, others = self.pace.proven - taken, self.pace.others - (len(self._turns) - taken)
        if proven <= 0 and others <= 0:
            return
        async with self.database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
            rows = await sql.webhooks_sending.claim_lanes(
                conn,
                proven=max(proven, 0),
                others=max(others, 0),
                seconds=self.pace.lease,
                worker_id=self.worker_id,
                held=list(self._turns),
            )
        for row in rows:
            lane = Lane(self.tools, row["id"], row["failures"], row["proven"])
            self._turns[row["id"]] = Turn(asyncio.create_task(lane.take_turn()), row["proven"])

    def _end(self, webhook_ids: Sequence[UUID]) -> None:
        """End these turns; a lane claimed before would send the same deliveries again."""
        for webhook_id in webhook_ids:
            del self._turns[webhook_id]
        self.wake()
