"""Simulated editors: many sockets that type, move cursors, or only hold a file open."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
from pycrdt import Doc, Text

from bench.stage import read_cpu_seconds, read_rss_kib
from nexcorp.collab import protocol
from nexcorp.collab.encoding import write_number

SENDERS, A_SECOND = 20, 50
CURSORS, MOVES_A_SECOND = 100, 2
# Keystrokes in a row at one place: pycrdt merges them into one item of the document.
RUN = 4
STEP_2 = bytes((protocol.SYNC, protocol.STEP_2))


def message(kind: int, body: bytes) -> bytes:
    """Encode a message of the sync protocol."""
    return bytes((protocol.SYNC, kind)) + write_number(len(body)) + body


def make_updates(count: int, doc: Doc[Any] | None = None) -> list[bytes]:
    """The updates of `count` keystrokes, RUN at a time at a random place of the text."""
    doc = Doc() if doc is None else doc
    text, found = doc.get("content", type=Text), []
    subscription = doc.observe(lambda event: found.append(event.update))
    rnd, at = random.Random(count), 0
    for n in range(count):
        at = at + 1 if n % RUN else rnd.randint(0, len(text))
        text.insert(at, "x")
    doc.unobserve(subscription)
    return found


@dataclass
class Site:
    """The ports of the web processes, and the editors' tokens."""

    ports: list[int]
    tokens: list[str]


class Swarm:
    """The editors of one load process."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def open(self, file_id: UUID, number: int, place: int = 0) -> aiohttp.ClientWebSocketResponse:
        """Open a synced socket to a file; `number` picks the token, `place` the web process."""
        token = self.site.tokens[number % len(self.site.tokens)]
        url = f"http://127.0.0.1:{self.site.ports[place]}/collab/{file_id}"
        ws = await self.session.ws_connect(
            url, headers={"Authorization": f"Bearer {token}"}, max_msg_size=0, compress=0
        )
        self.sockets.append(ws)
        await ws.send_bytes(message(protocol.STEP_1, b"\x00"))
        await self.until(ws, lambda data: data.startswith(STEP_2))
        return ws

    async def until(self, ws: Any, check: Callable[[bytes], bool]) -> bytes:
        """Read messages until `check` accepts one; returns it."""
        while True:
            data: bytes = await ws.receive_bytes()
            if check(data):
                return data

    async def close(self) -> None:
        """Close all sockets."""
        await asyncio.gather(*(ws.close() for ws in self.sockets))
        await self.session.close()


def run_swarm(site: Site, work: Callable[[Swarm], Awaitable[Any]]) -> Any:
    """Run `work` with a new swarm; returns its result."""

    async def run() -> Any:
        swarm = Swarm(site)
        try:
            return await work(swarm)
        finally:
            await swarm.close()

    return asyncio.run(run())


def time_keystrokes(site: Site, file_id: UUID, place: int, count: int) -> list[float]:
    """Milliseconds until each keystroke of one editor reaches another, which is on web process `place`."""

    async def work(swarm: Swarm) -> list[float]:
        writer, reader = await swarm.open(file_id, 0), await swarm.open(file_id, 1, place)
        found = []
        for update in make_updates(count):
            data = message(protocol.UPDATE, update)
            began = time.perf_counter()
            await writer.send_bytes(data)
            await swarm.until(reader, lambda seen, data=data: seen == data)
            found.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.01)
        return found

    return list(run_swarm(site, work))


def time_saved(site: Site, file_id: UUID, count: int) -> list[float]:
    """Milliseconds from each keystroke to the message that it is saved."""

    async def work(swarm: Swarm) -> list[float]:
        writer, found = await swarm.open(file_id, 0), []
        asked = bytes((protocol.SAVED, 1))
        for update in make_updates(count):
            began = time.perf_counter()
            await writer.send_bytes(message(protocol.UPDATE, update))
            await writer.send_bytes(asked)
            await swarm.until(writer, lambda data: data == asked)
            found.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.01)
        return found

    return list(run_swarm(site, work))


@dataclass
class Load:
    """A file under load: milliseconds until an editor on the same node, and one on the other node, saw each
    update, and until it was saved; CPU seconds of the first node, and the number of updates."""

    near: list[float]
    far: list[float]
    saved: list[float]
    used: float
    total: int


def load_file(site: Site, file_id: UUID, pid: int, seconds: float) -> Load:
    """20 editors on one node, 50 updates/s each; the first also asks whether its updates are saved."""

    async def work(swarm: Swarm) -> Load:
        writers = [await swarm.open(file_id, number) for number in range(SENDERS)]
        near, far = await swarm.open(file_id, SENDERS), await swarm.open(file_id, SENDERS + 1, 1)
        lists = [make_updates(int(A_SECOND * seconds)) for _ in writers]
        sent: dict[bytes, float] = {}
        saved: list[float] = []
        total = sum(map(len, lists))

        async def type(ws: Any, updates: list[bytes], late: float) -> None:
            began = time.perf_counter() + late
            for n, update in enumerate(updates):
                await asyncio.sleep(began + n / A_SECOND - time.perf_counter())
                data = message(protocol.UPDATE, update)
                sent[data] = time.perf_counter()
                await ws.send_bytes(data)
                if ws is writers[0]:
                    asked = bytes((protocol.SAVED, n % 256))
                    sent[asked] = time.perf_counter()
                    await ws.send_bytes(asked)

        async def listen(ws: Any) -> None:
            async for message in ws:
                if message.data[0] == protocol.SAVED:
                    saved.append((time.perf_counter() - sent[message.data]) * 1000)

        async def read(ws: Any) -> list[float]:
            found: list[float] = []
            while len(found) < total:
                data = await ws.receive_bytes()
                if data in sent:
                    found.append((time.perf_counter() - sent[data]) * 1000)
            return found

        draining = [asyncio.create_task(listen(ws)) for ws in writers]
        before = read_cpu_seconds(pid)
        async with asyncio.timeout(seconds + 30):
            seen_near, seen_far, *_ = await asyncio.gather(
                read(near),
                read(far),
                *(type(ws, lists[n], n / SENDERS / A_SECOND) for n, ws in enumerate(writers)),
            )
        used = read_cpu_seconds(pid) - before
        for task in draining:
            task.cancel()
        return Load(seen_near, seen_far, saved, used, total)

    result: Load = run_swarm(site, work)
    return result


def move_cursors(site: Site, file_id: UUID, pid: int, seconds: float) -> tuple[float, float]:
    """100 editors move their cursors twice a second; returns (messages received, CPU seconds) per second."""

    async def work(swarm: Swarm) -> tuple[float, float]:
        editors = [await swarm.open(file_id, number) for number in range(CURSORS)]
        heard = 0

        async def listen(ws: Any) -> None:
            nonlocal heard
            async for _ in ws:
                heard += 1

        async def move(ws: Any, client: int) -> None:
            await asyncio.sleep(client / CURSORS / MOVES_A_SECOND)
            for clock in range(1, int(seconds * MOVES_A_SECOND) + 1):
                state = b'{"user":{"name":"Ada"},"cursor":%d}' % clock
                entry = write_number(1) + write_number(client + 1) + write_number(clock)
                body = entry + write_number(len(state)) + state
                await ws.send_bytes(bytes((protocol.AWARENESS,)) + write_number(len(body)) + body)
                await asyncio.sleep(1 / MOVES_A_SECOND)

        listening = [asyncio.create_task(listen(ws)) for ws in editors]
        before, began = read_cpu_seconds(pid), time.perf_counter()
        await asyncio.gather(*(move(ws, client) for client, ws in enumerate(editors)))
        took = time.perf_counter() - began
        found = heard / took, (read_cpu_seconds(pid) - before) / took
        for task in listening:
            task.cancel()
        return found

    result: tuple[float, float] = run_swarm(site, work)
    return result


def hold_files(site: Site, file_ids: list[UUID], pid: int, idle_seconds: float) -> tuple[float, float]:
    """KiB of the web process per open file: (after opening them, after `idle_seconds` more)."""

    async def work(swarm: Swarm) -> tuple[float, float]:
        await swarm.open(file_ids[0], 0)
        await asyncio.sleep(1)
        before = read_rss_kib(pid)
        for number, file_id in enumerate(file_ids[1:]):
            await swarm.open(file_id, number)
        await asyncio.sleep(1)
        opened = read_rss_kib(pid)
        await asyncio.sleep(idle_seconds)
        return (opened - before) / (len(file_ids) - 1), (read_rss_kib(pid) - before) / (len(file_ids) - 1)

    result: tuple[float, float] = run_swarm(site, work)
    return result


def open_cold(site: Site, file_ids: list[UUID]) -> list[float]:
    """Milliseconds to open each file, which no editor has open."""

    async def work(swarm: Swarm) -> list[float]:
        found = []
        for file_id in file_ids:
            began = time.perf_counter()
            await swarm.open(file_id, 0)
            found.append((time.perf_counter() - began) * 1000)
        return found

    return list(run_swarm(site, work))
