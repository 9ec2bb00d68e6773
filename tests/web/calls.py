"""Helpers of the tests of the web layer."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from nexcorp.security.app_keys import DATABASE, TOKENS
from tests.api import INSERT_CROWD
from tests.conftest import Client

SEVEN = {"statusCode", "code", "message", "errors", "timestamp", "path", "requestId"}
WRITES = {"Content-Type": "application/json"}


async def check_envelope(answer: Any, status: int, code: str | None = None) -> dict[str, Any]:
    """Return the body of an error; fails unless it has the seven keys and agrees with the headers."""
    text = await answer.text()
    assert answer.status == status, text
    assert answer.content_type == "application/json", text
    body: dict[str, Any] = await answer.json()
    assert body.keys() - {"current"} == SEVEN
    assert body["statusCode"] == status
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert body["message"] and isinstance(body["errors"], dict)
    if code is not None:
        assert body["code"] == code
    return body


@asynccontextmanager
async def serving(web_only: Callable[..., Any], **settings: Any) -> AsyncIterator[tuple[Any, Client]]:
    """Yield (app, client of a signed-in user) of a web process with these settings, without a worker."""
    runner, app, url = await web_only(**settings)
    try:
        async with app[DATABASE].connection(wait=5) as conn:
            row = await conn.fetchrow(INSERT_CROWD, ["webber"])
        token = app[TOKENS].sign(
            user_id=row["user_id"], session_id=row["id"], role="member", role_version=1, platform="cli"
        )
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield app, Client(session, url, {"Authorization": f"Bearer {token}"})
    finally:
        await runner.cleanup()


def send_raw(url: str, request: bytes) -> bytes:
    """Send bytes and return the bytes of the answer; blocks, so run it in a thread."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    with socket.create_connection((parts.hostname, parts.port), 10) as conn:
        conn.settimeout(10)
        conn.sendall(request)
        answer = b""
        while chunk := conn.recv(65536):
            answer += chunk
    return answer


async def sign_other(app: Any, name: str) -> str:
    """Return the access token of a new account."""
    async with app[DATABASE].connection(wait=5) as conn:
        row = await conn.fetchrow(INSERT_CROWD, [name])
    token: str = app[TOKENS].sign(
        user_id=row["user_id"], session_id=row["id"], role="member", role_version=1, platform="cli"
    )
    return token
