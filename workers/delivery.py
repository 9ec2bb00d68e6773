"""Delivery from the outbox: notifications, numbered room frames, and the push to the web nodes.

Everything up to the commit is in one transaction per batch, so a crash at any point leaves the rows in the
outbox and nothing else. The push after the commit may be lost: web nodes then read PostgreSQL. Workers share
the outbox by lanes: events of one entity are in one lane, and delivered in their order. With more workers
than lanes, some only wait for a lane.

A row that failed, or is locked by an operator, does not hold up later events of its entity: one broken event
would silence a post for the eight minutes until it is buried. Its frames then come late. Their entities are
read when the frames are shown, so nothing old comes back: a late "created" of a deleted entity is shown as
"deleted". Only the data of the event itself, such as that a like was given, can be out of date.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import structlog

from nexcorp.db import Database, sql
from nexcorp.delivery.effects import Job
from nexcorp.delivery.events import Audience, Event
from nexcorp.errors import AppError, Unavailable
from nexcorp.logs import seldom
from nexcorp.manifest import Product
from workers import POOL_WAIT_SECONDS
from workers.batch import Batch, Told
from workers.folding import fold
from workers.metrics import BATCH_SECONDS, DELIVERED, FAILED, NOTIFIED
from workers.push import ListHeard, Publish, Pusher, hear_all
from workers.telling import INBOX_ALONE, Channels, tell
from workers.tracing import follow_rows
from workers.webhooks_plan import plan_webhooks

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer

log = structlog.get_logger("nexcorp.delivery")

# As in find_lane() in sql/schema/events.sql.
LANES = 16
BATCH_ROWS = 500
# With a long queue, this many batches run at once, on separate lanes: while PostgreSQL works on one, this
# process works on another.
ABREAST = 2
AUDIENCE_PART = 1000
MAX_ATTEMPTS = 10
# A batch takes no more rows once it has this many receivers: large audiences get a batch of their own.
MAX_TOLD = 2000
FIRST_ID = UUID(int=0)
TIMEOUT = "timeout"
# How long a batch, or a single row, waits for a lock; the rows after a locked one wait less.
LOCK_SECONDS = 1.0
SOON_SECONDS = 0.1
# Rows are delivered one by one for this long; the rest goes into a batch again.
SINGLE_SECONDS = 10.0
SETTLE_WORDS = Job("settle_words")


class UnknownEvent(AppError):
    """No feature of this worker declares the event: a newer web process emitted it."""

    code = "unknown_event"


class Delivery:
    """Drains the outbox of one worker process.

    `workers`: how many workers run, by the last heartbeat; a batch takes at most this worker's share of the
    lanes. `mentions_a_minute`: see fold(). `channels`, `tracer`: as configured.
    """

    def __init__(
        self,
        database: Database,
        publish: Publish,
        product: Product,
        list_heard: ListHeard = hear_all,
        *,
        mentions_a_minute: int = 0,
        channels: Channels = INBOX_ALONE,
        tracer: Tracer | None = None,
    ) -> None:
        self.database, self.product, self.mentions_a_minute = database, product, mentions_a_minute
        self.channels, self.tracer = channels, tracer
        self.pusher = Pusher(database, publish, list_heard, product, tracer)
        self.workers = 1
        self._abreast = 1
        self._draining = False
        self._again = False

    async def drain(self, seconds: float = math.inf) -> int:
        """Deliver until nothing is due, or for `seconds`; return the number of claimed rows.

        If a drain is running, return 0; it makes another pass.
        """
        if self._draining:
            self._again = True
            return 0
        self._draining, delivered = True, 0
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._again = False
                rows = await self.deliver_batch()
                delivered += rows
                if (not rows and not self._again) or time.monotonic() >= deadline:
                    return delivered
                if rows >= BATCH_ROWS // 2:
                    delivered += await self.deliver_abreast(deadline)
        finally:
            self._draining = False
            await self.pusher.end()

    async def deliver_abreast(self, deadline: float) -> int:
        """Deliver ABREAST batches at a time until one finds no rows; return the number of claimed rows."""
        going = True

        async def work() -> int:
            nonlocal going
            delivered = 0
            try:
                while going and time.monotonic() < deadline:
                    rows = await self.deliver_batch()
                    delivered += rows
                    going = going and rows > 0
            finally:
                going = False
            return delivered

        self._abreast = ABREAST
        try:
            counts = await asyncio.gather(*(work() for _ in range(ABREAST)), return_exceptions=True)
        finally:
            self._abreast = 1
        for count in counts:
            if isinstance(count, BaseException):
                raise count
        return sum(count for count in counts if isinstance(count, int))

    async def deliver_batch(self) -> int:
        """Deliver up to BATCH_ROWS rows, one by one if that fails; return the number of claimed rows."""
        keys: list[tuple[int, int]] = []
        # In random order, so that no busy lane is always the last.
        lanes = random.sample(range(LANES), LANES)
        try:
            with BATCH_SECONDS.time():
                async with self.database.transaction(
                    wait=POOL_WAIT_SECONDS, lock_seconds=LOCK_SECONDS, by_index=True
                ) as conn:
                    shares = max(1, self.workers) * self._abreast
                    rows = await sql.events.claim_outbox(
                        conn, lanes=lanes, most_lanes=-(-LANES // shares), most=BATCH_ROWS
                    )
                    keys = [(row["lane"], row["outbox_id"]) for row in rows]
                    with follow_rows(self.tracer, rows) as traces:
                        frames, done = await self.deliver_rows(conn, rows) if rows else ([], 0)
        except Exception as error:
            if not keys or not is_of_row(error):
                raise
            if not isinstance(error, AppError | asyncpg.LockNotAvailableError):
                log.exception("batch failed, trying its rows one by one", rows=len(keys))
            return await self.deliver_singly(keys)
        DELIVERED.inc(done)
        await self.pusher.begin(frames, traces)
        return len(keys)

    async def deliver_singly(self, keys: list[tuple[int, int]]) -> int:
        """Deliver each row in its own transaction; one that fails is postponed, or buried at the tenth time.

        One that waits for a lock is postponed without limit: it delays only itself. Returns len(keys).
        """
        deadline, lock_seconds = time.monotonic() + SINGLE_SECONDS, LOCK_SECONDS
        for lane, row_id in keys:
            if time.monotonic() > deadline:
                break
            try:
                async with self.database.transaction(
                    wait=POOL_WAIT_SECONDS, lock_seconds=lock_seconds, by_index=True
                ) as conn:
                    rows = await sql.events.claim_outbox_row(conn, lane=lane, row_id=row_id)
                    with follow_rows(self.tracer, rows) as traces:
                        frames, done = await self.deliver_rows(conn, rows) if rows else ([], 0)
            except asyncpg.LockNotAvailableError:
                lock_seconds = SOON_SECONDS
                async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                    await sql.events.hold_outbox(conn, lane=lane, row_id=row_id)
                continue
            except Exception as error:
                if not is_of_row(error):
                    raise
                await self.record_failure(lane, row_id, error)
                continue
            DELIVERED.inc(done)
            await self.pusher.begin(frames, traces)
        return len(keys)

    async def record_failure(self, lane: int, row_id: int, error: Exception) -> None:
        """Postpone a failed row, or bury it after MAX_ATTEMPTS."""
        FAILED.inc()
        said = error.message if isinstance(error, AppError) else error
        if isinstance(error, asyncpg.PostgresError):
            # PostgreSQL's own text quotes the values of rows.
            said = error.constraint_name or error.sqlstate
        reason = f"{type(error).__name__}: {said}"[:500]
        async with self.database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
            rows = await sql.events.claim_outbox_row(conn, lane=lane, row_id=row_id)
            if not rows:
                return
            if rows[0]["attempts"] + 1 >= MAX_ATTEMPTS:
                log.error("outbox row is dead", row=row_id, reason=reason)
                await sql.events.bury_outbox(conn, lane=lane, row_id=row_id, last_error=reason)
            else:
                log.warning("outbox row postponed", row=row_id, reason=reason)
                await sql.events.postpone_outbox(conn, lane=lane, row_id=row_id, last_error=reason)

    async def deliver_rows(self, conn: Any, rows: Sequence[Any]) -> tuple[list[Any], int]:
        """Deliver claimed rows inside the caller's transaction.

        Returns the numbered frames to push after the commit, and the number of finished rows: rows left for
        the next batch, or with more receivers to come, are not finished.
        """
        batch = Batch()
        for row in rows:
            if len(batch.told) >= MAX_TOLD:
                break
            await self.collect(conn, row, batch)
        await fold(conn, batch, self.product.events, self.mentions_a_minute)
        words = await self.index(conn, batch.events)
        frames = await tell(conn, batch, self.product, self.channels)
        NOTIFIED.inc(sum(row["event"] == "notification:created" for row in frames))
        if words:
            # Another batch with the same new words waits for this one, which from now on waits for none.
            await sql.search.note_words(conn, words=words)
        # Last, as this locks the webhooks until the commit.
        await plan_webhooks(conn, batch, self.product, frames)
        await sql.events.delete_outbox(
            conn, lanes=list({lane for lane, _ in batch.done}), row_ids=[row_id for _, row_id in batch.done]
        )
        return frames, len(batch.done)

    async def collect(self, conn: Any, row: Any, batch: Batch) -> None:
        """Add the results of an outbox row; a large audience adds its next part and keeps the row."""
        if row["id"] is None:
            raise UnknownEvent(message="The event of this outbox row is gone.")
        entry = self.product.events.get(row["type"])
        if entry is None:
            raise UnknownEvent(message=f"{row['type']} is of no feature here.")
        event = Event(
            row["id"],
            row["type"],
            row["actor_id"],
            row["entity_type"],
            row["entity_id"],
            row["payload"],
            row["created_at"],
        )
        after = row["receivers_after"]
        # With `notices_after` the row stays, like that of a large audience before its first part.
        early = after is None and entry.notices_after is not None
        begins = after is None or (entry.notices_after is not None and after == FIRST_ID)
        finished, audiences = not early, 0
        told: set[UUID] = set()
        if early:
            await sql.events.put_off_receivers(
                conn,
                lane=row["lane"],
                row_id=row["outbox_id"],
                seconds=entry.notices_after,
                first_id=FIRST_ID,
            )
        for notice in () if early else entry.notices:
            receivers = notice.receivers(event)
            part: list[UUID] = []
            if isinstance(receivers, Audience):
                audiences += 1
                if audiences > 1:
                    # The row stores the progress of a single audience.
                    raise ValueError(f"{event.type} is told to two audiences")
                part = await receivers.read(conn, after or FIRST_ID, AUDIENCE_PART)
                finished = len(part) < AUDIENCE_PART
                if not finished:
                    await sql.events.advance_receivers(
                        conn, lane=row["lane"], row_id=row["outbox_id"], receivers_after=part[-1]
                    )
            elif begins:
                part = [receiver for receiver in receivers if receiver is not None]
            for receiver in part:
                if receiver not in told and (notice.tells_actor or receiver != event.actor_id):
                    told.add(receiver)
                    batch.told.append(Told(event, notice, receiver))
        if after is None:
            batch.events.append(event)
            batch.frames.extend((event.id, frame) for frame in entry.frames(event))
        if finished:
            batch.done.append((row["lane"], row["outbox_id"]))

    async def index(self, conn: Any, events: Sequence[Event]) -> list[str]:
        """Update the search index for these events, with one statement for each kind.

        Returns the new words of all kinds, sorted, for the caller to note.
        """
        kinds = self.product.search.values()
        if not any(event.type in kind.events for kind in kinds for event in events):
            return []
        in_doubt = await sql.search.share_words(conn)
        words: set[str] = set()
        for kind in kinds:
            ids = {
                found
                for event in events
                if event.type in kind.events
                for found in kind.events[event.type](event)
            }
            if ids:
                # In order, as all transactions lock them.
                words.update(row["word"] for row in await kind.index(conn, ids=sorted(ids)))
        if in_doubt:
            conn.after(SETTLE_WORDS)
        return sorted(words)


def is_of_row(error: Exception) -> bool:
    """Whether a row may be at fault: not if PostgreSQL is away, but maybe if a statement takes too long."""
    return not isinstance(error, Unavailable) or error.code == TIMEOUT


async def poll(delivery: Delivery, seconds: float = 0.5) -> None:
    """Drain every `seconds`, even without Redis; runs until cancelled."""
    while True:
        try:
            await delivery.drain()
        except AppError as error:
            if seldom(f"delivery {error.code}"):
                log.warning("delivery waits", reason=error.code)
        except Exception:
            log.exception("delivery failed")
        await asyncio.sleep(seconds)
