"""One file on one node: its editors, how far it has come here, and its document while that is needed.

Typing needs no document: an update is read, relayed and stored. `seq` is the number of the last update that
the editors here were shown. One at or below it was seen, the next one is relayed, and one further on means
that something was lost: it is then read from PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from nexcorp.collab.announcing import Messenger
from nexcorp.collab.awareness import Awareness
from nexcorp.collab.document import Document
from nexcorp.collab.encoding import BadUpdate, write_number
from nexcorp.collab.errors import DocumentIncomplete
from nexcorp.collab.metrics import DOCUMENTS, RECOVERED
from nexcorp.collab.protocol import (
    MAX_STATE_BYTES,
    MAX_TEXT_BYTES,
    STEP_2,
    UPDATE,
    frame_awareness,
    frame_sync,
)
from nexcorp.collab.updates import EMPTY, Facts, note_clocks, read_update
from nexcorp.db import Database, sql
from nexcorp.errors import FileNotFound

if TYPE_CHECKING:
    from nexcorp.collab.editor import Editor

log = structlog.get_logger("nexcorp.collab")

POOL_WAIT_SECONDS = 2.0
DOCUMENT_SECONDS = 60.0
# The document learns of new updates when it is needed, but of no more than so many at once.
MAX_BEHIND = 1000
ROWS_AT_ONCE = 500
# Own updates whose number is known before those of others that come before it.
ORDER_SECONDS = 0.1
NOTHING_KNOWN = b"\x00"


def encode_vector(known: dict[int, int]) -> bytes:
    """A state vector, as Yjs writes it."""
    return write_number(len(known)) + b"".join(
        write_number(client) + write_number(clock) for client, clock in known.items()
    )


class Channel:
    """See above. `node` is this node's number in the log; `on_behind` is told a channel that missed much."""

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
        # None until it has been opened.
        self.seq: int | None = None
        self.known: dict[int, int] = {}
        # Own updates that wait for their commit, how many had it, and ranges of own numbers ahead of `seq`.
        self.pending: deque[bytes] = deque()
        self.stored = 0
        self._ahead: dict[int, int] = {}
        self._early: list[tuple[int, list[bytes]]] = []
        self.document: Document | None = None
        # What the document, or one that is being loaded, has not seen yet; and when it was last needed.
        self._behind: list[bytes] = []
        self._loading = asyncio.Lock()
        self.used_at = time.monotonic()
        # The answer to a client that has nothing yet, and bounds of how large state and text are.
        self._whole: bytes | None = None
        self._state_bound = self._text_bound = 0

    @property
    def idle(self) -> bool:
        """Whether nobody edits the file here, and nothing of it waits."""
        return not self.editors and not self.pending and not self._loading.locked()

    @property
    def queued(self) -> int:
        """How many updates were taken from the editors here; the first `stored` of them are stored."""
        return self.stored + len(self.pending)

    def show(self, data: bytes, but: Editor | None = None) -> None:
        """Write a frame to every editor."""
        for editor in list(self.editors):
            if editor is not but:
                editor.socket.tell(data)

    def end(self, code: int, reason: str) -> None:
        """Close the sockets of all editors: what this node knows of the file is not true any more."""
        self.ended = True
        self.drop_document()
        for editor in list(self.editors):
            editor.socket.close(code, reason)

    async def open(self) -> None:
        """Learn where the file stands; raises FileNotFound, DocumentIncomplete, and those of the database."""
        if self.seq is None:
            await self.need_document()

    async def need_document(self) -> Document:
        """The document with all that is known here; raises as open()."""
        self.used_at = time.monotonic()
        async with self._loading:
            if self.document is None:
                await self._load()
            return self._catch_up_document()

    def _catch_up_document(self) -> Document:
        document = self.document
        if document is None:
            raise DocumentIncomplete()
        behind, self._behind = self._behind, []
        try:
            for update in behind:
                document.apply(update)
        except BadUpdate as error:
            # It was taken, so it will be in the document that is loaded when it is stored.
            log.warning("a document is loaded anew", file=str(self.file_id), error=str(error))
            self.drop_document()
            raise DocumentIncomplete() from error
        return document

    async def _load(self) -> None:
        """Load the document, and begin there if this is the first time."""
        # From here on what is relayed is kept for it; so is what has not been stored.
        self._behind = list(self.pending)
        self.document = None
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            row = await sql.collab.open_document(conn, file_id=self.file_id)
        if row is None:
            raise FileNotFound()
        if row["settled_seq"] + len(row["updates"]) != row["last_seq"]:
            log.error("updates of a document are missing", file=str(self.file_id), seq=row["last_seq"])
            raise DocumentIncomplete()
        try:
            self.document = Document.load(row["state"], row["updates"], row["root"])
        except BadUpdate as error:
            log.error("a document cannot be read", file=str(self.file_id), error=str(error))
            raise DocumentIncomplete() from error
        DOCUMENTS.inc()
        self._state_bound = len(row["state"] or b"") + sum(map(len, row["updates"]))
        self._text_bound = self.document.text_bytes
        if self.seq is None:
            self.known = dict(self.document.known)
            self.seq = row["last_seq"]
            early, self._early = self._early, []
            for first, updates in early:
                self.take(first, updates)
        elif row["last_seq"] > self.seq:
            self.on_behind(self)

    def drop_document(self) -> None:
        """Forget the document; it is loaded again when it is needed."""
        if self.document is not None:
            DOCUMENTS.dec()
        # By name: cycles inside of pycrdt would keep it.
        self.document = None
        self._behind, self._whole = [], None

    def encode(self, document: Document, vector: bytes) -> bytes:
        """The frame of all that a client with this state vector lacks."""
        if vector != NOTHING_KNOWN:
            return frame_sync(STEP_2, document.encode(vector))
        # Many may come at once, and slow ones hold it for long: they all hold the same.
        if self._whole is None:
            self._whole = frame_sync(STEP_2, document.encode())
        return self._whole

    async def has_room(self, size: int) -> bool:
        """Whether the document may become so much larger; raises as open()."""
        if self._fits(size):
            return True
        document = await self.need_document()
        self._state_bound, self._text_bound = len(document.encode()), document.text_bytes
        return self._fits(size)

    @property
    def state_bound(self) -> int:
        """How large the document's state is at most, in bytes."""
        return self._state_bound

    def _fits(self, size: int) -> bool:
        return self._state_bound + size <= MAX_STATE_BYTES and self._text_bound + size <= MAX_TEXT_BYTES

    def note(self, update: bytes, facts: Facts, *, applied: bool = False) -> None:
        """A new update is known from now on; `applied`: the document has it already."""
        note_clocks(facts, self.known)
        self._whole = None
        self._state_bound += len(update)
        self._text_bound += len(update)
        if applied or (self.document is None and not self._loading.locked()):
            return
        self._behind.append(update)
        if len(self._behind) > MAX_BEHIND and not self._loading.locked():
            if time.monotonic() - self.used_at > DOCUMENT_SECONDS:
                self.drop_document()
            else:
                with contextlib.suppress(DocumentIncomplete):
                    self._catch_up_document()

    def relay(self, update: bytes, but: Editor | None = None) -> None:
        """Show an update to the editors here."""
        self.show(frame_sync(UPDATE, update), but)

    def take(self, first: int, updates: list[bytes]) -> None:
        """Take updates that others have stored, by the number of the first."""
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
        """The first `count` pending updates are stored behind the number `before`."""
        for _ in range(count):
            self.pending.popleft()
        self.stored += count
        self._ahead[before + 1] = before + count
        self._advance()
        if self._ahead:
            # Those before it are on their way most often.
            asyncio.get_running_loop().call_later(ORDER_SECONDS, self._look_behind)
        for editor in list(self.editors):
            editor.tell_stored()

    def _look_behind(self) -> None:
        if self._ahead:
            self.on_behind(self)

    def _advance(self) -> None:
        """Go over own updates, which were shown when they came."""
        if self.seq is None:
            return
        for first in sorted(self._ahead):
            if first > self.seq + 1:
                break
            self.seq = max(self.seq, self._ahead.pop(first))

    async def catch_up(self) -> None:
        """Show what was missed here; raises as open()."""
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
            # Own ones are here before their commit is answered, and were shown when they came.
            if row["node"] != self.node:
                RECOVERED.inc()
                self._take_one(row["update"])
            self.seq = row["seq"]
        self._advance()

    async def _catch_up_settled(self) -> None:
        """The rows are gone: load the document anew, and show how it differs from what is known here."""
        async with self._loading:
            self.drop_document()
            before, seq = encode_vector(self.known), self.seq or 0
            self.seq, held = None, self._ahead
            try:
                known = self.known
                await self._load()
                document = self._catch_up_document()
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
        """Forget what is not needed any more; True where memory was freed. `now` by the monotonic clock."""
        self.awareness.forget_old(now)
        if self.document is None or now - self.used_at <= DOCUMENT_SECONDS or self._loading.locked():
            return False
        self.drop_document()
        return True
