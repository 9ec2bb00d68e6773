"""Searches by words, with a short time limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nexcorp.db import Database, sql

# The slowest search among a million posts takes 0.2 s by itself.
SEARCH_MILLISECONDS = 1500


def escape_like(text: str) -> str:
    """Escape `text` so that LIKE takes it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@asynccontextmanager
async def searching(database: Database, milliseconds: int | None = None) -> AsyncIterator[Any]:
    """Yield a read-only connection on which PostgreSQL cancels each statement after SEARCH_MILLISECONDS.

    A cancelled statement raises asyncpg.QueryCanceledError (503 `timeout`). Raises what Database.connection()
    raises.
    """
    async with database.transaction(readonly=True) as conn:
        await sql.search.limit_statements(conn, milliseconds=milliseconds or SEARCH_MILLISECONDS)
        yield conn
