"""Sending planned notifications: mails and pushes, each at least once, whatever dies in between.

A message is claimed, handed over, and recorded, each step committed before the next. If a worker is killed
between handing over and recording, the message stays claimed; once the claim runs out, another worker sends
it again. Receivers recognise the repetition: mailboxes by its Message-ID, browsers by its tag.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

import structlog

from nexcorp.db import Database, sql
from nexcorp.errors import AppError
from nexcorp.logs import seldom
from nexcorp.manifest import Product
from workers import POOL_WAIT_SECONDS
from workers.metrics import DELIVERIES

log = structlog.get_logger("nexcorp.sending")

# A claim lasts longer than preparing, waiting for a turn and the slowest attempt take together.
LEASE_SECONDS = 180.0
TURN_SECONDS = 30.0
MAX_ATTEMPTS = 10
# Outcomes within this time are recorded together: a commit for each would cost more than sending.
GATHER_SECONDS = 0.02
# How often, and how far apart, recording is tried while PostgreSQL is away.
RECORD_TRIES, RECORD_PAUSE_SECONDS = 30, 2.0
# As long as the worker gives its jobs.
GRACE_SECONDS = 20.0


@dataclass(slots=True)
class Message:
    """Claimed rows of `sql.deliveries.claim_deliveries` that go out as one: a single row, or a `bundle`."""

    rows: list[Any]
    bundle: str | None
    claimed: float = field(default_factory=time.monotonic)
    # The destination, set by the channel.
    to: Any = None

    @property
    def first(self) -> Any:
        """The newest row."""
        return self.rows[0]

    @property
    def user_id(self) -> UUID:
        """The id of the receiver."""
        user_id: UUID = self.first["_userId"]
        return user_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt.

    `failed`: try again after `wait` seconds, or by default after a growing time. `back`: not attempted; due
    again in `wait` seconds.
    """

    state: Literal["sent", "failed", "refused", "gone", "back"]
    code: str | None = None
    reason: str | None = None
    wait: float | None = None


class Channel(Protocol):
    """A way to send. `most`: messages claimed at a time; `rest`: seconds between two polls."""

    name: str
    most: int
    rest: float

    async def begin(self, database: Database) -> None:
        """Called before each claim."""

    async def prepare(self, database: Database, messages: Sequence[Message]) -> None:
        """Called with the claimed messages, before any of them is sent."""

    def turn(self, message: Message) -> AbstractAsyncContextManager[Any]:
        """Held while a message is sent; its value is passed to send()."""

    async def send(self, message: Message, held: Any) -> Outcome:
        """Hand a message over."""

    async def follow(self, database: Database, message: Message, outcome: Outcome) -> None:
        """Called after an outcome is recorded."""

    async def close(self) -> None:
        """Close its connections."""


class Sender:
    """Sends due messages on one channel, in one worker process."""

    def __init__(self, database: Database, channel: Channel, product: Product) -> None:
        self.database, self.channel = database, channel
        types = list(product.notice_types.values())
        self._declared: dict[str, Any] = {
            "types": [one.name for one in types],
            "criticals": [one.critical for one in types],
            "emails": [one.email for one in types],
        }
        self._going: set[asyncio.Task[None]] = set()
        self._said: list[tuple[Message, Outcome, asyncio.Future[None]]] = []
        self._recording: asyncio.Task[None] | None = None
        self._draining = self._again = self._closing = False

    async def drain(self, seconds: float = math.inf) -> int:
        """Start sending until nothing is due, or for `seconds`; return how many messages were started.

        They may still be running when this returns. If a drain is running, return 0; it makes another pass.
        """
        if self._draining:
            self._again = True
            return 0
        self._draining, begun = True, 0
        deadline = time.monotonic() + seconds
        try:
            while not self._closing and time.monotonic() < deadline:
                self._again = False
                free = self.channel.most - len(self._going)
                if free < self.channel.most // 2:
                    await asyncio.wait(self._going, return_when=asyncio.FIRST_COMPLETED)
                    continue
                await self.channel.begin(self.database)
                claimed, messages = await self._claim(free)
                for message in messages:
                    task = asyncio.create_task(self._send(message))
                    self._going.add(task)
                    task.add_done_callback(self._going.discard)
                begun += len(messages)
                if not claimed and not self._again:
                    break
            return begun
        finally:
            self._draining = False

    async def settle(self) -> None:
        """Wait until all started messages are recorded."""
        while self._going:
            await asyncio.wait(self._going)

    async def close(self) -> None:
        """Start no more, and give running messages some time to end."""
        self._closing = True
        if self._going:
            await asyncio.wait(self._going, timeout=GRACE_SECONDS)
        for task in self._going:
            task.cancel()

    async def _claim(self, most: int) -> tuple[int, list[Message]]:
        """Return how many rows were due, and the messages of those to be sent."""
        async with self.database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
            rows = await sql.deliveries.claim_deliveries(
                conn, channel=self.channel.name, seconds=LEASE_SECONDS, most=most, **self._declared
            )
        bundles: dict[tuple[str, str], Message] = {}
        messages = []
        for row in rows:
            if row["_reason"] is not None:
                DELIVERIES.labels(self.channel.name, row["_reason"]).inc()
                continue
            bundle = row["_bundle"]
            if bundle is not None and (known := bundles.get((bundle, row["_target"]))) is not None:
                known.rows.append(row)
                continue
            message = Message([row], bundle)
            messages.append(message)
            if bundle is not None:
                bundles[bundle, row["_target"]] = message
        if messages:
            await self.channel.prepare(self.database, messages)
        return len(rows), messages

    async def _send(self, message: Message) -> None:
        try:
            async with self.channel.turn(message) as held:
                if time.monotonic() > message.claimed + TURN_SECONDS:
                    # Its content may be out of date.
                    outcome = Outcome("back", wait=0)
                else:
                    outcome = await self.channel.send(message, held)
        except Exception as error:
            # Only the type: its text may quote the message.
            log.error("a message is not sent", channel=self.channel.name, error=type(error).__name__)
            outcome = Outcome("failed", type(error).__name__)
        else:
            if outcome.state in ("failed", "refused") and seldom(f"{self.channel.name} {outcome.code}"):
                # Not the answer's text: it may quote the message, or be a stranger's.
                log.warning("messages are not taken", channel=self.channel.name, code=outcome.code)
        try:
            await self._record(message, outcome)
            await self.channel.follow(self.database, message, outcome)
        except Exception as error:
            log.error("what became of a message is not known", error=type(error).__name__)

    async def _record(self, message: Message, outcome: Outcome) -> None:
        """Record the outcome of a message, in one statement with others that end meanwhile."""
        recorded = asyncio.get_running_loop().create_future()
        self._said.append((message, outcome, recorded))
        if self._recording is None:
            self._recording = asyncio.create_task(self._write())
        await recorded

    async def _write(self) -> None:
        while self._said:
            await asyncio.sleep(GATHER_SECONDS)
            said, self._said = self._said, []
            try:
                for tries in range(RECORD_TRIES):
                    try:
                        await self._write_part(said)
                        break
                    except AppError:
                        # A message that is not recorded would be sent again.
                        if tries + 1 == RECORD_TRIES:
                            raise
                        await asyncio.sleep(RECORD_PAUSE_SECONDS)
                for _, _, recorded in said:
                    if not recorded.done():
                        recorded.set_result(None)
            except Exception as error:
                for _, _, recorded in said:
                    if not recorded.done():
                        recorded.set_exception(error)
        self._recording = None

    async def _write_part(self, said: list[tuple[Message, Outcome, asyncio.Future[None]]]) -> None:
        name = self.channel.name
        done = [
            (row, outcome) for message, outcome, _ in said if outcome.state != "back" for row in message.rows
        ]
        async with self.database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
            if done:
                await sql.deliveries.record_outcomes(
                    conn,
                    channel=name,
                    ids=[row["_notificationId"] for row, _ in done],
                    targets=[row["_target"] for row, _ in done],
                    outcomes=[outcome.state for _, outcome in done],
                    reasons=[outcome.reason for _, outcome in done],
                    codes=[outcome.code for _, outcome in done],
                    waits=[outcome.wait for _, outcome in done],
                    most_attempts=MAX_ATTEMPTS,
                )
            for message, outcome, _ in said:
                if outcome.state == "back":
                    await sql.deliveries.give_back(
                        conn,
                        channel=name,
                        ids=[row["_notificationId"] for row in message.rows],
                        targets=[row["_target"] for row in message.rows],
                        seconds=outcome.wait or 0.0,
                    )
        for message, outcome, _ in said:
            DELIVERIES.labels(name, outcome.state).inc(len(message.rows))


async def poll_sender(sender: Sender) -> None:
    """Send due messages every few seconds, even without Redis; runs until cancelled."""
    name = sender.channel.name
    while True:
        try:
            await sender.drain()
        except AppError as error:
            if seldom(f"sending {error.code}"):
                log.warning("messages wait", channel=name, reason=error.code)
        except Exception as error:
            # Without its text and traceback: they may hold parts of a message.
            log.error("sending failed", channel=name, error=type(error).__name__)
        await asyncio.sleep(sender.channel.rest)
