"""One turn in the lane of one webhook: due deliveries are sent, some at a time, until the turn is over."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import Database, sql
from nexcorp.errors import AppError
from nexcorp.features.webhooks.bodies import Bodies
from nexcorp.features.webhooks.signing import open_secret, seal_secret, sign
from nexcorp.integrations.outbound import Failed, Outbound, Refused, read_retry_after
from nexcorp.security.secrets import Secrets
from nexcorp.security.vault import Unopened
from workers import POOL_WAIT_SECONDS
from workers.webhooks_record import Attempt, Recorder, Release

log = structlog.get_logger("nexcorp.webhooks")

MAX_ANSWER_BYTES = 1024
# Only the status counts: do not wait for an endless answer.
ANSWER_SECONDS = 1.0
GONE, TEST, UNRENDERED = 410, "webhook.test", "unrendered"
# With these statuses an endpoint may ask for a pause.
BUSY = (429, 503)
START = datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of sending; times in seconds.

    `schedule`: pauses between a delivery's attempts, plus or minus a tenth. `turn`: how long a lane sends
    before it is given back; `lease`: after which another worker takes it, longer than a turn with the slowest
    attempt. `fresh`: how long read deliveries are sent without checking again that they may be. After
    `patience` failures in a row an endpoint rests for `probe`, twice as long after each further failure, at
    most `most_rest`. `width`: concurrent attempts to an endpoint that answers. `proven`, `others`: how many
    at once to endpoints that answered last time, and to the rest. `seconds`: for an attempt.
    """

    schedule: tuple[float, ...] = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    turn: float = 5.0
    lease: float = 45.0
    fresh: float = 1.0
    patience: int = 5
    probe: float = 1.0
    most_rest: float = 300.0
    width: int = 8
    proven: int = 256
    others: int = 64
    seconds: float = 15.0
    poll: float = 0.5
    grace: float = 2.0


class Places:
    """A limit on concurrent requests, and the door they go through, with its own name lookups."""

    def __init__(self, most: int, allow: Collection[str]) -> None:
        self.free = asyncio.Semaphore(most)
        # Only `free` limits the requests, whatever host they go to.
        self.door = Outbound(allow, connections=0, connections_a_host=0)


class Tools:
    """Shared by all lanes of a worker; `allow` is Config.outbound_allow."""

    def __init__(
        self,
        database: Database,
        allow: Collection[str],
        bodies: Bodies,
        secrets: Secrets,
        recorder: Recorder,
        worker_id: str,
        pace: Pace,
    ) -> None:
        self.database, self.bodies, self.secrets = database, bodies, secrets
        self.recorder, self.worker_id, self.pace = recorder, worker_id, pace
        # Endpoints that hang, or whose names do, take no place from those that answer.
        self.proven, self.others = Places(pace.proven, allow), Places(pace.others, allow)
        # Lanes leave connections of the pool to the rest of the worker.
        self.reading = asyncio.Semaphore(4)
        self.closing = False


@dataclass(slots=True)
class Target:
    """The address that a lane sends to, and the keys that sign."""

    url: str
    keys: list[bytes]


class Lane:
    """A turn. `failures`: failed attempts in a row; `proven`: whether the last attempt was answered."""

    def __init__(self, tools: Tools, webhook_id: UUID, failures: int, proven: bool) -> None:
        self.tools, self.pace, self.webhook_id = tools, tools.pace, webhook_id
        self.failures, self.proven = failures, proven
        self.target = Target("", [])
        self._queue: deque[Any] = deque()
        self._bodies: dict[UUID, bytes] = {}
        self._place, self._more, self._read_at = START, True, 0.0
        self._ends_at = time.monotonic() + self.pace.turn
        self._width, self._ok, self._failed, self._rest = 1, False, 0, 0.0
        self._reason: str | None = None

    async def take_turn(self) -> None:
        """Send until nothing is due or the turn is over, then give the lane back; if cancelled, at once."""
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                while len(running) < self._width and (row := await self._next()) is not None:
                    running.add(asyncio.create_task(self._send(row)))
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        except AppError as error:
            log.warning("a webhook waits", webhook=str(self.webhook_id), reason=error.code)
        except Exception:
            log.exception("the turn of a webhook failed", webhook=str(self.webhook_id))
            self._rest = max(self._rest, self.pace.most_rest)
        finally:
            # Cancelled attempts may have arrived: they are sent again, with the same id.
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            self.tools.recorder.note(
                Release(self.webhook_id, self._ok, self._failed, self._rest, self._reason)
            )

    async def _next(self) -> Any:
        """Return the next delivery to send, or None if this turn sends no more."""
        now = time.monotonic()
        if self.tools.closing or self._rest or self._reason or now >= self._ends_at:
            return None
        if self._queue and now > self._read_at + self.pace.fresh:
            self._queue.clear()
            self._more = True
        if not self._queue and self._more:
            await self._read()
        if not self._queue or self._reason:
            return None
        row = self._queue.popleft()
        self._place = row["next_at"], row["id"]
        return row

    async def _read(self) -> None:
        """Read and render the next due deliveries, and check that they may be sent."""
        # Continues by keyset: deliveries just sent are pending until they are recorded.
        most, (after_at, after_id) = self._width * 8, self._place
        database = self.tools.database
        async with self.tools.reading, database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
            rows = await sql.webhooks_sending.read_lane(
                conn,
                webhook_id=self.webhook_id,
                worker_id=self.tools.worker_id,
                after_at=after_at,
                after_id=after_id,
                most=most,
            )
            due = [row for row in rows if row["id"] is not None]
            self._more = len(due) == most
            if not due:
                return
            if not due[0]["may"]:
                self._reason = "right_lost"
                return
            try:
                self.target = await self._aim(conn, due[0])
            except Unopened:
                self._reason = "secret_lost"
                return
            self._bodies = await self.tools.bodies.render(conn, due)
        self._queue.extend(due)
        self._read_at = time.monotonic()

    async def _aim(self, conn: Any, row: Any) -> Target:
        """Return the target; secrets sealed under the service's previous secret are sealed anew."""
        secrets, found = self.tools.secrets, []
        for sealed in (row["secret"], row["old_secret"]):
            if sealed is not None:
                found.append(open_secret(secrets, self.webhook_id, sealed))
        if not all(current for _, current in found):
            again = [seal_secret(secrets, self.webhook_id, key) for key, _ in found]
            await sql.webhooks_sending.reseal_secrets(
                conn,
                webhook_id=self.webhook_id,
                was=row["secret"],
                secret=again[0],
                old_secret=again[1] if len(again) > 1 else None,
            )
        return Target(row["url"], [key for key, _ in found])

    async def _send(self, row: Any) -> None:
        """Make one attempt, and judge the endpoint by it."""
        body, began = self._bodies.get(row["id"]), time.monotonic()
        code = error = response = retry_after = None
        if body is None:
            error = UNRENDERED
        else:
            places = self.tools.proven if self.proven and not self.failures else self.tools.others
            async with places.free:
                began = time.monotonic()
                headers = {
                    "Content-Type": "application/json",
                    "User-Agent": "NexCorp-Webhooks/1",
                    **sign(row["event_id"], int(time.time()), body, self.target.keys),
                }
                try:
                    answer = await places.door.request(
                        "POST",
                        self.target.url,
                        headers=headers,
                        body=body,
                        seconds=self.pace.seconds,
                        most=MAX_ANSWER_BYTES,
                        body_seconds=ANSWER_SECONDS,
                    )
                    code, response = answer.status, show_text(answer.body)
                    if code in BUSY:
                        retry_after = read_retry_after(answer.headers.get("Retry-After"))
                except (Refused, Failed) as failure:
                    error = failure.code
            self._judge(code, retry_after)
        status, wait = self._plan(row, code, retry_after)
        ms = int((time.monotonic() - began) * 1000)
        self.tools.recorder.note(Attempt(row["id"], row["next_at"], status, ms, wait, code, error, response))

    def _plan(self, row: Any, code: int | None, retry_after: float | None) -> tuple[Any, float]:
        """Return the new status of a delivery, and the seconds until its next attempt."""
        schedule, tries = self.pace.schedule, row["tries"]
        if is_ok(code):
            return "delivered", 0.0
        if code == GONE or row["type"] == TEST or tries >= len(schedule):
            return "failed", 0.0
        spread = random.uniform(0.9, 1.1)  # noqa: S311 - no secret
        return "pending", max(schedule[tries] * spread, retry_after or 0.0)

    def _judge(self, code: int | None, retry_after: float | None) -> None:
        """Judge an endpoint by an answer: one that keeps failing rests ever longer between single attempts.

        Its other deliveries wait meanwhile, and use up no attempt.
        """
        if is_ok(code):
            self._ok, self._failed, self.failures, self.proven = True, 0, 0, True
            self._width = min(self._width * 2, self.pace.width)
            return
        self._failed += 1
        self.failures += 1
        if code == GONE:
            self._reason = "gone"
        if retry_after:
            self._rest = max(self._rest, retry_after)
        if self.failures >= self.pace.patience:
            self._width = 1
            doublings = min(self.failures - self.pace.patience, 20)
            self._rest = max(self._rest, min(self.pace.probe * 2.0**doublings, self.pace.most_rest))


def is_ok(code: int | None) -> bool:
    """Whether the endpoint accepted the delivery."""
    return code is not None and 200 <= code < 300


def show_text(body: bytes) -> str:
    """Return an answer's body as text that PostgreSQL can hold."""
    return body.decode("utf-8", "replace").replace("\0", "\ufffd")
