"""Make a backup while the service runs."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import IsolationLevel

from nexcorp import __version__
from nexcorp.backups.programs import BackupError, find_programs, hide_password, run
from nexcorp.backups.sets import (
    DUMP,
    FORMAT,
    MANIFEST,
    MEDIA,
    copy,
    describe_bytes,
    digest,
    list_media,
    name_some,
    sync,
    write,
    write_sums,
)
from nexcorp.config import MIN_SECRET_BYTES, Config
from nexcorp.db import migrations
from nexcorp.security.secrets import Secrets

LIST_LOCAL = """
SELECT store_key FROM uploads WHERE store = 'local' AND arrived_at IS NOT NULL AND removed_at IS NULL
"""
COUNT_ELSEWHERE = """
SELECT count(*) FROM uploads WHERE store <> 'local' AND arrived_at IS NOT NULL AND removed_at IS NULL
"""
LAST_MIGRATION = "SELECT max(id) FROM migration_checksums"
EXTENSION = re.compile(r"^CREATE EXTENSION IF NOT EXISTS (\w+)", re.MULTILINE)

Say = Callable[[str], None]


@dataclass
class Copied:
    """The uploads copied so far: SHA-256 by name, and the bytes of all."""

    sums: dict[str, str] = field(default_factory=dict)
    bytes: int = 0


def find_key_id(config: Config) -> str | None:
    """Return the id of JWT_SECRET's public key, which does not reveal the secret; None if it is too short."""
    known = len(config.jwt_secret.encode()) >= MIN_SECRET_BYTES
    return Secrets.from_config(config).signing.kid if known else None


def list_extensions() -> list[str]:
    """Return the extensions that the migrations require."""
    texts = (path.read_text() for path in migrations.list_files().values())
    return sorted({name for text in texts for name in EXTENSION.findall(text)})


def copy_media(root: Path, folder: Path, copied: Copied) -> None:
    """Copy the uploads that are not copied yet; those that are deleted meanwhile are left out."""
    for name in list_media(root):
        if name in copied.sums:
            continue
        target = folder / MEDIA / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            copied.sums[name] = copy(root / name, target)
        except FileNotFoundError:
            target.unlink(missing_ok=True)
            continue
        copied.bytes += target.stat().st_size


def make_backup(config: Config, target: Path, *, media: bool, say: Say) -> None:
    """Write a backup of the database and, with `media`, of MEDIA_ROOT to the new folder `target`.

    The service may run. `target` appears once the backup is complete. Raises BackupError, OSError and
    psycopg.OperationalError.
    """
    target = target.expanduser().absolute()
    if target.exists() or target.is_symlink():
        raise BackupError(f"{target} is there already: name one that is not")
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.unfinished-"))
    try:
        fill(config, work, media=media, say=say)
        # The copies of a private folder's files are private, too.
        for path in work.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        for folder in sorted(path for path in work.rglob("*") if path.is_dir()):
            sync(folder)
        sync(work)
        work.rename(target)
        sync(target.parent)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    say(f"{target} is whole")


def fill(config: Config, folder: Path, *, media: bool, say: Say) -> None:
    """Write the files of a backup into a folder."""
    copied = Copied()
    url = config.database_url
    with psycopg.connect(url, autocommit=True, application_name="nexcorp backup") as conn:
        version = conn.info.server_version // 10000
        programs, dumper = find_programs(("pg_dump",), version)
        migration = require_migrated(conn)
        # Most files are copied before the snapshot of the database, newer ones right after it. So a file that
        # is deleted meanwhile is in the backup, too; existing files never change.
        if media:
            copy_media(config.media_path, folder, copied)
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        with conn.transaction():
            moment = datetime.now(UTC)
            (snapshot,) = conn.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
            (elsewhere,) = conn.execute(COUNT_ELSEWHERE).fetchone() or (0,)
            if media:
                copy_media(config.media_path, folder, copied)
            known = [f"{key[:2]}/{key}" for (key,) in conn.execute(LIST_LOCAL)]
            missing = sorted(set(known) - copied.sums.keys())
            check_missing(config, missing, len(known), media=media, say=say)
            address, environment = hide_password(url)
            command = [str(programs / "pg_dump"), f"--dbname={address}", f"--file={folder / DUMP}"]
            command += ["--format=custom", "--no-owner", "--no-privileges", "--no-password"]
            command += ["--schema=public", *(f"--extension={name}" for name in list_extensions())]
            command += [f"--snapshot={snapshot}", "--lock-wait-timeout=60s"]
            with run(command, environment):
                pass
    sync(folder / DUMP)
    size = (folder / DUMP).stat().st_size
    sums = {f"{MEDIA}/{name}": found for name, found in copied.sums.items()}
    manifest = {
        "format": FORMAT,
        "createdAt": moment.isoformat(timespec="seconds"),
        "release": __version__,
        "migration": migration,
        "postgresql": version,
        "pgDump": dumper,
        "extensions": list_extensions(),
        "signingKey": find_key_id(config),
        "database": {"bytes": size},
        "media": {"files": len(sums), "bytes": copied.bytes} if media else None,
        "missing": missing if media else [],
        "sums": write_sums(folder, {**sums, DUMP: digest(folder / DUMP)}),
    }
    write(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    say(f"database as of {manifest['createdAt']}: {describe_bytes(size)}")
    if media:
        say(f"uploads: {len(sums)} files, {describe_bytes(copied.bytes)}")
    if elsewhere:
        say(f"not in it: {elsewhere} files at Cloudinary")
    say("not in it: settings and secrets; without its JWT_SECRET, what is sealed in it cannot be read")


def require_migrated(conn: psycopg.Connection) -> str:
    """Return the last migration of the database; raises BackupError if it has none."""
    try:
        (last,) = conn.execute(LAST_MIGRATION).fetchone() or (None,)
    except psycopg.errors.UndefinedTable:
        last = None
    if last is None:
        raise BackupError("the database is not migrated: there is nothing to back up")
    return str(last)


def check_missing(config: Config, missing: list[str], known: int, *, media: bool, say: Say) -> None:
    """Report the files that the database knows and MEDIA_ROOT lacks; raises BackupError if it lacks all."""
    if not media and known:
        say(f"not in it, as told: {known} files of {config.media_path}")
    elif missing and len(missing) == known:
        raise BackupError(
            f"MEDIA_ROOT ({config.media_path}) has not one of the {known} files that the database knows: "
            "run this where the folder is, or add --without-media"
        )
    elif missing:
        say(f"WARNING: MEDIA_ROOT lacks {len(missing)} files that the database knows: {name_some(missing)}")
