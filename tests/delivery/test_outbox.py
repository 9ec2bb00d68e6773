"""emit(): the trail and the queue are written in the transaction of the change, or not at all."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from nexcorp.context import RequestContext, current
from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.features import PRODUCT
from workers.delivery import Delivery

SILENT = {"actor_id": None, "payload": {}}


async def counts(database):
    async with database.connection(wait=5) as conn:
        row = await conn.fetchrow("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM outbox)")
        return tuple(row)


async def test_same_dedup_key_is_queued_once(database):
    entity = ("user", uuid4())

    async def once() -> None:
        async with database.transaction(wait=5) as conn:
            await emit(conn, "user.unfollowed", entity=entity, dedup_key="one", **SILENT)

    await asyncio.gather(*(once() for _ in range(10)))
    # Ten events are recorded, and one delivery is queued.
    assert await counts(database) == (10, 1)

    async def publish(messages) -> None:
        pass

    assert await Delivery(database, publish, PRODUCT).drain() == 1
    await once()
    assert await counts(database) == (11, 1)
    async with database.transaction(wait=5) as conn:
        for key in ("two", None, None):
            await emit(conn, "user.unfollowed", entity=entity, dedup_key=key, **SILENT)
    assert await counts(database) == (14, 4)


async def test_trail_tells_who_from_where_and_in_which_request(database):
    actor, thing = uuid4(), uuid4()
    token = current.set(RequestContext("req-1", "10.1.2.3", "agent/1"))
    try:
        async with database.transaction(wait=5) as conn:
            await emit(
                conn, "post.deleted", actor_id=actor, entity=("post", thing), payload={"authorId": str(actor)}
            )
    finally:
        current.reset(token)
    async with database.connection(wait=5) as conn:
        row = await conn.fetchrow("SELECT * FROM events")
    assert (row["type"], row["actor_id"]) == ("post.deleted", actor)
    assert (row["entity_type"], row["entity_id"]) == ("post", thing)
    assert row["payload"] == {"authorId": str(actor)}
    assert (row["metadata"]["ip"], row["metadata"]["userAgent"]) == ("10.1.2.3", "agent/1")
    assert row["correlation_id"] == "req-1"


async def test_trail_cannot_be_changed(database):
    async with database.transaction(wait=5) as conn:
        await emit(conn, "user.unfollowed", entity=("user", uuid4()), **SILENT)
    for statement in ("UPDATE events SET type = 'x'", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(wait=5) as conn:
                await conn.execute(statement)
    assert await counts(database) == (1, 1)


async def test_event_falls_into_the_partition_of_its_month(database):
    async with database.transaction(wait=5) as conn:
        await emit(conn, "user.unfollowed", entity=("user", uuid4()), **SILENT)
        table = await conn.fetchval("SELECT tableoid::regclass::text FROM events")
        month = await conn.fetchval("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")
    assert table == f"events_{month}"


async def test_root_says_in_whose_order_an_event_is_delivered(database):
    """A comment's event is in its post's lane; without a root it is in the lane of its own entity."""
    post, comment = UUID(int=5), UUID(int=6)
    async with database.transaction(wait=5) as conn:
        for root in (post, None):
            await emit(conn, "comment.deleted", entity=("comment", comment), root=root, **SILENT)
        lanes = [row["lane"] for row in await conn.fetch("SELECT lane FROM outbox ORDER BY id")]
        events = await conn.fetch("SELECT DISTINCT entity_id FROM events")
    assert lanes == [5, 6]
    assert [row["entity_id"] for row in events] == [comment]


async def test_pasted_into_psql_it_records_and_queues(database):
    """Operators can call emit() in psql as the service does, also without a root or a key."""
    async with database.connection(wait=5) as conn:
        event_id = await conn.fetchval(
            """SELECT emit('post.deleted', NULL, 'post', '00000000-0000-7000-8000-000000000009', '{"a": 1}',
            '{"ip": "10.1.2.3", "requestId": "by hand"}')"""
        )
        row = await conn.fetchrow(
            """SELECT e.*, o.lane, o.dedup_key
            FROM outbox AS o INNER JOIN events AS e ON e.id = o.event_id AND e.created_at = o.event_at"""
        )
    assert (row["id"], row["type"], row["payload"]) == (event_id, "post.deleted", {"a": 1})
    assert (row["metadata"], row["correlation_id"]) == ({"ip": "10.1.2.3"}, "by hand")
    assert (row["lane"], row["dedup_key"]) == (9, None)


async def test_key_of_a_row_that_is_dead_can_be_queued_again(database):
    entity = ("user", uuid4())
    async with database.transaction(wait=5) as conn:
        await emit(conn, "user.unfollowed", entity=entity, dedup_key="one", **SILENT)
        row = await conn.fetchrow("SELECT lane, id FROM outbox")
        await sql.events.bury_outbox(conn, lane=row["lane"], row_id=row["id"], last_error="broken")
        await emit(conn, "user.unfollowed", entity=entity, dedup_key="one", **SILENT)
        dead = await conn.fetchrow("SELECT lane, dedup_key, attempts, last_error FROM outbox_dead")
    assert tuple(dead) == (row["lane"], "one", 1, "broken")
    assert await counts(database) == (2, 1)


def test_every_notice_has_a_type_that_a_feature_declares():
    told = {notice.type for entry in PRODUCT.events.values() for notice in entry.notices}
    assert {"like", "comment", "mention", "follow"} <= told <= PRODUCT.notice_types.keys()
    assert all(name == name.lower() and "." in name for name in PRODUCT.events)
