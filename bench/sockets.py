"""Many sockets at once: connected raw, read with epoll, counted by bytes. No WebSocket library."""

from __future__ import annotations

import base64
import resource
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

KEY = base64.b64encode(b"sixteen bytes ok").decode()
CONNECTING_AT_ONCE = 24
WAIT_SECONDS = 60.0
# A pong with an empty payload, masked with zeros.
PONG = b"\x8a\x80\x00\x00\x00\x00"
TEXT, CLOSE, PING = 0x81, 0x88, 0x89


def raise_file_limit(wanted: int) -> int:
    """Raise the soft limit of open files to `wanted`, or as far as the system allows; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)


def build_upgrade(token: str, spoken: str = "nexcorp.v1") -> bytes:
    """The handshake request of one client, authenticated by its header."""
    return (
        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        f"Sec-WebSocket-Protocol: {spoken}\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


def mask_text(text: str) -> bytes:
    """A client's text frame, masked with zeros: allowed, and it leaves the bytes unchanged."""
    data = text.encode()
    head = struct.pack("!BB", TEXT, 0x80 | len(data)) if len(data) < 126 else b""
    return (head or struct.pack("!BBH", TEXT, 0x80 | 126, len(data))) + bytes(4) + data


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """(opcode byte, payload) of each complete unmasked frame, and the incomplete rest."""
    frames, at = [], 0
    while len(data) - at >= 2:
        size, head = data[at + 1], 2
        if size == 126:
            size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
        if len(data) - at < head + size or head > len(data) - at:
            break
        frames.append((data[at], data[at + head : at + head + size]))
        at += head + size
    return frames, data[at:]


@dataclass(slots=True)
class Client:
    """A connection being set up: the bytes still to send, and the number of texts awaited."""

    conn: socket.socket
    upgrade: bytes
    # Sent after the greeting; then one more text is awaited.
    after: bytes | None
    upgraded: bool = False
    awaited: int = 0
    rest: bytes = b""


@dataclass(slots=True)
class Swarm:
    """The connected sockets of one process. Keep it in a module of a Remote between calls."""

    port: int
    spoken: str = "nexcorp.v1"
    poll: select.epoll = field(default_factory=select.epoll)
    conns: dict[int, socket.socket] = field(default_factory=dict)
    rests: dict[int, bytes] = field(default_factory=dict)

    def open_plain(self, count: int) -> None:
        """Connect plain TCP clients that only read."""
        for _ in range(count):
            conn = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS)
            conn.setblocking(False)
            self.conns[conn.fileno()] = conn
            self.poll.register(conn.fileno(), select.EPOLLIN)

    def open_clients(self, tokens: list[str], after: str | None = None) -> None:
        """Connect a WebSocket per token, a few at a time; `after` is sent after the greeting."""
        waiting = [build_upgrade(token, self.spoken) for token in reversed(tokens)]
        said = None if after is None else mask_text(after)
        young: dict[int, Client] = {}
        deadline = time.monotonic() + WAIT_SECONDS + len(tokens) / 50
        while waiting or young:
            while waiting and len(young) < CONNECTING_AT_ONCE:
                conn = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS)
                conn.setblocking(False)
                client = Client(conn, waiting.pop(), said)
                conn.send(client.upgrade)
                young[conn.fileno()] = client
                self.conns[conn.fileno()] = conn
                self.poll.register(conn.fileno(), select.EPOLLIN)
            for number, _ in self.poll.poll(1.0):
                if number not in young:
                    self._read(number, b"")
                elif self._advance(young[number]):
                    self.rests[number] = young.pop(number).rest
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(waiting) + len(young)} sockets could not be connected")

    def _advance(self, client: Client) -> bool:
        """Continue setting up a connection; True once it is greeted and subscribed."""
        data = client.conn.recv(65536)
        if not data:
            raise RuntimeError("a socket was closed while it was greeted")
        data = client.rest + data
        if not client.upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                client.rest = head
                return False
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(f"no upgrade: {head[:200]!r}")
            # `connected` and `unread-count`.
            client.upgraded, client.awaited = True, 2
        frames, client.rest = split_frames(data)
        for kind, payload in frames:
            if kind == CLOSE or b'"event":"error"' in payload:
                raise RuntimeError(f"refused: {payload!r}")
            if kind == TEXT:
                # One message may hold several frames.
                client.awaited -= payload.count(b'{"event":')
                if client.awaited == 0 and client.after is not None:
                    client.conn.send(client.after)
                    client.after, client.awaited = None, 1
        return client.awaited == 0

    def _read(self, number: int, expected: bytes) -> int:
        """Read a socket; returns the number of expected frames, and answers pings."""
        conn = self.conns[number]
        data = conn.recv(262144)
        if not data:
            raise RuntimeError("the server closed a socket")
        rest = self.rests.pop(number, b"")
        if not rest and data == expected:
            return 1
        if not rest and expected and not len(data) % len(expected) and data.startswith(expected[:2]):
            count = len(data) // len(expected)
            if data == expected * count:
                return count
        frames, left = split_frames(rest + data)
        if left:
            self.rests[number] = left
        count = 0
        for kind, payload in frames:
            if kind == PING:
                conn.send(PONG)
            elif kind == CLOSE:
                raise RuntimeError(f"the server closes: {payload!r}")
            elif expected.endswith(payload):
                count += 1
        return count

    def idle(self, seconds: float) -> None:
        """Only answer pings for `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for number, _ in self.poll.poll(left):
                self._read(number, b"")

    def count_waves(self, trigger: Callable[[], None], expected: bytes, waves: int, window: int) -> float:
        """Trigger `waves` broadcasts, at most `window` in flight; returns the seconds until all arrived."""
        per_wave, triggered, complete, came = len(self.conns), 0, 0, 0
        began = time.perf_counter()
        while complete < waves:
            while triggered < waves and triggered - complete < window:
                trigger()
                triggered += 1
            events = self.poll.poll(WAIT_SECONDS)
            if not events:
                raise RuntimeError(f"{waves * per_wave - came} of {waves * per_wave} frames did not come")
            for number, _ in events:
                came += self._read(number, expected)
            complete = came // per_wave
        return time.perf_counter() - began

    def close(self) -> None:
        """Close every socket."""
        for conn in self.conns.values():
            conn.close()
        self.conns.clear()
        self.poll.close()


swarms: dict[str, Swarm] = {}


def open_swarm(name: str, port: int) -> None:
    """Open an empty, named swarm in this process."""
    raise_file_limit(20_000)
    swarms[name] = Swarm(port)


def add_clients(name: str, tokens: list[str], after: str | None = None) -> None:
    """Connect WebSockets to a named swarm."""
    swarms[name].open_clients(tokens, after)


def add_plain(name: str, count: int) -> None:
    """Connect plain TCP sockets to a named swarm."""
    swarms[name].open_plain(count)


def idle_swarm(name: str, seconds: float) -> None:
    """Let a named swarm answer pings for `seconds`."""
    swarms[name].idle(seconds)


def close_swarm(name: str) -> None:
    """Close a named swarm."""
    swarms.pop(name).close()
