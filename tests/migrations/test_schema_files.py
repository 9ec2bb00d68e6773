"""sql/schema: applied again when a text changes, all or nothing; and our own UUIDv7 before PostgreSQL 18."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from nexcorp.db import Database, locks, migrations, schema_files
from nexcorp.db.locks import LocksHeld
from nexcorp.db.migrations import migrate_down, migrate_up, read_schema_status
from nexcorp.db.schema_files import (
    SCHEMA,
    SchemaError,
    Thing,
    list_digests,
    read_definitions,
    split_statements,
)
from tests.conftest import name_database

CREATED = re.compile(r"^\s*CREATE (.*)", re.MULTILINE)


@pytest.fixture
def url(database_url: str) -> str:
    """The URL of a migrated database."""
    return database_url


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    """A copy of sql/schema that the test may edit."""
    copy = tmp_path / "schema"
    shutil.copytree(SCHEMA, copy)
    return copy


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_nothing_is_applied_twice(url: str, schema: Path) -> None:
    assert migrate_up(url, schema=schema) == []
    append(schema / "03_search.sql", "-- Another word.\n")
    append(schema / "00_ids.sql", "-- Another word.\n")
    assert [state.name for state in read_schema_status(url, schema) if state.changed] == [
        "00_ids",
        "03_search",
    ]
    assert migrate_up(url, schema=schema) == ["schema/00_ids", "schema/03_search"]
    assert not [
        state for state in read_schema_status(url, schema) if state.changed or state.applied_at is None
    ]
    assert migrate_up(url, schema=schema) == []


def test_every_file_can_be_applied_over_itself(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        schema_files.forget(conn)
        assert schema_files.apply_files(conn) == list(list_digests())
        schema_files.forget(conn)
        assert schema_files.apply_files(conn) == list(list_digests())


def test_all_files_or_none(url: str, schema: Path) -> None:
    append(schema / "00_ids.sql", "CREATE VIEW first_of_two AS SELECT 1 AS one;\n")
    append(schema / "03_search.sql", "SELECT nonsense;\n")
    with pytest.raises(SchemaError) as caught:
        migrate_up(url, schema=schema)
    assert caught.value.message.startswith('sql/schema/03_search.sql: column "nonsense" does not exist')
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT to_regclass('first_of_two')").fetchone() == (None,)
    assert [state.name for state in read_schema_status(url, schema) if state.changed] == [
        "00_ids",
        "03_search",
    ]


def test_a_file_that_is_gone_is_forgotten(url: str, schema: Path) -> None:
    (schema / "zz_more.sql").write_text("CREATE OR REPLACE VIEW more AS SELECT 1 AS one;\n")
    assert migrate_up(url, schema=schema) == ["schema/zz_more"]
    (schema / "zz_more.sql").unlink()
    assert migrate_up(url, schema=schema) == []
    with psycopg.connect(url) as conn:
        assert conn.execute(
            "SELECT count(*) FROM applied_schema WHERE is_current AND name = 'zz_more'"
        ).fetchone() == (0,)


def test_a_lock_that_is_kept_is_waited_for(url: str, schema: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migrator waits for a short time and tries again; the service's statements run in between."""
    monkeypatch.setattr(locks, "TRIES", 5)
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(locks, "PAUSE_SECONDS", 0.1)
    append(schema / "posts.sql", "-- Another word.\n")
    with psycopg.connect(url) as holder:
        holder.execute("SELECT FROM post_items")
        with pytest.raises(LocksHeld):
            migrate_up(url, schema=schema)
        release = Timer(0.3, holder.rollback)
        release.start()
        assert migrate_up(url, schema=schema) == ["schema/posts"]
        release.join()


def test_a_migration_has_every_file_applied_again(url: str, schema: Path, tmp_path: Path) -> None:
    """So a migration may drop a view that is in its way."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder)
    number = len(migrations.list_files()) + 1
    name = f"{number:04}_in_the_way"
    (folder / f"{name}.sql").write_text(
        "DROP VIEW IF EXISTS post_items;\nDROP TRIGGER IF EXISTS reindex_person ON users;\n"
    )
    (folder / f"{name}.rollback.sql").write_text("SELECT 1;\n")
    assert migrate_up(url, folder, schema) == [name, *(f"schema/{file}" for file in list_digests())]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SELECT FROM post_items")
        assert migrate_down(url, 1, folder, schema) == [name]
        # The state after 0024: without the view, with the function of the first migrations.
        left = conn.execute("SELECT to_regclass('post_items'), to_regproc('shown_to') IS NULL").fetchone()
        assert left == (None, False)
        assert conn.execute("SELECT count(*) FROM applied_schema").fetchone() == (0,)


def test_a_view_that_no_migration_knows_goes_down_with_the_rest(url: str, schema: Path) -> None:
    append(
        schema / "posts.sql",
        "DROP VIEW IF EXISTS more;\nCREATE VIEW more AS SELECT shown_to(p, p.id) AS shown FROM posts AS p;\n"
        "CREATE OR REPLACE FUNCTION more(p posts) RETURNS text LANGUAGE sql AS $$ SELECT p.body; $$;\n"
        "CREATE OR REPLACE TRIGGER more BEFORE TRUNCATE ON posts EXECUTE FUNCTION refuse_change();\n",
    )
    assert migrate_up(url, schema=schema) == ["schema/posts"]
    migrate_down(url, 1, schema=schema)
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT to_regclass('more'), to_regproc('more')").fetchone() == (None, None)
        assert conn.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'more'").fetchone() == (0,)


def test_statements_end_where_postgresql_ends_them() -> None:
    text = "-- One; two.\nSELECT ';' /* ; */ AS a;\nDO $x$ SELECT $$ ; $$; $x$;\n\n-- Last.\nSELECT 2;\n"
    assert list(split_statements(text)) == [
        "SELECT ';' /* ; */ AS a;",
        "DO $x$ SELECT $$ ; $$; $x$;",
        "SELECT 2;",
    ]


def test_the_last_definition_counts() -> None:
    things, comments = read_definitions(
        [
            "CREATE VIEW v AS SELECT f(); CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; $$;"
            "COMMENT ON VIEW v IS 'One.'; CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f();",
            "DROP TRIGGER IF EXISTS t ON a; CREATE TRIGGER t AFTER INSERT ON b EXECUTE FUNCTION f();",
            "CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ SELECT 2; $$; DROP VIEW w;",
        ]
    )
    assert things == {
        Thing("FUNCTION", "f"): "CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ SELECT 2; $$;",
        Thing("VIEW", "v"): "CREATE OR REPLACE VIEW v AS SELECT f();",
        Thing("TRIGGER", "t", "b"): "CREATE OR REPLACE TRIGGER t AFTER INSERT ON b EXECUTE FUNCTION f();",
    }
    assert comments == ["COMMENT ON VIEW v IS 'One.';"]


def test_every_definition_can_be_applied_again_and_is_explained() -> None:
    for path in SCHEMA.glob("*.sql"):
        statements = list(split_statements(path.read_text()))
        assert len(statements) >= 2
        for statement in statements:
            for created in CREATED.findall(re.sub(r"\$\$.*?\$\$", "", statement, flags=re.DOTALL)):
                kind, name = created.partition("(")[0].split()[:2]
                dropped = any(one.startswith(f"DROP {kind} IF EXISTS {name}") for one in statements)
                assert created.startswith("OR REPLACE") or dropped, created
        things, comments = read_definitions([path.read_text()])
        assert len(comments) == len(things), f"{path.name}: something lacks its COMMENT ON"


def own_uuidv7(name: str) -> str:
    """Return the function of sql/schema for PostgreSQL before 18, under another name."""
    text = (SCHEMA / "00_ids.sql").read_text()
    found = re.search(r"CREATE OR REPLACE FUNCTION uuidv7\(\).*?\$body\$.*?\$body\$;", text, re.DOTALL)
    assert found is not None
    return found[0].replace("uuidv7()", f"{name}()")


def first_uuidv7(name: str) -> str:
    """Return the function of migration 0001, under another name."""
    text = migrations.list_files()["0001_extensions"].read_text()
    found = re.search(r"CREATE FUNCTION uuidv7\(\).*?\$body\$.*?\$body\$;", text, re.DOTALL)
    assert found is not None
    return found[0].replace("uuidv7()", f"{name}()")


def read_micros(made: UUID) -> float:
    """Return the moment in an id, in microseconds."""
    return (made.int >> 80) * 1000 + ((made.int >> 64) & 0xFFF) * 1000 / 4096


async def test_our_own_ids_are_like_those_of_before(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        await conn.execute("CREATE SCHEMA own")
        await conn.execute(own_uuidv7("own.uuidv7"))
        await conn.execute(first_uuidv7("own.before"))
        rows = await conn.fetch(
            """
            SELECT
                (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS earliest,
                own.uuidv7() AS ours, own.before() AS before, read_time(own.uuidv7()) AS read,
                (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS latest
            FROM generate_series(1, 2000)
            """
        )
        plan = await conn.fetch("EXPLAIN (VERBOSE) SELECT own.uuidv7()")
    assert "own.uuidv7" not in "\n".join(row[0] for row in plan), "it is not inlined"
    ours = [row["ours"] for row in rows]
    assert {(made.version, made.variant) for made in ours} == {(7, "specified in RFC 4122")}
    assert len(set(ours)) == len(ours)
    # Ids are made at least a microsecond apart, and 12 bits resolve a quarter of one.
    assert [made.int >> 64 for made in ours] == sorted(made.int >> 64 for made in ours)
    for row in rows:
        for made in (row["ours"], row["before"]):
            assert row["earliest"] - 1 <= read_micros(made) <= row["latest"] + 1
        assert read_micros(row["ours"]) <= read_micros(row["before"])
    # The random parts differ.
    assert len({made.int & 0x3FFF_FFFF_FFFF_FFFF for made in ours}) == len(ours)


@pytest.fixture
def untouched_url(postgres: Any) -> Iterator[str]:
    """The URL of a database that no migrator has seen."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE untouched TEMPLATE template0")
        yield name_database(postgres.url, "untouched")
        conn.execute("DROP DATABASE untouched WITH (FORCE)")


def test_status_of_a_new_database_lists_every_file(untouched_url: str) -> None:
    states = read_schema_status(untouched_url)
    assert [state.name for state in states] == list(list_digests())
    assert not any(state.applied_at or state.changed for state in states)


def test_kinds_are_described_by_what_their_files_define(url: str, schema: Path) -> None:
    (schema / "badges.sql").write_text(
        "CREATE OR REPLACE FUNCTION describe_badge(entity_id uuid, viewer_id uuid) "
        "RETURNS TABLE (excerpt text, beginning text, post_id uuid) LANGUAGE sql STABLE AS "
        "$$ SELECT 'A badge', 'of gold', $1 WHERE $1 = $2 $$;\n"
        "COMMENT ON FUNCTION describe_badge(uuid, uuid) IS 'A badge.';\n"
        "CREATE OR REPLACE FUNCTION chain_badge(entity_id uuid) "
        "RETURNS TABLE (part_type text, part_id uuid) LANGUAGE sql STABLE AS $$ SELECT 'shelf', $1 $$;\n"
        "COMMENT ON FUNCTION chain_badge(uuid) IS 'The shelf of a badge.';\n"
        "SELECT gather_kinds();\n"
    )
    assert migrate_up(url, schema=schema) == ["schema/badges"]
    one, other = uuid4(), uuid4()
    with psycopg.connect(url) as conn:

        def describe(kind: str, entity: UUID) -> list[Any]:
            return conn.execute("SELECT * FROM describe_entity(%s, %s, %s)", (kind, entity, one)).fetchall()

        assert describe("badge", one) == [("A badge", "of gold", one)]
        assert describe("badge", other) == describe("post", one) == describe("comment", one) == []
        assert describe("user", one) == []
        assert describe("entity", one) == [(None, None, None)]
        known = conn.execute("SELECT is_described('badge'), is_described('post'), is_described('entity')")
        assert known.fetchone() == (True, True, False)
        chain = "SELECT part_type, part_id FROM chain_entity(%s, %s) ORDER BY part_type"
        assert conn.execute(chain, ("badge", one)).fetchall() == [("badge", one), ("shelf", one)]
        assert conn.execute(chain, ("post", one)).fetchall() == [("post", one)]
    # The file of kinds, applied again, collects the badge again.
    append(schema / "02_kinds.sql", "-- Another word.\n")
    assert migrate_up(url, schema=schema) == ["schema/02_kinds"]
    with psycopg.connect(url) as conn:
        assert conn.execute(
            "SELECT excerpt FROM describe_entity('badge', %s, %s)", (one, one)
        ).fetchone() == ("A badge",)
