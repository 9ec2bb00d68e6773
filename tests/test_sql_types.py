"""The written types of the statements are those that PostgreSQL sees."""

from __future__ import annotations

from nexcorp.db.sql_types import STUB, describe
from nexcorp.db.statements import load


async def test_stub_is_current(database):
    async with database.connection(wait=5) as conn:
        assert STUB.read_text() == await describe(conn, load()), "run `make sql-types`"
