"""Workers share the outbox by lanes, each entity keeps its order, and no worker waits for one that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.delivery.events import Audience, Notice
from nexcorp.errors import Unavailable
from nexcorp.features import PRODUCT
from nexcorp.manifest import Product
from tests.conftest import wait_until
from tests.workers.products import emit_news, make_product, thing_in
from workers import settings
from workers.delivery import LANES, Delivery
from workers.settings import IDLE_SECONDS, beat

ALL = list(range(LANES))
SILENT = make_product()


async def claim(conn: Any, lanes: list[int] = ALL, most_lanes: int = LANES, most: int = 500) -> set[int]:
    """Claim rows in a worker's transaction; return their lanes."""
    rows = await sql.events.claim_outbox(conn, lanes=lanes, most_lanes=most_lanes, most=most)
    return {row["lane"] for row in rows}


async def fill_lanes(database: Database, times: int = 1) -> None:
    """Emit `times` events in each lane."""
    for _ in range(times):
        for lane in ALL:
            await emit_news(database, thing_in(lane))


class Gate:
    """An audience that cannot be read until the test opens the gate; a worker hangs in its transaction."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self.product = make_product(Notice("news", "", lambda event: Audience(self.list_part)))

    async def list_part(self, conn: Any, after: UUID, most: int) -> list[Any]:
        self.reached.set()
        await self.opened.wait()
        return []


async def left(database: Database) -> int:
    async with database.connection(wait=5) as conn:
        return int(await conn.fetchval("SELECT count(*) FROM outbox"))


async def test_every_lane_that_sql_gives_is_asked_for(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch(
            "SELECT DISTINCT find_lane(gen_random_uuid()) AS lane FROM generate_series(1, 2000) ORDER BY lane"
        )
        assert [row["lane"] for row in rows] == ALL
        for lane in (0, 7, 15):
            assert await conn.fetchval("SELECT find_lane($1)", thing_in(lane)) == lane


async def test_two_workers_share_the_lanes(database: Database, pushed: Any) -> None:
    """The first worker takes half of them, the second the other half at the same time."""
    await fill_lanes(database, 2)
    gate = Gate()
    first, second = Delivery(database, pushed, gate.product), Delivery(database, pushed, SILENT)
    first.workers = second.workers = 2
    delivering = asyncio.create_task(first.deliver_batch())
    await gate.reached.wait()
    assert await second.drain() == LANES
    assert await left(database) == LANES
    gate.opened.set()
    assert await delivering == LANES
    assert await left(database) == 0


async def test_worker_that_is_alone_takes_all_lanes(database: Database, pushed: Any) -> None:
    await fill_lanes(database)
    assert await Delivery(database, pushed, SILENT).deliver_batch() == LANES


async def test_no_two_workers_are_at_one_lane(database: Database) -> None:
    """A lane stays with its worker even if that claims only some of its rows."""
    for number in range(4):
        await emit_news(database, thing_in(3), n=number)
    async with database.transaction(wait=5) as one, database.transaction(wait=5) as two:
        assert await claim(one, most=2) == {3}
        assert await claim(two) == set()
        rows = await one.fetch("SELECT id FROM outbox ORDER BY id")
        # A worker whose batch failed tries single rows, and cannot claim these either.
        for row in rows:
            assert await sql.events.claim_outbox_row(two, lane=3, row_id=row["id"]) == []
    async with database.transaction(wait=5) as two:
        assert await claim(two) == {3}


async def test_more_workers_than_lanes(database: Database) -> None:
    """Of 40 workers 16 have a lane each; the others get nothing until one of these is done."""
    await fill_lanes(database)
    share, taken = -(-LANES // 40), []
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(LANES):
            conn = await stack.enter_async_context(database.transaction(wait=5))
            taken.append(await claim(conn, most_lanes=share))
        assert [len(lanes) for lanes in taken] == [1] * LANES
        assert set().union(*taken) == set(ALL)
        async with asyncio.timeout(20), database.transaction(wait=5) as conn:
            assert await claim(conn, most_lanes=share) == set()
    async with database.transaction(wait=5) as conn:
        assert len(await claim(conn, most_lanes=share)) == 1


async def test_events_of_one_entity_keep_their_order(database: Database, pushed: Any) -> None:
    """The order holds whichever of three workers has the lane, also while events are being written."""
    product, things = make_product(rooms=("thing",)), [uuid4() for _ in range(30)]
    stop = asyncio.Event()

    async def work() -> None:
        delivery = Delivery(database, pushed, product)
        delivery.workers = 3
        while not stop.is_set() or await left(database):
            await delivery.drain()
            await asyncio.sleep(0.002)

    async def write(part: int) -> None:
        for number in range(30):
            for thing in things[part::3]:
                await emit_news(database, thing, n=number)

    workers = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.gather(*(write(part) for part in range(3)))
    stop.set()
    await asyncio.gather(*workers)
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT room, data FROM room_frames ORDER BY room, seq")
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["room"], []).append(row["data"]["n"])
    assert found == {f"thing:{thing}": list(range(30)) for thing in things}


async def test_row_that_an_operator_holds_holds_up_itself_alone(database: Database, pushed: Any) -> None:
    thing = uuid4()
    for number in range(4):
        await emit_news(database, thing, n=number)
    delivery = Delivery(database, pushed, make_product(rooms=("thing",)))
    async with database.transaction(wait=5) as operator:
        ids = [row["id"] for row in await operator.fetch("SELECT id FROM outbox ORDER BY id")]
        await operator.execute("SELECT FROM outbox WHERE id = $1 FOR UPDATE", ids[1])
        async with asyncio.timeout(20):
            assert await delivery.drain() == 3
            # The drain does not retry the row meanwhile.
            assert await delivery.drain() == 0
        assert await operator.fetchval("SELECT array_agg(id) FROM outbox") == ids[1:2]
    assert await delivery.drain() == 1
    assert [frame["data"]["n"] for frame in pushed.frames(f"thing:{thing}")] == [0, 2, 3, 1]


@contextlib.asynccontextmanager
async def open_as_worker(config: Config, idle_seconds: int) -> AsyncIterator[Database]:
    """Yield the database with the options that a worker uses."""
    database = Database(config, application="nexcorp worker", idle_seconds=idle_seconds)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def test_worker_that_stands_still_in_its_transaction_gives_its_lanes_up(
    config: Config, database: Database, pushed: Any
) -> None:
    """PostgreSQL ends its transaction; the worker notices, counts no attempt, and goes on."""
    await fill_lanes(database)
    gate = Gate()
    async with open_as_worker(config, 1) as own:
        hanging = Delivery(own, pushed, gate.product)
        hanging.workers = 2
        standing = asyncio.create_task(hanging.drain())
        await gate.reached.wait()
        other = Delivery(database, pushed, SILENT)
        other.workers = 2
        assert await other.drain() == LANES // 2

        async def given_up() -> bool:
            return bool(await other.drain())

        await wait_until(given_up)
        gate.opened.set()
        with pytest.raises(Unavailable):
            await standing
        await emit_news(database)
        assert await hanging.drain() == 1
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM room_frames") == LANES + 1
        assert await conn.fetchval("SELECT count(*) FROM outbox_dead") == 0


HALTED = """
import asyncio, os, signal, sys
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.delivery.events import Audience, Notice
from nexcorp.errors import Unavailable
from tests.workers.products import make_product
from workers.delivery import Delivery
from workers.settings import IDLE_SECONDS

halted = False

async def halt(conn, after, most):
    global halted
    if not halted:
        halted = True
        os.kill(os.getpid(), signal.SIGSTOP)
    return []

async def push(messages):
    pass

async def main():
    database = Database(Config(database_url=sys.argv[1]), idle_seconds=IDLE_SECONDS)
    await database.open()
    delivery = Delivery(database, push, make_product(Notice("news", "", lambda event: Audience(halt))))
    delivery.workers = 2
    try:
        await delivery.drain()
    except Unavailable as error:
        print(error.code)
    print(await delivery.drain())
    await database.close()

asyncio.run(main())
"""


async def test_process_that_is_halted_gives_its_lanes_up(
    config: Config, database: Database, pushed: Any
) -> None:
    """After SIGSTOP, or on a machine that stalls, other workers get its lanes within IDLE_SECONDS."""
    await fill_lanes(database)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HALTED, config.database_url), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None

        async def halted() -> bool:
            async with database.connection(wait=5) as conn:
                return bool(
                    await conn.fetchval(
                        """SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND state = 'idle in transaction'
                            AND state_change < now() - interval '0.1 s'"""
                    )
                )

        await wait_until(halted)
        other, began = Delivery(database, pushed, SILENT), time.monotonic()
        other.workers = 2
        assert await other.drain() == LANES // 2
        assert time.monotonic() - began < IDLE_SECONDS

        async def given_up() -> bool:
            return bool(await other.drain())

        await wait_until(given_up, IDLE_SECONDS + 2)
        assert await left(database) == 0
        os.kill(process.pid, signal.SIGCONT)
        async with asyncio.timeout(20):
            assert (await process.stdout.read()).split() == [b"database_unavailable", b"0"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM room_frames") == LANES


HALTED_IN_A_STATEMENT = """
import asyncio, asyncpg, os, signal, sys

async def main():
    conn = await asyncpg.connect(sys.argv[1], server_settings={"idle_in_transaction_session_timeout": "1s"})
    await conn.execute("BEGIN")
    await conn.execute("SELECT pg_advisory_xact_lock(x'6e6578'::integer, l) FROM generate_series(0, 7) AS l")
    # Its text is sent to be prepared; the answer, which it would be run after, is not read any more.
    asyncio.create_task(conn.fetch("SELECT 'halted'"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGSTOP)

asyncio.run(main())
"""


async def test_process_that_is_halted_in_a_statement_loses_its_lanes_at_a_beat(
    config: Config, database: Database, pushed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL takes the connection for active, not idle, so only another worker can end it."""
    monkeypatch.setattr(settings, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(settings, "IDLE_SECONDS", 2)
    await fill_lanes(database)
    other = Delivery(database, pushed, SILENT)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HALTED_IN_A_STATEMENT, config.database_url)
    )

    async def halted() -> bool:
        async with database.connection(wait=5) as conn:
            return bool(
                await conn.fetchval(
                    """SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND state = 'active' AND wait_event = 'ClientRead'
                        AND state_change < now() - interval '1.5 s'"""
                )
            )

    async def given_up() -> bool:
        return bool(await other.drain())

    try:
        await wait_until(halted)
        assert await other.drain() == LANES // 2
        beating = asyncio.create_task(beat(database, "another", other))
        await wait_until(given_up)
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        assert await left(database) == 0
    finally:
        process.kill()
        await process.wait()


async def test_worker_hears_at_its_beats_how_many_there_are(
    database: Database, pushed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "BEAT_SECONDS", 0.05)
    deliveries = [Delivery(database, pushed, PRODUCT) for _ in range(3)]
    beats = [
        asyncio.create_task(beat(database, f"worker {number}", delivery))
        for number, delivery in enumerate(deliveries)
    ]

    def heard(count: int, of: list[Delivery]) -> Any:
        async def check() -> bool:
            return all(delivery.workers == count for delivery in of)

        return wait_until(check)

    try:
        await heard(3, deliveries)
        beats[0].cancel()
        async with database.connection(wait=5) as conn:
            await sql.events.end_beat(conn, worker_id="worker 0")
        await heard(2, deliveries[1:])
        # A worker that stopped without a word does not count either.
        beats[1].cancel()
        async with database.connection(wait=5) as conn:
            await conn.execute(
                "UPDATE worker_heartbeats SET seen_at = now() - interval '16 s' WHERE worker_id = 'worker 1'"
            )
        await heard(1, deliveries[2:])
    finally:
        for task in beats:
            task.cancel()
        await asyncio.gather(*beats, return_exceptions=True)


async def test_two_workers_of_one_host_are_two(config: Config, database: Database) -> None:
    """Containers may share a host name and process ids; worker ids differ all the same."""
    stop = asyncio.Event()
    running = [asyncio.create_task(settings.serve(config, stop, Product([]))) for _ in range(2)]

    async def both() -> bool:
        async with database.connection(wait=5) as conn:
            return await sql.events.count_live_workers(conn) == 2

    try:
        await wait_until(both)
    finally:
        stop.set()
        await asyncio.gather(*running)
