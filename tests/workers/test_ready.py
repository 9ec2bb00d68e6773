"""/ready and /metrics while a worker, PostgreSQL or Redis is away."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

import aiohttp
import pytest

from nexcorp.db import sql
from nexcorp.features.service import shared
from nexcorp.realtime.node import NODE
from tests.conftest import wait_until


class Door:
    """A TCP proxy in front of PostgreSQL; shut(): connections break, new ones are refused."""

    def __init__(self, target: str) -> None:
        self.target, self.port = urlsplit(target), 0
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return self.target._replace(netloc=f"{self.target.netloc.rpartition(':')[0]}:{self.port}").geturl()

    async def open(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self.server is not None:
            self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()
        # All connections must have ended before shut() returns.

        async def ended() -> bool:
            return not self.writers

        await wait_until(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self.target.hostname, self.target.port)
        self.writers |= {writer, back}

        async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            target.transport.abort()

        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))
        for end in (writer, back):
            with contextlib.suppress(ConnectionError):
                await end.wait_closed()
        self.writers -= {writer, back}


@pytest.fixture(autouse=True)
def ask_anew(monkeypatch):
    """Let each request compute its own answer."""
    monkeypatch.setattr(shared, "SHARED_SECONDS", 0.0)


@pytest.fixture
async def door(database_url):
    door = Door(database_url)
    await door.open()
    yield door
    await door.shut()


async def read_ready(url):
    """Return the names of the failing checks."""
    async with aiohttp.ClientSession() as session, session.get(url + "/ready") as answer:
        body = await answer.json()
        bad = {name for name, check in body["checks"].items() if not check["ok"]}
        assert (answer.status, body["status"]) == ((503, "not_ready") if bad else (200, "ready"))
        assert all(check.get("reason") for name, check in body["checks"].items() if name in bad)
        assert ("Retry-After" in answer.headers) == bool(bad)
        return bad


async def test_ready_names_a_missing_worker(service):
    async def ready() -> bool:
        return await read_ready(service.url) == set()

    await wait_until(ready)
    await service.stop_worker()
    # A worker that is being deployed anew is reported only after 15 seconds.
    assert await read_ready(service.url) == set()
    async with service.db.connection(wait=5) as conn:
        assert await sql.events.count_running_workers(conn) == 0
        await conn.execute("UPDATE worker_heartbeats SET seen_at = seen_at - interval '15 s'")
    assert await read_ready(service.url) == {"worker"}
    async with service.db.connection(wait=5) as conn:
        await conn.execute(
            "INSERT INTO worker_heartbeats (worker_id, seen_at) VALUES ('stuck', now() - interval '16 s')"
        )
    assert await read_ready(service.url) == {"worker"}
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE worker_heartbeats SET seen_at = now()")
    assert await read_ready(service.url) == set()


async def test_ready_names_postgresql_and_redis(web_only, own_valkey, database, door):
    runner, _, url = await web_only(redis_url=own_valkey.url, database_url=door.url)
    async with database.connection(wait=5) as conn:
        await conn.execute("INSERT INTO worker_heartbeats (worker_id) VALUES ('here')")

    async def well() -> bool:
        return await read_ready(url) == set()

    try:
        assert await well()
        own_valkey.kill()
        assert await read_ready(url) == {"redis"}
        own_valkey.start()
        await wait_until(well)
        await door.shut()
        assert await read_ready(url) == {"postgresql", "migrations", "worker"}
        async with aiohttp.ClientSession() as session:
            for path, status in (("/health", 200), ("/metrics", 200), ("/api/v1/posts", 401)):
                async with session.get(url + path) as answer:
                    assert answer.status == status, path
        await door.open()
        await wait_until(well)
    finally:
        await runner.cleanup()


async def test_ready_names_what_is_not_migrated(service):
    async def reason() -> str | None:
        async with aiohttp.ClientSession() as session, session.get(service.url + "/ready") as answer:
            return (await answer.json())["checks"]["migrations"].get("reason")

    assert await reason() is None
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE applied_schema SET sha256 = 'another' WHERE name = 'posts'")
        await conn.execute("DELETE FROM applied_schema WHERE name = '03_search'")
        await conn.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0002_users_and_sessions'")
    assert await reason() == "not applied: 0002_users_and_sessions, schema/03_search, schema/posts"


async def test_metrics_show_the_outbox(web_only, database, people, comment):
    ada, grace = await people(2)
    runner, _, url = await web_only()
    try:
        for _ in range(3):
            await comment(ada, mentioned=[grace])
        async with database.transaction(wait=5) as conn:
            await conn.execute("UPDATE outbox SET created_at = now() - interval '100 s' WHERE id = 1")
        async with aiohttp.ClientSession() as session, session.get(url + "/metrics") as answer:
            lines = (await answer.text()).splitlines()
        shown = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        assert float(shown["nexcorp_outbox_depth"]) == 3
        assert 100 <= float(shown["nexcorp_outbox_oldest_seconds"]) < 160
        assert float(shown["nexcorp_outbox_dead"]) == 0
        for name in ("events_default_rows", "invalid_indexes"):
            assert float(shown[f"nexcorp_{name}"]) == 0
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "asks"), [("/ready", "count_live_workers"), ("/metrics", "get_outbox_depth")]
)
async def test_however_many_ask_it_is_computed_once_a_second(web_only, monkeypatch, path, asks):
    monkeypatch.setattr(shared, "SHARED_SECONDS", 60.0)
    runner, app, url = await web_only()
    asked = []
    found = getattr(sql.events, asks)

    async def count(conn):
        asked.append(path)
        return await found(conn)

    monkeypatch.setattr(sql.events, asks, count)
    try:
        async with aiohttp.ClientSession() as session:

            async def ask() -> bytes:
                async with session.get(url + path) as answer:
                    return await answer.read()

            answers = await asyncio.gather(*(ask() for _ in range(50)))
            assert len(asked) == 1
            assert len(set(answers)) == 1
            # The process's own state is not shared between requests.
            if path == "/ready":
                app[NODE].draining = True
                assert b"stopping" in await ask()
            monkeypatch.setattr(shared, "SHARED_SECONDS", 0.0)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("settings", "header", "status"),
    [
        ({"env": "production"}, "", 404),
        ({"env": "production", "metrics_open": True}, "", 200),
        ({"env": "production", "metrics_token": "hush"}, "", 401),
        ({"env": "production", "metrics_token": "hush"}, "Bearer hus", 401),
        ({"env": "production", "metrics_token": "hush"}, "Bearer hush", 200),
        ({"env": "production", "metrics_token": "hush", "metrics_open": True}, "", 401),
        ({"metrics_token": "hush"}, "", 401),
        ({}, "", 200),
    ],
)
async def test_metrics_are_not_open_to_the_world(web_only, settings, header, status):
    runner, _, url = await web_only(**settings)
    try:
        headers = {"Authorization": header}
        async with (
            aiohttp.ClientSession() as session,
            session.get(url + "/metrics", headers=headers) as answer,
        ):
            assert answer.status == status
            assert (b"nexcorp_" in await answer.read()) is (status == 200)
    finally:
        await runner.cleanup()


async def test_guesses_at_the_token_of_metrics_count(web_only):
    runner, _, url = await web_only(metrics_token="hush", rate_limit_anonymous=3)
    try:
        async with aiohttp.ClientSession() as session:
            seen = []
            for _ in range(5):
                async with session.get(url + "/metrics", headers={"Authorization": "Bearer x"}) as answer:
                    seen.append(answer.status)
            assert seen == [401] * 3 + [429] * 2
    finally:
        await runner.cleanup()
