"""Likes: idempotent, and counted exactly."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from tests.api import (
    API,
    blocked,
    check_counters,
    fetch_value,
    gather_crowd,
    get_json,
    insist,
    publish,
    refused,
    walk,
)
from tests.conftest import wait_until


async def test_liking_twice_is_liking_once(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}/like"
    for _ in range(2):
        answer = await bob.client.put(path)
        assert (answer.status, await answer.json()) == (
            200,
            {"liked": True, "likeCount": 1, "countsVersion": 1},
        )
    assert await (await ann.client.put(path)).json() == {"liked": True, "likeCount": 2, "countsVersion": 2}
    for _ in range(2):
        answer = await bob.client.delete(path)
        assert (answer.status, await answer.json()) == (
            200,
            {"liked": False, "likeCount": 1, "countsVersion": 3},
        )
    shown = await get_json(bob.client, f"/posts/{post['id']}")
    assert (shown["liked"], shown["likeCount"], shown["countsVersion"], shown["version"]) == (False, 1, 3, 1)
    assert shown["updatedAt"] == post["updatedAt"]
    assert await fetch_value(service, "SELECT count(*) FROM events WHERE type LIKE 'post.%liked'") == 3


async def test_the_last_to_like_come_first_on_pages_without_a_seam(
    service: Any, client: Any, make_user: Any
) -> None:
    ann = await make_user()
    post = await publish(ann)
    crowd = await gather_crowd(service, client, 7)
    for _, one in crowd:
        await one.put(f"{API}/posts/{post['id']}/like")
    expected = [str(user_id) for user_id, _ in reversed(crowd)]
    for limit in (1, 3, 7):
        pages = await walk(ann.client, f"/posts/{post['id']}/likes", limit)
        assert [row["user"]["id"] for page in pages for row in page] == expected
    first = await get_json(ann.client, f"/posts/{post['id']}/likes?limit=3")
    assert first["data"][0].keys() == {"user", "createdAt"}
    await ann.client.put(f"{API}/posts/{post['id']}/like")
    await crowd[4][1].delete(f"{API}/posts/{post['id']}/like")
    rest = await get_json(ann.client, f"/posts/{post['id']}/likes?cursor={first['nextCursor']}")
    assert [row["user"]["id"] for row in rest["data"]] == expected[3:]


async def test_likes_of_one_moment_are_all_listed(service: Any, client: Any, make_user: Any) -> None:
    """Likes of one instant need more than their time as a cursor."""
    ann = await make_user()
    post = await publish(ann)
    crowd = await gather_crowd(service, client, 9)
    async with service.db.transaction(wait=5) as conn:
        for user_id, _ in crowd:
            await sql.reactions.like_post(conn, post_id=UUID(post["id"]), user_id=user_id, context={})
    pages = await walk(ann.client, f"/posts/{post['id']}/likes", 2)
    found = [row["user"]["id"] for page in pages for row in page]
    assert sorted(found) == sorted(str(user_id) for user_id, _ in crowd)


async def test_fifty_people_who_like_and_unlike_at_once_are_counted_exactly(
    service: Any, client: Any, make_user: Any
) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"/posts/{post['id']}/like"
    crowd = await gather_crowd(service, client, 50)

    async def waver(one: Any, number: int) -> None:
        methods = ["PUT", "PUT", "DELETE", "PUT"] if number % 2 else ["PUT", "DELETE", "DELETE"]
        answers = await asyncio.gather(insist(one, "PUT", path), insist(one, "PUT", path))
        assert [answer.status for answer in answers] == [200, 200]
        for method in methods:
            assert (await insist(one, method, path)).status == 200

    await asyncio.gather(*(waver(one, number) for number, (_, one) in enumerate(crowd)))
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["likeCount"] == 25
    await check_counters(service)


async def test_one_person_who_likes_and_unlikes_in_parallel_counts_at_most_once(
    service: Any, make_user: Any
) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"/posts/{post['id']}/like"
    calls = [insist(ann.client, ("PUT", "DELETE")[number % 2], path) for number in range(50)]
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status for answer in answers) == {200: 50}
    assert {(await answer.json())["likeCount"] for answer in answers} <= {0, 1}
    await check_counters(service)


async def test_a_like_of_a_post_deleted_meanwhile_is_404(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    async with service.db.transaction(wait=5) as conn:
        await sql.posts.delete_post(conn, post_id=UUID(post["id"]))
        liking = asyncio.create_task(bob.client.put(f"{API}/posts/{post['id']}/like"))
        await wait_until(lambda: blocked(service))
    await refused(liking, 404, "post_not_found")


async def test_an_unlike_does_not_deadlock_with_the_posts_deletion(service: Any, make_user: Any) -> None:
    """The deletion holds the post and wants the like; the unlike must not lock the like first."""
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}/like"
    await bob.client.put(path)
    async with service.db.transaction(wait=5) as conn:
        # A deletion begins with this lock on the post.
        await conn.execute("SELECT FROM posts WHERE id = $1 FOR UPDATE", UUID(post["id"]))
        unliking = asyncio.create_task(bob.client.delete(path))
        await wait_until(lambda: blocked(service))
        await sql.posts.delete_post(conn, post_id=UUID(post["id"]))
    await refused(unliking, 404, "post_not_found")
