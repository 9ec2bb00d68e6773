"""Wakes the workers after a commit that put something in the outbox, or in another queue of PostgreSQL.

Never awaited by a handler, and coalesced: at most one wake is on its way, and a commit after it asks
for the next. A lost wake costs the workers' poll interval, half a second for the outbox.
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
# Under load one wake serves every commit of this long: the worker takes them in one batch.
SPACING_SECONDS = 0.005
REST_SECONDS = 1.0
# Wakes of one process that can wait in Redis: without a worker they must not pile up. More than one,
# so that one that a killed worker holds does not keep the others away.
MAX_QUEUED = 8
DELIVER = "deliver"

# Its warnings are of tasks that a stop cut short, which is what a stop does.
logging.getLogger("saq").setLevel(logging.ERROR)


class TaggedQueue(RedisQueue):
    """SAQ's queue on a Redis client. On a cluster, all of its keys lie in the lane of that client."""

    def __init__(self, client: Any, name: str = QUEUE_NAME) -> None:
        self.tag: str = client.tag
        super().__init__(client, name=self.tag + name)

    async def _enqueue(self, job: SaqJob) -> SaqJob | None:
        # Of a job's key alone SAQ makes one of Redis', beside those with the queue's name.
        if not job.key.startswith(self.tag):
            job.key = self.tag + job.key
        return await super()._enqueue(job)

    async def notify(self, job: SaqJob) -> None:
        """Tell those who wait for the end of a job: who sweeps does, of one that was stopped. All else is
        left out on a cluster, which passes such words on to all of its nodes."""
        if not self.tag or job.status in (Status.ABORTED, Status.FAILED):
            await super().notify(job)


def make_queue(client: Any) -> TaggedQueue:
    """SAQ's queue on a Redis client that may block."""
    return TaggedQueue(client)


async def enqueue_job(queue: Queue, function: str, *, key: str, seconds: int = 60, **arguments: Any) -> None:
    """The only way a job is queued: SAQ's own defaults lose the job of a worker that is killed.

    `key` makes the same work wait only once; `seconds` limits a run and is never 0, which SAQ would not
    rescue. Jobs must be idempotent: a rescue can run one twice.
    """
    await queue.enqueue(
        function, key=key, timeout=seconds, retries=5, retry_backoff=True, ttl=60, **arguments
    )


class Waker:
    """The background task of one process that enqueues the jobs which drain queues: most often `deliver`."""

    def __init__(self, queue: Queue, seconds: Mapping[str, int]) -> None:
        """`seconds`: how long a run of each job may take; each drains a queue and stops by itself before."""
        self.queue, self.seconds = queue, seconds
        self._asked = asyncio.Event()
        # Those to enqueue, with the seconds of a run.
        self._functions: dict[str, int] = {}
        self._node = uuid4().hex[:8]
        self._count = 0

    def perform(self, effect: Effect) -> None:
        """Ask for what Wake and Job stand for; other effects are not for the workers."""
        if isinstance(effect, Wake):
            self.ask()
        elif isinstance(effect, Job):
            self.ask(effect.function)

    def ask(self, function: str = DELIVER) -> None:
        """Something is in the outbox, or in the queue that `function` drains; returns at once.

        Raises KeyError for a job that no feature brings.
        """
        self._functions[function] = self.seconds[function]
        self._asked.set()

    async def run(self) -> None:
        """Wake whenever asked, until cancelled."""
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
                # Redis is away. The workers' poll does without; go easy on the connection.
                log.debug("wake failed", error=type(error).__name__)
                await asyncio.sleep(REST_SECONDS)
