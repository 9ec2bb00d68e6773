"""One web process by itself: listens, and on SIGTERM leaves without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal

import structlog
from aiohttp import web

from nexcorp.app import create_app
from nexcorp.config import Config
from nexcorp.embedded.home import find_usable
from nexcorp.realtime.node import NODE
from nexcorp.web.connections import Runner

log = structlog.get_logger("nexcorp.server")

KEEP_ALIVE_SECONDS = 75
# Requests in flight get this long once the process has stopped listening.
DRAIN_SECONDS = 20.0
# /ready says 503 for this long before that, so that a load balancer looks elsewhere first.
NOTICE_SECONDS = 3.0


def make_runner(app: web.Application) -> Runner:
    """What listens for `app`, in a process by itself or under gunicorn."""
    return Runner(app, keepalive_timeout=KEEP_ALIVE_SECONDS, shutdown_timeout=DRAIN_SECONDS)


async def serve_web(config: Config) -> None:
    """Serve on PORT until SIGTERM or SIGINT; raises OSError where the port cannot be used."""
    stop: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.put_nowait, number)
    app = create_app(config)
    runner = make_runner(app)
    await runner.setup()
    spare_collector()
    try:
        await listen(runner, config.hosts, config.port)
        print(f"nexcorp: serving on port {config.port}", flush=True)
        if await stop.get() == signal.SIGTERM and not config.development:
            await give_notice(app, stop)
    finally:
        await runner.cleanup()


async def listen(runner: web.AppRunner, hosts: tuple[str, ...], port: int) -> None:
    """Listen at every one of `hosts`, at all of this machine's where there is none; raises OSError."""
    if not hosts:
        await web.TCPSite(runner, port=port).start()
    for host in find_usable(hosts):
        await web.TCPSite(runner, host, port).start()


def spare_collector() -> None:
    """Leave what was loaded so far, which stays as long as the process, out of every later collection.

    With that, and with fewer of them, a request costs a sixth less (`make bench`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def give_notice(app: web.Application, stop: asyncio.Queue[int]) -> None:
    """Be not ready for a while, still answering, and send the sockets away; a second signal cuts it short."""
    log.info("stopping", seconds=NOTICE_SECONDS)
    leaving = asyncio.create_task(app[NODE].drain())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.get(), NOTICE_SECONDS)
    await leaving
