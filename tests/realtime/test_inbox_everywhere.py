"""One inbox over REST, GraphQL and sockets: a fetched list with later frames applied is the list now."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api import API, check_counters, fetch_value, get_json, publish, say
from tests.conftest import Live
from tests.graphql import helpers as graphql
from tests.graphql.helpers import Talk, open_talk, settle
from tests.held import Held
from tests.realtime.replays import replay_own
from workers.jobs.inbox import wake_notifications

FIELDS = """id type title message isRead seenAt archivedAt snoozedUntil position groupId silent
    actor { id username } entity { type id } postId relatedLeadId createdAt updatedAt"""
FEED = f"{{ notificationFeed(limit: 100) {{ data {{ {FIELDS} }} unreadCount epoch seq }} }}"
CHANGED = f"""subscription ($after: String) {{
    notificationChanged(after: $after) {{ event seq data notification {{ {FIELDS} }} }}
}}"""
READ_ONE = "mutation ($id: String!) { markAsRead(id: $id) { id isRead } }"
DELETE_ONE = "mutation ($id: String!) { deleteNotification(id: $id) }"


class Days:
    """Random actions of one person's devices and of other people, several at a time."""

    def __init__(self, ann: Any, others: list[Any], posts: list[str], service: Any, seed: int) -> None:
        self.ann, self.others, self.posts, self.service = ann, others, posts, service
        self.chance = random.Random(seed)

    async def live(self, turns: int) -> None:
        """Do `turns` times up to four actions at once, some before the earlier ones are delivered."""
        for _ in range(turns):
            listed = (await get_json(self.ann.client, "/notifications?limit=100"))["data"]
            apart = (await get_json(self.ann.client, "/notifications?archived=true"))["data"]
            apart += (await get_json(self.ann.client, "/notifications?snoozed=true"))["data"]
            deeds = [self.choose(listed, apart) for _ in range(self.chance.randint(1, 4))]
            await asyncio.gather(*deeds)
            if self.chance.random() < 0.3:
                await settle(self.service)
        await settle(self.service)

    def choose(self, listed: list[dict[str, Any]], apart: list[dict[str, Any]]) -> Any:
        if not listed or self.chance.random() < 0.4:
            return self.arrive(self.chance.randrange(6))
        if apart and self.chance.random() < 0.2:
            return self.take_back(self.chance.choice(apart))
        row = self.chance.choice(listed[:12])
        return self.chance.choice([self.change_one, self.change_one, self.change_many])(row)

    async def arrive(self, deed: int) -> None:
        """Let another person like, mention, follow or comment; some likes are taken back."""
        who, post = self.chance.choice(self.others), self.chance.choice(self.posts)
        if deed < 2:
            call = who.client.put if self.chance.random() < 0.8 else who.client.delete
            await call(f"{API}/posts/{post}/like")
        elif deed == 2:
            await say(who, post, f"@{self.ann.username} look {self.chance.random()}")
        elif deed == 3:
            await who.client.put(f"{API}/users/{self.ann.id}/follow")
        else:
            await say(who, post)

    async def take_back(self, row: dict[str, Any]) -> None:
        """Take an archived or snoozed notification back, or change it where it is."""
        bodies = [{"archived": False}, {"snoozedUntil": None}, {"isRead": not row["isRead"]}]
        await self.patch(row, self.chance.choice(bodies))

    async def change_one(self, row: dict[str, Any]) -> None:
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        bodies: list[dict[str, Any]] = [
            *({"isRead": True}, {"isRead": False}, {"seen": True}, {"archived": True}),
            *({"snoozedUntil": later}, {"archived": True, "isRead": True}),
        ]
        deed = self.chance.randrange(10)
        if deed < 6:
            await self.patch(row, bodies[deed])
        elif deed == 6:
            await graphql.execute(self.ann, READ_ONE, id=row["id"])
        elif deed == 7:
            await graphql.execute(self.ann, DELETE_ONE, id=row["id"])
        elif deed == 8:
            await self.ann.client.delete(f"{API}/notifications/{row['id']}")
        else:
            await self.wake(row["id"])

    async def patch(self, row: dict[str, Any], body: dict[str, Any]) -> None:
        """Change a notification; it may be deleted already."""
        answer = await self.ann.client.patch(f"{API}/notifications/{row['id']}", json=body)
        assert answer.status in (200, 404), await answer.text()

    async def wake(self, name: str) -> None:
        """Snooze a notification, and let its time come."""
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await self.patch({"id": name}, {"snoozedUntil": later})
        async with self.service.db.connection(wait=5) as conn:
            await conn.execute(
                "UPDATE notifications SET snoozed_until = now() WHERE id = $1 AND snoozed_until IS NOT NULL",
                name,
            )
        await wake_notifications({"database": self.service.db})

    async def change_many(self, row: dict[str, Any]) -> None:
        before = self.chance.choice([None, row["id"], row["createdAt"]])
        deed = self.chance.randrange(6)
        if deed == 0:
            await graphql.fetch(self.ann, "mutation { markAllAsRead }")
        elif deed == 1 and row["groupId"] is not None:
            verb = self.chance.choice(["read", "archive"])
            await self.post(
                f"groups/{row['groupId']}/{verb}", {"upTo": self.chance.choice([None, row["id"]])}
            )
        elif deed == 2:
            await self.post("archive-all", {"before": before, "onlyRead": self.chance.random() < 0.8})
        else:
            await self.post("seen" if deed == 3 else "read-all", {"before": before})

    async def post(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.ann.client.post(f"{API}/notifications/{path}", json=body)
        assert answer.status == 200, await answer.text()


@dataclass
class Rest:
    """A list read over REST, and a socket at /ws that was connected before."""

    live: Live | None
    seq: int
    held: Held
    unread: int
    count: int | None = field(default=None, init=False)

    async def follow(self, last: int) -> None:
        """Apply the socket's frames up to the number `last`."""
        assert self.live is not None
        while self.seq < last or self.count is None:
            frame = await self.live.next()
            self.take(frame)
        # The count of the last frames comes after them.
        while self.count != self.held.count_unread():
            self.take(await self.live.next())

    def take(self, frame: dict[str, Any]) -> None:
        if frame["event"] == "unread-count":
            self.count = frame["data"]["count"]
        elif frame.get("seq", 0) > self.seq:
            assert frame["seq"] == self.seq + 1
            self.seq = frame["seq"]
            self.held.apply(frame["event"], frame["data"])


async def read_rest(ann: Any, live: Live | None = None) -> Rest:
    page = await get_json(ann.client, "/notifications?limit=100")
    assert page["nextCursor"] is None
    return Rest(live, page["seq"], Held(page["data"]), page["unreadCount"])


async def read_graphql(ann: Any) -> tuple[Held, int, str, int]:
    """Return the list over GraphQL, its unread count, and its position as `after` and as a number."""
    feed = (await graphql.fetch(ann, FEED))["notificationFeed"]
    return Held(feed["data"]), feed["unreadCount"], f"{feed['epoch']}/{feed['seq']}", feed["seq"]


async def follow_graphql(talk: Talk, held: Held, seq: int, last: int) -> None:
    """Apply the subscription's changes from `seq` to `last`."""
    while seq < last:
        change = (await talk.hear())["payload"]["data"]["notificationChanged"]
        assert change["seq"] == seq + 1
        seq = change["seq"]
        held.apply(change["event"], change["data"], change["notification"])


@pytest.mark.shared
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_was_fetched_and_its_frames_are_what_is_shown(
    make_user: Any, service: Any, client: Any, connect: Any, seed: int
) -> None:
    """Devices of both protocols, and clients that come back, agree with the lists and with each other."""
    ann, *others = [await make_user() for _ in range(4)]
    posts = [(await publish(ann))["id"] for _ in range(2)]
    days = Days(ann, others, posts, service, seed)
    await days.live(5)
    device = await read_rest(ann, await connect(ann))
    other, _, after, seq = await read_graphql(ann)
    talk = await open_talk(client, ann)
    await talk.begin()
    await talk.subscribe(CHANGED, after=after)
    away = []
    for _ in range(4):
        await days.live(6)
        away.append((await read_rest(ann), *await read_graphql(ann)))
    await days.live(6)
    last = await fetch_value(service, "SELECT last_seq FROM rooms WHERE name = $1", f"user:{ann.id}")
    assert last - device.seq > 20

    now = await read_rest(ann)
    shown, unread, _, there = await read_graphql(ann)
    assert now.seq == there == last
    assert now.unread == unread == now.held.count_unread() == shown.count_unread()
    assert (await get_json(ann.client, "/notifications/unread-count"))["count"] == unread
    assert (await graphql.fetch(ann, "{ getUnreadCount }"))["getUnreadCount"] == unread
    assert [row["id"] for row in now.held.list()] == [row["id"] for row in shown.list()]

    await device.follow(last)
    assert (device.held.list(), device.count) == (now.held.list(), unread)
    await follow_graphql(talk, other, seq, last)
    assert other.list() == shown.list()
    for rest, feed, _, position, begin in away:
        for frame in await replay_own(ann, service, rest.seq):
            rest.take(frame)
        assert rest.held.list() == now.held.list(), rest.seq
        await talk.say("complete", id="one")
        await talk.subscribe(CHANGED, after=position)
        await follow_graphql(talk, feed, begin, last)
        assert feed.list() == shown.list(), begin

    items = (await get_json(ann.client, "/notifications?grouped=true&limit=100"))["data"]
    assert {
        row["groupId"]: (row["id"], row["group"]["count"], row["group"]["unread"])
        for row in items
        if row["group"] is not None
    } == {name: group for name, group in device.held.list_groups().items() if group[1] > 1}
    await check_counters(service)


@pytest.mark.shared
async def test_what_was_read_after_others_were_archived_stays_in_the_list(
    make_user: Any, service: Any, client: Any, connect: Any
) -> None:
    """A replay shows the notification as read at once; the bulk frame behind it must not archive it."""
    ann, bob = await make_user(), await make_user()
    post = (await publish(ann))["id"]
    for text in ("first", "second"):
        await say(bob, post, text)
    await settle(service)
    before = await read_rest(ann)
    feed, _, after, seq = await read_graphql(ann)
    second, first = before.held.list()
    path = f"{API}/notifications"
    await ann.client.patch(f"{path}/{first['id']}", json={"seen": True})
    await ann.client.patch(f"{path}/{second['id']}", json={"isRead": True})
    for verb in ("archive-all", "read-all"):
        await ann.client.post(f"{path}/{verb}", json={})
    await settle(service)
    for frame in await replay_own(ann, service, before.seq):
        before.take(frame)
    now = (await read_rest(ann)).held.list()
    assert [row["id"] for row in now] == [first["id"]]
    assert before.held.list() == now
    talk = await open_talk(client, ann)
    await talk.begin()
    await talk.subscribe(CHANGED, after=after)
    await follow_graphql(talk, feed, seq, before.seq)
    assert feed.list() == (await read_graphql(ann))[0].list()
