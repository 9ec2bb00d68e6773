"""The floors: the same bytes and statements on the same machine, without the service."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import uvloop
from aiohttp import web

from bench.load import Load
from nexcorp.config import Config
from nexcorp.db import Database

Tell = Callable[[int], None]
# The statements of one answer, as PostgreSQL received them: [(text, values), ...].
Recording = list[tuple[str, tuple[Any, ...]]]

BACKGROUND = ("/* realtime.", "/* auth.list_revoked")
WARM_SECONDS = 0.4


def serve_bare(tell: Tell, bodies: dict[str, bytes]) -> None:
    """Serve fixed bodies by path with aiohttp alone."""

    def make_handler(body: bytes) -> Any:
        async def handler(request: web.Request) -> web.Response:
            return web.Response(body=body, content_type="application/json")

        return handler

    app = web.Application()
    for path, body in bodies.items():
        app.router.add_get(path, make_handler(body))
    serve_app(tell, app)


def serve_app(tell: Tell, app: web.Application) -> None:
    """Serve an application at a free port, which is passed to `tell`, until the process ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        tell(listening.getsockname()[1])
        web.run_app(
            app,
            sock=listening,
            access_log=None,
            print=lambda *lines: None,
            keepalive_timeout=75,
            loop=uvloop.new_event_loop(),
        )


class Fan(asyncio.Protocol):
    """A plain TCP client of the fan-out floor; each byte it sends makes all other clients get the payload."""

    def __init__(self, fans: set[Any], payload: bytes) -> None:
        self.fans, self.payload = fans, payload
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.fans.add(transport)

    def data_received(self, data: bytes) -> None:
        self.fans.discard(self.transport)
        for _ in data:
            for transport in self.fans:
                transport.write(self.payload)

    def connection_lost(self, error: Exception | None) -> None:
        self.fans.discard(self.transport)


def serve_fans(tell: Tell, payload: bytes) -> None:
    """The fan-out floor: transport.write of the same bytes to every socket, on the same event loop."""

    async def serve() -> None:
        fans: set[Any] = set()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: Fan(fans, payload), "127.0.0.1", 0, backlog=1024)
        tell(listening.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(serve())


# (method, path, token, body) of a request to record.
Asked = tuple[str, str, str, dict[str, object] | None]


def record_statements(config: Config, requests: list[Asked]) -> list[Recording]:
    """Serve each request once in this process; returns the statements that it sent to PostgreSQL."""
    return uvloop.run(_record_statements(config, requests))


async def _record_statements(config: Config, requests: list[Asked]) -> list[Recording]:
    import aiohttp

    from nexcorp.app import create_app
    from nexcorp.security.app_keys import DATABASE

    app = create_app(config)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    heard: Recording = []

    def listen(query: Any) -> None:
        # asyncpg looks up unknown types once; that is not part of a request.
        introspects = query.args and not query.query.startswith("/*")
        if not query.query.startswith(BACKGROUND) and not introspects:
            heard.append((query.query, tuple(query.args or ())))

    # This process's pool has only one connection, so all requests will use it.
    async with app[DATABASE].pool.acquire() as conn:
        conn.add_query_logger(listen)
    found: list[Recording] = []
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
        for method, path, token, body in requests:
            heard.clear()
            headers = {"Authorization": f"Bearer {token}"}
            async with client.request(method, path, headers=headers, json=body) as answer:
                await answer.read()
                assert answer.status in (200, 201), await answer.text()
            await asyncio.sleep(0)
            assert heard, f"{path} asked nothing of PostgreSQL"
            found.append(list(heard))
    await runner.cleanup()
    return found


def replay_statements(
    config: Config, recordings: list[Recording], clients: int, seconds: float
) -> tuple[Load, float]:
    """Replay the statements with the same pool and number of clients; returns (load, CPU seconds here)."""
    return uvloop.run(_replay_statements(config, recordings, clients, seconds))


async def _replay_statements(
    config: Config, recordings: list[Recording], clients: int, seconds: float
) -> tuple[Load, float]:
    database = Database(config)
    await database.open()
    pool, done, turn, deadline = database.pool, 0, 0, 0.0

    async def ask() -> None:
        nonlocal done, turn
        while time.perf_counter() < deadline:
            recording = recordings[turn % len(recordings)]
            turn += 1
            async with pool.acquire() as conn:
                for text, values in recording:
                    if text.startswith("/*"):
                        await conn.fetch(text, *values)
                    else:
                        await conn.execute(text)
            done += 1

    async def ask_all(for_seconds: float) -> float:
        nonlocal done, deadline
        began, done = time.perf_counter(), 0
        deadline = began + for_seconds
        await asyncio.gather(*(ask() for _ in range(clients)))
        return time.perf_counter() - began

    # Opening connections and preparing statements is not part of a request.
    await ask_all(WARM_SECONDS)
    before = os.times()
    elapsed = await ask_all(seconds)
    after = os.times()
    await database.close()
    return Load(done, elapsed, 0), after.user + after.system - before.user - before.system
