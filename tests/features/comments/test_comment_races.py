"""The counter of comments under races, each forced by two real connections."""

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
    gather_crowd,
    get_json,
    insist,
    publish,
    refused,
    say,
)
from tests.conftest import wait_until


async def test_a_reply_to_a_parent_deleted_meanwhile_is_422(service: Any, make_user: Any) -> None:
    """The reply has read its parent and waits for the post; meanwhile the parent is deleted."""
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    comment = await say(ann, post["id"])
    body = {"postId": post["id"], "body": "Too late.", "parentId": comment["id"]}
    async with service.db.transaction(wait=5) as conn:
        comment_id = UUID(comment["id"])
        await sql.comments.lock_post_of_comment(conn, comment_id=comment_id)
        gone = {"comment_id": comment_id, "user_id": ann.id, "any_author": False, "versions": None}
        assert await sql.comments.delete_comment(conn, **gone)
        replying = asyncio.create_task(bob.client.post(f"{API}/comments", json=body))
        await wait_until(lambda: blocked(service))
    error = await refused(replying, 422, "validation_failed")
    assert list(error["errors"]) == ["parentId"]
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 0
    await check_counters(service)


async def test_a_comment_on_a_post_deleted_meanwhile_is_404(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    async with service.db.transaction(wait=5) as conn:
        await sql.posts.delete_post(conn, post_id=UUID(post["id"]))
        saying = asyncio.create_task(
            bob.client.post(f"{API}/comments", json={"postId": post["id"], "body": "Too late."})
        )
        await wait_until(lambda: blocked(service))
    await refused(saying, 404, "post_not_found")


async def test_a_reply_that_came_while_a_delete_waited_stays(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    comment = await say(ann, post["id"])
    async with service.db.transaction(wait=5) as conn:
        reply = await sql.comments.create_comment(
            conn,
            post_id=UUID(post["id"]),
            author_id=bob.id,
            parent_id=UUID(comment["id"]),
            body="Just in time.",
            usernames=[],
            context={},
        )
        deleting = asyncio.create_task(ann.client.delete(f"{API}/comments/{comment['id']}"))
        await wait_until(lambda: blocked(service))
    assert (await deleting).status == 204
    listed = (await get_json(ann.client, f"/comments/post/{post['id']}"))["data"]
    assert [(row["id"], row["deleted"]) for row in listed] == [
        (comment["id"], True),
        (str(reply["id"]), False),
    ]
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 1
    await check_counters(service)


async def test_of_the_last_replies_deleted_at_once_one_takes_the_placeholder_along(
    service: Any, make_user: Any
) -> None:
    ann = await make_user()
    post = await publish(ann)
    gone = await say(ann, post["id"])
    replies = [await say(ann, post["id"], parent=gone["id"]) for _ in range(5)]
    for deleted in ([gone], replies):
        paths = [f"{API}/comments/{comment['id']}" for comment in deleted]
        answers = await asyncio.gather(*map(ann.client.delete, paths))
        assert {answer.status for answer in answers} == {204}
    assert (await get_json(ann.client, f"/comments/post/{post['id']}"))["data"] == []
    await check_counters(service)


async def test_of_ten_deletes_of_a_comment_one_counts(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    kept, gone = await say(ann, post["id"]), await say(ann, post["id"])
    reply = await say(ann, post["id"], parent=gone["id"])
    answers = await asyncio.gather(*(ann.client.delete(f"{API}/comments/{gone['id']}") for _ in range(10)))
    assert Counter(answer.status for answer in answers) == {204: 1, 404: 9}
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 2
    [first, placeholder, last] = (await get_json(ann.client, f"/comments/post/{post['id']}"))["data"]
    assert ([first, last], placeholder["deleted"]) == ([kept, reply], True)
    await check_counters(service)


async def test_a_crowd_that_comments_replies_and_deletes_is_counted_exactly(
    service: Any, client: Any, make_user: Any
) -> None:
    ann = await make_user()
    post = await publish(ann)
    crowd = await gather_crowd(service, client, 25)
    statuses: Counter[int] = Counter()

    async def talk(one: Any, number: int) -> None:
        body = {"postId": post["id"], "body": "First."}
        comment = await (await insist(one, "POST", "/comments", json=body)).json()
        body["parentId"] = comment["id"]
        calls = [insist(one, "POST", "/comments", json=body) for _ in range(3)]
        if number % 2:
            calls.insert(1, insist(one, "DELETE", f"/comments/{comment['id']}"))
        for answer in await asyncio.gather(*calls):
            statuses[answer.status] += 1

    await asyncio.gather(*(talk(one, number) for number, (_, one) in enumerate(crowd)))
    assert statuses.keys() <= {201, 204, 422}, statuses
    assert statuses[204] == 12
    await check_counters(service)
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] >= 13 * 4
