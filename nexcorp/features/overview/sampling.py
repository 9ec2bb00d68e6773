"""Samples of a process's measurements: one row every ten seconds, kept for a day.

Counters come from the metrics; a row holds their growth. While PostgreSQL is away nothing is written, and the
history has a gap.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from saq import Queue

from nexcorp.db import Database, sql
from nexcorp.errors import AppError
from nexcorp.redis_client import CONNECTION_LOST

if TYPE_CHECKING:
    # Workers import this module, and must not load the web part.
    from nexcorp.web.metrics import Requests

log = structlog.get_logger("nexcorp.overview")

AGAIN_SECONDS = 10.0
QUEUE_SECONDS = 1.0


def name_process() -> str:
    """Name this process; the random part tells apart containers that share a host name."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def estimate_latency(buckets: Sequence[tuple[float, float]], share: float) -> float | None:
    """Return the milliseconds within which this share of requests was answered; None without requests.

    `buckets` are (upper bound in seconds, number of requests). As in Prometheus, requests are taken to be
    spread evenly within a bucket; for the last, open bucket its lower bound is returned.
    """
    wanted, lower = share * sum(count for _, count in buckets), 0.0
    if not wanted:
        return None
    for upper, count in buckets:
        if count and wanted <= count:
            return 1000 * (lower if upper == float("inf") else lower + (upper - lower) * wanted / count)
        wanted -= count
        lower = upper if upper != float("inf") else lower
    return 1000 * lower


def compare_requests(now: Requests, before: Requests, seconds: float) -> dict[str, float | None]:
    """Compare two readings of the counters: requests and errors per second, latencies in milliseconds."""
    buckets = [
        (bound, count - old) for (bound, count), (_, old) in zip(now.buckets, before.buckets, strict=True)
    ]
    return {
        "requests": sum(count for _, count in buckets) / seconds,
        "errors": (now.errors - before.errors) / seconds,
        "p50": estimate_latency(buckets, 0.5),
        "p99": estimate_latency(buckets, 0.99),
    }


class Sampler:
    """Writes the measurements of one process.

    `count` returns counters that only grow, by their name in the statement; `requests` the request counters,
    and `sockets` the number of open sockets.
    """

    def __init__(
        self,
        database: Database,
        node_id: str,
        kind: str,
        queue: Queue,
        count: Callable[[], Mapping[str, float]] = dict,
        *,
        requests: Callable[[], Requests] | None = None,
        sockets: Callable[[], int] | None = None,
    ) -> None:
        self.database, self.node_id, self.kind, self.queue = database, node_id, kind, queue
        self.count, self.requests, self.sockets = count, requests, sockets
        self._note()

    def _note(self) -> None:
        self._at = time.monotonic()
        self._counts = dict(self.count())
        self._requests = self.requests() if self.requests else None

    def measure(self) -> dict[str, Any]:
        """Measure this process since the last call."""
        at, counts, requests = self._at, self._counts, self._requests
        self._note()
        seconds = max(self._at - at, 0.001)
        found: dict[str, Any] = dict.fromkeys(("requests", "errors", "p50", "p99", "notified", "delivered"))
        found.update({name: (now - counts[name]) / seconds for name, now in self._counts.items()})
        if self._requests is not None and requests is not None:
            found.update(compare_requests(self._requests, requests, seconds))
        pool = self.database.stats()
        return {
            **found,
            "sockets": self.sockets() if self.sockets else None,
            "pool_size": pool["size"],
            "pool_busy": pool["size"] - pool["idle"],
        }

    async def add(self) -> float:
        """Write one row; return the seconds until the next one is due. Raises AppError without PostgreSQL."""
        measured = self.measure()
        queued = await self.count_queued()
        async with self.database.connection(wait=2.0) as conn:
            due: float = await sql.overview.add_sample(
                conn, node_id=self.node_id, kind=self.kind, queued=queued, **measured
            )
        return due

    async def count_queued(self) -> int | None:
        """Return the number of waiting jobs; None if Redis does not answer."""
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                return await self.queue.count("queued")
        except (*CONNECTION_LOST, TimeoutError):
            return None

    async def run(self) -> None:
        """Write a row every ten seconds of the database's clock, until cancelled."""
        while True:
            due = AGAIN_SECONDS
            try:
                due = await self.add()
            except AppError:
                log.debug("what was measured is not written: the database is away")
            except Exception:
                log.exception("what was measured could not be written")
            await asyncio.sleep(due)
