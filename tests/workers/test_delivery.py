"""Delivery writes each notification once, numbers each room without a gap, and leaves nobody out."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from uuid import uuid4

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.events import Frame
from tests.conftest import wait_until
from workers.delivery import Delivery
from workers.frames import number_frames

EVENTS = 2000


async def test_two_workers_deliver_everything_once(database, people, comment, pushed):
    users, chance, expected = await people(25), random.Random(7), Counter()
    posts = [uuid4() for _ in range(5)]

    async def write(part: int) -> None:
        written = 0
        while written < EVENTS // 4:
            async with database.transaction(wait=10) as conn:
                for _ in range(chance.randint(1, 40)):
                    actor, *told = chance.sample(users, 4)
                    for user in told:
                        expected[user] += 1
                    await comment(
                        actor, mentioned=told[:2], author=told[2], post=chance.choice(posts), conn=conn
                    )
                    written += 1

    stop = asyncio.Event()

    async def work() -> None:
        delivery = Delivery(database, pushed)
        while not stop.is_set():
            await delivery.drain()
            await asyncio.sleep(0.01)
        await delivery.drain()

    workers = [asyncio.create_task(work()) for _ in range(2)]
    await asyncio.gather(*(write(part) for part in range(4)))
    stop.set()
    await asyncio.gather(*workers)

    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        assert await conn.fetchval("SELECT count(*) FROM outbox_dead") == 0
        rows = await conn.fetch("SELECT receiver_id, event_id FROM notifications")
        counters = await conn.fetch("SELECT user_id, unread FROM notification_counters")
        rooms = await conn.fetch(
            """SELECT r.name, r.last_seq, count(f.seq) AS count, min(f.seq) AS first, max(f.seq) AS last
            FROM rooms AS r LEFT JOIN room_frames AS f ON f.room = r.name GROUP BY r.name"""
        )
    assert len({tuple(row) for row in rows}) == len(rows)
    assert Counter(row["receiver_id"] for row in rows) == expected
    assert {row["user_id"]: row["unread"] for row in counters} == dict(expected)
    assert len(rooms) == len(users) + len(posts)
    for room in rooms:
        assert (room["first"], room["last"]) == (1, room["count"])
        assert room["last_seq"] == room["last"]
        seqs = pushed.seqs(room["name"])
        assert sorted(seqs) == list(range(1, room["count"] + 1))


async def test_rooms_are_numbered_one_worker_after_the_other(database, people):
    """Who comes second waits for the first's commit, and goes on from its number."""
    frames = [(uuid4(), Frame(room, "e", {})) for room in ("a", "b", "a")]
    other = asyncio.Event()

    async def second():
        async with database.transaction(wait=5) as conn:
            other.set()
            return await number_frames(conn, list(reversed(frames)))

    # The rooms are there: their locks alone keep the two apart.
    async with database.transaction(wait=5) as conn:
        await number_frames(conn, frames)
    async with database.transaction(wait=5) as conn:
        first = await number_frames(conn, frames)
        waiting = asyncio.create_task(second())
        await other.wait()
        await asyncio.sleep(0.2)
        assert not waiting.done()
    told = first, await waiting
    numbers = [{each.room: [seq for seq, _ in each.frames] for each in one} for one in told]
    assert numbers == [{"a": [3, 4], "b": [2]}, {"a": [5, 6], "b": [3]}]


async def test_rows_that_another_worker_holds_hold_nobody_up(database, people, comment, pushed):
    ada, grace = await people(2)
    for _ in range(4):
        await comment(ada, mentioned=[grace])
    async with database.transaction(wait=5) as conn:
        held = await sql.events.claim_outbox(conn, most=2)
        assert len(held) == 2
        async with asyncio.timeout(5):
            assert await Delivery(database, pushed).drain() == 2
    assert await Delivery(database, pushed).drain() == 2
    assert pushed.seqs(f"user:{grace}") == [1, 2, 3, 4]


async def test_frames_have_the_order_of_the_events(database, people, comment, pushed):
    actor, post = (await people(1))[0], uuid4()
    for number in range(20):
        await comment(actor, post=post, body=f"{number}")
    await Delivery(database, pushed).drain()
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT frame FROM room_frames WHERE room = $1 ORDER BY seq", f"post:{post}")
    assert [row["frame"]["data"]["body"] for row in rows] == [f"{number}" for number in range(20)]


async def test_nobody_is_told_of_what_they_did_themselves(database, people, comment, pushed):
    ada, grace = await people(2)
    await comment(ada, mentioned=[ada, grace, grace], author=ada)
    await comment(ada, mentioned=[grace], author=grace)
    await Delivery(database, pushed).drain()
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT receiver_id, type FROM notifications ORDER BY id")
    # Once an event, as the first notice that names her.
    assert [tuple(row) for row in rows] == [(grace, "mention")] * 2
    assert pushed.seqs(f"user:{ada}") == []


async def test_who_is_gone_or_deactivated_is_told_nothing(database, people, comment, pushed):
    ada, grace, gone = await people(3)
    await comment(ada, mentioned=[grace, gone, uuid4()])
    async with database.transaction(wait=5) as conn:
        await conn.execute("UPDATE users SET status = 'deactivated' WHERE id = $1", grace)
        await conn.execute("DELETE FROM users WHERE id = $1", gone)
    assert await Delivery(database, pushed).drain() == 1
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM notifications") == 0
        assert await conn.fetchval("SELECT count(*) FROM notification_counters") == 0
    assert pushed.seqs(f"user:{grace}") == []


async def make_post(database, author):
    async with database.transaction(wait=5) as conn:
        return await conn.fetchval(
            "INSERT INTO posts (author_id, body) VALUES ($1, 'a post') RETURNING id", author
        )


async def test_post_deleted_before_delivery_leaves_an_entity_of_null(database, people, comment, pushed):
    ada, grace = await people(2)
    post = await make_post(database, grace)
    await comment(ada, author=grace, post=post)
    async with database.transaction(wait=5) as conn:
        await conn.execute("DELETE FROM posts WHERE id = $1", post)
    await Delivery(database, pushed).drain()
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT entity, type FROM notification_items")
    assert [tuple(row) for row in rows] == [(None, "comment")]


async def test_post_deleted_during_delivery_costs_nothing(database, people, comment, pushed):
    """The row is there when the statement begins and gone when its foreign key is checked."""
    ada, grace = await people(2)
    post, other = await make_post(database, grace), await make_post(database, grace)
    for about in (post, other, post):
        await comment(ada, author=grace, post=about)
    async with database.transaction(wait=5) as conn:
        await conn.execute("DELETE FROM posts WHERE id = $1", post)
        draining = asyncio.create_task(Delivery(database, pushed).drain())

        async def waits() -> bool:
            async with database.connection(wait=5) as watching:
                return await watching.fetchval(
                    """SELECT count(*) FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND datname = current_database()"""
                )

        await wait_until(waits)
    await draining
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT post_id FROM notifications ORDER BY id")
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        assert await conn.fetchval("SELECT unread FROM notification_counters") == 3
    assert {row["post_id"] for row in rows} == {None, other}
    assert len(rows) == 3


async def test_like_taken_back_and_given_again_tells_once(database, people, pushed):
    ada, grace = await people(2)
    post = await make_post(database, grace)
    for liked in (True, False, True):
        payload = {"postId": str(post), "userId": str(ada), "liked": liked, "likeCount": 1}
        more = {"authorId": str(grace), "excerpt": "a post"} if liked else {}
        async with database.transaction(wait=5) as conn:
            name = "post.liked" if liked else "post.unliked"
            await emit(conn, name, actor_id=ada, entity=("post", post), payload={**payload, **more})
    await Delivery(database, pushed).drain()
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM notifications") == 1
        assert await conn.fetchval("SELECT unread FROM notification_counters") == 1
    assert pushed.seqs(f"post:{post}") == [1, 2, 3]


async def test_unread_count_is_pushed_with_the_frames(database, people, comment, pushed):
    ada, grace = await people(2)
    for _ in range(3):
        await comment(ada, mentioned=[grace])
    await Delivery(database, pushed).drain()
    counts = [message.unread for message in pushed.messages if message.room == f"user:{grace}"]
    assert counts[-1] == 3
    assert all(message.unread is None for message in pushed.messages if message.room.startswith("post:"))


async def test_rolled_back_transaction_leaves_no_event(database, people, comment, pushed):
    ada, grace = await people(2)
    try:
        async with database.transaction(wait=5) as conn:
            await comment(ada, mentioned=[grace], conn=conn)
            raise LookupError
    except LookupError:
        pass
    assert await Delivery(database, pushed).drain() == 0
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM events") == 0


async def test_drain_ends_in_time_although_more_and_more_comes(database, people, comment):
    """A job that never returns would be cut off by SAQ in the middle of a batch."""
    ada, grace = await people(2)

    async def publish(messages) -> None:
        await comment(ada, mentioned=[grace])

    await comment(ada, mentioned=[grace])
    delivery = Delivery(database, publish)
    async with asyncio.timeout(5):
        assert await delivery.drain(seconds=0.2) > 1


async def test_drain_asked_for_during_another_finds_what_came_meanwhile(database, people, comment):
    ada, grace = await people(2)
    delivered: list[int] = []

    async def publish(messages) -> None:
        if not delivered:
            delivered.append(1)
            await comment(ada, mentioned=[grace])
            assert await delivery.drain() == 0

    delivery = Delivery(database, publish)
    await comment(ada, mentioned=[grace])
    assert await delivery.drain() == 2
