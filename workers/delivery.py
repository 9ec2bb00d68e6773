"""From the outbox to people: notifications, numbered room frames, and the push to the web nodes.

Everything up to the commit is in one transaction per batch, so a crash at any point leaves the rows
in the outbox and nothing else. The push after the commit may be lost: web nodes find what they missed
in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from nexcorp.db import Database, sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery.catalogue import CATALOGUE
from nexcorp.delivery.events import Audience, Entry, Event, Frame, Notice
from nexcorp.errors import AppError, Unavailable
from nexcorp.realtime.protocol import RoomMessage
from workers.frames import clean_frames, number_frames
from workers.metrics import BATCH_SECONDS, DELIVERED, FAILED, NOTIFIED

log = structlog.get_logger("nexcorp.delivery")

BATCH_ROWS = 500
AUDIENCE_PART = 1000
MAX_ATTEMPTS = 10
POOL_WAIT_SECONDS = 5.0
# A batch stops taking rows in once it has so many receivers: large audiences get one of their own.
MAX_TOLD = 2000
FIRST_ID = UUID(int=0)
TIMEOUT = "timeout"

Publish = Callable[[list[RoomMessage]], Awaitable[None]]


class UnknownEvent(AppError):
    """The catalogue of this worker does not know the event: it was emitted by a newer web process."""

    code = "unknown_event"


@dataclass(slots=True)
class Batch:
    """What a batch of outbox rows comes to."""

    done: list[int] = field(default_factory=list)
    # (event, notice, receiver), without repeating a receiver of an event.
    told: list[tuple[Event, Notice, UUID]] = field(default_factory=list)
    frames: list[tuple[UUID, Frame]] = field(default_factory=list)
    # (room, id) of what was edited or deleted: earlier frames must not show its text to those who come later.
    replaced: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[tuple[str, str]] = field(default_factory=list)


class Delivery:
    """Drains the outbox of one worker process."""

    def __init__(self, database: Database, publish: Publish, catalogue: dict[str, Entry] = CATALOGUE) -> None:
        self.database, self.publish, self.catalogue = database, publish, catalogue
        self._draining = False
        self._again = False

    async def drain(self, seconds: float = math.inf) -> int:
        """Deliver until the outbox has nothing due, or for so long; returns how many rows that were.

        A call during another one's run returns 0 at once, and the other one looks again.
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
        finally:
            self._draining = False

    async def deliver_batch(self) -> int:
        """Claim and deliver up to BATCH_ROWS; returns how many were claimed. One row's failure is its own."""
        row_ids: list[int] = []
        try:
            with BATCH_SECONDS.time():
                async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
                    await sql.events.take_turn(conn)
                    rows = await sql.events.claim_outbox(conn, most=BATCH_ROWS)
                    row_ids = [row["id"] for row in rows]
                    messages, done = await self.deliver_rows(conn, rows) if rows else ([], 0)
        except Unavailable as error:
            if error.code != TIMEOUT:
                raise
            return await self.deliver_singly(row_ids)
        except UnknownEvent:
            return await self.deliver_singly(row_ids)
        except Exception:
            if not row_ids:
                raise
            log.exception("batch failed, trying its rows one by one", rows=len(row_ids))
            return await self.deliver_singly(row_ids)
        DELIVERED.inc(done)
        await self.publish(messages)
        return len(row_ids)

    async def deliver_singly(self, row_ids: list[int]) -> int:
        """Each row in a transaction of its own; one that fails is postponed, or buried at the tenth time."""
        for row_id in row_ids:
            try:
                async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
                    await sql.events.take_turn(conn)
                    rows = await sql.events.claim_outbox_row(conn, row_id=row_id)
                    messages, done = await self.deliver_rows(conn, rows) if rows else ([], 0)
                DELIVERED.inc(done)
                await self.publish(messages)
            except Exception as error:
                if isinstance(error, Unavailable) and error.code != TIMEOUT:
                    raise
                await self.record_failure(row_id, error)
        return len(row_ids)

    async def record_failure(self, row_id: int, error: Exception) -> None:
        """Put a row that failed back to a later time, or away for good."""
        FAILED.inc()
        said = error.message if isinstance(error, AppError) else error
        if isinstance(error, asyncpg.PostgresError):
            # PostgreSQL's own text quotes the values of rows.
            said = error.constraint_name or error.sqlstate
        reason = f"{type(error).__name__}: {said}"[:500]
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            rows = await sql.events.claim_outbox_row(conn, row_id=row_id)
            if not rows:
                return
            if rows[0]["attempts"] + 1 >= MAX_ATTEMPTS:
                log.error("outbox row is dead", row=row_id, reason=reason)
                await sql.events.bury_outbox(conn, row_id=row_id, last_error=reason)
            else:
                log.warning("outbox row postponed", row=row_id, reason=reason)
                await sql.events.postpone_outbox(conn, row_id=row_id, last_error=reason)

    async def deliver_rows(self, conn: Any, rows: list[Any]) -> tuple[list[RoomMessage], int]:
        """Deliver claimed rows inside the caller's transaction.

        Returns what to push after its commit, and how many rows are done: not those that are left for the
        next batch, nor a large audience's before its last part.
        """
        found = await sql.events.list_events_by_key(
            conn,
            event_ids=[row["event_id"] for row in rows],
            event_ats=[row["event_at"] for row in rows],
        )
        events = {row["id"]: Event(**row) for row in found}
        batch = Batch()
        for row in rows:
            if len(batch.told) >= MAX_TOLD:
                break
            await self.collect(conn, row, events.get(row["event_id"]), batch)
        frames = batch.frames
        if batch.told:
            frames = frames + await persist_notifications(conn, batch.told)
        messages = await number_frames(conn, frames) if frames else []
        await clean_frames(conn, batch.replaced, batch.forgotten)
        await sql.events.delete_outbox(conn, row_ids=batch.done)
        return messages, len(batch.done)

    async def collect(self, conn: Any, row: Any, event: Event | None, batch: Batch) -> None:
        """Add what one outbox row comes to; a large audience adds its next part and keeps the row."""
        if event is None:
            raise UnknownEvent(message="The event of this outbox row is gone.")
        entry = self.catalogue.get(event.type)
        if entry is None:
            raise UnknownEvent(message=f"{event.type} is not in the catalogue.")
        first_part, finished = row["receivers_after"] is None, True
        told: set[UUID] = set()
        for notice in entry.notices:
            receivers = notice.receivers(event)
            if isinstance(receivers, Audience):
                part = await list_audience(conn, receivers, row["receivers_after"] or FIRST_ID)
                finished = len(part) < AUDIENCE_PART
                if not finished:
                    await sql.events.advance_receivers(conn, row_id=row["id"], receivers_after=part[-1])
            elif first_part:
                part = [UUID(str(receiver)) for receiver in receivers if receiver is not None]
            else:
                part = []
            for receiver in part:
                if receiver not in told and (notice.tells_actor or receiver != event.actor_id):
                    told.add(receiver)
                    batch.told.append((event, notice, receiver))
        if first_part:
            frames = entry.frames(event)
            batch.frames.extend((event.id, frame) for frame in frames)
            if entry.replaces:
                batch.replaced.extend((frame.room, str(frame.data["id"])) for frame in frames)
            batch.forgotten.extend(entry.forgets(event))
        if finished:
            batch.done.append(row["id"])


async def list_audience(conn: Any, audience: Audience, after: UUID) -> list[UUID]:
    """The next AUDIENCE_PART receivers behind `after`, in id order."""
    if audience.kind == "followers":
        rows = await sql.notifications.list_followers_after(
            conn, user_id=audience.id, after=after, most=AUDIENCE_PART
        )
    elif audience.kind == "concerned":
        rows = await sql.notifications.list_concerned_after(
            conn, post_id=audience.id, after=after, most=AUDIENCE_PART
        )
    elif audience.kind == "everyone":
        rows = await sql.notifications.list_everyone_after(conn, after=after, most=AUDIENCE_PART)
    else:
        raise ValueError(f"unknown audience {audience.kind}")
    return [row["receiver_id"] for row in rows]


def entity_id(event: Event, kind: str) -> UUID | None:
    """The post or comment an event is about."""
    value = event.payload.get(f"{kind}Id") or (event.entity_id if event.entity_type == kind else None)
    return UUID(str(value)) if value else None


async def hold_entities(conn: Any, told: list[tuple[Event, Notice, UUID]]) -> set[UUID]:
    """Which of the posts and comments that are told of are still there; these stay until the commit."""
    posts = {entity_id(event, "post") for event, _, _ in told} - {None}
    comments = {entity_id(event, "comment") for event, _, _ in told} - {None}
    held = await sql.notifications.hold_posts(conn, post_ids=list(posts)) if posts else []
    if comments:
        held = held + await sql.notifications.hold_comments(conn, comment_ids=list(comments))
    return {row["id"] for row in held}


async def persist_notifications(
    conn: Any, told: list[tuple[Event, Notice, UUID]]
) -> list[tuple[UUID, Frame]]:
    """Write the notifications that are new, with their counters; returns the frames that show them.

    Those of a post or comment that was deleted meanwhile have neither the link to it nor its text.
    """
    held = await hold_entities(conn, told)
    links = [(entity_id(event, "post"), entity_id(event, "comment")) for event, _, _ in told]
    written = await sql.notifications.persist_notifications(
        conn,
        event_ids=[event.id for event, _, _ in told],
        receiver_ids=[receiver for _, _, receiver in told],
        actor_ids=[event.actor_id for event, _, _ in told],
        types=[notice.type for _, notice, _ in told],
        titles=[notice.title for _, notice, _ in told],
        messages=[
            notice.message(event) if held.issuperset(filter(None, about)) else ""
            for (event, notice, _), about in zip(told, links, strict=True)
        ],
        post_ids=[post if post in held else None for post, _ in links],
        comment_ids=[comment if comment in held else None for _, comment in links],
        once_keys=[notice.once_key(event) for event, notice, _ in told],
        created_ats=[event.created_at for event, _, _ in told],
    )
    if not written:
        return []
    NOTIFIED.inc(len(written))
    items = await sql.notifications.list_written(conn, notification_ids=[row["id"] for row in written])
    return [
        (item["_eventId"], Frame(f"user:{item['_receiverId']}", "notification:created", row_to_dict(item)))
        for item in items
    ]


async def poll(delivery: Delivery, seconds: float = 0.5) -> None:
    """Drain every `seconds`, whatever Redis does; runs until cancelled."""
    while True:
        try:
            await delivery.drain()
        except AppError as error:
            log.warning("delivery waits", reason=error.code)
        except Exception:
            log.exception("delivery failed")
        await asyncio.sleep(seconds)
