"""Stores the updates of editors: a node runs one statement at a time, so that batches grow with the load."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import structlog

from nexcorp.collab.announcing import Messenger
from nexcorp.collab.channel import Channel
from nexcorp.collab.metrics import STORE_SECONDS, STORED, WAITING
from nexcorp.collab.protocol import FILE_GONE
from nexcorp.db import Database, sql
from nexcorp.errors import AppError
from nexcorp.logs import seldom
from nexcorp.realtime.protocol import GOING_AWAY

log = structlog.get_logger("nexcorp.collab")

MAX_WAITING_BYTES = 16 * 1024 * 1024
BATCH, BATCH_BYTES = 2000, 4 * 1024 * 1024
POOL_WAIT_SECONDS = 2.0
REST_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Stored:
    """An update to store, its author, and its shared type if that is not ROOT."""

    channel: Channel
    update: bytes
    author_id: UUID
    root: str | None


class Log:
    """The updates that wait to be stored on a node.

    Callbacks: `on_idle(channel)` when none of its updates wait any more, `on_lost(channel, code, reason)`
    when its updates cannot be stored, with the code and the reason for its editors.
    """

    def __init__(
        self,
        node: int,
        database: Database,
        messenger: Messenger,
        on_idle: Callable[[Channel], None],
        on_lost: Callable[[Channel, int, str], None],
    ) -> None:
        self.node, self.database, self.messenger = node, database, messenger
        self.on_idle, self.on_lost = on_idle, on_lost
        self._queue: deque[Stored] = deque()
        self._bytes = 0
        # Only one thread reads long updates, however many clients send them.
        self.reading = asyncio.Semaphore(1)
        self._wake, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()

    async def wait_empty(self) -> None:
        """Wait until all updates are stored."""
        await self._empty.wait()

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes may wait; False once PostgreSQL has been away for long."""
        return self._bytes + size <= MAX_WAITING_BYTES

    def add(self, stored: Stored) -> None:
        """Queue an update to be stored."""
        self._queue.append(stored)
        stored.channel.pending.append(stored.update)
        self._count(len(stored.update))
        self._wake.set()

    def _count(self, size: int) -> None:
        self._bytes += size
        WAITING.inc(size)
        if self._bytes:
            self._empty.clear()
        else:
            self._empty.set()

    def _take(self) -> list[Stored]:
        batch: list[Stored] = []
        size = 0
        while self._queue and len(batch) < BATCH and size < BATCH_BYTES:
            item = self._queue.popleft()
            if item.channel.ended:
                self._count(-len(item.update))
                continue
            batch.append(item)
            size += len(item.update)
        return batch

    async def run(self) -> None:
        """Store updates in their order as they come, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._take():
                await self._store(batch)

    async def _store(self, batch: list[Stored]) -> None:
        """Store a batch, retrying as long as PostgreSQL is away."""
        while True:
            try:
                before = await self._append(batch)
                break
            except (AppError, asyncpg.TransactionRollbackError) as error:
                if seldom("collab store"):
                    log.warning("updates wait for the database", error=type(error).__name__)
                await asyncio.sleep(REST_SECONDS)
            except Exception:
                # One update is at fault: store each file's updates by themselves, once.
                log.exception("updates could not be stored")
                before = await self._append_apart(batch)
                break
        for channel, items in group(batch).items():
            self._settle(channel, items, before.get(channel.file_id))

    async def _append(self, batch: Sequence[Stored]) -> dict[UUID, int]:
        """Store all in one statement; return each file's last number before it."""
        began = time.perf_counter()
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            rows = await sql.collab.append_updates(
                conn,
                file_ids=[item.channel.file_id for item in batch],
                updates=[item.update for item in batch],
                author_ids=[item.author_id for item in batch],
                roots=[item.root for item in batch],
                node=self.node,
            )
        STORE_SECONDS.observe(time.perf_counter() - began)
        STORED.inc(len(batch))
        return {row["file_id"]: row["before"] for row in rows}

    async def _append_apart(self, batch: Sequence[Stored]) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        for channel, items in group(batch).items():
            try:
                found |= await self._append(items)
            except Exception as error:
                log.error("updates of a file are given up", file=str(channel.file_id), error=str(error))
                # Their clients still have the updates, and send them again.
                self.on_lost(channel, GOING_AWAY, "not stored")
        return found

    def _settle(self, channel: Channel, items: Sequence[Stored], before: int | None) -> None:
        """Finish a file's updates: stored behind number `before`, or the file is gone (None)."""
        self._count(-sum(len(item.update) for item in items))
        if before is None:
            self.on_lost(channel, FILE_GONE, "the file is gone")
            return
        channel.committed(before, len(items))
        self.messenger.tell_updates(channel.file_id, before + 1, [item.update for item in items])
        if not channel.pending:
            self.on_idle(channel)


def group(batch: Sequence[Stored]) -> dict[Channel, list[Stored]]:
    """Return the updates by channel, in their order."""
    found: dict[Channel, list[Stored]] = {}
    for item in batch:
        found.setdefault(item.channel, []).append(item)
    return found
