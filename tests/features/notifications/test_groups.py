"""Notifications that a list shows as one group."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nexcorp.features import PRODUCT
from tests.api import (
    API,
    NOBODY,
    check_counters,
    fetch_value,
    gather_crowd,
    get_json,
    outbox_empty,
    publish,
    refused,
    say,
    walk,
)
from tests.conftest import wait_until
from workers.delivery import Delivery

GROUPED = "/notifications?grouped=true"


async def like(service: Any, post: dict[str, Any], people: list[Any]) -> None:
    """Let these people like the post, one after the other, and wait for delivery."""
    for _, one in people:
        assert (await one.put(f"{API}/posts/{post['id']}/like")).status == 200
    await wait_until(lambda: outbox_empty(service))


async def items(user: Any, more: str = "") -> list[dict[str, Any]]:
    """The first page of the grouped list."""
    data: list[dict[str, Any]] = (await get_json(user.client, GROUPED + more))["data"]
    return data


async def read(user: Any, row: dict[str, Any]) -> None:
    answer = await user.client.patch(f"{API}/notifications/{row['id']}", json={"isRead": True})
    assert answer.status == 200


async def test_six_likes_one_is_read_and_a_seventh(service: Any, client: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann, title="Tea")
    crowd = await gather_crowd(service, client, 7, "fan")
    await like(service, post, crowd[:1])
    (single,) = await items(ann)
    assert (single["title"], single["group"]) == ("fan0 liked your post", None)
    assert single["groupId"]
    await like(service, post, crowd[1:2])
    assert (await items(ann))[0]["title"] == "fan1 and fan0 liked your post"
    await like(service, post, crowd[2:6])
    (one,) = await items(ann)
    assert (one["title"], one["message"]) == ("fan5 and 5 others liked your post", "Tea")
    group = one["group"]
    assert group.items() >= {"count": 6, "unread": 6, "key": f"like:post:{post['id']}"}.items()
    assert [actor["username"] for actor in group["actors"]] == ["fan5", "fan4", "fan3"]
    # The flat list still shows each notification.
    flat = (await get_json(ann.client, "/notifications"))["data"]
    assert [row["title"] for row in flat] == [f"fan{number} liked your post" for number in range(5, -1, -1)]
    assert {row["groupId"] for row in flat} == {group["id"]} and {row["group"] for row in flat} == {None}
    await read(ann, flat[3])
    await like(service, post, crowd[6:])
    newer, older = await items(ann)
    assert (newer["title"], newer["group"]) == ("fan6 liked your post", None)
    assert older["group"].items() >= {"id": group["id"], "count": 6, "unread": 5}.items()
    assert older["position"] < newer["position"]
    # The group's members in pages; below, a snoozed and woken one leaves the group.
    pages = await walk(ann.client, f"/notifications?group={group['id']}", 2)
    assert [row["id"] for page in pages for row in page] == [row["id"] for row in flat]
    for mine, group_id in ((bob, group["id"]), (ann, NOBODY)):
        assert (await get_json(mine.client, f"/notifications?group={group_id}"))["data"] == []
    path = f"{API}/notifications/{flat[0]['id']}"
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for change in ({"snoozedUntil": until}, {"snoozedUntil": None}):
        assert (await ann.client.patch(path, json=change)).status == 200
        await check_counters(service)
    woken, newer, older = await items(ann)
    assert (woken["id"], woken["groupId"], woken["group"]) == (flat[0]["id"], None, None)
    assert (older["title"], older["group"]["count"]) == ("fan4 and 4 others liked your post", 5)
    assert len(await walk(ann.client, f"{GROUPED}&unread=true", 1)) == 3
    assert await items(ann, "&type=comment") == []
    assert len(await items(ann, "&type=comment,like")) == 3
    await check_counters(service)


async def test_people_are_counted_not_comments(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    (_, bob), (_, eve) = await gather_crowd(service, client, 2, "one")
    for number in range(3):
        answer = await bob.post(f"{API}/comments", json={"postId": post["id"], "body": f"{number}"})
        assert answer.status == 201
    await wait_until(lambda: outbox_empty(service))
    (item,) = await items(ann)
    assert (item["title"], item["group"]["count"]) == ("one0 commented on your post", 3)
    assert len(item["group"]["actors"]) == 1
    for one in (bob, eve):
        assert (await one.put(f"{API}/users/{ann.id}/follow")).status == 200
    await wait_until(lambda: outbox_empty(service))
    assert [item["title"] for item in await items(ann)] == [
        "one1 and one0 follow you",
        "one0 commented on your post",
    ]


async def test_a_hundred_and_one_are_two_groups(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    await service.stop_worker()
    crowd = await gather_crowd(service, client, 101, "fan")
    async with service.db.transaction(wait=5) as conn:
        for person, _ in crowd:
            await conn.execute(
                "SELECT emit('post.liked', $1, 'post', $2, jsonb_build_object('authorId', $3::uuid), '{}')",
                person,
                UUID(post["id"]),
                ann.id,
            )
    await Delivery(service.db, ignore, PRODUCT).drain()
    newer, older = await items(ann)
    assert (newer["group"], older["group"]["count"]) == (None, 100)
    assert older["title"].endswith(" and 99 others liked your post")
    assert await fetch_value(service, "SELECT count(*) FROM notification_groups WHERE closed_at IS NULL") == 1
    await check_counters(service)


async def ignore(messages: list[Any]) -> None:
    """Drop frames: no socket is connected."""


async def test_pages_stand_still_while_groups_move(service: Any, client: Any, make_user: Any) -> None:
    """No item twice and none missing; items newer than the first page are not in later pages."""
    ann = await make_user()
    posts = [await publish(ann) for _ in range(6)]
    crowd = await gather_crowd(service, client, 4, "fan")
    for number, post in enumerate(posts):
        await like(service, post, crowd[:2])
        if number % 2:
            await say(await make_user(), post["id"], f"@{ann.username} {number}")
    await wait_until(lambda: outbox_empty(service))
    before = await items(ann)
    assert len(before) == 9
    page = await get_json(ann.client, f"{GROUPED}&limit=2")
    seen, rounds = page["data"], 0
    while page["nextCursor"]:
        # Old groups move to the top, a new group comes, and a group moves that was shown already.
        moved = posts[rounds % 6]
        if rounds < 3:
            await like(service, moved, crowd[2:3])
            await like(service, await publish(ann), crowd[:1])
            await like(service, posts[-1], crowd[3:])
        rounds += 1
        page = await get_json(ann.client, f"{GROUPED}&limit=2&cursor={page['nextCursor']}")
        seen += page["data"]
    assert [(row["id"], row["position"]) for row in seen] == [(row["id"], row["position"]) for row in before]
    flat = (await get_json(ann.client, "/notifications?limit=1"))["nextCursor"]
    await refused(ann.client.get(f"{API}{GROUPED}&cursor={flat}"), 422, "validation_failed")
    await check_counters(service)
