"""Restore a backup into a database and MEDIA_ROOT."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psycopg

from nexcorp.backups.making import Say, find_key_id
from nexcorp.backups.programs import (
    BackupError,
    find_programs,
    hide_password,
    read_output,
    read_pieces,
    run,
    send,
)
from nexcorp.backups.sets import DUMP, MEDIA, copy, digest, name_some, read_manifest, sync, verify
from nexcorp.config import Config
from nexcorp.db import migrations

COUNT_RELATIONS = """
SELECT count(*)
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace
    AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
COUNT_SERVICE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name IN ('nexcorp web', 'nexcorp worker')
"""
LIST_LACKING = """
SELECT wanted.name FROM unnest(%s::text[]) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_available_extensions AS e WHERE e.name = wanted.name)
"""
# Sessions that may have been revoked, and messages that may have been sent, since the backup.
END_SESSIONS = "UPDATE sessions SET revoked_at = now(), revoked_reason = 'restored' WHERE revoked_at IS NULL"
SKIP_DELIVERIES = """
UPDATE deliveries SET state = 'skipped', reason = 'restored', claimed_until = NULL
WHERE state = 'waiting' AND due_at <= now()
"""
GIVE_UP_MAILS = """
UPDATE mails SET failed_at = now(), last_error = 'restored' WHERE sent_at IS NULL AND failed_at IS NULL
"""
# All objects but extensions, which a role may use but not create. Fails after 10 s if a table is locked.
EMPTY = """
SET LOCAL lock_timeout = '10s';
DO $$
DECLARE
    statement text;
    statements text[] = (
        SELECT array_agg(format('DROP %s IF EXISTS %s CASCADE', o.type, o.identity))
        FROM pg_depend AS d
        CROSS JOIN pg_identify_object(d.classid, d.objid, 0) AS o
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'public'::regnamespace
            AND d.deptype = 'n'
            -- These go with their tables.
            AND o.type NOT IN ('index', 'statistics object')
            AND NOT EXISTS (
                SELECT FROM pg_depend AS e
                WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e'
            )
    );
BEGIN
    FOREACH statement IN ARRAY coalesce(statements, '{}') LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
"""
# pg_dump 17 and newer writes it for every server, but servers before 17 do not know it.
NEW_TIMEOUT = b"SET transaction_timeout = 0;\n"
# Entries of the dump that need more rights than the service's role has, and restore nothing.
LEFT_OUT = (" SCHEMA - public ", " COMMENT - SCHEMA public ", " COMMENT - EXTENSION ")


def restore_backup(config: Config, source: Path, *, replace: bool, moved: bool, say: Say) -> list[str]:
    """Restore the backup in the folder `source`, and migrate the database; return the migrations applied.

    The database must be empty; with `replace`, all objects in its schema `public` are deleted. A failed
    restore leaves the database as it was. `moved`: the service has done nothing since the backup; otherwise
    its sessions are ended, and messages that were due are not sent. Raises BackupError, OSError,
    psycopg.Error and MigrationError.
    """
    source = source.expanduser().absolute()
    manifest = read_manifest(source)
    uploads = verify(source, manifest)
    say(f"the backup of {manifest['createdAt']} is whole")
    if str(manifest["migration"]) not in migrations.list_files():
        raise BackupError(
            f"this release does not know the backup's last migration ({manifest['migration']}): "
            "take the release that made it, or a newer one"
        )
    with psycopg.connect(config.database_url, autocommit=True, application_name="nexcorp restore") as conn:
        check_server(conn, manifest)
        check_empty(conn, replace=replace)
        old = conn.info.server_version < 170000
    programs, _ = find_programs(("pg_restore", "psql"), int(manifest["pgDump"]))
    tell_secret(config, manifest, say)
    # Before the rows, and with the current time: files unknown to the rows are deleted a day after their last
    # change.
    restore_media(source / MEDIA, config.media_path, uploads)
    say(f"uploads: {len(uploads)} files in {config.media_path}")
    restore_database(config.database_url, programs, source / DUMP, replace=replace, old=old)
    say("the database is restored")
    applied = migrations.migrate_up(config.database_url)
    with psycopg.connect(config.database_url, autocommit=True) as conn:
        if not moved:
            settle(conn, say)
        conn.execute("ANALYZE")
    return applied


def settle(conn: psycopg.Connection, say: Say) -> None:
    """End the sessions, and skip the due messages, that may have been ended or sent since the backup."""
    with conn.transaction():
        ended = conn.execute(END_SESSIONS).rowcount
        sent = conn.execute(SKIP_DELIVERIES).rowcount + conn.execute(GIVE_UP_MAILS).rowcount
    say(
        f"{ended} sessions are ended and {sent} mails and pushes given up, as they may have been ended and "
        "sent since the backup; --moved keeps both"
    )


def check_server(conn: psycopg.Connection, manifest: dict[str, Any]) -> None:
    """Raise BackupError if the server cannot take this backup."""
    version, least = conn.info.server_version // 10000, int(manifest["postgresql"])
    if version < least:
        raise BackupError(f"the server is PostgreSQL {version}, the backup wants {least} or newer")
    encoding = conn.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise BackupError(f"the database has the encoding {encoding}: create it anew with ENCODING 'UTF8'")
    lacking = [name for (name,) in conn.execute(LIST_LACKING, (manifest["extensions"],))]
    if lacking:
        raise BackupError(
            f"the server lacks the extensions {name_some(lacking)}: install PostgreSQL's contrib"
        )


def check_empty(conn: psycopg.Connection, *, replace: bool) -> None:
    """Raise BackupError if data, or the running service, are in the way."""
    (relations,) = conn.execute(COUNT_RELATIONS).fetchone() or (0,)
    if relations and not replace:
        raise BackupError(
            f"the database is not empty ({relations} tables, views and sequences): name an empty one, or add "
            "--replace, which deletes all that is in it"
        )
    (connected,) = conn.execute(COUNT_SERVICE).fetchone() or (0,)
    if relations and connected:
        raise BackupError(f"web or workers are connected ({connected} connections): stop them first")


def tell_secret(config: Config, manifest: dict[str, Any], say: Say) -> None:
    """Warn if JWT_SECRET is not that of the backup: sealed tokens and secrets could not be read."""
    here, there = find_key_id(config), manifest.get("signingKey")
    if here and there and here != there:
        say(
            "WARNING: JWT_SECRET is not that of the backup: what is sealed in it cannot be read, "
            "and everybody is signed out, unless that one is JWT_SECRET_PREVIOUS"
        )


def restore_media(source: Path, root: Path, uploads: list[str]) -> None:
    """Put the uploads into MEDIA_ROOT, each completely or not at all. Other files there stay."""
    # Unfinished files of a killed process in this folder are deleted after an hour.
    incoming = root / "incoming"
    for name in uploads:
        target = root / name
        if target.exists() and digest(target) == digest(source / name):
            os.utime(target)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming.mkdir(exist_ok=True)
        unfinished = incoming / secrets.token_hex(16)
        try:
            copy(source / name, unfinished)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    for folder in {(root / name).parent for name in uploads}:
        sync(folder)


def restore_database(url: str, programs: Path, dump: Path, *, replace: bool, old: bool) -> None:
    """Restore the dump in one transaction by psql, which gets COMMIT only after the whole dump.

    `old`: the server is older than 17.
    """
    address, environment = hide_password(url)
    entries = read_output([str(programs / "pg_restore"), "--list", str(dump)], environment).decode()
    kept = [line for line in entries.splitlines() if not any(part in line for part in LEFT_OUT)]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("\n".join(kept) + "\n")
        chosen.flush()
        read = [str(programs / "pg_restore"), "--no-owner", "--no-privileges", "--file=-"]
        read += [f"--use-list={chosen.name}", str(dump)]
        write = [str(programs / "psql"), "--no-psqlrc", "--quiet", "--no-password", f"--dbname={address}"]
        write += ["--set=ON_ERROR_STOP=1"]
        with run(write, environment, stdin=PIPE) as psql:
            send(psql, f"BEGIN;\n{EMPTY if replace else ''}".encode())
            with run(read, environment, stdout=PIPE) as pg_restore:
                for piece in read_pieces(pg_restore):
                    send(psql, piece.replace(NEW_TIMEOUT, b"", 1) if old else piece)
                    old = False
            send(psql, b"COMMIT;\n")
