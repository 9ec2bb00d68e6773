"""Following: idempotent, never oneself, listed both ways."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import (
    API,
    NOBODY,
    blocked,
    check_counters,
    fetch,
    fetch_value,
    gather_crowd,
    get_json,
    insist,
    publish,
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


async def test_people_are_shown_with_their_counters_and_whether_you_follow_them(
    service: Any, make_user: Any
) -> None:
    ann, bob, boss = await make_user(), await make_user(), await make_user(role="admin")
    await ann.client.put(f"{API}/users/{bob.id}/follow")
    await bob.client.put(f"{API}/users/{ann.id}/follow")
    await boss.client.put(f"{API}/users/{ann.id}/follow")
    post = await publish(bob, "one")
    await publish(bob, "two")
    draft = await publish(boss, "not yet", type="announcement", status="draft")

    def shown(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in ("followed", "followerCount", "followingCount", "postCount"))

    of_bob = (True, 1, 1, 2)
    await ann.client.put(f"{API}/posts/{post['id']}/like")
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    for path in ("/users", "/users?role=member", f"/users?q={bob.username}", "/users?page=1&pageSize=50"):
        rows = (await get_json(ann.client, path))["data"]
        assert [shown(row) for row in rows if row["id"] == str(bob.id)] == [of_bob], path
    for path in (f"/users/{ann.id}/following", f"/users/{ann.id}/followers", f"/posts/{post['id']}/likes"):
        rows = (await get_json(ann.client, path))["data"]
        assert of_bob in [shown(row["user"]) for row in rows if row["user"]["id"] == str(bob.id)], path
    assert shown(await get_json(ann.client, f"/users/{bob.id}")) == of_bob
    assert shown(await get_json(boss.client, "/users/me")) == (False, 0, 1, 0)
    move = f"{API}/posts/{draft['id']}/status"
    for status, count in (("published", 1), ("archived", 0), ("published", 1)):
        assert (await boss.client.put(move, json={"status": status})).status == 200
        assert (await get_json(boss.client, "/users/me"))["postCount"] == count, status
    await check_counters(service)
    await bob.client.delete(f"{API}/posts/{post['id']}")
    assert (await ann.client.delete(f"{API}/users/me")).status == 204
    assert shown(await get_json(boss.client, f"/users/{bob.id}")) == (False, 0, 0, 1)
    await check_counters(service)


async def test_counters_are_exact_when_people_follow_each_other_at_once(service: Any, client: Any) -> None:
    crowd = await gather_crowd(service, client, 6, "mutual")
    calls = [
        insist(one, "PUT", f"/users/{other_id}/follow")
        for own_id, one in crowd
        for other_id, _ in crowd
        if other_id != own_id
    ]
    assert {answer.status for answer in await asyncio.gather(*calls)} == {200}
    await asyncio.gather(
        *(insist(one, "DELETE", f"/users/{crowd[0][0]}/follow") for _, one in crowd[1:]),
        *(insist(crowd[0][1], "DELETE", f"/users/{other_id}/follow") for other_id, _ in crowd[1:]),
    )
    await check_counters(service)
    assert await fetch_value(service, "SELECT sum(follower_count) FROM person_stats") == 20
