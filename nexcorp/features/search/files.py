"""Index files for search: their contents are stored compressed, and decompressed here."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql

# The indexed beginning of a text: PostgreSQL takes 15 ms to index this much, at worst 50.
MOST_CHARS = 100_000
# Files per batch; a compressed content has up to 1 MB.
AT_ONCE = 10


async def index_files(conn: Any, *, ids: Sequence[UUID]) -> list[Any]:
    """Index the current path and text of files; return no words, see SearchKind."""
    for begin in range(0, len(ids), AT_ONCE):
        rows = await sql.search.list_file_texts(conn, ids=ids[begin : begin + AT_ONCE])
        bodies = await asyncio.to_thread(unpack_all, [row["data"] for row in rows])
        await sql.search.index_files(conn, ids=[row["id"] for row in rows], bodies=bodies)
    return []


def unpack_all(packed: Sequence[bytes | None]) -> list[str]:
    """Decompress the beginnings of texts; blocks."""
    return [unpack_beginning(one) for one in packed]


def unpack_beginning(packed: bytes | None) -> str:
    """Decompress the beginning of a text; the empty string for None, a binary file."""
    if packed is None:
        return ""
    data = zlib.decompressobj().decompress(packed, 4 * MOST_CHARS)
    return data.decode(errors="ignore")[:MOST_CHARS]
