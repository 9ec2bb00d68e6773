"""Large answers that clients do not read: an account may have few bytes of them, and not for long."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from nexcorp.features.feed import routes as feed
from nexcorp.web import unread
from nexcorp.web.gate import GATE
from nexcorp.web.replies import reply_bytes
from tests.api import API
from tests.clients import wait_until
from tests.web.calls import check_envelope, serving

# More than the system buffers hold.
LARGE = b'"%b"' % (b"x" * 12 * 1024 * 1024)


async def ask(client: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Request the feed on a connection, and read only the status."""
    url, sock = urlsplit(client.url), socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (url.hostname, url.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
    token = client.headers["Authorization"]
    writer.write(f"GET {API}/feed HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n")
    return reader, writer


async def none_waits(app: Any) -> bool:
    """Whether no large answer is being sent."""
    return not app[GATE].unread._bytes


async def leave(writer: asyncio.StreamWriter) -> None:
    """Close a connection without reading the rest."""
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_what_waits_for_one_account_is_bounded(web_only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(web_only) as (app, client):
        with monkeypatch.context() as patch:
            patch.setattr(feed, "reply_page", lambda *_, **more: reply_bytes(LARGE))
            first = await ask(client)
            second = await ask(client)
            await check_envelope(await client.get(f"{API}/feed"), 429, "too_many_requests")
        assert (await client.get(f"{API}/feed")).status == 200
        for _, writer in (first, second):
            await leave(writer)
        await wait_until(lambda: none_waits(app))
        assert app[GATE].working == 0


async def test_a_client_that_reads_too_slowly_is_cut_off(
    web_only: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "PACE_SECONDS", 0.2)
    monkeypatch.setattr(feed, "reply_page", lambda *_, **more: reply_bytes(LARGE))
    async with serving(web_only) as (app, client):
        reader, writer = await ask(client)
        await wait_until(lambda: none_waits(app))
        async with asyncio.timeout(20):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(len(LARGE))
        await leave(writer)
        # A client that keeps reading is not cut off, however long it takes.
        reader, writer = await ask(client)
        read = 0
        async with asyncio.timeout(20):
            while read < len(LARGE):
                read += len(await reader.read(65536))
        await leave(writer)
