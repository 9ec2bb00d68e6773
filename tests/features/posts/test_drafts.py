"""Drafts are visible to their author alone, and no count or list shows that one exists."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from tests.api import API, fetch, get_json, outbox_empty, publish, refused, say
from tests.conftest import wait_until


async def make_draft(user: Any) -> dict[str, Any]:
    return await publish(user, type="announcement", status="draft")


async def test_comments_on_a_draft_are_its_authors_alone(make_user: Any) -> None:
    boss, other = await make_user(role="manager"), await make_user(role="admin")
    draft = await make_draft(boss)
    comment = await say(boss, draft["id"], "not yet")
    await say(boss, draft["id"], "later")
    listed = f"{API}/comments/post/{draft['id']}"
    assert len((await get_json(boss.client, f"/comments/post/{draft['id']}"))["data"]) == 2
    await refused(other.client.get(listed), 404, "post_not_found")
    cursor = (await get_json(boss.client, f"/comments/post/{draft['id']}?limit=1"))["nextCursor"]
    await refused(other.client.get(f"{listed}?cursor={cursor}"), 404, "post_not_found")
    path = f"{API}/comments/{comment['id']}"
    await refused(other.client.patch(path, json={"body": "mine"}), 404, "comment_not_found")
    await refused(other.client.delete(path), 404, "comment_not_found")


async def test_who_cannot_see_a_draft_is_not_told_of_a_mention_in_its_comments(
    service: Any, make_user: Any
) -> None:
    boss, other = await make_user(role="manager"), await make_user("outsider")
    draft = await make_draft(boss)
    await say(boss, draft["id"], "a surprise for @outsider")
    await wait_until(lambda: outbox_empty(service))
    assert (await get_json(other.client, "/notifications"))["data"] == []
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "published"})
    await say(boss, draft["id"], "welcome @outsider")

    async def told() -> bool:
        rows = (await get_json(other.client, "/notifications?type=mention"))["data"]
        return [row["message"] for row in rows] == ["welcome @outsider"]

    await wait_until(told)


async def test_changes_of_a_draft_are_on_record_and_in_no_room(
    service: Any, make_user: Any, connect: Any
) -> None:
    boss, other = await make_user(role="manager"), await make_user()
    live = await connect(other)
    await live.send("subscribe", {"room": f"profile:{boss.id}"})
    await live.next("subscribed")
    draft = await make_draft(boss)
    path = f"{API}/posts/{draft['id']}"
    assert (await boss.client.patch(path, json={"body": "changed"})).status == 200
    assert (await boss.client.delete(path)).status == 204
    await publish(boss, body="for all")
    frame = await live.next()
    assert (frame["event"], frame["seq"]) == ("post:created", 1)
    rows = await fetch(
        service,
        "SELECT type FROM events WHERE entity_id = $1 ORDER BY created_at",
        UUID(draft["id"]),
    )
    assert [row["type"] for row in rows] == ["post.drafted", "post.draft_updated", "post.draft_deleted"]


async def test_what_was_said_to_a_draft_is_in_no_frame_for_those_who_come_later(
    service: Any, make_user: Any
) -> None:
    boss = await make_user(role="manager")
    draft = await make_draft(boss)
    comment = await say(boss, draft["id"], "the secret")
    await boss.client.patch(f"{API}/comments/{comment['id']}", json={"body": "still the secret"})
    await boss.client.patch(f"{API}/comments/{comment['id']}", json={"body": "for all"})
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "published"})
    await say(boss, draft["id"], "welcome")
    await wait_until(lambda: outbox_empty(service))
    room = f"post:{draft['id']}"
    async with service.db.connection(wait=5) as conn:
        rows = await sql.realtime.read_frames(conn, room=room, after=0, most=10)
        frames = [json.loads(text) for text in await PRODUCT.renderer.render(conn, rows)]
    assert [frame["event"] for frame in frames] == ["post:updated", "comment:created"]
    assert frames[1]["data"]["body"] == "welcome"
    assert frames[1]["data"]["commentCount"] == 2


async def test_publishing_shows_where_the_author_has_the_draft_open(make_user: Any, connect: Any) -> None:
    boss = await make_user(role="manager")
    draft = await make_draft(boss)
    live = await connect(boss)
    await live.send("subscribe", {"room": f"post:{draft['id']}"})
    await live.next("subscribed")
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "published"})
    assert (await live.next("post:updated"))["data"]["status"] == "published"
