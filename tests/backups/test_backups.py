"""Back up a running service, restore it elsewhere, and start the service on the restored database."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from nexcorp.__main__ import main
from nexcorp.app import make_documents
from nexcorp.backups import programs
from nexcorp.backups.making import make_backup
from nexcorp.backups.programs import BackupError, find_programs, hide_password
from nexcorp.backups.restoring import restore_backup
from nexcorp.backups.sets import DUMP, MANIFEST, SUMS
from nexcorp.config import Config
from nexcorp.seed import seed
from tests.api import API, create, fetch, fetch_value, publish
from tests.clients import Client, run_service, start_web, wait_until
from tests.features.uploads.files import form, picture
from tests.servers import name_database

pytestmark = pytest.mark.long(4)

# A web process writes to these by itself, or they describe the process that answers.
LIVING_TABLES = {"node_samples"}
LIVING_PATHS = {f"{API}/admin/overview", f"{API}/admin/overview/history"}
MOMENTS = {"countedAt", "epoch"}
LIST_TABLES = """
SELECT c.relname::text
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""


def describe(url: str) -> dict[str, tuple[int, str]]:
    """Return the row count of each table, and a checksum of its rows that ignores their order."""
    found = {}
    with psycopg.connect(url) as conn:
        for (table,) in conn.execute(LIST_TABLES).fetchall():
            rows = [row for (row,) in conn.execute(f'SELECT t::text FROM "{table}" AS t')]  # noqa: S608
            found[table] = (len(rows), hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest())
    return {table: about for table, about in found.items() if table not in LIVING_TABLES}


@pytest.fixture
def empty_url(postgres: Any) -> Iterator[str]:
    """Create a database without tables; yield its URL."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE restored TEMPLATE template0")
        yield name_database(postgres.url, "restored")
        conn.execute("DROP DATABASE restored WITH (FORCE)")


async def read_everything(client: Client) -> dict[str, Any]:
    """Return the answer of every GET route without an id in its path."""
    paths = json.loads(make_documents().openapi.body)["paths"]
    found = {}
    for path in (path for path, methods in paths.items() if "get" in methods and "{" not in path):
        if path in LIVING_PATHS or not path.startswith(API):
            continue
        answer = await client.get(path)
        assert answer.status < 500
        # The other routes require parameters.
        if answer.status == 200:
            is_json = answer.content_type == "application/json"
            found[path] = without_moments(await answer.json()) if is_json else await answer.read()
    return found


def without_moments(value: Any) -> Any:
    """Return an answer without its moments of counting and the epoch of its database."""
    if isinstance(value, list):
        return [without_moments(item) for item in value]
    if isinstance(value, dict):
        return {name: without_moments(item) for name, item in value.items() if name not in MOMENTS}
    return value


async def test_a_used_service_is_restored_elsewhere_and_all_of_it_reads(
    service: Any,
    make_user: Any,
    config: Config,
    empty_url: str,
    tmp_path: Path,
    capsys: Any,
    monkeypatch: Any,
) -> None:
    await seed(config)
    ann = await make_user(role="admin")
    sent = form((picture(), "red.png", "image/png"))
    uploaded = await (await ann.client.post(f"{API}/uploads", data=sent)).json()
    await publish(ann, "With a picture.", uploadIds=[uploaded["id"]])
    await create(ann, "/tasks", title="Look at the picture.")
    gone = form((picture(width=50), "gone.png", "image/png"))
    lost = await (await ann.client.post(f"{API}/uploads", data=gone)).json()
    await wait_until(lambda: fetch_value(service, "SELECT count(*) > 5 FROM notifications"), 20)
    await service.stop_worker()
    media = config.media_path
    (media / lost["url"].removeprefix("/media/")[:2] / lost["url"].removeprefix("/media/")).unlink()

    # With `nexcorp backup`, while the service runs.
    target = tmp_path / "sets" / "today"
    monkeypatch.setenv("DATABASE_URL", config.database_url)
    monkeypatch.setenv("JWT_SECRET", config.jwt_secret)
    monkeypatch.setenv("NEXCORP_HOME", config.home)
    assert await asyncio.to_thread(main, ["backup", str(target)]) == 0
    told = capsys.readouterr().out
    assert "MEDIA_ROOT lacks 1 files" in told and f"{target} is whole" in told
    assert [path.name for path in target.parent.iterdir()] == ["today"]
    kept = "".join(path.read_text() for path in (target / MANIFEST, target / SUMS))
    assert config.jwt_secret not in kept
    assert config.jwt_secret.encode() not in (target / DUMP).read_bytes()
    assert await asyncio.to_thread(main, ["backup", str(target)]) == 1
    assert "is there already" in capsys.readouterr().err

    before, answers = describe(config.database_url), await read_everything(ann.client)
    picture_bytes = await (await ann.client.session.get(service.url + uploaded["url"])).read()
    elsewhere = replace(config, database_url=empty_url, home=str(tmp_path / "elsewhere"))
    told_then: list[str] = []

    def restore(config: Config, *, replace: bool = False, moved: bool = False) -> list[str]:
        told_then.clear()
        return restore_backup(config, target, replace=replace, moved=moved, say=told_then.append)

    applied = await asyncio.to_thread(restore, elsewhere, moved=True)
    assert applied == []
    assert not any("WARNING" in line for line in told_then)
    after = describe(empty_url)
    assert sum(count for count, _ in after.values()) > 300
    assert after == before

    runner, _, url = await start_web(elsewhere)
    again = Client(ann.client.session, url, ann.headers)
    assert (await (await again.session.get(url + uploaded["url"])).read()) == picture_bytes
    read = await read_everything(again)
    await runner.cleanup()
    assert {path: read.get(path) for path in answers if read.get(path) != answers[path]} == {}
    assert len(answers) > 30

    async with run_service(elsewhere) as restored:
        again = Client(ann.client.session, restored.url, ann.headers)
        # The restored service delivers what is written to it.
        post = await publish(replace(ann, client=again), "From elsewhere.")
        found = "SELECT count(*) FROM post_documents WHERE post_id = $1"
        await wait_until(lambda: fetch_value(restored, found, UUID(post["id"])), 20)
        with pytest.raises(BackupError, match="stop them first"):
            await asyncio.to_thread(restore, elsewhere, replace=True)

    # A restore replaces existing tables only with the option for it, and then completely.
    with psycopg.connect(empty_url, autocommit=True) as conn:
        conn.execute("CREATE TYPE mood AS ENUM ('good')")
        conn.execute("CREATE TABLE of_another_release (mood mood)")
        conn.execute("CREATE VIEW moods AS SELECT * FROM of_another_release")
    with pytest.raises(BackupError, match="not empty"):
        await asyncio.to_thread(restore, elsewhere)
    other = replace(elsewhere, jwt_secret="another secret, as long as it has to be")
    await asyncio.to_thread(restore, other, replace=True, moved=True)
    assert any("JWT_SECRET is not that of the backup" in line for line in told_then)
    assert describe(empty_url) == before


async def test_what_went_out_behind_a_backup_does_not_go_out_again(
    make_user: Any, service: Any, config: Config, empty_url: str, tmp_path: Path
) -> None:
    ann = await make_user()
    # It would send, or skip, what is due.
    await service.stop_worker()
    await fetch(
        service,
        "INSERT INTO deliveries (notification_id, channel, target, receiver_id, due_at) "
        "SELECT uuidv7(), 'email', due, $1, now() + due::interval FROM unnest(ARRAY['0 s', '1 day']) AS due",
        ann.id,
    )
    mail = "INSERT INTO mails (user_id, kind, address) VALUES ($1, 'verify_email', $2)"
    await fetch(service, mail, ann.id, ann.email)
    sessions = "SELECT revoked_reason FROM sessions"
    waiting = "SELECT target, state, reason FROM deliveries ORDER BY due_at"
    mails = "SELECT failed_at IS NULL, last_error FROM mails"
    target = tmp_path / "set"
    await asyncio.to_thread(make_backup, config, target, media=True, say=print)
    assert {path.stat().st_mode & 0o077 for path in (target, *target.rglob("*"))} == {0}

    def read(*statements: str) -> list[list[Any]]:
        with psycopg.connect(empty_url) as conn:
            return [conn.execute(statement).fetchall() for statement in statements]

    elsewhere = replace(config, database_url=empty_url)
    told: list[str] = []
    await asyncio.to_thread(restore_backup, elsewhere, target, replace=False, moved=False, say=told.append)
    assert read(sessions, waiting, mails) == [
        [("restored",)],
        [("0 s", "skipped", "restored"), ("1 day", "waiting", None)],
        [(False, "restored")],
    ]
    assert any("1 sessions" in line and "2 mails and pushes" in line for line in told)
    async with run_service(elsewhere) as restored:
        again = Client(ann.client.session, restored.url, ann.headers)
        assert (await again.get(f"{API}/auth/me")).status == 401

    # With `moved`, nothing happened since the backup: sessions stay valid and pending mails are sent.
    await asyncio.to_thread(restore_backup, elsewhere, target, replace=True, moved=True, say=print)
    assert read(sessions, waiting, mails) == [
        [(None,)],
        [("0 s", "waiting", None), ("1 day", "waiting", None)],
        [(True, None)],
    ]


def test_what_is_damaged_is_refused_and_changes_nothing(
    config: Config, empty_url: str, tmp_path: Path
) -> None:
    target = tmp_path / "set"
    make_backup(config, target, media=True, say=print)
    elsewhere = replace(config, database_url=empty_url)
    sums, dump = (target / SUMS).read_text(), (target / DUMP).read_bytes()
    manifest = json.loads((target / MANIFEST).read_text())

    def restore(reason: str) -> None:
        with pytest.raises(BackupError, match=reason):
            restore_backup(elsewhere, target, replace=True, moved=False, say=print)
        assert describe(empty_url) == {}

    (target / DUMP).write_bytes(dump[:-1] + bytes([dump[-1] ^ 1]))
    restore(f"{DUMP} is damaged")
    (target / DUMP).unlink()
    restore("cannot be read")

    def sign(lines: str, **more: Any) -> None:
        (target / SUMS).write_text(lines)
        found = {**manifest, "sums": hashlib.sha256(lines.encode()).hexdigest(), **more}
        (target / MANIFEST).write_text(json.dumps(found))

    # pg_restore itself fails in the middle: everything is one transaction, so nothing is restored.
    half = dump[:-300]
    (target / DUMP).write_bytes(half)
    sign(f"{hashlib.sha256(half).hexdigest()}  {DUMP}\n")
    restore("pg_restore: ")
    (target / DUMP).write_bytes(dump)
    sign(sums + f"{'0' * 64}  media/../../etc/passwd\n")
    restore("names files that no backup has")
    sign(sums, migration="9999_to_come")
    restore("does not know the backup's last migration")
    sign(sums, postgresql=99)
    restore("wants 99 or newer")
    sign(sums, extensions=["citext", "of_nobody"])
    restore("lacks the extensions of_nobody")
    sign(sums, format=2)
    restore("format")
    (target / MANIFEST).unlink()
    restore("is no backup")


def test_the_programs_that_fit_are_found_or_named(monkeypatch: Any, tmp_path: Path) -> None:
    def has(**versions: int) -> None:
        for name, version in versions.items():
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            (folder / "pg_dump").write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.1'\n")
            (folder / "pg_dump").chmod(0o755)
        places = [tmp_path / name for name in versions]
        monkeypatch.setattr(programs, "list_folders", lambda name: (p for p in places if (p / name).exists()))

    has()
    with pytest.raises(BackupError, match=r"pg_dump not found: install .*postgresql-client-16\)"):
        find_programs(("pg_dump",), 16)
    has(old=15)
    with pytest.raises(BackupError, match="pg_dump here is of PostgreSQL 15, needed is 16"):
        find_programs(("pg_dump",), 16)
    has(old=15, new=18, next=17)
    assert find_programs(("pg_dump",), 16) == (tmp_path / "next", 17)
    # Arguments, which other users see in the list of processes.
    address, environment = hide_password("postgresql://ann:se%40cret@db:5433/company?sslmode=require")
    assert "cret" not in address and "sslmode=require" in address and "port=5433" in address
    assert environment["PGPASSWORD"] == "se@cret"
    with pytest.raises(BackupError, match="psql not found"):
        find_programs(("pg_dump", "psql"), 16)


def test_a_wrong_folder_of_uploads_is_no_backup(
    database_url: str, config: Config, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO uploads (store, store_key, name, type, bytes, url, arrived_at) "
            "VALUES ('local', '00ff.png', 'a.png', 'image/png', 1, '', now())"
        )
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "elsewhere"))
    assert main(["backup", str(tmp_path / "set")]) == 1
    assert "has not one of the 1 files" in capsys.readouterr().err
    assert list(tmp_path.glob("*set*")) == []
    assert main(["backup", "--without-media", str(tmp_path / "set")]) == 0
    assert json.loads((tmp_path / "set" / MANIFEST).read_text())["media"] is None
