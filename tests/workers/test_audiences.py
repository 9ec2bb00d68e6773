"""A large audience is told in parts, and a worker that continues tells nobody twice."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from uuid import uuid4

import pytest

from nexcorp.db import sql
from nexcorp.delivery.events import Audience, Notice
from nexcorp.features import PRODUCT
from nexcorp.features.posts.service import create_post, move_post
from tests.callers import make_caller
from tests.workers.products import emit_news, make_product
from workers import delivery as module
from workers.delivery import AUDIENCE_PART, Delivery
from workers.metrics import DELIVERED

MANY = 2500


EVERYONE = Audience(sql.telling.list_everyone_after)


def announce(receivers=lambda event: EVERYONE, once_key=lambda event: None, first=()):
    """Return a product whose only event is told to an audience."""
    return make_product(*first, Notice("follow", "{actor} has news", receivers, once_key=once_key))


async def tell(database, expected):
    """Check that everybody in `expected` has one notification, counted once, and a room with one frame."""
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        receivers = [row["receiver_id"] for row in await conn.fetch("SELECT receiver_id FROM notifications")]
        assert await conn.fetchval("SELECT count(*) FROM notification_counters WHERE unread = 1") == len(
            expected
        )
        assert await conn.fetchval("SELECT count(*) FROM rooms WHERE last_seq = 1") == len(expected) + 1
        assert await conn.fetchval("SELECT count(*) FROM room_frames") == len(expected) + 1
    assert sorted(receivers) == sorted(expected)


async def written(database):
    async with database.connection(wait=5) as conn:
        return await conn.fetchval("SELECT count(*) FROM notifications")


@pytest.fixture
async def crowd(people):
    return await people(MANY)


async def test_parts_go_on_where_a_dead_worker_stopped(database, crowd):
    actor = crowd[7]

    async def die(messages) -> None:
        raise RuntimeError("killed after the commit")

    await emit_news(database, actor=actor)
    for part in (1, 2):
        # The worker does one batch and stops.
        await Delivery(database, die, announce()).drain(seconds=0)
        assert await written(database) == part * AUDIENCE_PART - 1
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT receivers_after FROM outbox") == crowd[2 * AUDIENCE_PART - 1]
    await Delivery(database, die, announce()).drain()
    await tell(database, [user for user in crowd if user != actor])


async def test_worker_killed_inside_a_part_leaves_nothing_of_it(database, crowd, pushed):
    actor, calls = crowd[0], 0

    def once_key(event) -> None:
        nonlocal calls
        calls += 1
        if calls == AUDIENCE_PART + 500:
            raise asyncio.CancelledError

    await emit_news(database, actor=actor)
    with pytest.raises(asyncio.CancelledError):
        await Delivery(database, pushed, announce(once_key=once_key)).drain()
    assert await written(database) == AUDIENCE_PART - 1
    assert await Delivery(database, pushed, announce()).drain() == 2
    await tell(database, crowd[1:])


async def test_two_workers_share_an_audience(database, crowd, pushed):
    await emit_news(database, actor=crowd[-1])
    workers = [Delivery(database, pushed, announce()) for _ in range(2)]
    while await sql_depth(database):
        await asyncio.gather(*(worker.drain() for worker in workers))
    await tell(database, crowd[:-1])


async def sql_depth(database):
    async with database.connection(wait=5) as conn:
        return (await sql.events.get_outbox_depth(conn))["depth"]


async def test_audience_of_exactly_one_part(database, people, pushed):
    crowd = await people(AUDIENCE_PART)
    await emit_news(database)
    await Delivery(database, pushed, announce()).drain()
    await tell(database, crowd)


async def test_who_is_named_and_in_the_audience_is_told_once(database, crowd, pushed):
    named = [crowd[0], crowd[-1], crowd[1500]]
    first = (Notice("mention", "{actor} named you", lambda event: named),)
    await emit_news(database)
    await Delivery(database, pushed, announce(first=first)).drain()
    await tell(database, crowd)
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT receiver_id FROM notifications WHERE type = 'mention'")
    assert sorted(row["receiver_id"] for row in rows) == sorted(named)


async def test_who_is_deactivated_is_in_no_part(database, people, pushed):
    """An audience's statement may also list deactivated people."""
    star, *crowd = await people(1101)
    async with database.transaction(wait=5) as conn:
        await conn.execute("UPDATE users SET status = 'deactivated' WHERE id = $1", crowd[3])

    async def list_part(conn, after, most, but):
        return await conn.fetch(
            "SELECT id AS receiver_id FROM users WHERE id > $1 AND id <> $3 ORDER BY id LIMIT $2",
            after,
            most,
            but,
        )

    await emit_news(database, actor=star)
    product = announce(lambda event: Audience(list_part, but=crowd[-1]))
    await Delivery(database, pushed, product).drain()
    await tell(database, [user for user in crowd[:-1] if user != crowd[3]])


async def test_two_audiences_of_one_event_are_refused(database, people, pushed):
    """The outbox row stores the progress of one audience only."""
    await people(2)
    await emit_news(database)
    other = (Notice("mention", "", lambda event: EVERYONE),)
    assert await Delivery(database, pushed, announce(first=other)).drain() == 1
    async with database.connection(wait=5) as conn:
        assert "two audiences" in await conn.fetchval("SELECT last_error FROM outbox")
        assert await written(database) == 0


async def test_rows_beyond_a_full_batch_keep_their_turn(database, people, pushed, monkeypatch):
    """The first worker leaves rows that exceed its batch; the next batch of any worker has them in order."""
    monkeypatch.setattr(module, "MAX_TOLD", 10)
    crowd = await people(7)
    product = make_product(Notice("news", "", lambda event: crowd), rooms=("thing",))
    thing = uuid4()
    for number in range(5):
        await emit_news(database, thing, n=number)
    first, second = (Delivery(database, pushed, product) for _ in range(2))
    # One batch, including its push.
    assert await first.drain(seconds=0) == 5
    assert (await written(database), await sql_depth(database)) == (14, 3)
    assert await second.drain() == 3 + 1
    assert [frame["data"]["n"] for frame in pushed.frames(f"thing:{thing}")] == list(range(5))
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT max(attempts) FROM outbox") is None
        assert await conn.fetchval("SELECT count(*) FROM notification_counters WHERE unread = 5") == 7


async def test_moves_of_a_project_are_told_in_parts(database, people, pushed, monkeypatch):
    """However many people are interested, no event and no transaction holds all of them."""
    monkeypatch.setattr(module, "AUDIENCE_PART", 500)
    monkeypatch.setattr(module, "MAX_TOLD", 500)
    author, manager, assignee, *keen = await people(3003)
    parts = []
    async with database.transaction(wait=5) as conn:
        post = await create_post(conn, author, {"type": "project", "title": "Idea", "body": "text"})
        await conn.execute(
            "INSERT INTO interests (post_id, user_id) SELECT $1, unnest($2::uuid[])", post["id"], keen
        )
        await conn.execute("UPDATE posts SET assignee_id = $2 WHERE id = $1", post["id"], assignee)
        await move_post(conn, make_caller(manager, "post:assign"), post["id"], "in_progress")
        events = await conn.fetch("SELECT type, pg_column_size(payload) AS size FROM events")
    assert all(row["size"] < 2000 for row in events)

    delivered, worker = DELIVERED._value.get(), Delivery(database, pushed, PRODUCT)
    while await sql_depth(database):
        await worker.drain(seconds=0)
        parts.append(await written(database))
    assert DELIVERED._value.get() == delivered + len(events)
    assert len(parts) > 6
    assert max(after - before for before, after in pairwise([0, *parts])) <= 500
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        rows = await conn.fetch("SELECT receiver_id, type FROM notifications")
    assert {row["type"] for row in rows} == {"project_status"}
    assert sorted(row["receiver_id"] for row in rows) == sorted([author, assignee, *keen])
