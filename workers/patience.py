"""SAQ's queue and worker, made to survive a Redis outage and to log little about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

import structlog
from redis.exceptions import RedisError
from saq import Job, Worker

from nexcorp.delivery.wake import TaggedQueue
from nexcorp.errors import Unavailable
from nexcorp.logs import seldom
from nexcorp.redis_client import CONNECTION_LOST

log = structlog.get_logger("nexcorp.worker")

GRACE_SECONDS = 20
REST_SECONDS = 1.0
# How long to leave a job alone that this release does not know.
STRANGE_SECONDS = 3.0


class OutageFilter(logging.Filter):
    """Drops SAQ's errors with tracebacks while Redis or PostgreSQL is away."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep a log record of SAQ."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Unavailable) and seldom(f"jobs {error.code}"):
            log.warning("jobs wait", reason=error.code)
        return not isinstance(error, RedisError | Unavailable)


logging.getLogger("saq").addFilter(OutageFilter())


class PatientQueue(TaggedQueue):
    """SAQ's queue for a worker that survives a Redis outage, and finishes its jobs before it stops."""

    closing = False
    # The functions that its worker has; None: accept every job.
    known: Collection[str] | None = None

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Job | None:  # noqa: ASYNC109
        """Return the next job, or None."""
        if self.closing:
            # Until the worker's stop() cancels the wait.
            await asyncio.sleep(GRACE_SECONDS)
            return None
        try:
            job = await super().dequeue(timeout, poll_interval)
            if job is not None and self.known is not None and job.function not in self.known:
                await self.leave_to_others(job)
                return None
            return job
        except CONNECTION_LOST:
            # SAQ would retry at once, in all its tasks: a whole core for as long as Redis is away.
            await asyncio.sleep(REST_SECONDS)
            return None

    async def leave_to_others(self, job: Job) -> None:
        """Put back a job of a newer release, which is being deployed, again and again: its workers run it."""
        job.retry_delay = STRANGE_SECONDS
        await self.retry(job, None)

    async def schedule(self, lock: int = 1) -> list[str]:
        """Queue jobs whose time has come; no jobs while Redis is away."""
        try:
            return list(await super().schedule(lock))
        except CONNECTION_LOST:
            return []

    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:
        """Rescue jobs of workers that died; no jobs while Redis is away."""
        try:
            return list(await super().sweep(lock, abort))
        except CONNECTION_LOST:
            return []


class PatientWorker(Worker[Any]):
    """SAQ's worker; a Redis outage is one line in its log."""

    away = False

    def __init__(self, queue: PatientQueue, *values: Any, **more: Any) -> None:
        super().__init__(queue, *values, **more)
        queue.known = self.functions.keys()

    async def schedule(self, lock: int = 1) -> None:
        """Queue due jobs, every second; log the first failure and the next success."""
        try:
            await super().schedule(lock)
        except CONNECTION_LOST as error:
            if not self.away:
                log.warning("jobs wait for Redis", error=type(error).__name__)
            self.away = True
            return
        if self.away:
            log.info("jobs run again")
        self.away = False

    async def process(self) -> bool:
        """Run the next job. If Redis misses its end, the job runs again once Redis is back."""
        try:
            return await super().process()
        except CONNECTION_LOST:
            return False
