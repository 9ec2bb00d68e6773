"""Readers: announcements each by each, comments up to a watermark that only moves forward."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import sql
from tests.api import API, NOBODY, blocked, fetch, gather_crowd, get_json, publish, refused, say, walk
from tests.conftest import wait_until
from tests.leaving import leave

pytestmark = pytest.mark.shared


async def announce(user: Any, **fields: Any) -> str:
    """Publish an announcement; return its id."""
    return str((await publish(user, type="announcement", title="Fire drill", **fields))["id"])


async def put(client: Any, path: str, **body: Any) -> dict[str, Any]:
    """Send a PUT, which must be answered with 200; return the answer's body."""
    answer = await client.put(API + path, json=body or None)
    assert answer.status == 200, await answer.text()
    data: dict[str, Any] = await answer.json()
    return data


async def list_ids(client: Any, path: str, limit: int = 100) -> list[str]:
    """The ids of the people in a list, over all its pages."""
    return [row["user"]["id"] for page in await walk(client, path, limit) for row in page]


async def test_an_announcement_has_readers_and_people_who_have_not_read_it(
    service: Any, client: Any, make_user: Any
) -> None:
    boss, other, ann = await make_user(role="manager"), await make_user(role="manager"), await make_user()
    post_id = await announce(boss)
    crowd = await gather_crowd(service, client, 6, "reads")
    path, readers = f"/posts/{post_id}/read", f"/posts/{post_id}/readers"
    for _, one in crowd[:5]:
        await put(one, path)
    first = await put(ann.client, path)
    assert await put(ann.client, path) == first
    assert (await put(boss.client, path))["readAt"] == (await get_json(ann.client, f"/posts/{post_id}"))[
        "createdAt"
    ]

    expected = [str(ann.id), *(str(user_id) for user_id, _ in reversed(crowd[:5]))]
    assert await list_ids(boss.client, readers, 2) == expected
    page = await get_json(other.client, f"{readers}?limit=1")
    assert (page["readerCount"], page["data"][0]["readAt"]) == (6, first["readAt"])
    await refused(ann.client.get(API + readers), 403, "readers_hidden")

    missing = await list_ids(other.client, f"{readers}?read=false", 3)
    left = await fetch(service, "SELECT id FROM users WHERE status = 'active' AND id <> $1", boss.id)
    assert missing == sorted({str(row["id"]) for row in left} - set(expected))
    assert {str(crowd[5][0]), str(other.id)} <= set(missing)
    page = await get_json(boss.client, f"{readers}?read=false&limit=1")
    assert (page["readerCount"], page["data"][0]["readAt"]) == (6, None)
    # A cursor of one list is not valid in the other.
    await refused(boss.client.get(f"{API}{readers}?cursor={page['nextCursor']}"), 422, "validation_failed")
    await refused(boss.client.get(f"{API}{readers}?read=perhaps"), 422, "validation_failed")


async def test_only_what_one_sees_can_be_read(make_user: Any) -> None:
    boss, other, ann = await make_user(role="manager"), await make_user(role="manager"), await make_user()
    draft = await announce(boss, status="draft")
    for post_id in (draft, NOBODY):
        for path in (f"/posts/{post_id}/readers", f"/comments/post/{post_id}/read"):
            await refused(other.client.get(API + path), 404, "post_not_found")
        await refused(other.client.put(f"{API}/posts/{post_id}/read"), 404, "post_not_found")
        body = {"upTo": NOBODY}
        await refused(other.client.put(f"{API}/comments/post/{post_id}/read", json=body), 404)
    await refused(other.client.get(f"{API}/comments/{NOBODY}/readers"), 404, "comment_not_found")
    assert (await get_json(boss.client, f"/posts/{draft}/readers"))["readerCount"] == 0

    note = await publish(ann)
    await put(other.client, f"/posts/{note['id']}/read")
    assert await list_ids(ann.client, f"/posts/{note['id']}/readers") == [str(other.id)]
    # A normal post has no list of people who have not read it.
    everybody = f"{API}/posts/{note['id']}/readers?read=false"
    await refused(ann.client.get(everybody), 409, "not_an_announcement")


async def test_a_watermark_goes_forward_over_what_is_there(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post_id = (await publish(ann))["id"]
    path = f"/comments/post/{post_id}/read"
    assert await put(bob.client, path, upTo=NOBODY) == {"upTo": None, "unreadCount": 0}
    ids = [(await say(ann, post_id))["id"] for _ in range(4)]
    await say(bob, post_id)
    assert await get_json(bob.client, path) == {"upTo": None, "unreadCount": 4}
    assert await put(bob.client, path, upTo=ids[1]) == {"upTo": ids[1], "unreadCount": 2}
    assert await put(bob.client, path, upTo=ids[0]) == {"upTo": ids[1], "unreadCount": 2}
    assert (await ann.client.delete(f"{API}/comments/{ids[3]}")).status == 204
    assert await put(bob.client, path, upTo=ids[3]) == {"upTo": ids[2], "unreadCount": 0}
    # An id of the future does not mark later comments as read.
    await put(ann.client, path, upTo=str(UUID(int=2**128 - 1)))
    latest = (await say(bob, post_id))["id"]
    assert (await get_json(ann.client, path))["unreadCount"] == 1
    assert (await put(ann.client, path, upTo=latest))["unreadCount"] == 0
    await refused(bob.client.put(API + path, json={"upTo": 7}), 422, "validation_failed")

    await fetch(
        service,
        "INSERT INTO comments (post_id, author_id, body) SELECT $1, $2, 'More.' FROM generate_series(1, 120)",
        UUID(post_id),
        bob.id,
    )
    assert (await get_json(ann.client, path))["unreadCount"] == 100


async def test_who_read_a_comment_is_for_its_author_and_moderators(
    service: Any, client: Any, make_user: Any
) -> None:
    ann, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    post_id = (await publish(ann))["id"]
    first, second = (await say(bob, post_id))["id"], (await say(bob, post_id))["id"]
    crowd = await gather_crowd(service, client, 5, "follows_the_thread")
    for number, (_, one) in enumerate([*crowd, (bob.id, bob.client)]):
        await put(one, f"/comments/post/{post_id}/read", upTo=second if number > 2 else first)
    expected = sorted(str(user_id) for user_id, _ in crowd)
    assert await list_ids(bob.client, f"/comments/{first}/readers", 2) == expected
    assert await list_ids(boss.client, f"/comments/{second}/readers") == expected[3:]
    # The post's author has no special right here.
    await refused(ann.client.get(f"{API}/comments/{first}/readers"), 403, "readers_hidden")
    await say(ann, post_id, parent=first)
    assert (await bob.client.delete(f"{API}/comments/{first}")).status == 204
    await refused(bob.client.get(f"{API}/comments/{first}/readers"), 404, "comment_not_found")


async def test_of_two_devices_at_once_the_further_one_decides(service: Any, make_user: Any) -> None:
    """Both requests found no watermark, and wait for each other."""
    ann, bob = await make_user(), await make_user()
    post_id = (await publish(ann))["id"]
    low, high = UUID((await say(ann, post_id))["id"]), UUID((await say(ann, post_id))["id"])
    path = f"/comments/post/{post_id}/read"
    for user, begun, behind in ((bob, high, low), (await make_user(), low, high)):
        async with service.db.transaction(wait=5) as conn:
            await sql.readers.read_comments(
                conn,
                thread_type="post",
                thread=UUID(post_id),
                user_id=user.id,
                sees_all=False,
                up_to=begun,
            )
            other = asyncio.create_task(put(user.client, path, upTo=str(behind)))
            await wait_until(lambda: blocked(service))
        assert await other == {"upTo": str(high), "unreadCount": 0}
        assert (await get_json(user.client, path))["upTo"] == str(high)

    async with service.db.transaction(wait=5) as conn:
        read_at = await sql.readers.read_post(conn, post_id=UUID(post_id), user_id=bob.id)
        other = asyncio.create_task(put(bob.client, f"/posts/{post_id}/read"))
        await wait_until(lambda: blocked(service))
    assert await other == {"readAt": f"{read_at:%Y-%m-%dT%H:%M:%S.%fZ}"}


async def test_reads_go_with_the_post_and_with_the_person(service: Any, make_user: Any) -> None:
    ann, bob, cat = await make_user(), await make_user(), await make_user()
    kept, gone = UUID((await publish(ann))["id"]), UUID((await publish(ann))["id"])
    for post_id in (kept, gone):
        comment = await say(ann, post_id)
        for user in (bob, cat):
            await put(user.client, f"/posts/{post_id}/read")
            await put(user.client, f"/comments/post/{post_id}/read", upTo=comment["id"])
    stand = """
        SELECT entity_id, user_id FROM entity_reads WHERE entity_id = ANY($1)
        UNION ALL
        SELECT thread, user_id FROM thread_reads WHERE thread = ANY($1)
    """
    async with service.db.transaction(wait=5) as conn:
        # Requests that mark it read meanwhile find it deleted, and leave no row.
        await sql.posts.delete_post(conn, post_id=gone)
        late = [
            ann.client.put(f"{API}/posts/{gone}/read"),
            ann.client.put(f"{API}/comments/post/{gone}/read", json={"upTo": NOBODY}),
        ]
        tasks = [asyncio.create_task(one) for one in late]
        await wait_until(lambda: blocked(service, 2))
        await leave(conn, cat.id)
    for task in tasks:
        await refused(task, 404, "post_not_found")
    assert {tuple(row) for row in await fetch(service, stand, [kept, gone])} == {(kept, bob.id)}
