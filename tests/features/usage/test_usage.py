"""Usage per day: the counts, when a day is counted again, and the admin's view of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nexcorp.config import Config
from nexcorp.db import Database, sql
from tests.api import API, get_json
from workers.jobs.usage import DAYS, count_usage

PEOPLE = """
INSERT INTO users (email, username)
SELECT name || '@example.com', name FROM unnest('{ada,grace,joan}'::text[]) AS n (name)
RETURNING id
"""
POST = """
INSERT INTO posts (id, position, author_id, body)
SELECT first_id($1), CASE WHEN $3 THEN first_id($1) END, $2, 'a text'
RETURNING id
"""
COMMENT = """
INSERT INTO comments (id, post_id, author_id, body) VALUES (first_id($1), $2, $3, 'a text') RETURNING id
"""
EVENT = """
INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata, created_at)
VALUES ('post.liked', $2, 'post', $3, '{}', '{}', $1)
"""
SAMPLE = """
INSERT INTO node_samples (at, node_id, kind, requests, p50, p99, pool_size, pool_busy)
VALUES ($1, $2, 'web', $3, $4, $5, 5, 1)
"""
SESSION = "INSERT INTO sessions (user_id, platform, refreshed_at) VALUES ($1, 'web', $2)"
DONE = "INSERT INTO tasks (title, creator_id, status, completed_at) VALUES ('a', $1, 'done', $2)"
COUNTED_EARLY = "UPDATE usage_days SET counted_at = day + interval '23 hours 59 minutes' WHERE day < $1"
MESSAGE = """
WITH c AS (INSERT INTO conversations (kind, title) VALUES ('group', 'all') RETURNING id)
INSERT INTO messages (id, conversation_id, n, author_id, body)
SELECT first_id($1), c.id, 1, $2, 'a text' FROM c
"""


@pytest.fixture
async def used(database: Database) -> Any:
    """Fill yesterday and today with data; yield (connection, midnight between them)."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    before, hour = today - timedelta(days=1), timedelta(hours=1)
    async with database.connection(wait=5) as conn:
        ada, grace, joan = [row["id"] for row in await conn.fetch(PEOPLE)]
        old = await conn.fetchval(POST, before - hour, ada, True)
        post = await conn.fetchval(POST, before + hour, ada, True)
        await conn.fetchval(POST, before + 2 * hour, ada, False)
        # Only the first comment by another person counts as a post's first answer.
        await conn.fetchval(COMMENT, before + 2 * hour, post, ada)
        await conn.fetchval(COMMENT, before + 3 * hour, post, grace)
        await conn.fetchval(COMMENT, before + 4 * hour, post, joan)
        await conn.fetchval(COMMENT, before + 3 * hour + timedelta(seconds=1), old, grace)
        await conn.execute(EVENT, before + hour, grace, post)
        await conn.execute(EVENT, before + 2 * hour, grace, post)
        await conn.execute(EVENT, before + 2 * hour, None, post)
        # The last microsecond of a day belongs to it, the next one does not.
        await conn.execute(EVENT, today - timedelta(microseconds=1), ada, post)
        await conn.execute(EVENT, today, joan, post)
        await conn.execute(MESSAGE, before + hour, grace)
        await conn.execute(SESSION, joan, before + hour)
        await conn.execute(DONE, ada, before + hour)
        await conn.execute(SAMPLE, before + hour, "a", 30.0, 2.0, 10.0)
        await conn.execute(SAMPLE, before + hour, "b", 10.0, 6.0, 50.0)
        await conn.execute(SAMPLE, before + hour, "c", 0.0, None, None)
        yield conn, today


async def test_a_day_is_counted_by_what_happened_in_it(used: Any, database: Database) -> None:
    conn, today = used
    await count_usage({"database": database})
    rows = await sql.usage.list_days(conn, days=DAYS)
    assert [row["day"] for row in rows][-2:] == [(today - timedelta(days=1)).date(), today.date()]
    assert len(rows) == DAYS and all(row["countedAt"] is not None for row in rows)
    day = dict(rows[-2])
    del day["day"], day["countedAt"]
    assert day == {
        "activePeople": 3,
        "posts": 1,
        "comments": 4,
        "messages": 1,
        "tasksDone": 1,
        # The median of two hours and of four hours and a second.
        "firstCommentSeconds": pytest.approx(3 * 3600 + 0.5),
        "latencyP50": pytest.approx(3),
        "latencyP99": pytest.approx(20),
    }
    assert (rows[-1]["activePeople"], rows[-1]["posts"], rows[-1]["latencyP50"]) == (1, 0, None)
    # A session does not make its user active on the days before it.
    assert (rows[-3]["activePeople"], rows[-3]["posts"], rows[-3]["comments"]) == (0, 1, 0)


async def test_a_day_is_counted_until_it_was_counted_behind_its_end(used: Any, database: Database) -> None:
    conn, today = used
    await count_usage({"database": database})
    left = [row["day"] for row in await sql.usage.list_uncounted(conn, days=DAYS)]
    assert left == [today.date()]
    await conn.execute(
        "UPDATE usage_days SET counted_at = day + interval '23 hours 59 minutes' WHERE day < $1", today
    )
    assert len(await sql.usage.list_uncounted(conn, days=DAYS)) == DAYS
    # Measurements are gone by then, but the figures made of them stay; deleted messages no longer count.
    await conn.execute("DELETE FROM node_samples")
    await conn.execute("DELETE FROM messages")
    yesterday = (today - timedelta(days=1)).date()
    await sql.usage.count_day(conn, day=yesterday)
    row = (await sql.usage.list_days(conn, days=2))[0]
    assert (row["day"], row["latencyP50"], row["messages"]) == (yesterday, pytest.approx(3), 0)


async def test_an_admin_reads_thirty_days_or_ninety(make_user: Any, service: Any, config: Config) -> None:
    admin = (await make_user(role="admin")).client
    await admin.post(f"{API}/posts", json={"body": "hello"})
    found = await get_json(admin, "/admin/usage")
    assert found["days"] == 30 and len(found["data"]) == 30
    assert set(found["data"][0]) - {"day"} and found["data"][0]["activePeople"] is None
    await count_usage({"database": service.db})
    found = await get_json(admin, "/admin/usage?days=90")
    assert len(found["data"]) == 90
    assert (found["data"][-1]["posts"], found["data"][-1]["activePeople"]) == (1, 1)
    assert (await admin.get(f"{API}/admin/usage?days=31")).status == 422
