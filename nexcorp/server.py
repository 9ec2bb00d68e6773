"""Run one web process without gunicorn: listen, and on SIGTERM stop without losing requests."""

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
# After the process stops listening, requests in flight have this long to finish.
DRAIN_SECONDS = 20.0
# Before it stops listening, /ready answers 503 for this long, so that a load balancer routes around it.
NOTICE_SECONDS = 3.0


def make_runner(app: web.Application) -> Runner:
    """Return the runner of `app`, for a process of its own or under gunicorn."""
    return Runner(app, keepalive_timeout=KEEP_ALIVE_SECONDS, shutdown_timeout=DRAIN_SECONDS)


async def serve_web(config: Config) -> None:
    """Serve on PORT until SIGTERM or SIGINT; raises OSError if the port cannot be used."""
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
    """Listen at each of `hosts`, or at all addresses of this machine if `hosts` is empty; raises OSError."""
    if not hosts:
        await web.TCPSite(runner, port=port).start()
    for host in find_usable(hosts):
        await web.TCPSite(runner, host, port).start()


def spare_collector() -> None:
    """Exempt all objects loaded so far, which stay until the process ends, from garbage collection.

    With this and rarer collections, a request costs a sixth less (`make bench`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def give_notice(app: web.Application, stop: asyncio.Queue[int]) -> None:
    """Answer 503 on /ready for NOTICE_SECONDS and send the sockets away; a second signal cuts it short."""
    log.info("stopping", seconds=NOTICE_SECONDS)
    leaving = asyncio.create_task(app[NODE].drain())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.get(), NOTICE_SECONDS)
    await leaving
