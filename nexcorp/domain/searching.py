"""Searches by words, which are given up rather than waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nexcorp.db import Database, sql

# The slowest there is among a million posts takes 0.2 s by itself.
SEARCH_MILLISECONDS = 1500


def escape_like(text: str) -> str:
    """`text` as LIKE takes it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@asynccontextmanager
async def searching(database: Database, milliseconds: int | None = None) -> AsyncIterator[Any]:
    """A connection that reads, on which PostgreSQL ends each statement after so long (SEARCH_MILLISECONDS).

    Raises asyncpg.QueryCanceledError then (503 `timeout`), and what Database.connection() raises.
    """
    async with database.transaction(readonly=True) as conn:
        await sql.search.limit_statements(conn, milliseconds=milliseconds or SEARCH_MILLISECONDS)
        yield conn
