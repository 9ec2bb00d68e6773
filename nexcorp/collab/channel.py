"""One file on one node: its editors, and the number of the last update shown to them.

Relaying needs no document: an update is read, relayed and stored. `seq` is the number of the last update
shown to the editors here. An update at or below it is a duplicate, the next number is relayed, and a higher
number means that an update was lost: it is then read from PostgreSQL.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nexcorp.collab.announcing import Messenger
from nexcorp.collab.awareness import Awareness
from nexcorp.collab.document import Document
from nexcorp.collab.encoding import write_number
from nexcorp.collab.metrics import RECOVERED
from nexcorp.collab.protocol import UPDATE, frame_awareness, frame_sync
from nexcorp.collab.replica import Replica
from nexcorp.collab.updates import EMPTY, Facts, note_clocks, read_update
from nexcorp.db import Database, sql
from nexcorp.errors import FileNotFound

if TYPE_CHECKING:
    from nexcorp.collab.editor import Editor

POOL_WAIT_SECONDS = 2.0
ROWS_AT_ONCE = 500
# How long to wait for other nodes' updates that precede own ones already numbered.
ORDER_SECONDS = 0.1


def encode_vector(known: dict[int, int]) -> bytes:
    """Return a state vector in Yjs's format."""
    return write_number(len(known)) + b"".join(
        write_number(client) + write_number(clock) for client, clock in known.items()
    )


class Channel:
    """One file on one node. `node`: the node's number in the log; `on_behind(channel)`: updates were lost."""

    def __init__(
        self,
        file_id: UUID,
        project_id: UUID,
        node: int,
        database: Database,
        messenger: Messenger,
        on_behind: Callable[[Channel], None],
    ) -> None:
        self.file_id, self.project_id = file_id, project_id
        self.node, self.database = node, database
        self.on_behind = on_behind
        self.editors: set[Editor] = set()
        self.ended = False
        self.awareness = Awareness(
            lambda: len(self.editors),
            lambda body: self.show(frame_awareness(body)),
            lambda body: messenger.tell_states(file_id, body),
        )
        # None until the channel is opened.
        self.seq: int | None = None
        self.known: dict[int, int] = {}
        # Own updates waiting for their commit; how many were committed; ranges of own numbers beyond `seq`.
        self.pending: deque[bytes] = deque()
        self.stored = 0
        self._ahead: dict[int, int] = {}
        self._early: list[tuple[int, list[bytes]]] = []
        self.replica = Replica(file_id, database)

    @property
    def idle(self) -> bool:
        """Whether nobody edits the file here, and no work on it is left."""
        return not self.editors and not self.pending and not self.replica.lock.locked()

    @property
    def queued(self) -> int:
        """The number of updates taken from the editors here; the first `stored` of them are stored."""
        return self.stored + len(self.pending)

    def show(self, data: bytes, but: Editor | None = None) -> None:
        """Write a frame to every editor except `but`."""
        for editor in list(self.editors):
            if editor is not but:
                editor.socket.tell(data)

    def end(self, code: int, reason: str) -> None:
        """Close the sockets of all editors: this node's knowledge of the file is no longer valid."""
        self.ended = True
        self.replica.drop()
        for editor in list(self.editors):
            editor.socket.close(code, reason)

    async def open(self) -> None:
        """Load the file's position; raises FileNotFound, DocumentIncomplete, and errors of the database."""
        if self.seq is None:
            await self.need_document()

    async def need_document(self) -> Document:
        """Return the document with all updates known here; raises as open()."""
        self.replica.used_at = time.monotonic()
        async with self.replica.lock:
            if self.replica.document is None:
                await self._load()
            return self.replica.catch_up()

    async def _load(self) -> None:
        """Load the document; the first time, start at its position."""
        document, last = await self.replica.load(self.pending)
        if self.seq is None:
            self.known, self.seq = dict(document.known), last
            early, self._early = self._early, []
            for first, updates in early:
                self.take(first, updates)
        elif last > self.seq:
            self.on_behind(self)

    async def has_room(self, size: int) -> bool:
        """Whether the document may grow by `size` bytes; raises as open()."""
        if not self.replica.fits(size):
            self.replica.measure(await self.need_document())
        return self.replica.fits(size)

    def note(self, update: bytes, facts: Facts, *, applied: bool = False) -> None:
        """Note a new update; `applied`: the document has it already."""
        note_clocks(facts, self.known)
        self.replica.note(update, applied=applied)

    def relay(self, update: bytes, but: Editor | None = None) -> None:
        """Show an update to the editors here, except `but`."""
        self.show(frame_sync(UPDATE, update), but)

    def take(self, first: int, updates: list[bytes]) -> None:
        """Take updates stored by others; `first` is the number of the first."""
        if self.seq is None:
            self._early.append((first, updates))
            return
        if first > self.seq + 1:
            self.on_behind(self)
            return
        for seq, update in enumerate(updates, first):
            if seq > self.seq:
                self._take_one(update)
                self.seq = seq
        self._advance()

    def _take_one(self, update: bytes) -> None:
        self.note(update, read_update(update))
        self.relay(update)

    def committed(self, before: int, count: int) -> None:
        """Note that the first `count` pending updates were stored behind number `before`."""
        for _ in range(count):
            self.pending.popleft()
        self.stored += count
        self._ahead[before + 1] = before + count
        self._advance()
        if self._ahead:
            # The updates before them are usually on their way.
            asyncio.get_running_loop().call_later(ORDER_SECONDS, self._look_behind)
        for editor in list(self.editors):
            editor.tell_stored()

    def _look_behind(self) -> None:
        if self._ahead:
            self.on_behind(self)

    def _advance(self) -> None:
        """Advance over own updates, which were shown when they came."""
        if self.seq is None:
            return
        for first in sorted(self._ahead):
            if first > self.seq + 1:
                break
            self.seq = max(self.seq, self._ahead.pop(first))

    async def catch_up(self) -> None:
        """Show the updates missed here; raises as open()."""
        if self.seq is None:
            return
        while True:
            after = self.seq
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                rows = await sql.collab.read_updates(
                    conn, file_id=self.file_id, after=after, most=ROWS_AT_ONCE
                )
            if not rows:
                raise FileNotFound()
            if rows[0]["last_seq"] <= self.seq:
                return
            if rows[0]["seq"] != after + 1:
                await self._catch_up_settled()
                return
            self._take_rows(rows)
            if rows[-1]["seq"] >= rows[-1]["last_seq"]:
                return

    def _take_rows(self, rows: Sequence[Any]) -> None:
        for row in rows:
            if self.seq is None or row["seq"] <= self.seq:
                continue
            # Own updates can be read before their commit is answered; they were shown when they came.
            if row["node"] != self.node:
                RECOVERED.inc()
                self._take_one(row["update"])
            self.seq = row["seq"]
        self._advance()

    async def _catch_up_settled(self) -> None:
        """The rows are gone: load the document anew, and show its difference from what is known here."""
        async with self.replica.lock:
            self.replica.drop()
            before, seq = encode_vector(self.known), self.seq or 0
            self.seq, held = None, self._ahead
            try:
                known = self.known
                await self._load()
                document = self.replica.catch_up()
            except BaseException:
                self.seq, self.known = seq, known
                raise
            finally:
                self._ahead = {first: last for first, last in held.items() if last > (self.seq or 0)}
            for client, clock in known.items():
                self.known[client] = max(clock, self.known.get(client, 0))
            self._advance()
            news = document.encode(before)
        if news != EMPTY:
            RECOVERED.inc()
            self.relay(news)

    def tidy(self, now: float) -> bool:
        """Drop states and the document if unused; return whether memory was freed. `now` is monotonic."""
        self.awareness.forget_old(now)
        return self.replica.tidy(now)
