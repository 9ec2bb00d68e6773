"""Files become findable: their contents are packed, so what is searched for is unpacked here."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql

# Of a text this much is looked for: what makes it findable takes PostgreSQL 15 ms then, at worst 50.
MOST_CHARS = 100_000
# A packed content may have 1 MB.
AT_ONCE = 10


async def index_files(conn: Any, *, ids: Sequence[UUID]) -> list[Any]:
    """Make files findable by path and text, as they are now; gives no words, see SearchKind."""
    for begin in range(0, len(ids), AT_ONCE):
        rows = await sql.search.list_file_texts(conn, ids=ids[begin : begin + AT_ONCE])
        bodies = await asyncio.to_thread(unpack_all, [row["data"] for row in rows])
        await sql.search.index_files(conn, ids=[row["id"] for row in rows], bodies=bodies)
    return []


def unpack_all(packed: Sequence[bytes | None]) -> list[str]:
    """The beginnings of texts that are packed; blocks."""
    return [unpack_beginning(one) for one in packed]


def unpack_beginning(packed: bytes | None) -> str:
    """The beginning of a text that is packed with zlib; of None, a binary, nothing."""
    if packed is None:
        return ""
    data = zlib.decompressobj().decompress(packed, 4 * MOST_CHARS)
    return data.decode(errors="ignore")[:MOST_CHARS]
