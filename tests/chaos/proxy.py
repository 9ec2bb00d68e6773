"""A TCP proxy on loopback that can stall, reset every connection, or swallow answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

CHUNK = 65536
# SO_LINGER with zero seconds: close() then sends a reset, as a crashed peer's kernel would.
RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes connections on to 127.0.0.1:`target`. Its own address stays the same."""

    def __init__(self, name: str, target: int = 0) -> None:
        self.name, self.target = name, target
        self.port = 0
        # While this is set, an answer of the target resets its connection instead of passing.
        self.swallow_answers = False
        self.swallowed = 0
        self._closed = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut everything and stop listening."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Connections accepted just now take a few turns of the loop to be registered and to end.
        for _ in range(5):
            self.reset()
            await asyncio.sleep(0)

    def stall(self) -> None:
        """Pass no more bytes in either direction; connections stay open and new ones are accepted."""
        self._flowing.clear()

    def resume(self) -> None:
        """Pass the bytes that were held back, and all later ones."""
        self._flowing.set()

    def reset(self) -> None:
        """Reset every connection, on both sides."""
        for writer in list(self._writers):
            self._cut(writer)

    def _cut(self, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one accepted connection."""
        if self._closed:
            # It was accepted just before the proxy closed.
            self._cut(writer)
            return
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind: asyncio.StreamWriter | None = None
        try:
            await self._flowing.wait()
            answers, behind = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(behind)
            pumps = {
                asyncio.ensure_future(self._pump(reader, behind, answers=False)),
                asyncio.ensure_future(self._pump(answers, writer, answers=True)),
            }
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            self._cut(writer)
        finally:
            for end in (writer, behind):
                if end is not None:
                    self._writers.discard(end)
                    end.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                await self._flowing.wait()
                if answers and self.swallow_answers:
                    self.swallowed += 1
                    self._cut(sink)
                    return
                sink.write(data)
                await sink.drain()
