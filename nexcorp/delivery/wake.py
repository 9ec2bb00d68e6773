"""Wakes the workers after a commit that put something in the outbox, or in another queue of PostgreSQL.

Never awaited by a handler, and coalesced: at most one wake is on its way, and a commit after it asks for the
next. A lost wake costs the workers' poll interval, half a second for the outbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import structlog
from saq import Job as SaqJob
from saq import Queue, Status
from saq.queue.redis import RedisQueue

from nexcorp.delivery.effects import Effect, Job, Wake

log = structlog.get_logger("nexcorp.wake")

QUEUE_NAME = "nexcorp"
# Under load one wake serves all commits of this interval: the worker takes them in one batch.
SPACING_SECONDS = 0.005
REST_SECONDS = 1.0
# Limit of one process's wakes in Redis: without a worker they must not pile up. More than one, so that a wake
# held by a killed worker does not block the others.
MAX_QUEUED = 8
DELIVER = "deliver"

# saq warns of tasks that a stop cuts short, which is normal.
logging.getLogger("saq").setLevel(logging.ERROR)


class TaggedQueue(RedisQueue):
    """SAQ's queue on a Redis client. On a cluster, all of its keys lie in the lane of that client."""

    def __init__(self, client: Any, name: str = QUEUE_NAME) -> None:
        self.tag: str = client.tag
        super().__init__(client, name=self.tag + name)

    async def _enqueue(self, job: SaqJob) -> SaqJob | None:
        # SAQ also uses a job's key alone as a Redis key, without the queue's name.
        if not job.key.startswith(self.tag):
            job.key = self.tag + job.key
        return await super()._enqueue(job)

    async def notify(self, job: SaqJob) -> None:
        """Tell waiting processes that a job ended: a sweep waits for a job it stopped. On a cluster all else
        is left out, as the cluster sends each message to all of its nodes."""
        if not self.tag or job.status in (Status.ABORTED, Status.FAILED):
            await super().notify(job)


def make_queue(client: Any) -> TaggedQueue:
    """Return SAQ's queue on a Redis client that may block."""
    return TaggedQueue(client)


async def enqueue_job(queue: Queue, function: str, *, key: str, seconds: int = 60, **arguments: Any) -> None:
    """Queue a job. Use only this: SAQ's own defaults lose the job of a worker that is killed.

    `key`: work with the same key waits only once; `seconds` limits a run and is never 0, which SAQ would not
    rescue. Jobs must be idempotent: a rescue can run one twice.
    """
    await queue.enqueue(
        function, key=key, timeout=seconds, retries=5, retry_backoff=True, ttl=60, **arguments
    )


class Waker:
    """The background task of one process that enqueues jobs to drain queues, mostly `deliver`."""

    def __init__(self, queue: Queue, seconds: Mapping[str, int]) -> None:
        """`seconds`: how long a run of each job may take; each drains a queue and stops by itself before."""
        self.queue, self.seconds = queue, seconds
        self._asked = asyncio.Event()
        # Jobs to enqueue, with the seconds of a run.
        self._functions: dict[str, int] = {}
        self._node = uuid4().hex[:8]
        self._count = 0

    def perform(self, effect: Effect) -> None:
        """Perform Wake and Job; ignore other effects, which do not concern the workers."""
        if isinstance(effect, Wake):
            self.ask()
        elif isinstance(effect, Job):
            self.ask(effect.function)

    def ask(self, function: str = DELIVER) -> None:
        """Request a job that drains a queue, by default the outbox; returns at once.

        Raises KeyError for a job that no feature declares.
        """
        self._functions[function] = self.seconds[function]
        self._asked.set()

    async def run(self) -> None:
        """Enqueue requested jobs, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            functions, self._functions = self._functions, {}
            self._count += 1
            try:
                async with asyncio.timeout(5):
                    for function, seconds in functions.items():
                        key = f"{function}:{self._node}:{self._count % MAX_QUEUED}"
                        await enqueue_job(self.queue, function, key=key, seconds=seconds)
                await asyncio.sleep(SPACING_SECONDS)
            except Exception as error:
                # Redis is away. The workers' poll works without it; spare the connection.
                log.debug("wake failed", error=type(error).__name__)
                await asyncio.sleep(REST_SECONDS)
