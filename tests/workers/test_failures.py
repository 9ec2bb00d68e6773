"""An event that fails delays no other, is retried, and ends in a table that operators look at."""

from __future__ import annotations

from uuid import uuid4

import pytest

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.events import SILENT, Audience, Notice
from nexcorp.errors import Unavailable
from nexcorp.features import FEATURES, PRODUCT
from nexcorp.manifest import Feature, Product
from tests.workers.products import emit_news, make_product
from workers import delivery as delivery_module
from workers.delivery import Delivery
from workers.metrics import FAILED


async def count(database, table):
    async with database.connection(wait=5) as conn:
        return await conn.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of this file


async def emit_unknown(database):
    async with database.transaction(wait=5) as conn:
        await emit(conn, "not.in.catalogue", actor_id=None, entity=("thing", uuid4()), payload={})


async def test_poisoned_events_do_not_hold_up_the_others(database, people, comment, pushed):
    ada, grace = await people(2)
    for number in range(10):
        await comment(ada, mentioned=[grace], spoil="postId" if number == 4 else None)
    await comment(ada, mentioned=["not an id"])
    await emit_unknown(database)
    await comment(ada, mentioned=[grace])
    await Delivery(database, pushed, PRODUCT).drain()
    async with database.connection(wait=5) as conn:
        left = await conn.fetch(
            "SELECT attempts, last_error, next_at > now() AS later FROM outbox ORDER BY id"
        )
        assert await conn.fetchval("SELECT unread FROM notification_counters WHERE user_id = $1", grace) == 10
    assert [(row["attempts"], row["later"]) for row in left] == [(1, True)] * 3
    assert [row["last_error"].partition(":")[0] for row in left] == ["KeyError", "ValueError", "UnknownEvent"]
    assert pushed.seqs(f"user:{grace}") == list(range(1, 11))


async def test_retries_wait_longer_each_time_and_the_tenth_is_the_last(database, pushed):
    await emit_unknown(database)
    delivery, waits = Delivery(database, pushed, PRODUCT), []
    for attempt in range(1, 10):
        assert await delivery.drain() == 1
        async with database.connection(wait=5) as conn:
            row = await conn.fetchrow(
                "SELECT attempts, extract(epoch FROM next_at - now())::float8 AS wait FROM outbox"
            )
            assert row["attempts"] == attempt
            waits.append(row["wait"])
            # The row is not due yet, so it is not tried.
            assert await delivery.drain() == 0
            await conn.execute("UPDATE outbox SET next_at = now()")
    for wait, planned in zip(waits, (1, 2, 4, 8, 16, 32, 64, 128, 256), strict=True):
        assert planned - 2 < wait <= planned
    assert await delivery.drain() == 1
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        dead = await conn.fetchrow("SELECT attempts, last_error FROM outbox_dead")
    assert dead["attempts"] == 10
    assert "not.in.catalogue" in dead["last_error"]


async def test_row_that_is_mended_is_delivered(database, pushed):
    """After a deploy, a worker that knows the event replaces one that does not."""
    await emit_unknown(database)
    await Delivery(database, pushed, PRODUCT).drain()
    async with database.transaction(wait=5) as conn:
        await conn.execute("UPDATE outbox SET next_at = now()")
    knowing = Product([*FEATURES, Feature(name="new", events={"not.in.catalogue": SILENT})])
    assert await Delivery(database, pushed, knowing).drain() == 1
    assert (await count(database, "outbox"), await count(database, "outbox_dead")) == (0, 0)


async def test_database_that_goes_away_costs_no_attempt(database, people, comment, pushed, monkeypatch):
    ada, grace = await people(2)
    await comment(ada, mentioned=[grace])
    delivery = Delivery(database, pushed, PRODUCT)
    real = delivery.index

    async def cut(conn, events):
        await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        await real(conn, events)

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "index", cut)
        with pytest.raises(Unavailable):
            await delivery.drain()
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT attempts FROM outbox") == 0
    assert await delivery.drain() == 1
    assert pushed.seqs(f"user:{grace}") == [1]


async def test_statement_that_takes_too_long_is_of_its_row_or_of_nobody(database, people, monkeypatch):
    """A row with a slow statement is postponed; if the claim times out, the drain fails without counting."""
    ada = (await people(1))[0]

    async def hang(conn, after, most):
        raise TimeoutError

    def receivers(event):
        return Audience(hang) if "slow" in event.payload else [ada]

    slow = make_product(Notice("news", "", receivers))
    for data in ({"n": 0}, {"slow": True}, {"n": 2}):
        await emit_news(database, **data)
    delivery = Delivery(database, lambda messages: done(), slow)
    assert await delivery.drain() == 3
    async with database.connection(wait=5) as conn:
        left = await conn.fetchrow("SELECT count(*), max(attempts), max(last_error) FROM outbox")
    assert tuple(left)[:2] == (1, 1)
    assert "TimedOut" in left[2]

    async def claim(conn, **lanes):
        raise TimeoutError

    monkeypatch.setattr(sql.events, "claim_outbox", claim)
    with pytest.raises(Unavailable):
        await delivery.drain()


async def done():
    pass


async def test_push_that_fails_is_no_failure_of_a_row(database, people):
    """This holds for rows tried one by one as well: parts of a large audience must not wait for Redis."""
    crowd = await people(2500)
    failed = FAILED._value.get()
    everyone = Notice("news", "", lambda event: Audience(sql.telling.list_everyone_after))

    async def fail(messages) -> None:
        raise RuntimeError("no Redis")

    await emit_news(database)
    await emit_unknown(database)
    await Delivery(database, fail, make_product(everyone)).drain()
    assert await count(database, "notifications") == len(crowd)
    async with database.connection(wait=5) as conn:
        # Only the unknown event has failed, perhaps twice if the rest took longer than its pause of a second.
        (row,) = await conn.fetch("SELECT attempts FROM outbox")
    assert FAILED._value.get() == failed + row["attempts"]


async def test_push_that_fails_loses_nothing(database, people, comment, pushed):
    ada, grace = await people(2)

    async def fail(messages) -> None:
        raise RuntimeError("no Redis")

    await comment(ada, mentioned=[grace])
    await Delivery(database, fail, PRODUCT).drain()
    assert (await count(database, "outbox"), await count(database, "room_frames")) == (0, 2)
    # The next worker continues with the next number.
    await comment(ada, mentioned=[grace])
    await Delivery(database, pushed, PRODUCT).drain()
    assert pushed.seqs(f"user:{grace}") == [2]


async def test_event_without_its_trail_is_postponed(database, pushed):
    """The event's partition was dropped by retention: the row must not be retried without a pause."""
    async with database.transaction(wait=5) as conn:
        await conn.execute(
            "INSERT INTO outbox (event_id, event_at) VALUES (uuidv7(), now() - interval '1 year')"
        )
    assert await Delivery(database, pushed, PRODUCT).drain() == 1
    async with database.connection(wait=5) as conn:
        row = await conn.fetchrow("SELECT attempts, last_error FROM outbox")
    assert row["attempts"] == 1
    assert "UnknownEvent" in row["last_error"]


async def test_last_error_is_bounded(database, people, comment, pushed):
    ada = (await people(1))[0]
    await comment(ada, mentioned=["x" * 5000])
    await Delivery(database, pushed, PRODUCT).drain()
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT length(last_error) FROM outbox") <= 500


async def test_what_somebody_holds_delays_only_what_needs_it(database, people, comment, pushed, monkeypatch):
    """A forgotten session locks one row: only rows that need it wait, and waiting is not a failure."""
    monkeypatch.setattr(delivery_module, "LOCK_SECONDS", 0.1)
    ada, grace, linus = await people(3)
    await comment(ada, mentioned=[grace])
    delivery = Delivery(database, pushed, PRODUCT)
    await delivery.drain()
    async with database.connection(wait=5) as conn:
        async with database.transaction(wait=5) as holder:
            await holder.execute("SELECT FROM rooms WHERE name = $1 FOR UPDATE", f"user:{grace}")
            await comment(ada, mentioned=[grace])
            await comment(ada, mentioned=[linus])
            await comment(ada, mentioned=[grace])
            for _ in range(12):
                await conn.execute("UPDATE outbox SET next_at = now()")
                await delivery.drain()
            assert pushed.seqs(f"user:{linus}") == [1]
            left = await conn.fetch("SELECT attempts, last_error, next_at > now() AS later FROM outbox")
            assert [tuple(row) for row in left] == [(0, "waits for a lock", True)] * 2
        await conn.execute("UPDATE outbox SET next_at = now()")
    await delivery.drain()
    assert pushed.seqs(f"user:{grace}") == [1, 2, 3]
    assert (await count(database, "outbox"), await count(database, "outbox_dead")) == (0, 0)
