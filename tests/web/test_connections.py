"""Connections that are silent, slow, too many, or speak no HTTP."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest

from nexcorp.web import connections, parsing
from nexcorp.web.connections import Runner
from nexcorp.web.gate import Gate
from tests.api import API

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


async def connect(url: str, first: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection and send `first`."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(first)
    return reader, writer


async def end_of(url: str, first: bytes, more: bytes = b"") -> bytes:
    """Return the bytes until the server disconnects, while `more` is sent again and again.

    A late byte may reset the connection and take the answer with it: then the request is repeated.
    """
    for _ in range(5):
        reader, writer = await connect(url, first)
        dripping = asyncio.create_task(drip(writer, more))
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        except ConnectionResetError:
            assert more
        finally:
            dripping.cancel()
            writer.transport.abort()
    raise AssertionError("the connection is reset each time")


async def drip(writer: asyncio.StreamWriter, more: bytes) -> None:
    """Send `more` every 0.1 s."""
    while more:
        await asyncio.sleep(0.1)
        writer.write(more)


@pytest.mark.parametrize(
    ("first", "more", "status"),
    [
        (b"", b"", b""),
        (b"GET /hea", b"", b"408"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: ", b"", b"408"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: ", b"a", b"408"),
    ],
    ids=("nothing", "half a line", "half a header", "a header byte by byte"),
)
async def test_headers_have_a_deadline(
    service: Any, monkeypatch: Any, first: bytes, more: bytes, status: bytes
) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.5)
    answer = await end_of(service.url, first, more)
    assert answer[9:12] == status


async def test_the_next_request_has_a_deadline_and_silence_before_it_has_none(
    service: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.5)
    reader, writer = await connect(service.url, HEALTH)
    try:
        async with asyncio.timeout(20):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
            await asyncio.sleep(1)
            writer.write(HEALTH[:-2])
            assert (await reader.read())[9:12] == b"408"
    finally:
        writer.transport.abort()


async def test_a_body_has_a_deadline(service: Any, make_user: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(parsing, "BODY_SECONDS", 0.5)
    ann = await make_user()
    head = (
        f"POST {API}/posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    for more in (b"", b" "):
        answer = await end_of(service.url, head.encode(), more)
        assert answer[9:12] == b"408"
        assert b'"request_timeout"' in answer


async def test_what_is_no_http_is_not_repeated(service: Any, caplog: Any) -> None:
    answer = await end_of(service.url, b"GET / HTTP/1.1\r\nHost: x\r\nsecret secret: \x01\r\n\r\n")
    assert answer[9:12] == b"400"
    assert b"secret" not in answer
    assert "secret" not in caplog.text


async def test_silent_connections_shut_nobody_out(service: Any) -> None:
    runner = Runner(service.app.__class__(), most=20)
    runner.app.router.add_get("/health", answer_yes)
    await runner.setup()
    await connections.web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    silent = [await connect(url, b"") for _ in range(30)]
    try:
        reader, writer = await connect(url, HEALTH)
        async with asyncio.timeout(20):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            # One address may have half of the places; its oldest connections were closed.
            assert [await left.read() for left, _ in silent[:21]] == [b""] * 21
        assert not any(left.at_eof() for left, _ in silent[21:])
        writer.transport.abort()
    finally:
        for _, writer in silent:
            writer.transport.abort()
        await runner.cleanup()


async def test_a_network_has_the_places_of_one_address() -> None:
    listener = connections.Listener(connections.web.Server(answer_yes), 4, Gate(1))
    made: list[connections.Connection] = []

    def connect_from(address: str) -> bool:
        """Whether a client of this address gets a place; its connection stays open."""
        transport = Mock()
        transport.get_extra_info = {"peername": (address, 1, 0, 0)}.get
        made.append(listener())
        made[-1].connection_made(transport)
        return not transport.close.called

    assert [connect_from(f"2001:db8::{number}") for number in range(3)] == [True, True, False]
    assert connect_from("2001:db8:0:1::1")
    for connection in made:
        connection.connection_lost(None)
    assert (listener._total, listener._open) == (0, {})


async def answer_yes(request: Any) -> Any:
    """Answer 200."""
    return connections.web.Response(text="yes")
