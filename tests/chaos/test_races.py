"""Races between nodes, workers and outages, each replayed in the order of events that triggers it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from nexcorp.background import end_tasks
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.embedded import ValkeyServer
from nexcorp.errors import Unavailable
from nexcorp.features import PRODUCT
from nexcorp.realtime import bus, positions
from nexcorp.realtime.hub import Hub
from nexcorp.realtime.positions import Positions
from nexcorp.realtime.protocol import RoomMessage
from nexcorp.redis_client import connect
from tests.chaos.cluster import choose_ports
from tests.chaos.proxy import Proxy
from tests.conftest import wait_until
from workers import patience

ROOM = "post:00000000-0000-0000-0000-000000000001"


class Ear:
    """A socket that keeps everything written to it."""

    def __init__(self) -> None:
        self.rooms: set[str] = set()
        self.heard: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.heard.append(data)

    def close(self, code: int, reason: str) -> None:
        raise AssertionError(f"closed with {code}")

    def seqs(self) -> list[int]:
        """Return the numbers of the frames it was sent; `seq` is the last member of each."""
        return [int(data.rpartition(b":")[2].rstrip(b"}")) for data in self.heard if b'"seq"' in data]


def message(*seqs: int, unread: int | None = None) -> RoomMessage:
    """Return a push message with these numbers."""
    return RoomMessage(ROOM, [(seq, f'{{"event":"x","data":{{}},"seq":{seq}}}') for seq in seqs], unread)


def test_first_members_that_read_different_pasts_all_see_the_frames_between() -> None:
    hub = Hub()
    behind: list[str] = []
    hub.on_behind = behind.append
    early, late = Ear(), Ear()
    one, two = hub.join(early, ROOM), hub.join(late, ROOM)  # type: ignore[arg-type]
    # The first read the past up to 8; the second read up to 10, after 9 and 10 were committed, and won.
    hub.receive(message(9, 10))
    hub.go_live(ROOM, two, 10)
    hub.go_live(ROOM, one, 8)
    assert behind == [ROOM], "the room must be read again for the one who missed 9 and 10"
    hub.receive(message(11))
    hub.receive(message(9, 10, 11))
    assert (early.seqs(), late.seqs()) == ([9, 10, 11], [11])


def test_push_that_was_overtaken_does_not_bring_back_an_old_count() -> None:
    hub = Hub()
    ear = Ear()
    hub.go_live(ROOM, hub.join(ear, ROOM), 5)  # type: ignore[arg-type]
    # Two workers committed 6 and 7. The push of 7 came first, so the node read both from PostgreSQL.
    hub.receive(message(6, 7, unread=2))
    hub.receive(message(6, unread=1))
    counts = [data for data in ear.heard if b"unread-count" in data]
    assert len(counts) == 1 and b'"count":2' in counts[0]


async def test_rooms_that_keep_falling_behind_do_not_put_off_the_check(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = Positions(database, Hub(), PRODUCT.renderer, seconds=0.3)
    checks = 0

    async def check() -> None:
        nonlocal checks
        checks += 1

    async def checked() -> bool:
        checker.note_behind(ROOM)
        return checks > 1

    monkeypatch.setattr(checker, "check", check)
    running = asyncio.create_task(checker.run())
    try:
        await wait_until(checked)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert positions.CHECK_SECONDS <= 5


async def test_connection_that_dies_in_a_transaction_is_no_crash(
    database: Database, database_url: str
) -> None:
    """A write under way when PostgreSQL is killed is answered 503, not 500."""
    with pytest.raises(Unavailable):
        async with database.transaction(wait=5) as conn:
            mine = await conn.fetchval("SELECT pg_backend_pid()")
            other = await asyncpg.connect(database_url)
            dying = asyncio.create_task(conn.fetchval("SELECT pg_sleep(30)"))
            await asyncio.sleep(0)
            await other.execute("SELECT pg_terminate_backend($1)", mine)
            await other.close()
            await dying


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("cannot switch to state 11"),
        RuntimeError(
            "unable to perform operation on <TCPTransport closed=True reading=False 0x5>; the handler"
        ),
    ],
)
async def test_connection_that_postgres_gave_up_is_not_lent_again(
    database: Database, error: Exception
) -> None:
    """A connection that asyncpg has given up is closed, not lent to the next borrower."""
    lent: list[Any] = []
    with pytest.raises(Unavailable):
        async with database.connection(wait=5) as conn:
            lent.append(conn.unwrap())
            raise error
    assert lent[0].is_closed()
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT 1") == 1


async def test_worker_without_redis_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    """SAQ asks a dead Redis again at once, in ten tasks, and would take a whole core."""
    monkeypatch.setattr(patience, "REST_SECONDS", 0.3)
    client = connect(f"redis://127.0.0.1:{choose_ports(1)[0]}", blocking=True)
    queue = patience.PatientQueue(client, name="nobody")
    began = time.monotonic()
    assert await queue.dequeue(1.0) is None
    assert time.monotonic() - began >= 0.29
    await client.aclose()


async def test_listener_leaves_a_redis_that_never_answers(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a timeout, a silent connection leaves a node without pushes until it is restarted."""
    monkeypatch.setattr(bus, "SILENCE_SECONDS", 0.3)
    dead: list[asyncio.StreamWriter] = []
    proxy = Proxy("valkey", valkey.port or 0)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if dead:
            proxy.serve(reader, writer)
        else:
            dead.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = connect(valkey.url.replace(f"127.0.0.1:{valkey.port}", address), blocking=True)
    connected = asyncio.Event()
    listener = bus.Listener(
        client,
        rooms=(),
        on_message=lambda message: None,
        on_revoked=lambda revoked: None,
        on_connected=connected.set,
        on_late=lambda name: None,
    )
    listening = asyncio.create_task(listener.run())
    try:
        await asyncio.wait_for(connected.wait(), 20)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await client.aclose()
        server.close()
        for writer in dead:
            writer.close()
        await proxy.close()


@contextlib.asynccontextmanager
async def open_through_proxy(config: Config) -> AsyncIterator[tuple[Database, Proxy]]:
    """Yield the database opened through a proxy, and that proxy."""
    parts = urlsplit(config.database_url)
    proxy = Proxy("postgres", parts.port or 0)
    await proxy.start()
    far = Database(
        replace(config, database_url=config.database_url.replace(f":{parts.port}/", f":{proxy.port}/"))
    )
    try:
        await far.open()
        yield far, proxy
    finally:
        proxy.resume()
        await far.close()
        await proxy.close()


async def test_cancelled_while_postgres_hangs_is_still_cancelled(config: Config) -> None:
    """Shutdown cancels the worker's loops; one that hangs in a query would go on for ever."""
    async with open_through_proxy(config) as (far, proxy):
        borrowed = asyncio.Event()

        async def work() -> None:
            async with far.connection(wait=0.5) as conn:
                borrowed.set()
                await conn.fetchval("SELECT pg_sleep(30)")

        working = asyncio.create_task(work())
        await borrowed.wait()
        proxy.stall()
        working.cancel()
        _, unfinished = await asyncio.wait([working], timeout=8)
        assert not unfinished and working.cancelled()


async def test_loop_that_swallows_its_cancellation_is_ended() -> None:
    async def loop() -> None:
        swallowed = False
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed = True

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    await asyncio.wait_for(end_tasks([task]), 20)
    assert task.done()
