"""Held notifications, the mutes that held them, and traces that explain a delivery."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from nexcorp.features.preferences.reasons import REASONS
from tests.api import API, NOBODY, check_counters, fetch, fetch_value, get_json, publish, refused, say, walk
from tests.conftest import wait_until
from tests.features.preferences.steps import HIDE, MUTES, SETTINGS, UPDATED, put, settle, told, trace

pytestmark = [pytest.mark.shared, pytest.mark.asyncio(loop_scope="module")]


async def test_a_mute_holds_all_that_belongs_to_it_and_the_trace_says_so(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    post, other = await publish(ann, title="Tea"), await publish(ann)
    mine = await say(ann, other["id"])
    await settle(service)
    live = await connect(ann)
    muted = await put(ann, f"{MUTES}/post/{post['id']}")
    assert muted["entity"] == {"type": "post", "id": post["id"]}
    assert (muted["title"], muted["until"]) == ("Tea", None)
    await put(ann, f"{MUTES}/comment/{mine['id']}")
    await put(ann, f"{MUTES}/user/{eve.id}")
    for _ in range(3):
        assert (await live.next(UPDATED))["data"] == {"fields": ["mutes"]}
    # Events on the muted post, a reply to the muted comment, and actions of the muted person.
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    on_post = await say(bob, post["id"], f"@{ann.username}")
    await say(bob, other["id"], "Well.", parent=mine["id"])
    await eve.client.put(f"{API}/posts/{other['id']}/like")
    await eve.client.put(f"{API}/users/{ann.id}/follow")
    assert await told(service, ann) == []
    assert await get_json(ann.client, "/notifications/unread-count") == {"count": 0}
    held = await told(service, ann, "/notifications/held")
    assert sorted(row["type"] for row in held) == ["comment", "follow", "like", "like", "mention"]
    assert {row["reason"] for row in held} == {"muted"}
    mention = next(row for row in held if row["type"] == "mention")
    assert mention["title"] == f"{bob.username} mentioned you"
    assert (mention["message"], mention["entity"]["id"]) == (f"@{ann.username}", on_post["id"])
    assert await trace(ann, mention["id"]) == [
        ("audience", "chosen", "mentioned"),
        ("decision", "held", "muted"),
    ]
    pages = await walk(ann.client, "/notifications/held", 2)
    assert [row["id"] for page in pages for row in page] == [row["id"] for row in held]
    # Other posts are not muted. The delivered like comes as the next frame.
    await bob.client.put(f"{API}/posts/{other['id']}/like")
    assert [row["type"] for row in await told(service, ann)] == ["like"]
    frame = await live.next("notification:created")
    assert (frame["data"]["type"], frame["seq"]) == ("like", 4)
    # After the mute has ended, held notifications stay held, and new ones are delivered.
    assert (await ann.client.delete(f"{MUTES}/post/{post['id']}")).status == 204
    assert (await ann.client.delete(f"{MUTES}/post/{post['id']}")).status == 204
    await say(bob, post["id"])
    assert [row["type"] for row in await told(service, ann)] == ["comment", "like"]
    assert len(await told(service, ann, "/notifications/held")) == 5
    await bob.client.delete(f"{API}/comments/{on_post['id']}")
    gone = next(row for row in await told(service, ann, "/notifications/held") if row["id"] == mention["id"])
    assert (gone["message"], gone["entity"]) == ("", None)
    await check_counters(service)


async def test_what_comes_in_quiet_hours_comes_without_a_sound(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    live = await connect(ann)
    now = datetime.now(UTC)
    hours = {"from": f"{now - timedelta(hours=1):%H:%M}", "to": f"{now + timedelta(hours=1):%H:%M}"}
    await put(ann, SETTINGS, quietHours=hours)
    post = await publish(ann)
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    (row,) = await told(service, ann)
    frame = await live.next("notification:created")
    assert row["silent"] is frame["data"]["silent"] is True
    found = await trace(ann, row["id"])
    assert ("inApp", "silent", "quiet_hours") in found
    assert found[-1] == ("email", "waiting", "quiet_hours")
    await put(ann, SETTINGS, quietHours=None)
    await say(bob, post["id"])
    newer, older = await told(service, ann)
    assert (newer["silent"], older["silent"]) == (False, True)


async def test_mutes_end_are_listed_and_tell_nothing_of_what_is_out_of_sight(
    service: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user(role="manager")
    draft = await publish(bob, title="Secret", type="announcement", status="draft")
    answers = [
        await refused(ann.client.put(f"{MUTES}/{kind}/{entity_id}", json={}), 404, "entity_not_found")
        for kind, entity_id in (
            ("post", draft["id"]),
            ("post", NOBODY),
            ("nothing", NOBODY),
            ("user", NOBODY),
        )
    ]
    assert len({(answer["code"], answer["message"]) for answer in answers}) == 1
    past = {"until": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}
    await refused(ann.client.put(f"{MUTES}/user/{bob.id}", json=past), 422)
    for call in (ann.client.put, ann.client.delete):
        answer = await refused(call(f"{MUTES}/%00/{bob.id}"), 422)
        assert answer["errors"].keys() == {"entityType"}
    assert (await ann.client.delete(f"{MUTES}/post/{draft['id']}")).status == 204
    posts = sorted([(await publish(bob))["id"] for _ in range(3)])
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for post_id in posts:
        await put(ann, f"{MUTES}/post/{post_id}", until=until)
    await put(ann, f"{MUTES}/user/{bob.id}")
    pages = await walk(ann.client, "/notifications/mutes", 2)
    assert [[row["entity"]["id"] for row in page] for page in pages] == [
        posts[:2],
        [posts[2], str(bob.id)],
    ]
    assert pages[1][1]["title"] == bob.username
    await fetch(service, HIDE, UUID(posts[0]))
    end = "UPDATE notification_mutes SET until = now() WHERE user_id = $1 AND entity_id = $2"
    await fetch(service, end, ann.id, UUID(posts[1]))
    rows = (await get_json(ann.client, "/notifications/mutes"))["data"]
    assert [(row["entity"]["id"], row["title"]) for row in rows] == [
        (posts[0], None),
        (posts[2], "Hello."),
        (str(bob.id), bob.username),
    ]
    # The mute that has ended holds nothing; the trail has one event for each change.
    await ann.client.delete(f"{MUTES}/user/{bob.id}")
    await say(bob, posts[1], f"@{ann.username}")
    await say(bob, posts[2], f"@{ann.username}")
    assert len(await told(service, ann)) == len(await told(service, ann, "/notifications/held")) == 1
    counted = "SELECT count(*) FROM events WHERE actor_id = $1 AND type LIKE 'notifications.%muted'"
    await put(ann, f"{MUTES}/post/{posts[2]}", until=until)
    assert await fetch_value(service, counted, ann.id) == 5


async def test_a_trace_tells_of_each_step_and_only_its_owner(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    live = await connect(ann)
    await put(ann, SETTINGS, types={"like": {"email": "off"}})
    post = await publish(ann)
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    (row,) = await told(service, ann)
    frame = await live.next("notification:created")
    path = f"{API}/notifications/{row['id']}"
    steps = [
        ("audience", "chosen", "author"),
        ("decision", "told", None),
        ("inApp", "shown", None),
        ("email", "left_out", "preference"),
        ("push", "left_out", "no_subscription"),
    ]
    assert await trace(ann, row["id"]) == steps
    await live.send("ack", {"room": f"user:{ann.id}", "seq": frame["seq"]})
    await wait_until(lambda: acked(service, ann))
    await ann.client.patch(path, json={"isRead": True})
    await ann.client.patch(path, json={"archived": True})
    # Later settings do not change the trace.
    await put(ann, SETTINGS, types={"like": None})
    found = await trace(ann, row["id"])
    assert found[:5] == steps
    assert sorted(found[5:]) == sorted(
        [
            ("delivered", "acknowledged", None),
            *((name, "done", None) for name in ("seen", "read", "archived")),
        ]
    )
    assert {reason for _, _, reason in found if reason} <= REASONS.keys()
    await say(bob, post["id"])
    (mailed,) = await told(service, ann)
    found = await trace(ann, mailed["id"])
    assert ("email", "planned", None) in found
    assert [step for step, _, _ in found[:3]] == ["audience", "decision", "inApp"]
    held = await put(ann, f"{MUTES}/post/{post['id']}")
    assert held
    await say(bob, post["id"])
    (kept,) = await told(service, ann, "/notifications/held")
    for notification_id in (row["id"], kept["id"], NOBODY):
        await refused(
            bob.client.get(f"{API}/notifications/{notification_id}/trace"), 404, "notification_not_found"
        )
    assert await told(service, bob, "/notifications/held") == []
    assert (await get_json(bob.client, "/notifications/mutes"))["data"] == []


async def acked(service: Any, user: Any) -> bool:
    return bool(await fetch(service, "SELECT FROM room_acks WHERE room = $1", f"user:{user.id}"))


async def test_a_mute_while_it_is_delivered_holds_it_or_not_but_never_both(
    service: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    posts = [await publish(ann) for _ in range(12)]
    await settle(service)

    async def work(post: dict[str, Any]) -> None:
        await asyncio.gather(
            bob.client.put(f"{API}/posts/{post['id']}/like"), put(ann, f"{MUTES}/post/{post['id']}")
        )

    await asyncio.gather(*map(work, posts))
    listed = await told(service, ann)
    held = await told(service, ann, "/notifications/held")
    assert sorted(row["postId"] for row in listed + held) == sorted(post["id"] for post in posts)
    # Once the PUT of a mute is answered, the mute holds all later events.
    eve = await make_user()
    for post in posts:
        await eve.client.put(f"{API}/posts/{post['id']}/like")
    assert len(await told(service, ann)) == len(listed)
    await check_counters(service)
