"""Migrations: every step goes up, down and up again; edits are refused; two migrators share the work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg
import pytest

from nexcorp.db import locks
from nexcorp.db.locks import LocksHeld
from nexcorp.db.migrations import (
    FOLDER,
    MigrationError,
    list_files,
    migrate_down,
    migrate_up,
    read_status,
)
from nexcorp.db.plans import SETTINGS
from nexcorp.db.schema_files import list_digests
from tests.conftest import name_database

pytestmark = pytest.mark.long(1.5)

NAMES = list(list_files())
FILES = [f"schema/{name}" for name in list_digests()]

# Every object that a migration can create, as text.
OBJECTS = """
SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable
    || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function ' || p.oid::regprocedure || prosrc FROM pg_proc AS p
WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL SELECT 'extension ' || extname FROM pg_extension
UNION ALL SELECT 'view ' || viewname || definition FROM pg_views WHERE schemaname = 'public'
"""


@pytest.fixture
def empty_url(postgres: Any) -> Iterator[str]:
    """The URL of an empty database."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE bare TEMPLATE template0")
        yield name_database(postgres.url, "bare")
        conn.execute("DROP DATABASE bare WITH (FORCE)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations that the test may edit."""
    copy = tmp_path / "migrations"
    shutil.copytree(FOLDER, copy)
    return copy


def objects(url: str) -> set[str]:
    """Return the objects of a database, without the migrators' own tables."""
    with psycopg.connect(url) as conn:
        found = {row[0] for row in conn.execute(OBJECTS)}
    own = ("_yoyo", "yoyo_lock", "migration_checksums", "applied_schema")
    return {text for text in found if not any(name in text for name in own)}


def test_every_step_goes_up_down_and_up_again(empty_url: str, tmp_path: Path) -> None:
    """Without sql/schema, so that objects which a rollback leaves behind show."""
    steps = tmp_path / "steps"
    steps.mkdir()
    before = objects(empty_url)
    for name in NAMES:
        for suffix in (".sql", ".rollback.sql"):
            shutil.copy(FOLDER / f"{name}{suffix}", steps)
        assert migrate_up(empty_url, steps, None) == [name]
        after = objects(empty_url)
        assert migrate_down(empty_url, 1, steps, None) == [name]
        assert objects(empty_url) == before, f"{name} leaves something behind"
        assert migrate_up(empty_url, steps, None) == [name]
        assert objects(empty_url) == after
        before = after
    assert migrate_up(empty_url, steps, None) == []


def test_all_the_way_down_leaves_nothing(empty_url: str) -> None:
    before = objects(empty_url)
    assert migrate_up(empty_url) == NAMES + FILES
    assert migrate_down(empty_url, len(NAMES)) == NAMES[::-1]
    assert objects(empty_url) == before


def test_every_version_is_reached_from_above(empty_url: str, tmp_path: Path) -> None:
    """With sql/schema, every version below the top equals the one that migrations alone make."""
    steps = tmp_path / "steps"
    steps.mkdir()
    alone = []
    for name in NAMES:
        for suffix in (".sql", ".rollback.sql"):
            shutil.copy(FOLDER / f"{name}{suffix}", steps)
        migrate_up(empty_url, steps, None)
        alone.append(objects(empty_url))
    assert migrate_up(empty_url) == FILES
    top = objects(empty_url)
    for count, name in enumerate(NAMES[:0:-1], 1):
        assert migrate_down(empty_url) == [name]
        assert objects(empty_url) == alone[-1 - count], f"{name} does not leave things as they were"
    for count in (1, len(NAMES) - 1):
        migrate_up(empty_url)
        assert objects(empty_url) == top
        migrate_down(empty_url, count)
        assert objects(empty_url) == alone[-1 - count]


def test_statements_are_run_as_the_service_wants_them(empty_url: str) -> None:
    """The settings hold for every connection, also through a pooler; a copy that lost them gets them back."""
    name = empty_url.rpartition("/")[2]
    with psycopg.connect(empty_url, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {name} SET jit = on")
        conn.execute(f"ALTER DATABASE {name} SET plan_cache_mode = auto")
    migrate_up(empty_url)
    with psycopg.connect(empty_url) as conn:
        for setting, value in SETTINGS.items():
            assert conn.execute(f"SHOW {setting}").fetchone() == (value,)


def test_names_are_numbered_and_each_has_its_way_back() -> None:
    assert [name[:4] for name in NAMES] == [f"{number:04}" for number in range(1, len(NAMES) + 1)]
    for name in NAMES:
        assert (FOLDER / f"{name}.rollback.sql").exists()
    assert {path.name for path in FOLDER.glob("*.rollback.sql")} == {f"{name}.rollback.sql" for name in NAMES}


def test_an_edited_migration_is_refused_by_name(empty_url: str, folder: Path) -> None:
    migrate_up(empty_url, folder)
    edited = folder / f"{NAMES[1]}.sql"
    edited.write_text(edited.read_text() + "-- harmless\n")
    with pytest.raises(MigrationError) as caught:
        migrate_up(empty_url, folder)
    assert caught.value.message.startswith(f"{NAMES[1]} was edited")
    assert [state.id for state in read_status(empty_url, folder) if state.edited] == [NAMES[1]]
    edited.write_text(edited.read_text().removesuffix("-- harmless\n"))
    assert migrate_up(empty_url, folder) == []


def test_a_migration_that_is_gone_is_refused_by_name(empty_url: str, folder: Path) -> None:
    migrate_up(empty_url, folder)
    (folder / f"{NAMES[-1]}.sql").unlink()
    with pytest.raises(MigrationError) as caught:
        migrate_up(empty_url, folder)
    assert caught.value.message == f"{NAMES[-1]} is applied but its file is gone."


def test_a_migration_that_fails_leaves_nothing_and_can_be_mended(empty_url: str, folder: Path) -> None:
    name = f"{len(NAMES) + 1:04}_broken"
    broken = folder / f"{name}.sql"
    broken.write_text("CREATE TABLE half (id integer);\nSELECT nonsense;\n")
    with pytest.raises(Exception, match="nonsense"):
        migrate_up(empty_url, folder)
    assert [state.id for state in read_status(empty_url, folder) if state.applied_at is None] == [name]
    assert not [text for text in objects(empty_url) if "half" in text]
    broken.write_text("CREATE TABLE half (id integer);\n")
    assert migrate_up(empty_url, folder) == [name, *FILES]


def test_a_migration_gives_up_a_lock_that_it_has_to_wait_for(
    empty_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service never queues behind it for long; the migration tries again."""
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(locks, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(locks, "TRIES", 3)
    migrate_up(empty_url, folder)
    number = len(NAMES) + 1
    (folder / f"{number:04}_column.sql").write_text("ALTER TABLE posts ADD COLUMN more integer;\n")
    (folder / f"{number:04}_column.rollback.sql").write_text("ALTER TABLE posts DROP COLUMN more;\n")
    with psycopg.connect(empty_url) as holder:
        holder.execute("LOCK TABLE posts IN ROW SHARE MODE")
        with pytest.raises(LocksHeld):
            migrate_up(empty_url, folder)
        holder.rollback()
        migrate_up(empty_url, folder)
        holder.execute("LOCK TABLE posts IN ROW SHARE MODE")
        with pytest.raises(LocksHeld):
            migrate_down(empty_url, 1, folder)
        (folder / f"{number + 1:04}_waits.sql").write_text(
            "-- transactional: false\nALTER TABLE posts ADD COLUMN another integer;\n"
        )
        release = Timer(0.3, holder.rollback)
        release.start()
        assert migrate_up(empty_url, folder)[0] == f"{number + 1:04}_waits"
        release.join()


def test_how_long_a_migration_waits_for_locks_is_the_runner_s_to_say(empty_url: str, tmp_path: Path) -> None:
    limit = "SELECT current_setting('lock_timeout') AS value"
    (tmp_path / "0001_patient.sql").write_text(
        f"-- Says 5 s.\nSET LOCAL lock_timeout = '5s';\nCREATE TABLE seen AS {limit};"
    )
    assert migrate_up(empty_url, tmp_path, None) == ["0001_patient"]
    with psycopg.connect(empty_url) as conn:
        assert conn.execute("SELECT value FROM seen").fetchone() == (locks.LOCK_TIMEOUT,)


INDEXES = """-- transactional: false
-- Comments do not hide what stands below.
CREATE INDEX CONCURRENTLY tried_one_idx ON tried (one);
CREATE UNIQUE INDEX CONCURRENTLY tried_two_idx ON tried (two);
CREATE INDEX CONCURRENTLY IF NOT EXISTS tried_three_idx ON tried (three);
"""


@pytest.mark.parametrize("broken", range(3))
def test_a_migration_of_indexes_heals_wherever_it_was_cut_short(
    empty_url: str, tmp_path: Path, broken: int
) -> None:
    names = ["tried_one_idx", "tried_two_idx", "tried_three_idx"]
    (tmp_path / "0001_tried.sql").write_text(INDEXES)
    (tmp_path / "0001_tried.rollback.sql").write_text(
        "-- transactional: false\n" + "".join(f"DROP INDEX CONCURRENTLY {name};\n" for name in names)
    )
    state = """
        SELECT indexrelid::regclass::text, indexrelid, indisvalid
        FROM pg_index WHERE indrelid = 'tried'::regclass
    """
    with psycopg.connect(empty_url, autocommit=True) as conn:
        conn.execute("CREATE TABLE tried (one integer, two integer, three integer)")
        for statement in INDEXES.split(";\n")[: broken + 1]:
            conn.execute(statement.encode())
        # A killed migrator leaves the last index invalid.
        conn.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", (names[broken],)
        )
        before = {name: oid for name, oid, valid in conn.execute(state) if valid}
        assert locks.list_invalid(conn) == [names[broken]]
        assert migrate_up(empty_url, tmp_path, None) == ["0001_tried"]
        after = conn.execute(state).fetchall()
        assert sorted(names) == sorted(name for name, _, _ in after)
        assert all(valid for _, _, valid in after)
        assert {name: oid for name, oid, _ in after if name in before} == before
        conn.execute(f"DROP INDEX {names[broken]}".encode())
        assert migrate_down(empty_url, 1, tmp_path, None) == ["0001_tried"]
        assert conn.execute(state).fetchall() == []


def test_an_index_of_a_partitioned_table_is_made_part_by_part(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "0001_tried.sql").write_text(
        "-- transactional: false\nCREATE INDEX CONCURRENTLY tried_idx ON tried (one, two) WHERE two > 0;\n"
    )
    (tmp_path / "0001_tried.rollback.sql").write_text("-- transactional: false\nDROP INDEX tried_idx;\n")
    state = """
        SELECT indexrelid::regclass::text FROM pg_index AS i
        WHERE indrelid::regclass::text LIKE 'tried%' AND indisvalid ORDER BY 1
    """
    with psycopg.connect(empty_url, autocommit=True) as conn:
        conn.execute("CREATE TABLE tried (one integer, two integer) PARTITION BY RANGE (one)")
        for number in range(3):
            bounds = f"FOR VALUES FROM ({number}) TO ({number + 1})"
            conn.execute(f"CREATE TABLE tried_{number} PARTITION OF tried {bounds}".encode())
        # A killed migrator leaves one partition done and the next index invalid.
        conn.execute("CREATE INDEX tried_idx ON ONLY tried (one, two) WHERE two > 0")
        for number in range(2):
            name = f"tried_{number}_one_two_idx"
            conn.execute(f"CREATE INDEX {name} ON tried_{number} (one, two) WHERE two > 0".encode())
        conn.execute("ALTER INDEX tried_idx ATTACH PARTITION tried_0_one_two_idx")
        conn.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tried_1_one_two_idx'::regclass"
        )
        assert migrate_up(empty_url, tmp_path, None) == ["0001_tried"]
        conn.execute("CREATE TABLE tried_3 PARTITION OF tried FOR VALUES FROM (3) TO (4)")
        names = [row[0] for row in conn.execute(state)]
        assert names == sorted(["tried_idx", *(f"tried_{number}_one_two_idx" for number in range(4))])
        assert migrate_down(empty_url, 1, tmp_path, None) == ["0001_tried"]
        assert conn.execute(state).fetchall() == []


def test_migrators_at_the_same_time_apply_each_step_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(migrate_up, [empty_url] * 4))
    assert sorted(results) == [[], [], [], NAMES + FILES]
    with psycopg.connect(empty_url) as conn:
        rows = conn.execute("SELECT id FROM migration_checksums ORDER BY id").fetchall()
    assert [row[0] for row in rows] == NAMES


def test_a_crash_between_a_step_and_its_checksum_heals(empty_url: str) -> None:
    migrate_up(empty_url)
    with psycopg.connect(empty_url, autocommit=True) as conn:
        conn.execute("DELETE FROM migration_checksums WHERE id = %s", (NAMES[-1],))
    assert migrate_up(empty_url) == []
    with psycopg.connect(empty_url) as conn:
        assert conn.execute("SELECT count(*) FROM migration_checksums").fetchone() == (len(NAMES),)


def test_status_says_what_is_applied(empty_url: str) -> None:
    migrate_up(empty_url)
    migrate_down(empty_url, 2)
    states = read_status(empty_url)
    assert [state.id for state in states] == NAMES
    assert [state.applied_at is not None for state in states] == [True] * (len(NAMES) - 2) + [False] * 2
    assert not any(state.edited for state in states)
