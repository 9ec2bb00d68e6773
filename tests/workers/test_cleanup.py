"""What the cleanup job takes away, and what it must leave."""

from __future__ import annotations

from uuid import uuid4

import pytest

from nexcorp.db import sql
from tests.realtime.helpers import store_frames
from workers.jobs import cleanup
from workers.jobs.cleanup import clean_up


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
    """(min_seq, last_seq, first kept frame, how many)."""
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
        assert len(months) == cleanup.MONTHS_AHEAD + 1
        for name in months[-2:]:
            await conn.execute(f"DROP TABLE {name}")
        await clean()
        assert [row[0] for row in await conn.fetch(listed)] == before
        assert await sql.events.ensure_partitions(conn, months_ahead=cleanup.MONTHS_AHEAD) == 0


async def test_workers_long_gone_are_forgotten(database, clean):
    async with database.transaction(wait=5) as conn:
        await conn.execute(
            """INSERT INTO worker_heartbeats (worker_id, seen_at)
            VALUES ('alive', now()), ('gone', now() - interval '2 hours')"""
        )
    await clean()
    async with database.connection(wait=5) as conn:
        assert [row[0] for row in await conn.fetch("SELECT worker_id FROM worker_heartbeats")] == ["alive"]


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
