"""The room `feed`: new posts by you and the people you follow, pushed to you alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import sql
from nexcorp.realtime import bus
from nexcorp.realtime.node import NODE
from tests.api import API, gather_crowd, get_json, outbox_empty, publish
from tests.conftest import wait_until
from tests.realtime.helpers import ask, subscribe


async def heard(live: Any) -> list[str]:
    """The bodies of all posts pushed to the room `feed` so far."""
    await ask(live, "ping")
    return [frame["data"]["body"] for frame in live.frames if frame.get("room") == "feed"]


async def test_the_feed_shows_what_the_followed_publish_from_now_on(
    service: Any, make_user: Any, connect: Any, second_node: str
) -> None:
    me, friend, stranger = [await make_user() for _ in range(3)]
    boss = await make_user(role="admin")
    for followed in (friend, boss):
        await me.client.put(f"{API}/users/{followed.id}/follow")
    here, there, theirs = await connect(me), await connect(me, url=second_node), await connect(stranger)
    place = await get_json(me.client, "/feed")
    for live in (here, there, theirs):
        answer = await subscribe(live, "feed", epoch=place["epoch"], seq=place["seq"])
        assert answer == {"room": "feed", "epoch": place["epoch"], "seq": 0, "recovered": False}
    post = await publish(friend, "by a friend")
    await wait_until(lambda: outbox_empty(service))
    # Wait, because posts of different authors may arrive in any order.
    await publish(stranger, "by a stranger")
    await publish(me, "by myself")
    draft = await publish(boss, "a draft", type="announcement", status="draft")
    for live in (here, there):
        frame = await live.next("post:created")
        assert (frame["room"], "seq" in frame, frame["data"]["id"]) == ("feed", False, post["id"])
        assert (await live.next("post:created"))["data"]["body"] == "by myself"
    assert (await theirs.next("post:created"))["data"]["body"] == "by a stranger"
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "published"})
    assert (await here.next("post:created"))["data"]["body"] == "a draft"
    # After following or unfollowing, the next post shows the change.
    await me.client.delete(f"{API}/users/{friend.id}/follow")
    await stranger.client.put(f"{API}/users/{friend.id}/follow")
    await publish(friend, "to others")
    assert (await theirs.next("post:created"))["data"]["body"] == "to others"
    await ask(here, "unsubscribe", {"room": "feed"})
    await publish(me, "nobody listens")
    await wait_until(lambda: outbox_empty(service))
    for body in ("a draft", "nobody listens"):
        assert (await there.next("post:created"))["data"]["body"] == body
    assert await heard(here) == ["by a friend", "by myself", "a draft"]
    assert await heard(there) == ["by a friend", "by myself", "a draft", "nobody listens"]
    assert await heard(theirs) == ["by a stranger", "to others"]


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """While `lossy.on`, the worker's pushes of frames are dropped."""
    push, state = bus.Publisher.publish, SimpleNamespace(on=True)

    async def drop(self: Any, payloads: Any) -> None:
        if not (state.on and payloads and payloads[0][0] == bus.FRAMES_CHANNEL):
            await push(self, payloads)

    monkeypatch.setattr(bus.Publisher, "publish", drop)
    return state


async def test_what_redis_lost_is_found_and_shown_once(
    service: Any, make_user: Any, connect: Any, lossy: Any
) -> None:
    me, friend = await make_user(), await make_user()
    await me.client.put(f"{API}/users/{friend.id}/follow")
    live = await connect(me)
    await subscribe(live, "feed")
    [room] = service.app[NODE].gathered
    lossy.on = False
    await publish(friend, "pushed")
    assert (await live.next("post:created"))["data"]["body"] == "pushed"
    lossy.on = True
    await publish(friend, "lost")
    gone = await publish(friend, "lost and gone")
    await friend.client.delete(f"{API}/posts/{gone['id']}")
    await wait_until(lambda: outbox_empty(service))
    room.check_soon()
    assert (await live.next("post:created"))["data"]["body"] == "lost"
    lossy.on = False
    room.check_soon()
    await publish(friend, "pushed again")
    assert (await live.next("post:created"))["data"]["body"] == "pushed again"
    assert await heard(live) == ["pushed", "lost", "pushed again"]


async def test_who_is_concerned_is_the_same_for_authors_of_few_and_of_many(service: Any, client: Any) -> None:
    crowd = [user_id for user_id, _ in await gather_crowd(service, client, 6, "reader")]
    known, quiet, *readers = crowd
    async with service.db.transaction(wait=5) as conn:
        for reader in readers:
            await sql.follows.follow_user(conn, follower_id=reader, followed_id=known, context={})
        await sql.follows.follow_user(conn, follower_id=readers[0], followed_id=quiet, context={})

    async def ask_of(users: list[UUID]) -> set[tuple[UUID, UUID]]:
        async with service.db.connection(wait=5) as conn:
            rows = await sql.feed.list_concerned(conn, user_ids=users, source_ids=[known, quiet])
        found = [(row["user_id"], row["source_id"]) for row in rows]
        assert len(found) == len(set(found))
        return set(found)

    pairs = {(reader, known) for reader in readers} | {(readers[0], quiet), (known, known), (quiet, quiet)}
    for users in (crowd, readers, readers[:1], [known], [quiet, readers[1]], []):
        assert await ask_of(users) == {pair for pair in pairs if pair[0] in users}, users
