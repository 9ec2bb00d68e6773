"""The real HAProxy in front of nodes of which one hangs, until it marks that one as down."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from nexcorp.embedded.process import EmbeddedError
from tests.chaos.cluster import choose_ports
from tests.conftest import wait_until
from tools.cluster import haproxy, load, parts
from tools.cluster.parts import WEBS, Ports

pytestmark = pytest.mark.skipif(
    shutil.which("haproxy", path=parts.PATH) is None, reason="needs Debian's haproxy"
)
HUNG, *GOOD = WEBS
SOCKETS = 6


def find_ports() -> Ports:
    """Return a block of free ports."""
    while True:
        ports = Ports(choose_ports(1)[0])
        with contextlib.suppress(EmbeddedError):
            ports.check()
            return ports


def make_node(name: str) -> web.Application:
    """Return the app of a ready node that sends its name to each socket, and answers requests after 1 s."""
    app = web.Application()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str(name)
        async for message in ws:
            await ws.send_str(message.data)
        return ws

    async def ready(request: web.Request) -> web.Response:
        return web.Response()

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response(text=name)

    app.router.add_get("/ws", serve)
    app.router.add_get("/ready", ready)
    app.router.add_get("/{rest:.*}", answer)
    return app


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept connections and never answer, like a halted process."""
    await reader.read()
    writer.close()


async def test_a_node_that_hangs_keeps_no_socket_and_too_many_requests_are_refused(tmp_path: Path) -> None:
    ports = find_ports()
    async with contextlib.AsyncExitStack() as stack:
        for name in GOOD:
            runner = web.AppRunner(make_node(name), shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", ports.of(name)).start()
        hung = await asyncio.start_server(hang, "127.0.0.1", ports.of(HUNG))
        stack.callback(hung.close)
        proxy = haproxy.make_haproxy(tmp_path, ports)
        proxy.start()
        stack.callback(proxy.kill)
        session = await stack.enter_async_context(ClientSession())
        url = f"http://127.0.0.1:{ports.web}"

        async def listens() -> bool:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", ports.web)
                writer.close()
                return True
            return False

        async def join() -> str:
            async with session.ws_connect(f"{url}/ws?ticket=secret") as ws:
                name = await ws.receive_str()
                # Longer than the timeout of a handshake, which must not end an open socket.
                await asyncio.sleep(1.2)
                await ws.send_str("still there")
                assert await ws.receive_str() == "still there"
                return name

        await wait_until(listens)
        names = Counter(await asyncio.gather(*(join() for _ in range(SOCKETS))))
        assert set(names) == set(GOOD) and sum(names.values()) == SOCKETS
        log = tmp_path / "haproxy.log"
        assert "secret" not in log.read_text()

        async def ask() -> int:
            async with session.get(f"{url}/api") as response:
                await response.read()
                return response.status

        async def noticed() -> bool:
            async with session.get(f"http://127.0.0.1:{ports.stats}/;csv") as response:
                lines = (await response.text()).splitlines()
            return any(line.startswith(f"webs,{HUNG},") and ",DOWN," in line for line in lines)

        await wait_until(noticed)
        begin = log.stat().st_size
        many = 3 * len(WEBS) * haproxy.AT_ONCE
        statuses = Counter(await asyncio.gather(*(ask() for _ in range(many))))
        assert statuses == {200: len(GOOD) * haproxy.AT_ONCE, 503: many - len(GOOD) * haproxy.AT_ONCE}

        async def logged() -> bool:
            return len(load.read_refusals(log, begin)) == statuses[503]

        await wait_until(logged)
        assert all(0 < seconds < 1 for seconds in load.read_refusals(log, begin))
