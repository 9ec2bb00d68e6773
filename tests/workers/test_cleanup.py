"""The cleanup job: which rows it deletes, and which it must leave."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from nexcorp.db import sql
from tests.realtime.helpers import store_frames
from workers.jobs import cleanup
from workers.jobs.cleanup import clean_up
from workers.jobs.months import MONTHS_AHEAD

DELETE = "DELETE FROM {}"


@pytest.fixture
def clean(database, config):
    async def run() -> None:
        await clean_up({"database": database, "config": config})

    return run


async def make_old(database, room, upto, days=8):
    async with database.transaction(wait=5) as conn:
        await conn.execute(
            """UPDATE room_frames
            SET created_at = now() - make_interval(days => $3) - (1000 - seq) * interval '1 s'
            WHERE room = $1 AND seq <= $2""",
            room,
            upto,
            days,
        )


async def look(database, room):
    """Return (min_seq, last_seq, first kept frame, number of frames)."""
    async with database.connection(wait=5) as conn:
        row = await conn.fetchrow(
            """SELECT r.min_seq, r.last_seq, min(f.seq) AS first, count(f.seq) AS count
            FROM rooms AS r LEFT JOIN room_frames AS f ON f.room = r.name WHERE r.name = $1
            GROUP BY r.name""",
            room,
        )
    return tuple(row)


@pytest.mark.parametrize("part", [7, 10_000])
async def test_old_frames_go_but_the_last_hundred_stay(database, clean, monkeypatch, part):
    monkeypatch.setattr(cleanup, "PART", part)
    old, half, new, small = (f"post:{uuid4()}" for _ in range(4))
    for room, frames, aged in ((old, 250, 250), (half, 250, 90), (new, 250, 0), (small, 60, 60)):
        await store_frames(database, room, frames)
        await make_old(database, room, aged)
    for _ in range(2):
        await clean()
        assert await look(database, old) == (151, 250, 151, 100)
        assert await look(database, half) == (91, 250, 91, 160)
        assert await look(database, new) == (1, 250, 1, 250)
        assert await look(database, small) == (1, 60, 1, 60)


async def test_frames_within_the_setting_stay(database, clean):
    room = f"post:{uuid4()}"
    await store_frames(database, room, 250)
    await make_old(database, room, 250, days=6)
    await clean()
    assert await look(database, room) == (1, 250, 1, 250)


async def test_months_to_come_have_their_partitions(database, clean):
    listed = (
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1"
    )
    async with database.connection(wait=5) as conn:
        before = [row[0] for row in await conn.fetch(listed)]
        months = [name for name in before if name != "events_default"]
        assert len(months) == MONTHS_AHEAD + 1
        shape = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::text::regclass ORDER BY 1"
        triggers = [row[0] for row in await conn.fetch(shape, months[0])]
        for name in months:
            await conn.execute(f"DROP TABLE {name}")
        # Events of the months without a partition, some written by a wrong clock.
        await conn.execute(
            """INSERT INTO events (type, entity_type, entity_id, payload, metadata, created_at)
            SELECT 'post.created', 'post', gen_random_uuid(), '{}', '{}', now() + make_interval(months => m)
            FROM unnest('{0,0,0,2,3,500,-1}'::integer[]) AS m"""
        )
        await clean()
        assert set(before) < {row[0] for row in await conn.fetch(listed)}
        assert [row[0] for row in await conn.fetch(shape, months[0])] == triggers
        assert await conn.fetchval("SELECT count(*) FROM events") == 7
        assert await conn.fetchval("SELECT count(*) FROM events_default") == 1
        of_month = await conn.fetchval(
            "SELECT count(*) FROM events WHERE tableoid = $1::text::regclass", months[0]
        )
        assert of_month == 3
        for table in ("events_default", months[0]):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await conn.execute(DELETE.format(table))
        assert await sql.events.list_missing_months(conn, months_ahead=MONTHS_AHEAD) == []


async def test_a_step_that_fails_keeps_no_other_from_being_taken(database, clean):
    """One month cannot get its partition, another can, and one is too old."""
    name = "SELECT to_char((now() AT TIME ZONE 'UTC') + make_interval(months => $1), '\"events_\"YYYY_MM')"
    async with database.connection(wait=5) as conn:
        blocked, other = await conn.fetchval(name, 2), await conn.fetchval(name, 3)
        bounds = await conn.fetchval(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = $1", blocked
        )
        await conn.execute(
            f"""DROP TABLE {blocked};
            DROP TABLE {other};
            CREATE TABLE in_the_way PARTITION OF events {bounds};
            CREATE TABLE events_2019_01 PARTITION OF events
            FOR VALUES FROM ('2019-01-01') TO ('2019-02-01')"""
        )
        with pytest.raises(asyncpg.InvalidObjectDefinitionError):
            await clean()
        assert await conn.fetchval("SELECT to_regclass('events_2019_01')") is None
        assert await conn.fetchval("SELECT to_regclass($1) IS NULL", blocked)
        assert await conn.fetchval("SELECT to_regclass($1) IS NOT NULL", other)


async def test_workers_long_gone_are_forgotten(database, clean):
    async with database.transaction(wait=5) as conn:
        await conn.execute(
            """INSERT INTO worker_heartbeats (worker_id, seen_at)
            VALUES ('alive', now()), ('gone', now() - interval '2 hours')"""
        )
    await clean()
    async with database.connection(wait=5) as conn:
        assert [row[0] for row in await conn.fetch("SELECT worker_id FROM worker_heartbeats")] == ["alive"]


async def test_old_trash_is_purged(database, clean, people):
    async with database.connection() as conn:
        await conn.execute(
            """INSERT INTO tasks (title, creator_id, deleted_at)
            SELECT 'Old trash', id, now() - days * interval '1 day'
            FROM users CROSS JOIN unnest('{29,31}'::integer[]) AS d (days)"""
        )
        before = await conn.fetchval("SELECT count(*) FROM tasks")
        await clean()
        assert await conn.fetchval("SELECT count(*) FROM tasks") == before / 2
        assert await conn.fetchval("SELECT count(*) FROM events WHERE type = 'task.purged'") == before / 2


async def test_expired_tickets_go(database, clean, people):
    ada = (await people(1))[0]
    async with database.transaction(wait=5) as conn:
        session = await conn.fetchval(
            "INSERT INTO sessions (user_id, platform) VALUES ($1, 'cli') RETURNING id", ada
        )
        await conn.execute(
            """INSERT INTO tickets (token_hash, session_id, purpose, expires_at)
            VALUES ('old', $1, 'ws', now() - interval '1 s'), ('new', $1, 'ws', now() + interval '1 min')""",
            session,
        )
    await clean()
    async with database.connection(wait=5) as conn:
        assert [row[0] for row in await conn.fetch("SELECT token_hash FROM tickets")] == [b"new"]
