"""emit(): the trail and the queue are written with what happened, or not at all."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from nexcorp.context import RequestContext, current
from nexcorp.delivery import emit
from nexcorp.delivery.catalogue import CATALOGUE
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
    # It happened ten times, and is delivered once.
    assert await counts(database) == (10, 1)

    async def publish(messages) -> None:
        pass

    assert await Delivery(database, publish).drain() == 1
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


def test_every_notice_has_a_type_that_the_table_takes():
    known = {"like", "comment", "mention", "follow"}
    assert {notice.type for entry in CATALOGUE.values() for notice in entry.notices} >= known
    assert all(name == name.lower() and "." in name for name in CATALOGUE)
