"""The job that makes data exports row by row: a long one takes no more memory than a short one."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import sql
from nexcorp.db.encoding import encode, format_time, row_to_dict
from nexcorp.manifest import Product

log = structlog.get_logger("nexcorp.export")

ROWS_AT_ONCE = 50
PIECE_BYTES = 256 * 1024
GZIP = 31


async def build_exports(ctx: Any) -> int:
    """Make all requested exports; return how many. Safe to run anywhere and twice."""
    made = 0
    while await build_next(ctx["database"], ctx["product"]):
        made += 1
    return made


async def build_next(database: Any, product: Product) -> bool:
    """Make one export; return False if none is left, or other workers hold the rest.

    The claim is the lock of this transaction: if the worker dies, another one does the work.
    """
    owner: UUID | None = None
    try:
        # One snapshot, so that related rows fit together.
        async with database.transaction(wait=10.0, isolation="repeatable_read") as conn:
            owner = await sql.exports.claim_export(conn)
            if owner is None:
                return False
            await sql.exports.delete_export_parts(conn, user_id=owner)
            number = length = 0
            async for body in pack(list_texts(conn, owner, product)):
                await sql.exports.add_export_part(conn, user_id=owner, number=number, body=body)
                number, length = number + 1, length + len(body)
            await sql.exports.finish_export(conn, user_id=owner, bytes=length)
    except Exception as error:
        if owner is None:
            raise
        # Not the message: PostgreSQL quotes rows in it.
        log.warning("export failed", user=str(owner), error=type(error).__name__)
        async with database.transaction(wait=10.0) as conn:
            await sql.exports.fail_export(conn, user_id=owner, error=type(error).__name__)
    return True


class Cursors:
    """Stands in for a connection: statements of many rows called with it yield them as they come."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn

    def fetch(self, text: str, *arguments: Any) -> Any:
        """Return the rows of a statement, for `async for`."""
        return self._conn.cursor(text, *arguments, prefetch=ROWS_AT_ONCE)


async def list_texts(conn: Any, user_id: UUID, product: Product) -> AsyncIterator[bytes]:
    """Yield all data of a person, except secrets, as JSON, a row at a time; each feature brings its
    sections."""
    yield b'{"exportedAt":' + encode(format_time(datetime.now(UTC)))
    for name, section in product.export.items():
        yield b"," + encode(name) + (b":" if section.single else b":[")
        between = b""
        async for row in section.read(Cursors(conn), user_id=user_id):  # type: ignore[attr-defined]
            yield between + encode(row_to_dict(row))
            between = b","
        if not section.single:
            yield b"]"
        elif not between:
            yield b"null"
    yield b"}"


async def pack(texts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the texts as one gzip stream, in pieces."""
    packer, piece = zlib.compressobj(wbits=GZIP), bytearray()
    async for text in texts:
        piece += text
        if len(piece) >= PIECE_BYTES:
            if packed := await asyncio.to_thread(packer.compress, bytes(piece)):
                yield packed
            piece.clear()
    yield await asyncio.to_thread(lambda: packer.compress(bytes(piece)) + packer.flush())
