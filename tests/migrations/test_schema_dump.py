"""docs/schema.sql is current, and makes the same schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.db.schema_dump import README, TARGET, dump_schema, insert_effects, list_effects
from nexcorp.db.schema_files import SCHEMA
from tests.conftest import name_database
from tests.migrations.test_migrations import objects

# sql/schema/00_ids.sql creates the first only before PostgreSQL 18; partitions depend on the month.
LEFT_OUT = ("function uuidv7()", "events_20")


@pytest.fixture
def bare_url(postgres: Any) -> Iterator[str]:
    """The URL of an empty database."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE dumped TEMPLATE template0")
        yield name_database(postgres.url, "dumped")
        conn.execute("DROP DATABASE dumped WITH (FORCE)")


async def test_it_is_current(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        assert await dump_schema(conn) == TARGET.read_text(), "run `make schema`"


async def test_the_table_of_triggers_is_current(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        table = await list_effects(conn)
        names = {row[0] for row in await conn.fetch("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")}
    assert insert_effects(README.read_text(), table) == README.read_text(), "run `make schema`"
    assert {line.split(" | ")[2].strip("`") for line in table.splitlines()[2:]} == names
    assert " |  |" not in table, "a trigger has no comment"


async def test_it_makes_the_same_database(config: Config, bare_url: str) -> None:
    with psycopg.connect(bare_url, autocommit=True) as conn:
        conn.execute(TARGET.read_bytes())
        # The objects that function bodies name exist now, so bodies can be checked.
        conn.execute("SET check_function_bodies = on")
        for path in sorted(SCHEMA.glob("*.sql")):
            conn.execute(path.read_bytes())
    made = Database(replace(config, database_url=bare_url))
    await made.open()
    async with made.connection(wait=5) as conn:
        assert await dump_schema(conn) == TARGET.read_text()
    await made.close()
    differing = objects(bare_url) ^ objects(config.database_url)
    assert {text for text in differing if not any(part in text for part in LEFT_OUT)} == set()


async def test_a_view_that_no_file_has_is_told(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        await conn.execute("CREATE VIEW stray AS SELECT 1 AS one")
        with pytest.raises(LookupError, match="stray"):
            await dump_schema(conn)
