"""Run migrations/ with yoyo, under a lock that ends with its holder, and refuse edited files by checksum.

sql/schema/ is applied after them; see nexcorp.db.schema_files.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import yoyo
from yoyo.backends import DatabaseBackend

from nexcorp.config import REPOSITORY, name_the_user
from nexcorp.db import locks, schema_files
from nexcorp.db.plans import SETTINGS
from nexcorp.db.schema_files import SCHEMA, SchemaState
from nexcorp.errors import AppError

FOLDER = REPOSITORY / "migrations"
# Any fixed number; all migrators must use the same.
LOCK = 0x6E6578636F7270
LOCK_SECONDS = 0.2
# The runner alone sets how long a file waits for locks: such statements are removed from the files.
OWN_LIMIT = re.compile(r"^SET (?:LOCAL )?lock_timeout\b[^;]*;", re.MULTILINE)

CREATE_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS migration_checksums (
    id text CONSTRAINT migration_checksums_pkey PRIMARY KEY,
    sha256 text NOT NULL
);
COMMENT ON TABLE migration_checksums IS 'What each applied migration said when it was applied.';
CREATE TABLE IF NOT EXISTS applied_schema (
    name text,
    sha256 text,
    applied_at timestamptz NOT NULL DEFAULT now(),
    is_current boolean NOT NULL DEFAULT true,
    CONSTRAINT applied_schema_pkey PRIMARY KEY (name, sha256)
);
COMMENT ON TABLE applied_schema IS 'What the files of sql/schema said whenever they were applied.';
COMMENT ON COLUMN applied_schema.is_current IS 'False: a later text has taken its place.';
"""


class MigrationError(AppError):
    """The migrations cannot be applied in their current state; the message says why."""

    code = "migration_failed"


@dataclass(frozen=True, slots=True)
class MigrationState:
    """One migration: its name, when it was applied (None: not yet), and whether its file was edited."""

    id: str
    applied_at: datetime | None
    edited: bool


def checksum(path: Path) -> str:
    """Return the SHA-256 of a migration's text."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def list_files(folder: Path = FOLDER) -> dict[str, Path]:
    """Return every migration's name and file, in order."""
    files = sorted(path for path in folder.glob("*.sql") if not path.name.endswith(".rollback.sql"))
    return {path.stem: path for path in files}


def take_lock(conn: psycopg.Connection) -> None:
    """Wait for the advisory lock by polling.

    A statement that waits would hold a snapshot, and CREATE INDEX CONCURRENTLY of the lock's holder would
    wait for its end.
    """
    while conn.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        time.sleep(LOCK_SECONDS)


@contextlib.contextmanager
def open_backend(url: str, folder: Path) -> Iterator[tuple[DatabaseBackend, psycopg.Connection]]:
    """Open yoyo's backend under our advisory lock; yield it with the connection that holds the lock."""
    name_the_user()
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True, application_name="nexcorp migrate") as conn:
        encoding = conn.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise MigrationError(
                message=f"The database has the encoding {encoding}: create it anew with ENCODING 'UTF8'."
            )
        take_lock(conn)
        end_with_client(conn)
        conn.execute(CREATE_OWN_TABLES)
        backend = yoyo.get_backend(urlunsplit(("postgresql+psycopg", *parts[1:])))
        try:
            # Our lock proves that yoyo's own lock row, if any, is left from a migrator that was killed.
            backend.break_lock()
            yield backend, conn
        finally:
            backend.connection.close()


def end_with_client(conn: psycopg.Connection) -> None:
    """Have PostgreSQL end our statement and lock soon after this process is killed, for the next run."""
    # Not available on every system.
    with contextlib.suppress(psycopg.Error):
        conn.execute("SELECT set_config('client_connection_check_interval', '1s', false)")


def run_file(conn: psycopg.Connection, path: Path, *, protected: bool) -> None:
    """Run a migration or rollback script; `protected`: in a transaction. Raises psycopg errors, LocksHeld."""
    text = OWN_LIMIT.sub("", path.read_text()) if path.exists() else ""
    if protected:
        locks.keep_trying(conn, lambda: conn.execute(text.encode()))
    else:
        locks.run_unprotected(conn, schema_files.split_statements(text))


def apply(backend: DatabaseBackend, conn: psycopg.Connection, migration: yoyo.migrations.Migration) -> None:
    """Run a migration and record it in yoyo's tables."""
    migration.load()
    run_file(conn, Path(migration.path), protected=migration.use_transactions)
    backend.log_migration(migration, "apply")
    with backend.transaction():
        backend.mark_one(migration, log=False)


def undo(backend: DatabaseBackend, conn: psycopg.Connection, migration: yoyo.migrations.Migration) -> None:
    """Run a migration's rollback script and remove its record from yoyo's tables."""
    migration.load()
    run_file(conn, Path(migration.path).with_suffix(".rollback.sql"), protected=migration.use_transactions)
    backend.log_migration(migration, "rollback")
    with backend.transaction():
        backend.unmark_one(migration, log=False)


def choose_settings(conn: psycopg.Connection) -> None:
    """Set SETTINGS for the whole database if we own it, else for the migrating role."""
    for name, value in SETTINGS.items():
        if conn.execute("SELECT current_setting(%s)", (name,)).fetchone() == (value,):
            continue
        for whose in ("DATABASE %I", "ROLE CURRENT_USER IN DATABASE %I"):
            change = f"ALTER {whose} SET {name} = {value}"
            row = conn.execute("SELECT format(%s, current_database())", (change,)).fetchone()
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                conn.execute(row[0].encode() if row else b"")
                break  # In the block: without the right to do the one, the other is tried.


def read_checksums(conn: psycopg.Connection) -> dict[str, str]:
    """Return the checksums of the applied migrations by name."""
    return dict(conn.execute("SELECT id, sha256 FROM migration_checksums").fetchall())


def record_checksum(conn: psycopg.Connection, name: str, path: Path) -> None:
    """Record the checksum of an applied migration."""
    conn.execute("INSERT INTO migration_checksums (id, sha256) VALUES (%s, %s)", (name, checksum(path)))


def refuse_edited(conn: psycopg.Connection, files: dict[str, Path]) -> None:
    """Raise MigrationError for an applied migration whose file has changed or is gone."""
    for name, digest in sorted(read_checksums(conn).items()):
        if name not in files:
            raise MigrationError(message=f"{name} is applied but its file is gone.")
        if checksum(files[name]) != digest:
            raise MigrationError(
                message=f"{name} was edited after it was applied; restore it and add a new migration."
            )


def migrate_up(url: str, folder: Path = FOLDER, schema: Path | None = SCHEMA) -> list[str]:
    """Apply missing migrations, each in its own transaction; return the names applied.

    A lock that others hold is tried again for up to 90 s, and the service gets its turn between the attempts.

    After the last migration, the changed files of `schema` are applied, or all of them if a migration was
    applied; they are listed as "schema/posts". Without `schema` they are left alone.
    """
    files = list_files(folder)
    applied = []
    with open_backend(url, folder) as (backend, conn):
        refuse_edited(conn, files)
        # A crash right after a migration's commit leaves it without a checksum.
        unrecorded = {row.id for row in backend.to_rollback(yoyo.read_migrations(str(folder)))}
        for name in sorted(unrecorded - read_checksums(conn).keys()):
            record_checksum(conn, name, files[name])
        missing = backend.to_apply(yoyo.read_migrations(str(folder)))
        if missing:
            # A migration may have dropped a view that was in its way.
            schema_files.forget(conn)
        for migration in missing:
            apply(backend, conn, migration)
            record_checksum(conn, migration.id, files[migration.id])
            applied.append(migration.id)
        if schema is not None:
            applied += [f"schema/{name}" for name in schema_files.apply_files(conn, schema)]
        choose_settings(conn)
    return applied


def migrate_down(url: str, steps: int = 1, folder: Path = FOLDER, schema: Path | None = SCHEMA) -> list[str]:
    """Roll back the newest `steps` migrations; return their names.

    The objects of `schema` are dropped first. Afterwards the definitions of the remaining migrations are
    restored.
    """
    files = list_files(folder)
    undone = []
    with open_backend(url, folder) as (backend, conn):
        migrations = [migration.id for migration in backend.to_rollback(yoyo.read_migrations(str(folder)))]
        if schema is not None and steps > 0:
            schema_files.take_away(conn, schema)
        schema_files.put_back(conn, [files[name] for name in reversed(migrations)])
        for migration in list(backend.to_rollback(yoyo.read_migrations(str(folder))))[:steps]:
            undo(backend, conn, migration)
            conn.execute("DELETE FROM migration_checksums WHERE id = %s", (migration.id,))
            undone.append(migration.id)
            schema_files.put_back(conn, [files[name] for name in reversed(migrations[len(undone) :])])
    return undone


def read_status(url: str, folder: Path = FOLDER) -> list[MigrationState]:
    """Return every migration and whether it is applied."""
    files = list_files(folder)
    with open_backend(url, folder) as (_, conn):
        digests = read_checksums(conn)
        applied = {}
        # yoyo makes its table with the first migration.
        if conn.execute("SELECT to_regclass('_yoyo_migration')").fetchone() != (None,):
            rows = conn.execute("SELECT migration_id, applied_at_utc FROM _yoyo_migration").fetchall()
            applied = dict(rows)
    return [
        MigrationState(name, applied.get(name), name in digests and digests[name] != checksum(path))
        for name, path in files.items()
    ]


def read_schema_status(url: str, schema: Path = SCHEMA) -> list[SchemaState]:
    """Return every file of sql/schema and whether its current text is applied."""
    with open_backend(url, FOLDER) as (_, conn):
        return schema_files.read_states(conn, schema)
