"""The document of one file on one node: loaded when needed, and dropped a minute later.

Updates that come while nobody needs it are added at its next use.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from uuid import UUID

import structlog

from nexcorp.collab.document import Document
from nexcorp.collab.encoding import BadUpdate
from nexcorp.collab.errors import DocumentIncomplete
from nexcorp.collab.metrics import DOCUMENTS
from nexcorp.collab.protocol import MAX_STATE_BYTES, MAX_TEXT_BYTES, STEP_2, frame_sync
from nexcorp.db import Database, sql
from nexcorp.errors import FileNotFound

log = structlog.get_logger("nexcorp.collab")

POOL_WAIT_SECONDS = 2.0
DOCUMENT_SECONDS = 60.0
# Apply waiting updates once there are more than this.
MAX_BEHIND = 1000
NOTHING_KNOWN = b"\x00"


class Replica:
    """The document of one file. `document` is None while it is not loaded; hold `lock` to load it.

    `state_bound`: an upper limit of the size of its state, in bytes.
    """

    def __init__(self, file_id: UUID, database: Database) -> None:
        self.file_id, self.database = file_id, database
        self.document: Document | None = None
        self.lock = asyncio.Lock()
        self.used_at = time.monotonic()
        # Updates that the document, or the one being loaded, does not have yet.
        self._behind: list[bytes] = []
        # The frame for clients that have no updates yet.
        self._whole: bytes | None = None
        self.state_bound = self._text_bound = 0

    async def load(self, waiting: Iterable[bytes]) -> tuple[Document, int]:
        """Load the document; return it and the number of its last update. `waiting`: updates not stored yet.

        Raises FileNotFound, DocumentIncomplete, and errors of the database.
        """
        # From here on note() keeps updates for the document.
        self._behind = list(waiting)
        self.document = None
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            row = await sql.collab.open_document(conn, file_id=self.file_id)
        if row is None:
            raise FileNotFound()
        if row["settled_seq"] + len(row["updates"]) != row["last_seq"]:
            log.error("updates of a document are missing", file=str(self.file_id), seq=row["last_seq"])
            raise DocumentIncomplete()
        try:
            document = Document.load(row["state"], row["updates"], row["root"])
        except BadUpdate as error:
            log.error("a document cannot be read", file=str(self.file_id), error=str(error))
            raise DocumentIncomplete() from error
        DOCUMENTS.inc()
        self.document = document
        self.state_bound = len(row["state"] or b"") + sum(map(len, row["updates"]))
        self._text_bound = document.text_bytes
        return document, row["last_seq"]

    def catch_up(self) -> Document:
        """Return the document with all noted updates; raises DocumentIncomplete."""
        document = self.document
        if document is None:
            raise DocumentIncomplete()
        behind, self._behind = self._behind, []
        try:
            for update in behind:
                document.apply(update)
        except BadUpdate as error:
            # The update was accepted, so a document loaded after it is stored will have it.
            log.warning("a document is loaded anew", file=str(self.file_id), error=str(error))
            self.drop()
            raise DocumentIncomplete() from error
        return document

    def drop(self) -> None:
        """Forget the document."""
        if self.document is not None:
            DOCUMENTS.dec()
        # Through the attribute: cycles inside pycrdt would keep another reference alive.
        self.document = None
        self._behind, self._whole = [], None

    def note(self, update: bytes, *, applied: bool) -> None:
        """Note a new update; `applied`: the document has it already."""
        self._whole = None
        self.state_bound += len(update)
        self._text_bound += len(update)
        if applied or (self.document is None and not self.lock.locked()):
            return
        self._behind.append(update)
        if len(self._behind) > MAX_BEHIND and not self.lock.locked():
            if time.monotonic() - self.used_at > DOCUMENT_SECONDS:
                self.drop()
            else:
                with contextlib.suppress(DocumentIncomplete):
                    self.catch_up()

    def encode(self, document: Document, vector: bytes) -> bytes:
        """Return the frame of everything that a client with this state vector lacks."""
        if vector != NOTHING_KNOWN:
            return frame_sync(STEP_2, document.encode(vector))
        # Many clients may come at once, and slow ones hold the frame for long: they share one.
        if self._whole is None:
            self._whole = frame_sync(STEP_2, document.encode())
        return self._whole

    def fits(self, size: int) -> bool:
        """Whether the document may grow by `size` bytes, by the known bounds of its size."""
        return self.state_bound + size <= MAX_STATE_BYTES and self._text_bound + size <= MAX_TEXT_BYTES

    def measure(self, document: Document) -> None:
        """Measure the document, which replaces the bounds of its size."""
        self.state_bound, self._text_bound = len(document.encode()), document.text_bytes

    def tidy(self, now: float) -> bool:
        """Drop the document if it is not needed; return whether memory was freed. `now` is monotonic."""
        if self.document is None or now - self.used_at <= DOCUMENT_SECONDS or self.lock.locked():
            return False
        self.drop()
        return True
