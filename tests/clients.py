"""A service inside the test, and clients that check each answer and frame against the documents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from nexcorp.app import create_app
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.domain import searching
from nexcorp.features import PRODUCT
from nexcorp.features.search import routes as search
from nexcorp.features.search import spelling
from nexcorp.manifest import Product
from nexcorp.realtime import routes
from nexcorp.security.app_keys import DATABASE
from nexcorp.web import turns
from nexcorp.web.connections import Runner
from tests.contract import check_frame, check_response
from workers.settings import serve

# The timeout in seconds of anything without a limit of its own; slow machines need this long.
PATIENCE = 20.0
routes.GREET_SECONDS = spelling.TRY_SECONDS = PATIENCE
turns.WAIT_SECONDS = PATIENCE / 4
searching.SEARCH_MILLISECONDS = search.CORRECTION_MILLISECONDS = round(PATIENCE * 1000)


@dataclass
class Service:
    """A web process and a worker that run inside the test."""

    config: Config
    url: str
    app: web.Application
    stop_worker: Callable[[], Awaitable[None]]
    product: Product

    @property
    def db(self) -> Database:
        """The web process's database."""
        return self.app[DATABASE]


async def start_web(config: Config, product: Product = PRODUCT) -> tuple[web.AppRunner, web.Application, str]:
    """Start a web process's application on a free port; return its runner, the application and its URL."""
    app = create_app(config, product)
    runner = Runner(app, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, app, f"http://127.0.0.1:{port}"


@asynccontextmanager
async def run_service(config: Config, product: Product = PRODUCT) -> AsyncIterator[Service]:
    """Run a service for the block: web and worker, real sockets, real SAQ."""
    stop = asyncio.Event()
    worker = asyncio.create_task(serve(config, stop, product))
    runner, app, url = await start_web(config, product)

    async def is_open() -> bool:
        """Whether its pool is open: on a busy machine that can take longer than a request waits for it."""
        return bool(app[DATABASE].stats()["max"])

    await wait_until(is_open, 60)

    async def stop_worker() -> None:
        stop.set()
        await worker

    yield Service(config, url, app, stop_worker, product)
    await asyncio.gather(runner.cleanup(), stop_worker())


class Client:
    """Calls the service; every answer is checked against the OpenAPI document."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, headers: dict[str, str], product: Product = PRODUCT
    ) -> None:
        self.session, self.url, self.headers, self.product = session, url, headers, product

    def as_user(self, headers: dict[str, str]) -> Client:
        """Return a client of the same service that sends these headers with every call."""
        return Client(self.session, self.url, headers, self.product)

    async def call(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        """Send a request; return the checked response, its body read."""
        headers = {**self.headers, **options.pop("headers", {})}
        response = await self.session.request(method, self.url + path, headers=headers, **options)
        await response.read()
        await check_response(method, path, response, self.product)
        return response

    async def get(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("POST", path, **options)

    async def put(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("DELETE", path, **options)


@dataclass
class User:
    """A registered, signed-in person."""

    id: UUID
    email: str
    username: str
    password: str
    token: str
    session_id: UUID
    headers: dict[str, str]
    client: Client


async def wait_until(check: Callable[[], Awaitable[Any]], seconds: float = PATIENCE) -> Any:
    """Call `check` until it returns something true; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            found = await check()
            if found:
                return found
            await asyncio.sleep(0.02)


class Live:
    """A client's socket in a test; every frame is checked against the AsyncAPI document."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, product: Product = PRODUCT) -> None:
        self.ws, self.product = ws, product
        self.frames: list[dict[str, Any]] = []

    async def send(self, event: str, data: dict[str, Any] | None = None, **more: Any) -> None:
        await self.ws.send_json({"event": event, "data": data or {}, **more})

    async def next(self, event: str | None = None, seconds: float = PATIENCE) -> dict[str, Any]:
        """Return the next frame, or the next one of `event`; every frame read is appended to `frames`."""
        async with asyncio.timeout(seconds):
            while True:
                frame: dict[str, Any] = await self.ws.receive_json()
                check_frame(frame, self.product)
                self.frames.append(frame)
                if event is None or frame["event"] == event:
                    return frame

    async def nothing(self, event: str, seconds: float = 0.5) -> None:
        """Fail if a frame of `event` comes within `seconds`."""
        try:
            frame = await self.next(event, seconds)
        except TimeoutError:
            return
        raise AssertionError(f"did not expect {frame}")


Connect = Callable[..., Awaitable[Live]]


@asynccontextmanager
async def open_client(service: Service) -> AsyncIterator[Client]:
    """Yield a client without credentials; it keeps no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(session, service.url, {}, service.product)


@asynccontextmanager
async def keep_sockets(service: Service, client: Client) -> AsyncIterator[Connect]:
    """Yield `connect`: `live = await connect(user)` opens a socket, closed when the block ends."""
    opened: list[Live] = []

    async def connect(user: User, query: dict[str, Any] | None = None, url: str | None = None) -> Live:
        ws = await client.session.ws_connect(
            (url or service.url) + "/ws", protocols=("nexcorp.v1",), headers=user.headers, params=query or {}
        )
        opened.append(Live(ws, service.product))
        return opened[-1]

    yield connect
    for live in opened:
        await live.ws.close()
