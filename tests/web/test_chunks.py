"""Bodies of tiny chunks, and bodies that nobody reads: they end soon, and the answer still arrives."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit

import pytest

from nexcorp.web import bodies, connections
from nexcorp.web.connections import Connection
from tests.api import API

pytestmark = pytest.mark.shared

TINY = b"1\r\n \r\n"
MIB = 1024 * 1024


async def send(url: str, path: str, headers: str, *parts: bytes, seconds: float = 20) -> bytes:
    """Send a POST with a body in parts; return the whole answer, after which the server must disconnect."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 0
    reader, writer = await asyncio.open_connection(host, port)

    async def write() -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n"
    writer.write(head.encode())
    writing = asyncio.create_task(write())
    answer = b""
    try:
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    answer += data
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        writer.transport.abort()
    return answer


def status_of(answer: bytes) -> int:
    """Return the status in the first line."""
    return int(answer.split(b" ", 2)[1])


CHUNKED = "Transfer-Encoding: chunked\r\nContent-Type: application/json"


async def test_a_body_behind_a_401_is_not_parsed(service: Any) -> None:
    # An endless body: a server that parsed on would hold the connection.
    answer = await send(service.url, f"{API}/posts", CHUNKED, *[TINY * 50_000] * 100)
    assert status_of(answer) == 401
    assert b"Connection: close" in answer


async def test_tiny_chunks_are_parsed_in_parts_until_they_are_refused(service: Any, monkeypatch: Any) -> None:
    receive, parsed = Connection._receive, []

    def note(connection: Any, data: bytes) -> None:
        if connection._payload_parser is None:
            parsed.append(len(data))
        receive(connection, data)

    monkeypatch.setattr(Connection, "_receive", note)
    answer = await send(service.url, f"{API}/posts", CHUNKED, *[TINY * 50_000] * 10)
    assert status_of(answer) == 401
    assert max(parsed) <= connections.PARSED_AT_ONCE
    # The answer takes some turns of the loop, and each turn parses one part.
    assert sum(parsed) < 20 * connections.PARSED_AT_ONCE


async def test_a_large_body_that_nobody_reads_does_not_cost_the_answer(service: Any) -> None:
    answer = await send(service.url, f"{API}/posts", f"Content-Length: {4 * MIB}", *[b"a" * MIB] * 4)
    assert status_of(answer) == 401
    assert b"Connection: close" in answer


async def test_json_of_tiny_chunks_is_refused(service: Any, make_user: Any) -> None:
    ann = await make_user()
    headers = f"{CHUNKED}\r\nAuthorization: Bearer {ann.token}"
    answer = await send(service.url, f"{API}/posts", headers, *[TINY * 10_000] * 10)
    assert status_of(answer) == 400
    assert b'"too_many_chunks"' in answer


async def test_a_form_of_tiny_chunks_is_refused(service: Any, make_user: Any) -> None:
    ann = await make_user()
    headers = (
        "Transfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Authorization: Bearer {ann.token}"
    )
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    first = b"%x\r\n%b\r\n" % (len(start), start)
    answer = await send(service.url, f"{API}/uploads", headers, first, *[TINY * 10_000] * 10)
    assert status_of(answer) == 400
    assert b'"too_many_chunks"' in answer


async def test_few_tiny_chunks_and_many_larger_ones_are_read(service: Any, make_user: Any) -> None:
    ann = await make_user()
    headers = f"{CHUNKED}\r\nAuthorization: Bearer {ann.token}\r\nConnection: close"
    text = b'{"body": "written in pieces"}'
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in text)
    padding = b"100\r\n%b\r\n" % (b" " * 256)
    answer = await send(service.url, f"{API}/posts", headers, pieces, padding * 900, b"0\r\n\r\n")
    assert status_of(answer) == 201, answer
    assert b'"written in pieces"' in answer


async def test_a_small_body_that_nobody_reads_keeps_the_connection(service: Any) -> None:
    host, port = urlsplit(service.url).hostname or "", urlsplit(service.url).port or 0
    reader, writer = await asyncio.open_connection(host, port)
    request = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    try:
        for _ in range(2):
            writer.write(request + b"a" * 10)
            assert b" 404 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
            writer.write(b"a" * 990)
    finally:
        writer.transport.abort()


async def test_a_small_body_that_does_not_come_ends_the_connection(service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(bodies, "REST_SECONDS", 0.2)
    answer = await send(service.url, "/nowhere", "Content-Length: 1000", b"a")
    assert status_of(answer) == 404
