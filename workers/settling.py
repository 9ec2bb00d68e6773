"""Turns collaborative edits into a snapshot, a text and a version, some seconds later.

Building a document holds the interpreter for up to a second, so a worker does it, never a web node. Nothing
is lost if a worker dies: until its transaction commits, all updates are still there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from nexcorp.collab.document import Document
from nexcorp.collab.encoding import BadUpdate
from nexcorp.collab.memory import give_back_memory
from nexcorp.collab.versions import ProjectQuotaExceeded, cut_version
from nexcorp.db import Database, sql
from nexcorp.delivery.outbox import emit
from nexcorp.errors import AppError, FileNotFound
from nexcorp.logs import seldom
from workers import POOL_WAIT_SECONDS
from workers.metrics import SETTLE_SECONDS, SETTLED

log = structlog.get_logger("nexcorp.settling")

REST_SECONDS = 1.0
# A claim lasts longer than the largest document takes; a killed worker's claim runs out.
LEASE_SECONDS = 60.0
# Pause before a text that cannot be settled is tried again.
PUT_OFF_SECONDS = 60.0
# Nodes that missed updates read them from the log for this long; later they load the snapshot.
KEEP_SECONDS = 60.0
ABREAST = 4
# Most updates of one file in one go; the rest is settled next.
MOST_UPDATES, MOST_BYTES = 20_000, 32 * 1024 * 1024
PART = 10_000
LARGE_BYTES = 1024 * 1024


class Unreadable(Exception):
    """A snapshot or an update is broken or missing. The rest is not used: a text must not start empty."""


class ClaimLost(Exception):
    """Another worker has claimed the file."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that only this worker settles, until `until`."""

    file_id: UUID
    until: Any


class Settler:
    """Settles texts, in one worker process.

    A text is due when it was not edited for `quiet` seconds, or has not been settled for `busy` seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        quiet: float = 3.0,
        busy: float = 30.0,
        lease: float = LEASE_SECONDS,
        put_off: float = PUT_OFF_SECONDS,
    ) -> None:
        self.database = database
        self.quiet, self.busy, self.lease, self.put_off = quiet, busy, lease, put_off
        self._closing = False
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    async def drain(self) -> int:
        """Settle all due texts; return how many files were settled."""
        settled = 0
        self._at_rest.clear()
        try:
            while not self._closing:
                async with self.database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
                    rows = await sql.settling.claim_due(
                        conn,
                        quiet_seconds=self.quiet,
                        busy_seconds=self.busy,
                        lease_seconds=self.lease,
                        most=ABREAST,
                    )
                if not rows:
                    break
                claims = [Claim(row["file_id"], row["lease_until"]) for row in rows]
                settled += sum(await asyncio.gather(*map(self._try, claims)))
            return settled
        finally:
            self._at_rest.set()

    async def close(self) -> None:
        """Claim no more, and wait for running work."""
        self._closing = True
        await self._at_rest.wait()

    async def _try(self, claim: Claim) -> bool:
        """Settle one file, or put it off; return whether it was settled."""
        result, began, wait = "failed", time.monotonic(), self.put_off
        try:
            await self._settle(claim)
            result = "settled"
        except (ClaimLost, FileNotFound):
            result = "left"
        except Unreadable as error:
            # Its updates stay, for an operator or a release that can read them.
            result = "unreadable"
            log.error("a text cannot be settled", file=str(claim.file_id), reason=str(error))
        except ProjectQuotaExceeded:
            result = "full"
            if seldom(f"full {claim.file_id}"):
                log.warning("a text waits for room in its project", file=str(claim.file_id))
        except AppError as error:
            wait = REST_SECONDS
            if seldom(f"settling {error.code}"):
                log.warning("texts wait to be settled", reason=error.code)
        except Exception as error:
            # Without its text and traceback: they may hold parts of the text.
            log.error("settling failed", file=str(claim.file_id), error=type(error).__name__)
        SETTLED.labels(result).inc()
        if result != "settled":
            await self._put_off(claim, wait)
        else:
            SETTLE_SECONDS.observe(time.monotonic() - began)
        return result == "settled"

    async def _put_off(self, claim: Claim, seconds: float) -> None:
        try:
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                await sql.settling.put_off(
                    conn, file_id=claim.file_id, lease_until=claim.until, seconds=seconds
                )
        except AppError:
            # The claim runs out by itself.
            log.debug("a text could not be put off", file=str(claim.file_id))

    async def _settle(self, claim: Claim) -> None:
        async with self.database.transaction(
            wait=POOL_WAIT_SECONDS, isolation="repeatable_read", readonly=True
        ) as conn:
            doc = await sql.settling.get_doc(conn, file_id=claim.file_id)
            if doc is None:
                raise ClaimLost
            rows = await sql.settling.list_updates(
                conn,
                file_id=claim.file_id,
                after=doc["settled_seq"],
                most=MOST_UPDATES,
                most_bytes=MOST_BYTES,
            )
        check(doc, rows)
        updates = [row["update"] for row in rows]
        state, content = await asyncio.to_thread(build, doc["state"], updates, doc["root"])
        seq = rows[-1]["seq"] if rows else doc["settled_seq"]
        authors = {row["author_id"] for row in rows if row["seq"] > doc["version_seq"]} - {None}
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            await sql.file_versions.lock_file(conn, file_id=claim.file_id)
            held = await sql.settling.settle_doc(
                conn,
                file_id=claim.file_id,
                lease_until=claim.until,
                seq=seq,
                state=state,
                keep_seconds=KEEP_SECONDS,
            )
            if not held:
                raise ClaimLost
            number = await cut_version(
                conn, claim.file_id, content, cause="edited", author_ids=authors, seq=seq
            )
            if number is not None:
                await emit(
                    conn,
                    "file.saved",
                    actor_id=next(iter(authors)) if len(authors) == 1 else None,
                    entity=("file", claim.file_id),
                    payload={
                        "projectId": doc["project_id"],
                        "version": number,
                        "seq": seq,
                        "authorIds": sorted(authors),
                    },
                    root=doc["project_id"],
                )


def check(doc: Any, rows: Sequence[Any]) -> None:
    """Raises Unreadable if the snapshot, or an update behind it, is missing."""
    settled = doc["settled_seq"]
    if (doc["snapshot_seq"] or 0) != settled:
        raise Unreadable(f"the snapshot is of {doc['snapshot_seq']}, not of {settled}")
    missing = next((n for n, row in enumerate(rows, settled + 1) if row["seq"] != n), None)
    if missing is not None or (not rows and doc["last_seq"] > settled):
        raise Unreadable(f"update {missing or settled + 1} is missing")


def build(state: bytes | None, updates: Sequence[bytes], root: str | None) -> tuple[bytes, bytes]:
    """Return the snapshot and the text of a document; blocks. Raises Unreadable."""
    try:
        document = Document.load(state, updates, root)
        state, content = document.encode(), document.read_content()
    except BadUpdate as error:
        raise Unreadable(str(error)) from error
    if len(state) > LARGE_BYTES:
        del document
        give_back_memory()
    return state, content


async def drop_settled(database: Database) -> int:
    """Delete updates that are in a snapshot and that no node needs any more; return how many."""
    gone, part = 0, PART
    while part == PART:
        async with database.connection(wait=10.0) as conn:
            part = await sql.settling.drop_settled(conn, keep_seconds=KEEP_SECONDS, most=PART) or 0
        gone += part
    return gone


async def poll_settler(settler: Settler) -> None:
    """Settle due texts every second, even without Redis; runs until cancelled."""
    while True:
        try:
            await settler.drain()
        except AppError as error:
            if seldom(f"settling {error.code}"):
                log.warning("texts wait to be settled", reason=error.code)
        except Exception as error:
            log.error("settling failed", error=type(error).__name__)
        await asyncio.sleep(REST_SECONDS)
