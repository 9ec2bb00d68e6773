"""WebSocket frames made by hand, valid and invalid, and a client that reads answers with wsproto."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import struct
from collections.abc import Iterable
from typing import Any

from wsproto.frame_protocol import FrameProtocol, Opcode

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ANSWER_SECONDS = 15.0


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    size: bytes | None = None,
) -> bytes:
    """Return a frame as a client sends it; `size`: length bytes in place of the right ones."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    if size is None:
        length = len(payload)
        if length < 126:
            size = bytes((length,))
        else:
            size = struct.pack("!BH", 126, length) if length < 65536 else struct.pack("!BQ", 127, length)
    head = bytes((first, size[0] | (0x80 if masked else 0))) + size[1:]
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload) ^ int.from_bytes(key)
    return head + mask + mixed.to_bytes(len(payload))


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


class Closed(Exception):
    """The service has closed the socket. `code`: that of its close frame, 1005 if the frame has none, None
    if there was no frame."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Wire:
    """A connection after its handshake; reads the service's frames as a strict client does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = FrameProtocol(client=True, extensions=[])
        self._protocol.receive_bytes(early)

    async def send(self, parts: Iterable[bytes]) -> None:
        """Send each part by itself; stops when the connection is closed."""
        for part in parts:
            if self._writer.is_closing():
                return
            self._writer.write(part)
            try:
                await self._writer.drain()
            except ConnectionError:
                # The connection was closed; its last frames can still be read.
                return
            await asyncio.sleep(0)

    async def next_pong(self) -> bytes:
        """Return the payload of the next pong. Raises Closed, TimeoutError, and ParseFailed for an invalid
        frame."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                for found in self._protocol.received_frames():
                    if found.opcode is Opcode.CLOSE:
                        raise Closed(int(found.payload[0]))
                    if found.opcode is Opcode.PONG:
                        return bytes(found.payload)
                await self._read()

    async def _read(self) -> None:
        try:
            data = await self._reader.read(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise Closed(None)
        self._protocol.receive_bytes(data)

    async def ends(self) -> bool:
        """Whether the service closes the connection in time."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while await self._reader.read(65536):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def drop(self) -> None:
        """Close the connection."""
        self._writer.close()


async def shake(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
    """Send a handshake; return the status, the headers, and a Wire if the status is 101, else None."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(ANSWER_SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    if status != 101:
        writer.close()
        return status, found, None
    return status, found, Wire(reader, writer, b"")


def offer(protocol: str, token: str, **changes: str | None) -> dict[str, str]:
    """Return the headers of a valid handshake; `changes` by name with _ for -, None removes a header."""
    headers: dict[str, str | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": protocol,
        "Authorization": f"Bearer {token}",
    }
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return {name: value for name, value in headers.items() if value is not None}


def accept_of(key: str) -> str:
    """Return the right value of Sec-WebSocket-Accept."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest()).decode()
