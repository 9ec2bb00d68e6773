"""Versions of files: each distinct content is stored once, however often it is saved."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, TypeVar
from uuid import UUID

from nexcorp.db import Database, sql
from nexcorp.errors import Conflict, FileNotFound, on_constraint

PART_BYTES = 1024 * 1024
# As fast as the network at half the size of a text; higher levels cost far more and save a tenth.
LEVEL = 3
# Smaller contents take at most about a millisecond, and are processed without a thread.
SMALL_BYTES = 64 * 1024
LOOSE_PART = 100

T = TypeVar("T")


class ProjectQuotaExceeded(Conflict):
    """The project's files would hold more than 1 GB."""

    code, message = "quota_exceeded", "The project has no room for this: its files may hold 1 GB."
    meaning = "The files of the project, those in the trash too, would hold more than 1 GB."


async def cut_version(
    conn: Any,
    file_id: UUID,
    content: bytes,
    *,
    cause: str,
    author_ids: Collection[UUID],
    seq: int,
    restored_from: int | None = None,
) -> int | None:
    """Save a content as the next version of a file; return its number, or None if nothing changed.

    Needs a transaction; locks the file, then its project. `cause`: created, edited, put, restored. `seq`: the
    newest update that the content holds, 0 for binaries. An edit is not saved over a newer put. Raises
    FileNotFound, ProjectQuotaExceeded.
    """
    if await sql.file_versions.lock_file(conn, file_id=file_id) is None:
        raise FileNotFound()
    sha256 = await _compute(lambda: hashlib.sha256(content).digest(), content)
    # Before the project is locked, as others wait for that lock.
    await _store(conn, sha256, content)
    with on_constraint("projects_quota", ProjectQuotaExceeded()):
        return await sql.file_versions.cut_version(
            conn,
            file_id=file_id,
            cause=cause,
            restored_from=restored_from,
            bytes=len(content),
            sha256=sha256,
            author_ids=sorted(set(author_ids)),
            seq=seq,
        )


async def read_content(conn: Any, sha256: bytes) -> bytes:
    """Return a whole content; use stream_content() for large ones. Raises FileNotFound if it was swept."""
    rows = await sql.file_versions.list_chunks(conn, sha256=sha256)
    if not rows:
        raise FileNotFound()
    packed = b"".join(row["data"] for row in rows)
    return await _compute(lambda: zlib.decompress(packed), packed)


async def stream_content(database: Database, sha256: bytes) -> AsyncIterator[bytes]:
    """Yield a content in parts, holding no connection while the caller sends one. Raises FileNotFound if it
    was swept meanwhile."""
    unpacker = zlib.decompressobj()
    part = 0
    while not unpacker.eof:
        async with database.connection() as conn:
            data = await sql.file_versions.get_chunk(conn, sha256=sha256, part=part)
        if data is None:
            raise FileNotFound()
        packed = bytes(data)
        while packed:
            # A part of zeros may unpack to a thousand times its size.
            yield await asyncio.to_thread(unpacker.decompress, packed, PART_BYTES)
            packed = unpacker.unconsumed_tail
        part += 1


async def sweep_contents(database: Database) -> int:
    """Delete contents that no version has any more; return how many."""
    gone = 0
    while True:
        async with database.transaction(wait=10.0) as conn:
            rows = await sql.file_versions.lock_loose(conn, most=LOOSE_PART)
            if rows:
                await sql.file_versions.drop_loose(conn, hashes=[row["sha256"] for row in rows])
        gone += len(rows)
        if len(rows) < LOOSE_PART:
            return gone


async def _store(conn: Any, sha256: bytes, content: bytes) -> None:
    """Keep a content in file_chunks until the transaction ends, and then as long as a version has it."""
    packed = b""
    # Repeat if another request stored the same content and then rolled back, or the content was swept.
    while not await sql.file_versions.hold_content(conn, sha256=sha256):
        packed = packed or await _compute(lambda: zlib.compress(content, LEVEL), content)
        for part, begin in enumerate(range(0, len(packed), PART_BYTES)):
            data = packed[begin : begin + PART_BYTES]
            await sql.file_versions.add_chunk(conn, sha256=sha256, part=part, data=data)


async def _compute(work: Callable[[], T], data: bytes) -> T:
    """Return the result of `work`, in a thread if `data` is large."""
    return work() if len(data) <= SMALL_BYTES else await asyncio.to_thread(work)
