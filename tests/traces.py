"""A search in all tables for words that must have been erased."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import Any

LIST_COLUMNS = """
SELECT r.relname::text AS table, a.attname::text AS column, a.atttypid = 'bytea'::regtype AS is_bytes
FROM pg_class AS r
INNER JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p') AND NOT r.relispartition
ORDER BY r.relname, a.attnum
"""
GZIP = b"\x1f\x8b"


def read_value(value: str | bytes | None) -> str:
    """Return a value as text in lower case, unpacked if it is gzip."""
    if isinstance(value, bytes):
        whole = gzip.decompress(value) if value.startswith(GZIP) else value
        value = whole.decode(errors="replace")
    return (value or "").lower()


async def find_traces(conn: Any, words: Iterable[str]) -> set[tuple[str, str]]:
    """Return (table.column, word) for each of `words` that a column contains, in any case.

    Every column of every table is read: texts, JSON, arrays and index words in the form that PostgreSQL
    prints, bytes as text. Words must consist of letters and digits, which JSON does not escape.
    """
    wanted = [word.lower() for word in words]
    tables: dict[str, list[tuple[str, bool]]] = {}
    for row in await conn.fetch(LIST_COLUMNS):
        tables.setdefault(row["table"], []).append((row["column"], row["is_bytes"]))
    assert {"events", "room_frames", "notifications", "idempotency_keys", "uploads"} <= tables.keys()
    found: set[tuple[str, str]] = set()
    for table, columns in tables.items():
        shown = ", ".join(f'"{name}"' if is_bytes else f'"{name}"::text' for name, is_bytes in columns)
        for row in await conn.fetch(f'SELECT {shown} FROM "{table}"'):  # noqa: S608
            for (name, _), value in zip(columns, row, strict=True):
                text = read_value(value)
                found.update((f"{table}.{name}", word) for word in wanted if word in text)
    return found
