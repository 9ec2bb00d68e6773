"""An echo server made of the sockets of /ws: `python -m tests.judges.echo PORT`.

The connection, the counting before the reader, the reading loop and the writing are the service's own; only
the limits and the answer to a message differ.
"""

from __future__ import annotations

import asyncio
import sys
import time
from uuid import uuid4

from aiohttp import WSMessage, WSMsgType, web

from nexcorp.realtime import protocol
from nexcorp.realtime.inbound import Allowance, CountedSocket
from nexcorp.realtime.routes import read_socket
from nexcorp.realtime.socket import Socket
from nexcorp.security.app_keys import REQUEST_ID
from nexcorp.security.tokens import Principal
from nexcorp.web.connections import Runner

# Autobahn's largest message has 16 MB, in the worst case in fragments of 64 bytes.
ALLOWANCE = Allowance(per_second=1e9, burst=1e9, bytes_a_frame=1 << 40, message_bytes=16 * 1024 * 1024)
BINARY = 0x82


class EchoSocket(CountedSocket):
    """A socket that keeps its last message: the reading loop passes on no binary ones, as /ws has none."""

    last: WSMessage

    async def receive(self, timeout: float | None = None) -> WSMessage:  # noqa: ASYNC109 - it is aiohttp's
        self.last = await super().receive(timeout)
        return self.last


async def echo(request: web.Request) -> web.StreamResponse:
    """Serve one client until it is gone."""
    request[REQUEST_ID] = uuid4().hex
    ws = EchoSocket((), ALLOWANCE)
    await ws.prepare(request)
    user_id = uuid4()
    socket = Socket(
        ws, request.transport, Principal(user_id, user_id, "member", 1, "cli", time.time() + 3600)
    )

    async def say_back(text: str) -> None:
        socket.write_large(protocol.wrap(text.encode()))

    def say_binary_back(socket: Socket) -> None:
        assert ws.last.type is WSMsgType.BINARY
        socket.write_large(protocol.wrap(ws.last.data, BINARY))

    await read_socket(socket, say_back, say_binary_back)
    return ws


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    app = web.Application()
    app.router.add_get("/", echo)
    runner = Runner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1])))
