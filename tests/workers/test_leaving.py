"""Rows written after a person has left are removed as well."""

from __future__ import annotations

from typing import Any

import pytest

from nexcorp.features import PRODUCT
from tests.api import API, check_counters, fetch, fetch_value, outbox_empty, propose, publish
from tests.conftest import wait_until
from workers.jobs.cleanup import clean_up
from workers.jobs.leaving import SOON_MINUTES, leave_again

# Writes of a worker and of requests whose statements began before the person left.
WRITTEN = (
    """INSERT INTO notifications (event_id, receiver_id, actor_id, type, entity_type, entity_id)
    VALUES (uuidv7(), $1, NULL, 'comment', 'post', $2)""",
    "INSERT INTO notification_counters (user_id, unread) VALUES ($1, 1 + 0 * length($2::uuid::text))",
    """WITH room AS (
        INSERT INTO rooms (name, last_seq) VALUES ('user:' || $1::uuid, 1)
        ON CONFLICT (name) DO UPDATE SET last_seq = rooms.last_seq + 1
        RETURNING name, last_seq
    )
    INSERT INTO room_frames (room, seq, event_id, event, entity_type, entity_id, data)
    SELECT name, last_seq, uuidv7(), 'notification:updated', 'notification', $2, '{}' FROM room""",
    """WITH added AS (INSERT INTO interests (user_id, post_id) VALUES ($1, $2) RETURNING post_id)
    UPDATE post_stats AS s SET interest_count = interest_count + 1, score = add_heat(score, heat(now(), 3))
    FROM added WHERE s.post_id = added.post_id""",
    """INSERT INTO idempotency_keys (scope, key, fingerprint, status, body, entity_id)
    VALUES ($1::uuid::text, 'behind', 'x', 201, '{}', $2)""",
    "INSERT INTO data_exports (user_id) SELECT $1 WHERE $2::uuid IS NOT NULL",
    "INSERT INTO follows (follower_id, followed_id) SELECT $1, author_id FROM posts WHERE id = $2",
)
LEFT = {
    "notifications": "SELECT count(*) FROM notifications WHERE receiver_id = $1",
    "counters": "SELECT count(*) FROM notification_counters WHERE user_id = $1",
    "frames": "SELECT count(*) FROM room_frames WHERE room = 'user:' || $1::uuid",
    "interests": "SELECT count(*) FROM interests WHERE user_id = $1",
    "answers": "SELECT count(*) FROM idempotency_keys WHERE scope = $1::uuid::text",
    "exports": "SELECT count(*) FROM data_exports WHERE user_id = $1",
    "follows": "SELECT count(*) FROM follows WHERE follower_id = $1",
}
NOTHING = dict.fromkeys(LEFT, 0)


async def count_left(service: Any, user_id: Any) -> dict[str, int]:
    """Count the rows of each kind that belong to a person."""
    return {name: await fetch_value(service, text, user_id) for name, text in LEFT.items()}


async def write_behind(service: Any, user_id: Any, post_id: Any) -> None:
    """Write the rows that were on their way when the person left."""
    async with service.db.transaction(wait=5) as conn:
        for text in WRITTEN:
            await conn.execute(text, user_id, post_id)


async def describe(service: Any) -> list[Any]:
    """Return the state that a run without work must not change."""
    stats = await fetch(
        service,
        """SELECT s.post_id, s.interest_count, s.like_count, s.score, p.version
        FROM post_stats AS s INNER JOIN posts AS p ON p.id = s.post_id ORDER BY s.post_id""",
    )
    people = await fetch(service, "SELECT id, version, role_version, left_at FROM users ORDER BY id")
    events = await fetch(service, "SELECT count(*) FROM events")
    return [*map(tuple, stats), *map(tuple, people), *map(tuple, events)]


@pytest.fixture
async def departed(make_user: Any, service: Any) -> Any:
    """A person who has left, and a project that they and another person were interested in."""
    ann, bob, zeb = await make_user(), await make_user(), await make_user("zeb")
    post = await propose(ann)
    for user in (bob, zeb):
        assert (await user.client.put(f"{API}/posts/{post['id']}/interest")).status == 200
    assert (await zeb.client.put(f"{API}/posts/{post['id']}/like")).status == 200
    body = {"json": {"body": "Hello."}, "headers": {"Idempotency-Key": "before"}}
    assert (await zeb.client.post(f"{API}/posts", **body)).status == 201
    assert (await zeb.client.delete(f"{API}/users/me")).status == 204
    await wait_until(lambda: outbox_empty(service))
    # The running worker's job would do the test's work every minute.
    await service.stop_worker()
    return zeb.id, post["id"], bob


async def test_what_is_written_behind_a_leaving_goes(departed: Any, service: Any) -> None:
    context = {"database": service.db, "product": PRODUCT}
    user_id, post_id, bob = departed
    assert await count_left(service, user_id) == NOTHING
    before = await describe(service)
    await write_behind(service, user_id, post_id)
    assert await count_left(service, user_id) == dict.fromkeys(LEFT, 1)
    await check_counters(service)
    assert await leave_again(context) == 1
    assert await count_left(service, user_id) == NOTHING
    await check_counters(service)
    after = await describe(service)
    assert [row[:3] for row in after] == [row[:3] for row in before]
    assert (
        await fetch_value(service, "SELECT interest_count FROM post_stats WHERE post_id = $1", post_id) == 1
    )
    assert await leave_again(context) == 1
    assert await describe(service) == after
    # Other people keep their rows.
    assert (await count_left(service, bob.id))["interests"] == 1


async def test_who_left_while_no_worker_ran_is_seen_to_by_the_cleanup(departed: Any, service: Any) -> None:
    context = {"database": service.db, "product": PRODUCT, "config": service.config}
    user_id, post_id, _ = departed
    await write_behind(service, user_id, post_id)
    await fetch(
        service,
        "UPDATE users SET left_at = w.at, role_changed_at = w.at "
        "FROM (SELECT now() - make_interval(mins => $2)) AS w (at) WHERE id = $1",
        user_id,
        SOON_MINUTES + 1,
    )
    assert await leave_again(context) == 0
    assert (await count_left(service, user_id))["notifications"] == 1
    await clean_up(context)
    assert await count_left(service, user_id) == NOTHING
    await check_counters(service)


async def test_one_person_keeps_no_other_waiting(departed: Any, make_user: Any, service: Any) -> None:
    user_id, post_id, _ = departed
    other = await make_user()
    await publish(other)
    assert (await other.client.delete(f"{API}/users/me")).status == 204
    for each in (user_id, other.id):
        await write_behind(service, each, post_id)

    class Halting:
        """The product, but leave() fails for the first person."""

        async def leave(self, conn: Any, who: Any) -> None:
            if who == user_id:
                raise ValueError(who)
            await PRODUCT.leave(conn, who)

    assert await leave_again({"database": service.db, "product": Halting()}) == 2
    assert (await count_left(service, user_id))["notifications"] == 1
    assert await count_left(service, other.id) == NOTHING
    await check_counters(service)


async def test_the_answer_to_a_registration_goes_too(make_user: Any, client: Any, service: Any) -> None:
    body = {"email": "zeb@example.com", "username": "zebulon", "password": "a long enough secret"}
    headers = {"Idempotency-Key": "registration"}
    answer = await client.post(f"{API}/auth/register", json=body, headers=headers)
    assert answer.status == 201
    made = (await answer.json())["user"]["id"]
    stored = "SELECT count(*) FROM idempotency_keys WHERE key = 'registration'"
    assert await fetch_value(service, stored) == 1
    other = await make_user()
    assert (await other.client.delete(f"{API}/users/me")).status == 204
    assert await fetch_value(service, stored) == 1
    async with service.db.transaction(wait=5) as conn:
        await PRODUCT.leave(conn, made)
    assert await fetch_value(service, stored) == 0
