"""Many like one post at once: no request is refused, on this post or elsewhere."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from tests.api import API, check_counters, fetch_value, gather_crowd, publish
from tests.conftest import wait_until

CROWD, TOGGLES, TRIES = 50, 20, 3


async def hold_shared(service: Any, post_id: str) -> None:
    """Lock the post's row with FOR KEY SHARE again and again, as a worker's notifications do."""
    async with service.db.connection(wait=5) as conn:
        while True:
            async with conn.transaction():
                await conn.execute("SELECT FROM posts WHERE id = $1 FOR KEY SHARE", UUID(post_id))
                await asyncio.sleep(0.004 * random.random())


@pytest.mark.parametrize("what", ["like", "interest"])
async def test_a_crowd_at_one_post_refuses_nobody(
    service: Any, client: Any, make_user: Any, what: str
) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann, type="project")
    crowd = await gather_crowd(service, client, CROWD)
    path = f"{API}/posts/{post['id']}/{what}"

    async def press() -> Counter[int]:
        statuses: Counter[int] = Counter()

        async def waver(one: Any) -> None:
            for number in range(TOGGLES):
                statuses[(await one.call(("PUT", "DELETE")[number % 2], path)).status] += 1

        async def look_elsewhere() -> None:
            while True:
                statuses[(await bob.client.get(f"{API}/feed")).status] += 1
                await asyncio.sleep(0.01)

        others = [asyncio.create_task(hold_shared(service, post["id"])) for _ in range(2)]
        others.append(asyncio.create_task(look_elsewhere()))
        await asyncio.gather(*(waver(one) for _, one in crowd))
        for other in others:
            other.cancel()
            with suppress(asyncio.CancelledError):
                await other
        return statuses

    # If the machine stalls for a quarter of a second, waiting requests are refused; try again.
    for _ in range(TRIES):
        statuses = await press()
        if set(statuses) == {200}:
            break
    assert set(statuses) == {200}, statuses
    assert statuses[200] > CROWD * TOGGLES
    await check_counters(service)


@pytest.mark.parametrize(
    ("what", "table", "change"),
    [
        ("like", "post_stats", "score = score"),
        ("interest", "post_stats", "score = score"),
        ("interest", "posts", "title = 'New'"),
    ],
)
async def test_those_who_take_it_back_do_not_wait_for_each_other_in_a_circle(
    service: Any, make_user: Any, what: str, table: str, change: str
) -> None:
    """Locking and changing a row in one statement asks for its lock twice while others share the lock."""
    ann, bob, cyd = await make_user(), await make_user(), await make_user()
    post = await publish(ann, type="project")
    path = f"{API}/posts/{post['id']}/{what}"
    for one in (bob, cyd):
        assert (await one.client.put(path)).status == 200
    post_id = UUID(post["id"])
    async with service.db.connection(wait=5) as sharer, sharer.transaction():
        key = {"posts": "id", "post_stats": "post_id"}[table]
        await sharer.execute(f"SELECT FROM {table} WHERE {key} = $1 FOR KEY SHARE", post_id)
        async with service.db.connection(wait=5) as writer, writer.transaction():
            await writer.execute(f"UPDATE {table} SET {change} WHERE {key} = $1", post_id)  # noqa: S608
            calls = [asyncio.create_task(one.client.delete(path)) for one in (bob, cyd)]
            await wait_until(lambda: waits(service, 2))
        assert [(await call).status for call in calls] == [200, 200]
    await check_counters(service)


async def waits(service: Any, count: int) -> bool:
    """Whether exactly `count` connections wait for a lock."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()
    """
    return bool(await fetch_value(service, query) == count)
