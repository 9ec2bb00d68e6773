"""Endpoints of webhooks on loopback, which verify requests with the public library and then misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from standardwebhooks import Webhook


@dataclass
class Call:
    """A received request."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        """The `webhook-id`."""
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> Any:
        """Return the payload; raises the library's error unless it is signed with this secret."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """The received calls. Paths select a behaviour: /ok, /fail, /hang, /slow, /drip, /gone, /redirect, /busy.

    The rest of a path names an endpoint: /ok/1. `heals`: paths that behave like /slow from now on.
    """

    origin: str = ""
    calls: list[Call] = field(default_factory=list)
    heals: set[str] = field(default_factory=set)
    open: dict[str, int] = field(default_factory=dict)
    widest: dict[str, int] = field(default_factory=dict)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def at(self, path: str) -> list[Call]:
        """Return the calls of a path, in order."""
        return [call for call in self.calls if call.path == path]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Record a call, and answer as its path says."""
        path, kind = request.path, request.path.split("/")[1]
        body = (await request.read()).decode()
        self.calls.append(Call(path, {name.lower(): value for name, value in request.headers.items()}, body))
        self.open[path] = self.open.get(path, 0) + 1
        self.widest[path] = max(self.widest.get(path, 0), self.open[path])
        try:
            if path in self.heals:
                kind = "slow"
            return await getattr(self, f"be_{kind}")(request)
        finally:
            self.open[path] -= 1

    async def be_ok(self, request: web.Request) -> web.StreamResponse:
        """Accept the call."""
        return web.Response(status=204)

    async def be_fail(self, request: web.Request) -> web.StreamResponse:
        """Fail, with a long body that is not all text."""
        return web.Response(status=500, body=b"no\0\xff" * 5000)

    async def be_slow(self, request: web.Request) -> web.StreamResponse:
        """Accept the call after some time."""
        await asyncio.sleep(0.05)
        return web.Response(status=202, text="later")

    async def be_hang(self, request: web.Request) -> web.StreamResponse:
        """Never answer."""
        await self.let_go.wait()
        return web.Response(status=500)

    async def be_drip(self, request: web.Request) -> web.StreamResponse:
        """Send the status at once, and never end the body."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"well")
        await self.let_go.wait()
        return answer

    async def be_gone(self, request: web.Request) -> web.StreamResponse:
        """Answer 410: the endpoint wants no more calls."""
        return web.Response(status=410)

    async def be_redirect(self, request: web.Request) -> web.StreamResponse:
        """Redirect to another endpoint of this server."""
        return web.Response(status=307, headers={"Location": f"{self.origin}/ok/elsewhere"})

    async def be_busy(self, request: web.Request) -> web.StreamResponse:
        """Ask for an hour's pause, and set a cookie."""
        return web.Response(status=503, headers={"Retry-After": "3600", "Set-Cookie": "a=b"})


Found = TypeVar("Found", bound=Receiver)


@asynccontextmanager
async def run_receiver(kind: type[Found] = Receiver) -> AsyncIterator[Found]:  # type: ignore[assignment]
    """Run a receiver at a free port of 127.0.0.1 while the block runs."""
    receiver = kind()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        await runner.cleanup()
