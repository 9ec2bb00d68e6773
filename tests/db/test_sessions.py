"""No state is kept in a session, so a pooler may stand between; and the server may grant few connections."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import psycopg
import pytest

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.errors import DatabaseExhausted, Overloaded, Unavailable
from tests.chaos.cluster import choose_ports

BOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
INI = """
[databases]
{name} = host=127.0.0.1 port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
auth_type = any
pool_mode = transaction
default_pool_size = 3
unix_socket_dir =
"""
NOBODY = UUID(int=2**128 - 1)


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of the database through PgBouncer in transaction mode, configured as in docs/operations.md."""
    if not os.path.exists(BOUNCER):
        pytest.skip("needs Debian's pgbouncer")
    parts, (listen,) = urlsplit(database_url), choose_ports(1)
    file = tmp_path / "bouncer.ini"
    name = parts.path[1:]
    file.write_text(
        INI.format(name=name, port=parts.port, user=parts.username, password=parts.password, listen=listen)
    )
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    account = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([BOUNCER, "-q", *account, str(file)], stderr=subprocess.DEVNULL)
    try:
        yield f"postgresql://any@127.0.0.1:{listen}/{name}"
    finally:
        process.kill()
        process.wait()


async def open_database(config: Config, **more: Any) -> Database:
    """Return an open database; waits while the pooler is starting."""
    database = Database(config, **more)
    for _ in range(100):
        with suppress(OSError):
            await database.open()
            break
        await asyncio.sleep(0.05)
    return database


async def find_names(conn: Any, name: str) -> list[str]:
    """Return the usernames that a search for people finds."""
    rows = await sql.users.search_people(
        conn,
        viewer_id=UUID(int=0),
        q=name,
        prefix=name,
        status="active",
        roles=["member"],
        after_rank=-1,
        after=UUID(int=0),
        most=10,
    )
    return [row["username"] for row in rows]


async def test_a_session_is_told_its_name_and_no_more(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT name FROM pg_settings WHERE source IN ('client', 'session')")
        assert {row["name"] for row in rows} == {"application_name", "client_encoding"}


async def test_a_transaction_has_limits_of_its_own(config: Config) -> None:
    database = await open_database(replace(config, database_pool=(1, 1)), idle_seconds=7)
    shown = "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')"
    try:
        async with database.transaction(wait=5, lock_seconds=0.5) as conn:
            assert tuple(await conn.fetchrow(shown)) == ("7s", "500ms")
        async with database.transaction(wait=5, isolation="repeatable_read", readonly=True) as conn:
            assert tuple(await conn.fetchrow(shown)) == ("7s", "0")
            assert await conn.fetchval("SHOW transaction_isolation") == "repeatable read"
            async with conn.transaction():
                assert tuple(await conn.fetchrow(shown)) == ("7s", "0")
        async with database.connection(wait=5) as conn:
            assert tuple(await conn.fetchrow(shown)) == ("0", "0")
    finally:
        await database.close()


async def test_behind_a_pooler_everything_is_the_same(config: Config, pooled_url: str) -> None:
    pooled = replace(config, database_url=pooled_url, statement_cache=0, database_pool=(2, 6))
    database = await open_database(pooled, idle_seconds=1)
    try:
        async with database.transaction(wait=5) as conn:
            await conn.execute("INSERT INTO users (email, username) VALUES ('g@example.com', 'grace')")

        async def search() -> None:
            async with database.connection(wait=5) as conn:
                assert await find_names(conn, "grave") == ["grace"]

        await asyncio.gather(*(search() for _ in range(30)))
        # As if the process had been halted while it held the lock.
        with pytest.raises(Unavailable):
            async with database.transaction(wait=5) as conn:
                await conn.execute("LOCK TABLE outbox")
                async with database.transaction(wait=5, lock_seconds=4) as other:
                    await other.execute("LOCK TABLE outbox")
                await conn.execute("SELECT 1")
    finally:
        await database.close()


@pytest.fixture
async def few(config: Config, database_url: str) -> AsyncIterator[Database]:
    """A pool of two to ten connections, of which the server grants four."""
    parts = urlsplit(database_url)
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE few LOGIN PASSWORD 'pw' CONNECTION LIMIT 4")
        url = parts._replace(netloc=f"few:pw@127.0.0.1:{parts.port}").geturl()
        database = await open_database(replace(config, database_url=url, database_pool=(2, 10)))
        yield database
        await database.close()
        admin.execute("DROP ROLE few")


async def test_a_connection_that_the_server_does_not_grant_is_waited_for(few: Database) -> None:
    async def ask() -> int:
        async with few.connection(wait=5) as conn:
            number: int = await conn.fetchval("SELECT 1 FROM pg_sleep(0.02)")
            return number

    assert await asyncio.gather(*(ask() for _ in range(40))) == [1] * 40
    assert few.stats()["size"] == 4
    held = [few.connection() for _ in range(4)]
    for lease in held:
        await lease.__aenter__()
    with pytest.raises(Overloaded):
        async with few.connection(wait=0.1):
            pass
    waiting = asyncio.create_task(ask())
    await asyncio.sleep(0.05)
    for lease in held:
        await lease.__aexit__(None, None, None)
    assert await waiting == 1
    assert (few.leased, few.waiting) == (0, 0)


async def test_a_pool_makes_do_with_what_the_server_grants(few: Database) -> None:
    least = Database(replace(few.config, database_pool=(5, 10)))
    await least.open()
    async with least.connection(wait=1) as conn:
        assert await sql.service.ping(conn) == 1
    await least.close()


async def test_a_full_disk_is_unavailable_for_a_while(database: Database) -> None:
    with pytest.raises(DatabaseExhausted) as caught:
        async with database.connection(wait=5) as conn:
            await conn.execute("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$")
    assert isinstance(caught.value.__cause__, asyncpg.DiskFullError)
    assert caught.value.details == {"retry_after": 30}
