"""A service behind a proxy that can cut connections, for clients that reconnect by themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from aiohttp import web

from nexcorp.app import make_documents
from tests.api import API
from tests.chaos.proxy import Proxy
from tests.conftest import Service
from tests.realtime.helpers import edit_post

REFUSAL = {"code": "overloaded", "message": "Later.", "errors": {}, "requestId": "r1"}


def list_unkeyed() -> list[str]:
    """Paths below /api/v1 of the POSTs that take no Idempotency-Key, but those that may well happen twice."""
    paths = json.loads(make_documents().openapi.body)["paths"]
    posts = {path: entry["post"].get("parameters", []) for path, entry in paths.items() if "post" in entry}
    unkeyed = {
        path for path, given in posts.items() if "Idempotency-Key" not in [one["name"] for one in given]
    }
    twice = {"/auth/refresh", "/auth/logout", "/hooks/repositories/{id}"}
    found = {path.removeprefix(API) for path in unkeyed if path.startswith(API)}
    assert twice < found
    return sorted(found - twice)


@pytest_asyncio.fixture(loop_scope="module")
async def line(service: Service) -> AsyncIterator[Proxy]:
    """A proxy in front of the service."""
    proxy = Proxy("line", int(service.url.rpartition(":")[2]))
    await proxy.start()
    yield proxy
    await proxy.close()


class Failing:
    """Answers with errors of a service in trouble; `asked`: (method, path, headers, body) of each request."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: list[web.Response] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path, dict(request.headers), await request.read()))
        return self.answers.pop(0)


@pytest_asyncio.fixture(loop_scope="module")
async def failing() -> AsyncIterator[Failing]:
    """A server that gives its `answers` one after the other."""
    found = Failing()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


async def write_and_cut(service: Any, line: Any, post: Any, author: Any, total: int, cuts: int) -> None:
    """Write `total` frames in a post's room, and reset all connections `cuts` times in between."""
    for number in range(total // 10):
        await edit_post(service.db, post, author, 10)
        if number % (total // 10 // cuts) == 1:
            line.reset()
        await asyncio.sleep(0.05)
