"""Following: idempotent, never oneself, listed both ways."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import (
    API,
    NOBODY,
    blocked,
    fetch,
    fetch_value,
    gather_crowd,
    get_json,
    insist,
    refused,
    walk,
)
from tests.conftest import wait_until
from tests.leaving import leave


async def test_following_twice_is_following_once(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    path = f"{API}/users/{bob.id}/follow"
    for _ in range(2):
        answer = await ann.client.put(path)
        assert (answer.status, await answer.json()) == (200, {"following": True})
    (row,) = (await get_json(bob.client, f"/users/{bob.id}/followers"))["data"]
    assert row["user"]["id"] == str(ann.id)
    (row,) = (await get_json(bob.client, f"/users/{ann.id}/following"))["data"]
    assert row["user"]["username"] == bob.username
    for _ in range(2):
        answer = await ann.client.delete(path)
        assert (answer.status, await answer.json()) == (200, {"following": False})
    for list_path in (f"/users/{bob.id}/followers", f"/users/{ann.id}/following"):
        assert await get_json(bob.client, list_path) == {"data": [], "nextCursor": None}
    events = await fetch(service, "SELECT type FROM events WHERE type LIKE 'user.%followed' ORDER BY id")
    assert [event["type"] for event in events] == ["user.followed", "user.unfollowed"]


async def test_nobody_follows_themselves(service: Any, make_user: Any) -> None:
    ann = await make_user()
    await refused(ann.client.put(f"{API}/users/{ann.id}/follow"), 422, "cannot_follow_self")
    assert (await ann.client.delete(f"{API}/users/{ann.id}/follow")).status == 200
    assert await fetch_value(service, "SELECT count(*) FROM follows") == 0


async def test_there_must_be_somebody_to_follow(make_user: Any) -> None:
    ann = await make_user()
    for call in (
        ann.client.put(f"{API}/users/{NOBODY}/follow"),
        ann.client.delete(f"{API}/users/{NOBODY}/follow"),
        ann.client.get(f"{API}/users/{NOBODY}/followers"),
        ann.client.get(f"{API}/users/{NOBODY}/following"),
    ):
        await refused(call, 404, "user_not_found")


async def test_somebody_deactivated_cannot_be_followed_but_left(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    await ann.client.put(f"{API}/users/{bob.id}/follow")
    await fetch(service, "UPDATE users SET status = 'deactivated' WHERE id = $1", bob.id)
    await refused(eve.client.put(f"{API}/users/{bob.id}/follow"), 404, "user_not_found")
    assert (await ann.client.delete(f"{API}/users/{bob.id}/follow")).status == 200


async def test_fifty_parallel_follows_make_one_row_and_one_event(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    path = f"/users/{bob.id}/follow"
    answers = await asyncio.gather(*(insist(ann.client, "PUT", path) for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    assert await fetch_value(service, "SELECT count(*) FROM follows") == 1
    assert await fetch_value(service, "SELECT count(*) FROM events WHERE type = 'user.followed'") == 1
    answers = await asyncio.gather(*(insist(ann.client, "DELETE", path) for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    assert await fetch_value(service, "SELECT count(*) FROM events WHERE type = 'user.unfollowed'") == 1


async def test_people_are_listed_newest_first_on_pages_without_a_seam(
    service: Any, client: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    crowd = await gather_crowd(service, client, 7)
    for user_id, one in crowd:
        await one.put(f"{API}/users/{ann.id}/follow")
        await ann.client.put(f"{API}/users/{user_id}/follow")
    expected = [str(user_id) for user_id, _ in reversed(crowd)]
    for name in ("followers", "following"):
        for limit in (1, 3, 7):
            pages = await walk(bob.client, f"/users/{ann.id}/{name}", limit)
            assert [row["user"]["id"] for page in pages for row in page] == expected
    cursors = {}
    for name in ("followers", "following"):
        cursors[name] = (await get_json(bob.client, f"/users/{ann.id}/{name}?limit=3"))["nextCursor"]
    await bob.client.put(f"{API}/users/{ann.id}/follow")
    await ann.client.put(f"{API}/users/{bob.id}/follow")
    for name, cursor in cursors.items():
        rest = await get_json(bob.client, f"/users/{ann.id}/{name}?cursor={cursor}")
        assert [row["user"]["id"] for row in rest["data"]] == expected[3:]
        other = "following" if name == "followers" else "followers"
        await refused(bob.client.get(f"{API}/users/{ann.id}/{other}?cursor={cursor}"), 422)


@pytest.mark.parametrize("who", ["follower", "followed"])
async def test_nobody_follows_or_is_followed_who_is_just_leaving(
    who: str, service: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    leaver = ann if who == "follower" else bob
    async with service.db.transaction(wait=5) as conn:
        await leave(conn, leaver.id)
        following = asyncio.create_task(ann.client.put(f"{API}/users/{bob.id}/follow"))
        await wait_until(lambda: blocked(service))
    await refused(following, 404, "user_not_found")
    assert await fetch_value(service, "SELECT count(*) FROM follows") == 0
