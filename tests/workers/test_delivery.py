"""Delivery writes each notification once, numbers each room without a gap, and leaves nobody out."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import structlog

from nexcorp.db import Database
from nexcorp.delivery import emit
from nexcorp.delivery.events import Event, Frame, Notice
from nexcorp.features import PRODUCT
from tests.workers.products import NEWS, emit_news, make_product
from workers import delivery as module
from workers.batch import Batch, Told
from workers.delivery import Delivery
from workers.telling import tell

EVENTS = 2000
READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'outbox'"
# Rooms with a gap: in one snapshot, the numbers of a room must be all from 1 on.
GAPS = "SELECT room FROM room_frames GROUP BY room HAVING max(seq) <> count(*)"


async def test_two_workers_deliver_everything_once(database, people, comment, pushed):
    users, chance, expected = await people(25), random.Random(7), Counter()
    posts = [uuid4() for _ in range(40)]

    async def write() -> None:
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

    stop, shares = asyncio.Event(), [0, 0]

    async def work(number: int) -> None:
        delivery = Delivery(database, pushed, PRODUCT)
        delivery.workers = 2
        while not stop.is_set():
            shares[number] += await delivery.drain()
            await asyncio.sleep(0.01)
        await delivery.drain()

    async def watch() -> None:
        while not stop.is_set():
            async with database.connection(wait=5) as conn:
                assert await conn.fetch(GAPS) == []
            await asyncio.sleep(0.01)

    with structlog.testing.capture_logs() as logs:
        workers = [asyncio.create_task(work(number)) for number in range(2)]
        watching = asyncio.create_task(watch())
        await asyncio.gather(*(write() for _ in range(4)))
        stop.set()
        await asyncio.gather(*workers, watching)
        # Rows of lanes that the other worker held.
        await Delivery(database, pushed, PRODUCT).drain()
    # A deadlock would be logged.
    assert logs == []
    assert min(shares) > 0

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


def make_batch(chance: random.Random, users: list[UUID], rooms: list[str], lane: int) -> Batch:
    """Return events for random rooms and receivers; some share a once-key with other events of the lane."""
    batch = Batch()
    for _ in range(chance.randint(1, 30)):
        event = Event(uuid4(), "t", None, "thing", uuid4(), {}, datetime.now(UTC))
        key = chance.choice([None, f"{lane}: {chance.randint(1, 40)}"])
        notice = Notice("like", "", lambda event: (), once_key=lambda event, key=key: key)
        batch.told += [Told(event, notice, user) for user in chance.sample(users, chance.randint(0, 5))]
        frames = [Frame(room, "x", event.entity, {}, ()) for room in chance.choices(rooms, k=3)]
        batch.frames += [(event.id, frame) for frame in frames]
    return batch


async def test_batches_of_any_overlap_do_not_block_each_other_for_good(database, people):
    """Lanes share rooms and receivers; a fixed order of locks keeps workers from deadlocks."""
    users, chance = await people(12), random.Random(5)
    rooms = [f"room {number}" for number in range(30)] + [f"user:{user}" for user in users]
    told = 0

    async def deliver(lane: int) -> None:
        nonlocal told
        for _ in range(60):
            batch = make_batch(chance, users, rooms, lane)
            async with database.transaction(wait=10) as conn:
                rows = await tell(conn, batch, PRODUCT)
            told += len(rows)

    await asyncio.gather(*(deliver(lane) for lane in range(3)))
    async with database.connection(wait=5) as conn:
        assert await conn.fetch(GAPS) == []
        assert await conn.fetchval("SELECT sum(last_seq) FROM rooms") == told
        assert await conn.fetchval("SELECT count(*) FROM room_frames") == told
        assert (
            await conn.fetchval(
                """SELECT count(*) FROM notification_counters AS c
            WHERE c.unread <> (SELECT count(*) FROM notifications AS n WHERE n.receiver_id = c.user_id)"""
            )
            == 0
        )


async def number(conn, rooms):
    """Return the numbers that new frames get, by room."""
    batch = Batch(frames=[(uuid4(), Frame(room, "e", ("thing", uuid4()), {}, ())) for room in rooms])
    found: dict[str, list[int]] = {}
    for row in await tell(conn, batch, PRODUCT):
        found.setdefault(row["room"], []).append(row["seq"])
    return found


async def test_rooms_are_numbered_one_worker_after_the_other(database):
    """The second worker waits for the first one's commit and continues its numbers, also in a new room."""
    other = asyncio.Event()

    async def second():
        async with database.transaction(wait=5) as conn:
            other.set()
            return await number(conn, ("a", "b", "a"))

    async with database.transaction(wait=5) as conn:
        await number(conn, ("a", "a"))
    async with database.transaction(wait=5) as conn:
        first = await number(conn, ("b", "a", "b"))
        waiting = asyncio.create_task(second())
        await other.wait()
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert [first, await waiting] == [{"a": [3], "b": [1, 2]}, {"a": [4, 5], "b": [3]}]


async def test_frames_have_the_order_of_the_events_and_notifications_come_last(
    database, people, comment, pushed
):
    ada, grace = await people(2)
    post, ids = uuid4(), []
    for _ in range(20):
        await comment(ada, mentioned=[grace], post=post)
    async with database.transaction(wait=5) as conn:
        session = {"actor_id": grace, "entity": ("user", grace), "root": post}
        await emit(conn, "notifications.read", payload={"updated": 2}, **session)
        ids = [row["id"] for row in await conn.fetch("SELECT id FROM events ORDER BY id")]
    await Delivery(database, pushed, PRODUCT).drain()
    assert await read_events(database, f"post:{post}") == ids[:20]
    # The bulk event comes first: the notifications that it marked as read are older than these.
    assert await read_events(database, f"user:{grace}") == [ids[20], *ids[:20]]
    assert [frame["event"] for frame in pushed.frames(f"user:{grace}")] == [
        "notifications:bulk-updated",
        *["notification:created"] * 20,
    ]


async def read_events(database, room):
    """Return the event ids of a room's frames, in the order of their numbers."""
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT event_id FROM room_frames WHERE room = $1 ORDER BY seq", room)
    return [row["event_id"] for row in rows]


async def test_several_events_of_a_batch_tell_a_receiver_each_for_itself(database, people):
    """Two events tell one receiver in one statement: two rows, two frames, one counter. Of two with the same
    once-key the first counts, even within one batch."""
    ada, grace = await people(2)
    mention = Notice("mention", "", lambda event: (), once_key=lambda event: "mention")
    comment = Notice("comment", "", lambda event: ())
    events = [Event(UUID(int=n), "t", ada, "thing", uuid4(), {}, datetime.now(UTC)) for n in range(3)]
    batch = Batch(
        told=[
            Told(event, notice, grace)
            for event, notice in ((events[0], comment), (events[1], mention), (events[2], mention))
        ]
    )
    async with database.transaction(wait=5) as conn:
        frames = await tell(conn, batch, PRODUCT)
        rows = await conn.fetch("SELECT id, event_id, type, params FROM notifications ORDER BY id")
        assert await conn.fetchval("SELECT unread FROM notification_counters") == 2
    assert [(row["event_id"].int, row["type"], row["params"]) for row in rows] == [
        (0, "comment", {}),
        (1, "mention", {}),
    ]
    assert [(row["seq"], row["entity_id"]) for row in frames] == [
        (1, rows[0]["id"]),
        (2, rows[1]["id"]),
    ]


async def test_notification_that_leads_nowhere(database, people, pushed):
    """A notification without an entity has NULL in both columns, and is rendered with null."""
    ada = (await people(1))[0]
    event = Event(uuid4(), "t", None, "thing", uuid4(), {"to": "done"}, datetime.now(UTC))
    notice = Notice("project_status", "", lambda event: (), entity=lambda event: None, params=("from", "to"))
    async with database.transaction(wait=5) as conn:
        frames = await tell(conn, Batch(told=[Told(event, notice, ada)]), PRODUCT)
        row = await conn.fetchrow("SELECT entity_type, entity_id, params FROM notifications")
    assert tuple(row) == (None, None, {"from": None, "to": "done"})
    await Delivery(database, pushed, PRODUCT).pusher.push(frames)
    assert pushed.frames(f"user:{ada}")[0]["data"]["entity"] is None


async def test_nobody_is_told_of_what_they_did_themselves(database, people, comment, pushed):
    ada, grace = await people(2)
    await comment(ada, mentioned=[ada, grace, grace], author=ada)
    await comment(ada, mentioned=[grace], author=grace)
    await Delivery(database, pushed, PRODUCT).drain()
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT receiver_id, type FROM notifications ORDER BY id")
    # One notification for each event, of the first notice that names her.
    assert [tuple(row) for row in rows] == [(grace, "mention")] * 2
    assert pushed.seqs(f"user:{ada}") == []


async def test_who_is_gone_or_deactivated_is_told_nothing(database, people, comment, pushed):
    ada, grace, gone = await people(3)
    await comment(ada, mentioned=[grace, gone, uuid4()])
    async with database.transaction(wait=5) as conn:
        await conn.execute("UPDATE users SET status = 'deactivated' WHERE id = $1", grace)
        await conn.execute("DELETE FROM users WHERE id = $1", gone)
    assert await Delivery(database, pushed, PRODUCT).drain() == 1
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM notifications") == 0
        assert await conn.fetchval("SELECT count(*) FROM notification_counters") == 0
    assert pushed.seqs(f"user:{grace}") == []


async def make_post(database, author):
    async with database.transaction(wait=5) as conn:
        return await conn.fetchval(
            "INSERT INTO posts (author_id, body) VALUES ($1, 'a post') RETURNING id", author
        )


async def test_like_taken_back_and_given_again_tells_once(database, people, pushed):
    ada, grace = await people(2)
    post = await make_post(database, grace)
    for name in ("post.liked", "post.unliked", "post.liked"):
        async with database.transaction(wait=5) as conn:
            payload = {"authorId": str(grace)}
            await emit(conn, name, actor_id=ada, entity=("post", post), payload=payload)
    await Delivery(database, pushed, PRODUCT).drain()
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM notifications") == 1
        assert await conn.fetchval("SELECT unread FROM notification_counters") == 1
    assert pushed.seqs(f"post:{post}") == [1, 2, 3]


async def test_unread_count_is_pushed_with_the_frames(database, people, comment, pushed):
    ada, grace = await people(2)
    for _ in range(3):
        await comment(ada, mentioned=[grace])
    await Delivery(database, pushed, PRODUCT).drain()
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
    assert await Delivery(database, pushed, PRODUCT).drain() == 0
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM events") == 0


async def test_drain_ends_in_time_although_more_and_more_comes(database, people, comment):
    """SAQ would cancel a job that never returns in the middle of a batch."""
    ada, grace = await people(2)

    class Busy(Delivery):
        async def deliver_batch(self) -> int:
            await comment(ada, mentioned=[grace])
            return await super().deliver_batch()

    async def publish(messages) -> None:
        pass

    async with asyncio.timeout(20):
        assert await Busy(database, publish, PRODUCT).drain(seconds=1.5) > 1


async def test_drain_asked_for_during_another_finds_what_came_meanwhile(database, people, comment):
    ada, grace = await people(2)
    delivered: list[int] = []

    async def publish(messages) -> None:
        if not delivered:
            delivered.append(1)
            await comment(ada, mentioned=[grace])
            assert await delivery.drain() == 0

    delivery = Delivery(database, publish, PRODUCT)
    await comment(ada, mentioned=[grace])
    assert await delivery.drain() == 2


async def test_plans_made_for_an_empty_queue_do_for_a_long_one(config, pushed, monkeypatch):
    """VACUUM truncates an empty queue's file. Plans made then are kept, and must not read all of a long queue
    for each batch."""
    monkeypatch.setattr(module, "BATCH_ROWS", 20)
    own = Database(replace(config, database_pool=(1, 1)))
    await own.open()

    async def count_read() -> int:
        async with own.connection(wait=5) as conn:
            await conn.execute("SELECT pg_stat_force_next_flush()")
            return await conn.fetchval(READ)

    try:
        delivery = Delivery(own, pushed, make_product())
        async with own.connection(wait=5) as conn:
            await conn.execute("VACUUM outbox")
        # PostgreSQL keeps a plan from the sixth execution on.
        for _ in range(7):
            await emit_news(own)
            await delivery.drain()
        async with own.transaction(wait=5) as conn:
            for _ in range(400):
                await emit(conn, NEWS, actor_id=None, entity=("thing", uuid4()), payload={})
        before = await count_read()
        assert await delivery.drain() == 400
        # Each row is read to claim it and to delete it, and the first row of each lane once more a batch.
        assert await count_read() - before < 4 * 400
    finally:
        await own.close()
