"""A mail server and a push service that accept and discard everything, and minimal clients for them."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import aiohttp
import aiosmtplib
import uvloop

from bench.floors import Tell

END_OF_MAIL = b"\r\n.\r\n"
ANSWERS = {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class MailSink(asyncio.Protocol):
    """An SMTP server that implements only the commands that a client of one mail needs."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.data, self.in_mail = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.data += data
        while True:
            part, mark, rest = self.data.partition(END_OF_MAIL if self.in_mail else b"\r\n")
            if not mark:
                return
            self.data = rest
            command = b"" if self.in_mail else part[:4].upper()
            self.in_mail = command == b"DATA"
            self.transport.write(ANSWERS.get(command, b"250 ok\r\n"))


class PushSink(asyncio.Protocol):
    """An HTTP server for small requests, one at a time."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, mark, body = self.data.partition(b"\r\n\r\n")
        if not mark:
            return
        at = head.lower().index(b"content-length:") + 15
        if len(body) >= int(head[at:].split(b"\r\n", 1)[0]):
            self.data = b""
            self.transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def serve_sink(tell: Tell, kind: type[asyncio.Protocol]) -> None:
    """Serve a sink at a free port of 127.0.0.1."""

    async def serve() -> None:
        listening = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0)
        tell(listening.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(serve())


def send_plainly(channel: str, port: int, count: int, lines: int) -> tuple[float, float]:
    """Send `count` prebuilt messages by the library alone, over `lines` connections: seconds, CPU seconds."""
    before, began = os.times(), time.perf_counter()
    uvloop.run((mail_plainly if channel == "email" else push_plainly)(port, count, lines))
    after = os.times()
    return time.perf_counter() - began, after.user + after.system - before.user - before.system


async def mail_plainly(port: int, count: int, lines: int) -> None:
    """Send mails with aiosmtplib."""
    message = b"Subject: News\r\n\r\n" + b"A line of a mail that says something.\r\n" * 60

    async def work() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        await client.connect()
        for _ in range(count // lines):
            await client.sendmail("connect@example.com", "user@example.com", message)
        await client.quit()

    await asyncio.gather(*(work() for _ in range(lines)))


async def push_plainly(port: int, count: int, lines: int) -> None:
    """Send pushes with aiohttp, without encryption or signature."""
    body = os.urandom(500)

    async def work(client: aiohttp.ClientSession) -> None:
        for _ in range(count // lines):
            async with client.post("/send/1", data=body, headers={"TTL": "60"}) as answer:
                await answer.read()

    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        await asyncio.gather(*(work(client) for _ in range(lines)))
