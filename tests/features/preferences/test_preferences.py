"""What people want to be told: preferences, mutes, types; what was held, and why."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from nexcorp.features.preferences.reasons import REASONS
from tests.api import (
    API,
    NOBODY,
    check_counters,
    fetch,
    fetch_value,
    get_json,
    outbox_empty,
    publish,
    refused,
    say,
    walk,
)
from tests.conftest import wait_until
from tests.leaving import leave

pytestmark = [pytest.mark.shared, pytest.mark.asyncio(loop_scope="module")]

SETTINGS = f"{API}/notifications/preferences"
MUTES = f"{API}/notifications/mutes"
UPDATED = "notification-settings:updated"
CHANGES = """
SELECT payload -> 'fields' AS fields
FROM events
WHERE type = 'notifications.settings_updated' AND actor_id = $1
ORDER BY id
"""
HIDE = """
UPDATE posts SET type = 'announcement', status = 'draft', title = 'x', position = NULL WHERE id = $1
"""


async def put(user: Any, path: str, **body: Any) -> dict[str, Any]:
    """What a PUT answers, which must be 200."""
    answer = await user.client.put(path, json=body)
    assert answer.status == 200, await answer.text()
    data: dict[str, Any] = await answer.json()
    return data


async def settle(service: Any) -> None:
    """Wait until everything that happened is delivered."""
    await wait_until(lambda: outbox_empty(service), 10)


async def told(service: Any, user: Any, path: str = "/notifications") -> list[dict[str, Any]]:
    """A user's notifications, or those of another list, once all is delivered."""
    await settle(service)
    data: list[dict[str, Any]] = (await get_json(user.client, path))["data"]
    return data


async def trace(user: Any, notification_id: str) -> list[tuple[str, str, str | None]]:
    """The steps of a trace, without their times, which are in order."""
    steps = (await get_json(user.client, f"/notifications/{notification_id}/trace"))["data"]
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    return [(step["step"], step["outcome"], step["reason"]) for step in steps]


async def test_settings_show_what_holds_and_change_only_by_what_is_sent(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann = await make_user()
    live = await connect(ann)
    before = await get_json(ann.client, "/notifications/preferences")
    default = {"inApp": True, "email": "offline", "push": True}
    assert before["types"]["like"] == {**default, "default": default, "critical": False}
    assert before["types"]["security"]["critical"]
    assert {name: before[name] for name in before if name != "types"} == {
        **{"quietHours": None, "timezone": "UTC", "digest": "none", "digestAt": "08:00", "nextDigestAt": None}
    }
    after = await put(
        ann,
        SETTINGS,
        types={
            "like": {"push": False, "email": "off"},
            "comment": {"inApp": False},
            "security": {"push": True},
        },
        quietHours={"from": "22:00", "to": "07:30"},
        timezone="Asia/Kathmandu",
        digest="daily",
    )
    assert after["types"]["like"] == {"inApp": True, "email": "off", "push": False} | {
        **{"default": default, "critical": False}
    }
    assert after["quietHours"] == {"from": "22:00", "to": "07:30"}
    # 08:00 in Kathmandu.
    assert after["nextDigestAt"][10:] == "T02:15:00.000000Z"
    assert after == await get_json(ann.client, "/notifications/preferences")
    # The same again changes nothing; null goes back to the default.
    await put(ann, SETTINGS, timezone="Asia/Kathmandu", types={"like": {"push": False}})
    after = await put(ann, SETTINGS, types={"like": {"push": None}, "comment": None}, quietHours=None)
    assert (after["types"]["like"]["push"], after["types"]["like"]["email"]) == (True, "off")
    assert after["types"]["comment"] == before["types"]["comment"]
    assert (after["quietHours"], after["digest"]) == (None, "daily")
    assert (await put(ann, SETTINGS, timezone="UTC"))["nextDigestAt"][10:] == "T08:00:00.000000Z"
    assert (await put(ann, SETTINGS, digest="none"))["nextDigestAt"] is None
    rows = await fetch(service, "SELECT type FROM notification_preferences WHERE user_id = $1", ann.id)
    assert [row["type"] for row in rows] == ["like"]
    await settle(service)
    changes = [row["fields"] for row in await fetch(service, CHANGES, ann.id)]
    assert [sorted(fields) for fields in changes] == [
        sorted(
            ["types.like.email", "types.like.push", "types.comment.inApp", "quietHours", "timezone", "digest"]
        ),
        ["quietHours", "types.comment.inApp", "types.like.push"],
        ["timezone"],
        ["digest"],
    ]
    frames = [await live.next(UPDATED) for _ in range(4)]
    assert [frame["data"]["fields"] for frame in frames] == changes


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "_schema"),
        ({"quietHours": {"from": "22:00", "to": "22:00"}}, "quietHours.to"),
        ({"quietHours": {"from": "24:00", "to": "07:00"}}, "quietHours.from"),
        ({"quietHours": {"from": "٢٢:00", "to": "07:00"}}, "quietHours.from"),
        ({"quietHours": {"from": "+9:00", "to": "07:00"}}, "quietHours.from"),
        ({"quietHours": {"from": "22:00"}}, "quietHours.to"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "posix/Europe/Berlin"}, "timezone"),
        ({"timezone": "EST5EDT4"}, "timezone"),
        ({"timezone": "<+03>-3"}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"digest": "weekly"}, "digest"),
        ({"types": {"nothing": {"push": True}}}, "types.nothing"),
        ({"types": {"security": {"email": "off"}}}, "types.security"),
        ({"types": {"like": {"email": "never"}}}, "types.like.value.email"),
        ({"types": {"like": {"push": 0}}}, "types.like.value.push"),
        ({"types": []}, "types"),
    ],
)
async def test_what_makes_no_sense_is_refused(make_user: Any, body: Any, field: str) -> None:
    ann = await make_user()
    answer = await refused(ann.client.put(SETTINGS, json=body), 422, "validation_failed")
    assert list(answer["errors"]) == [field]


async def test_changes_of_one_persons_settings_at_once_lose_nothing(service: Any, make_user: Any) -> None:
    ann = await make_user()
    names = [
        name for name in (await get_json(ann.client, "/notifications/types"))["data"] if not name["critical"]
    ]
    bodies = [{"types": {row["type"]: {"email": "always"}}} for row in names]
    await asyncio.gather(
        *(put(ann, SETTINGS, **body) for body in bodies), put(ann, SETTINGS, digest="hourly")
    )
    after = await get_json(ann.client, "/notifications/preferences")
    assert {name for name, of in after["types"].items() if of["email"] == "always"} == {
        *(row["type"] for row in names),
        "security",
    }
    assert after["digest"] == "hourly"


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
    # The post; its comment; a reply to the comment; what the person does.
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
    # Of others nothing is muted. What is told comes with a frame, which is the next one.
    await bob.client.put(f"{API}/posts/{other['id']}/like")
    assert [row["type"] for row in await told(service, ann)] == ["like"]
    frame = await live.next("notification:created")
    assert (frame["data"]["type"], frame["seq"]) == ("like", 4)
    # What was held stays so, and what is told later is told.
    assert (await ann.client.delete(f"{MUTES}/post/{post['id']}")).status == 204
    assert (await ann.client.delete(f"{MUTES}/post/{post['id']}")).status == 204
    await say(bob, post["id"])
    assert [row["type"] for row in await told(service, ann)] == ["comment", "like"]
    assert len(await told(service, ann, "/notifications/held")) == 5
    await bob.client.delete(f"{API}/comments/{on_post['id']}")
    gone = next(row for row in await told(service, ann, "/notifications/held") if row["id"] == mention["id"])
    assert (gone["message"], gone["entity"]) == ("", None)
    await check_counters(service)


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
    # The one that has ended holds nothing; the trail has one event for each change.
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
    await wait_until(lambda: acked(service, ann), 5)
    await ann.client.patch(path, json={"isRead": True})
    await ann.client.patch(path, json={"archived": True})
    # Later settings rewrite nothing.
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


async def test_an_admin_marks_a_type_as_critical_and_settings_come_back_with_the_end_of_it(
    service: Any, make_user: Any
) -> None:
    ann, bob, admin = await make_user(), await make_user(), await make_user(role="admin")
    path = f"{API}/notifications/types/"
    post = await publish(ann)
    await put(ann, SETTINGS, types={"like": {"inApp": False}})
    await put(ann, f"{MUTES}/post/{post['id']}")
    await refused(ann.client.put(path + "like", json={"critical": True}), 403)
    await refused(admin.client.put(path + "nothing", json={"critical": True}), 404)
    await refused(admin.client.put(path + "security", json={"critical": False}), 422)
    try:
        for _ in range(2):
            assert (await put(admin, path + "like", critical=True))["critical"]
        shown = (await get_json(ann.client, "/notifications/preferences"))["types"]["like"]
        assert (shown["critical"], shown["inApp"]) == (True, True)
        await refused(ann.client.put(SETTINGS, json={"types": {"like": {"inApp": False}}}), 422)
        await bob.client.put(f"{API}/posts/{post['id']}/like")
        assert [row["type"] for row in await told(service, ann)] == ["like"]
    finally:
        assert not (await put(admin, path + "like", critical=None))["critical"]
    assert not (await get_json(ann.client, "/notifications/preferences"))["types"]["like"]["inApp"]
    eve = await make_user()
    await eve.client.put(f"{API}/posts/{post['id']}/like")
    assert len(await told(service, ann)) == len(await told(service, ann, "/notifications/held")) == 1
    trail = "SELECT payload FROM events WHERE type = 'notifications.type_changed' ORDER BY id"
    assert [row["payload"] for row in await fetch(service, trail)] == [
        {"type": "like", "critical": True},
        {"type": "like", "critical": False},
    ]


async def test_who_leaves_takes_all_settings_along(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    await put(ann, SETTINGS, types={"like": {"push": False}}, digest="daily")
    await put(ann, f"{MUTES}/post/{post['id']}")
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    assert len(await told(service, ann, "/notifications/held")) == 1
    async with service.db.transaction(wait=5) as conn:
        await leave(conn, ann.id)
    for table, column in (
        ("notification_settings", "user_id"),
        ("notification_preferences", "user_id"),
        ("notification_mutes", "user_id"),
        ("notifications_held", "receiver_id"),
    ):
        assert not await fetch(service, f"SELECT FROM {table} WHERE {column} = $1", ann.id), table


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
    # Whoever is answered is heard: what happens behind the answer is held.
    eve = await make_user()
    for post in posts:
        await eve.client.put(f"{API}/posts/{post['id']}/like")
    assert len(await told(service, ann)) == len(listed)
    await check_counters(service)
