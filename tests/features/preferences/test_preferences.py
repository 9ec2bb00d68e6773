"""Notification preferences, and the types of notification."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nexcorp.features import PRODUCT
from nexcorp.features.preferences.reasons import CHOSEN
from tests.api import API, fetch, get_json, publish, refused
from tests.features.preferences.steps import MUTES, SETTINGS, UPDATED, put, settle, told
from tests.leaving import leave

pytestmark = [pytest.mark.shared, pytest.mark.asyncio(loop_scope="module")]

CHANGES = """
SELECT payload -> 'fields' AS fields
FROM events
WHERE type = 'notifications.settings_updated' AND actor_id = $1
ORDER BY id
"""


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
    # The same values again change nothing; null restores the default.
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


async def test_what_is_shown_can_be_sent_back_and_changes_nothing(service: Any, make_user: Any) -> None:
    ann = await make_user()
    await put(ann, SETTINGS, digest="daily", types={"like": {"push": False}})
    shown = await get_json(ann.client, "/notifications/preferences")
    assert await put(ann, SETTINGS, **shown) == shown
    rows = await fetch(service, "SELECT type, push FROM notification_preferences WHERE user_id = $1", ann.id)
    assert [tuple(row) for row in rows] == [("like", False)]
    shown["types"]["like"]["push"] = True
    assert (await put(ann, SETTINGS, **shown))["types"]["like"]["push"] is True
    assert not await fetch(service, "SELECT type FROM notification_preferences WHERE user_id = $1", ann.id)
    assert len(await fetch(service, CHANGES, ann.id)) == 2


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
        ({"types": {f"x{number}": {} for number in range(101)}}, "types"),
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


async def test_every_reason_to_choose_somebody_is_explained() -> None:
    assert {notice.why for event in PRODUCT.events.values() for notice in event.notices} == CHOSEN.keys()
