"""Leaving: one's texts stay readable, one's personal data are gone everywhere."""

from __future__ import annotations

import asyncio
import json
from http.cookies import SimpleCookie
from typing import Any

import pytest

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from nexcorp.realtime import protocol
from tests.api import API, get_json, outbox_empty, publish, say
from tests.conftest import wait_until
from tests.features.uploads.files import upload
from tests.realtime.helpers import closed
from tests.traces import find_traces

ME = f"{API}/users/me"
FIRST, LAST = "Zebulon", "Quartermain"
FORMER = {"firstName": "Former", "lastName": "member"}


async def traces(service: Any) -> set[tuple[str, str]]:
    """Places in the database with the leaver's name."""
    async with service.db.connection(wait=5) as conn:
        return await find_traces(conn, [FIRST])


async def render_room(service: Any, room: str) -> list[dict[str, Any]]:
    """All frames of a room, as a returning client is sent them now."""
    async with service.db.connection(wait=5) as conn:
        rows = await sql.realtime.read_frames(conn, room=room, after=0, most=100)
        return [json.loads(text) for text in await PRODUCT.renderer.render(conn, rows)]


@pytest.fixture
async def leaver(make_user: Any) -> Any:
    """A user with a name, about to leave."""
    user = await make_user("zeb")
    answer = await user.client.patch(ME, json={"firstName": FIRST, "lastName": LAST, "bio": "Zebulon's"})
    assert answer.status == 200
    return user


async def test_what_one_wrote_stays_and_the_name_goes(
    service: Any, make_user: Any, leaver: Any, fetch: Any, client: Any, make_key: Any
) -> None:
    ann = await make_user()
    key = await make_key(leaver, "post:read")
    post = await publish(ann)
    own = await (
        await leaver.client.post(f"{API}/posts", json={"body": "Mine."}, headers={"Idempotency-Key": "once"})
    ).json()
    comment = await say(leaver, post["id"])
    await say(ann, own["id"])
    assert (await leaver.client.put(f"{API}/posts/{post['id']}/like")).status == 200
    for one, other in ((leaver, ann), (ann, leaver)):
        assert (await one.client.put(f"{API}/users/{other.id}/follow")).status == 200

    async def told() -> bool:
        titles = [row["title"] for row in (await get_json(ann.client, "/notifications"))["data"]]
        return len(titles) == 3 and all(title.startswith(f"{FIRST} {LAST} ") for title in titles)

    await wait_until(told)
    assert await traces(service)
    answer = await leaver.client.delete(ME)
    assert answer.status == 204
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["__Host-refresh"]
    assert (cookie.value, cookie["max-age"]) == ("", "0")

    person = await get_json(ann.client, f"/users/{leaver.id}")
    tombstone = f"former_{str(leaver.id)[-12:]}"
    nothing = dict.fromkeys(("jobTitle", "department", "location", "bio", "avatarUrl"))
    assert person.items() >= {**FORMER, **nothing, "username": tombstone, "followed": False}.items()
    seen = await get_json(ann.client, f"/posts/{own['id']}")
    assert (seen["body"], seen["author"]["lastName"], seen["commentCount"]) == ("Mine.", "member", 1)
    seen = await get_json(ann.client, f"/posts/{post['id']}")
    assert (seen["likeCount"], seen["commentCount"]) == (1, 1)
    (shown,) = (await get_json(ann.client, f"/comments/post/{post['id']}"))["data"]
    assert (shown["id"], shown["author"]["firstName"]) == (comment["id"], "Former")
    titles = {row["title"] for row in (await get_json(ann.client, "/notifications"))["data"]}
    assert titles == {
        "Former member liked your post",
        "Former member commented on your post",
        "Former member follows you",
    }
    for table, column in (
        ("sessions", "user_id"),
        ("api_keys", "user_id"),
        ("follows", "follower_id"),
        ("follows", "followed_id"),
        ("notifications", "receiver_id"),
        ("notification_counters", "user_id"),
    ):
        assert not await fetch(f"SELECT FROM {table} WHERE {column} = $1", leaver.id), table
    for headers in (key, leaver.headers):
        assert (await client.get(f"{API}/posts", headers=headers)).status == 401

    assert not await fetch("SELECT FROM room_frames WHERE room = $1", f"user:{leaver.id}")

    async def forgotten() -> bool:
        return not await traces(service)

    await wait_until(forgotten)
    frames = await render_room(service, f"user:{ann.id}")
    assert {frame["data"]["title"].split(" member")[0] for frame in frames} == {"Former"}


async def test_what_was_never_shown_goes_at_once(make_user: Any, leaver: Any, client: Any) -> None:
    shown, loose = await upload(leaver), await upload(leaver)
    await publish(leaver, uploadIds=[shown["id"]])
    assert (await leaver.client.delete(ME)).status == 204
    assert (await client.get(shown["url"])).status == 200
    assert (await client.get(loose["url"])).status == 404


async def test_nobody_reaches_who_left(make_user: Any, leaver: Any, client: Any, fetch: Any) -> None:
    ann, boss = await make_user(), await make_user(role="admin")
    assert (await leaver.client.delete(ME)).status == 204
    login = {"email": leaver.email, "password": leaver.password, "platform": "cli"}
    assert (await client.post(f"{API}/auth/login", json=login)).status == 401
    for query in ("q=zeb", "q=former", "limit=100", "status=deactivated"):
        rows = (await get_json(boss.client, f"/users?{query}"))["data"]
        assert str(leaver.id) not in {row["id"] for row in rows}
    assert (await ann.client.put(f"{API}/users/{leaver.id}/follow")).status == 404
    for what, value in (("role", "admin"), ("status", "active")):
        answer = await boss.client.put(f"{API}/users/{leaver.id}/{what}", json={what: value})
        assert answer.status == 404
    shown = await get_json(boss.client, f"/users/{leaver.id}")
    assert (shown["status"], shown["email"], shown["lastSeenAt"]) == ("deleted", None, None)
    name = f"former_{str(leaver.id)[-12:]}"
    await publish(ann, body=f"@{name} @zeb, are you there?")
    await asyncio.sleep(0.3)
    assert not await fetch("SELECT FROM notifications WHERE receiver_id = $1", leaver.id)
    # The address is free for another person; the username is reserved for a year, in any spelling.
    body = {"email": leaver.email, "password": "a long enough secret"}
    taken = await client.post(f"{API}/auth/register", json={**body, "username": "ZEB"})
    assert (taken.status, (await taken.json())["code"]) == (409, "username_taken")
    await fetch("UPDATE freed_usernames SET freed_at = now() - interval '1 year'")
    answer = await client.post(f"{API}/auth/register", json={**body, "username": "zeb"})
    assert answer.status == 201
    assert (await answer.json())["user"]["id"] != str(leaver.id)


async def test_open_sockets_end_on_every_node(leaver: Any, connect: Any, second_node: str) -> None:
    lives = [await connect(leaver), await connect(leaver, url=second_node)]
    assert (await leaver.client.delete(ME)).status == 204
    for live in lives:
        assert (await closed(live))[0] == protocol.SESSION_REVOKED


async def test_leaving_twice_at_once_is_leaving_once(leaver: Any, fetch: Any) -> None:
    answers = await asyncio.gather(*(leaver.client.delete(ME) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [204] + [401] * 4
    assert len(await fetch("SELECT FROM events WHERE type = 'user.deleted'")) == 1


async def test_a_key_cannot_leave_for_its_owner(leaver: Any, make_key: Any, client: Any) -> None:
    key = await make_key(leaver, "profile:update", "profile:read")
    assert (await client.delete(ME, headers=key)).status == 403
    assert (await client.get(ME, headers=key)).status == 200


async def test_a_new_name_shows_in_old_notifications(make_user: Any, leaver: Any) -> None:
    ann = await make_user()
    assert (await leaver.client.put(f"{API}/users/{ann.id}/follow")).status == 200

    async def title() -> Any:
        rows = (await get_json(ann.client, "/notifications"))["data"]
        return rows and rows[0]["title"]

    assert await wait_until(title) == f"{FIRST} {LAST} follows you"
    assert (await leaver.client.patch(ME, json={"lastName": None})).status == 200
    assert await title() == f"{FIRST} follows you"


async def test_an_assignee_who_left_is_named_in_no_frame(service: Any, make_user: Any, leaver: Any) -> None:
    ann = await make_user()
    post = await publish(ann, type="project", body="Who?")
    await leaver.client.put(f"{API}/posts/{post['id']}/interest")
    await ann.client.put(f"{API}/posts/{post['id']}/assignee", json={"userId": str(leaver.id)})
    await wait_until(lambda: outbox_empty(service))
    room = f"post:{post['id']}"
    assert FIRST in str(await render_room(service, room))
    assert (await leaver.client.delete(ME)).status == 204
    frames = await render_room(service, room)
    assert FIRST not in str(frames)
    assert [frame["data"]["assignee"] for frame in frames if "assignee" in frame["data"]] == [None]
