"""One inbox against a plain model: states, counts, groups, lists, and a client fed by events alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.db.encoding import decode, encode
from nexcorp.delivery.events import Event, Notice
from nexcorp.features import PRODUCT
from nexcorp.features.notifications import service
from nexcorp.features.notifications.events import EVENTS
from tests.held import Held
from workers.batch import Batch, Told
from workers.jobs.inbox import retire_notifications, wake_notifications
from workers.telling import tell

LAST_ID = service.LAST_ID
FIELDS = ("id", "isRead", "seenAt", "archivedAt", "snoozedUntil", "position", "groupId", "updatedAt")


def pick(row: Any) -> dict[str, Any]:
    """The members of a notification that the model follows, as a client reads them."""
    shown = decode(encode(row))
    return {name: shown[name] for name in FIELDS}


@dataclass(eq=False)
class Group:
    key: str
    place: UUID
    id: UUID | None = None
    open: bool = True
    size: int = 0


@dataclass(eq=False)
class Row:
    id: UUID
    place: UUID
    group: Group | None
    read: bool = False
    seen: bool = False
    archived: bool = False
    snoozed: bool = False

    @property
    def listed(self) -> bool:
        return not self.archived and not self.snoozed

    @property
    def unread(self) -> bool:
        return self.listed and not self.read

    def mark_read(self) -> None:
        if not self.read and self.group is not None:
            self.group.open = False
        self.read = self.seen = True

    def wake(self, place: UUID) -> None:
        self.snoozed, self.read, self.place = False, False, place

    def state(self) -> tuple[Any, ...]:
        return self.place, self.read, self.seen, self.archived, self.snoozed, self.group


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "isRead": st.booleans(),
        "seen": st.booleans(),
        "archived": st.booleans(),
        "snoozedUntil": st.sampled_from([None, 1, 2]),
    },
).filter(
    lambda body: (
        body
        and not (body.get("isRead") and body.get("seen") is False)
        and not (body.get("archived") and body.get("snoozedUntil"))
    )
)
CHOICE = st.integers(0, 1000)
NUMBERS = itertools.count(1)


class Inboxes(RuleBasedStateMachine):
    """Each example uses another receiver in one database."""

    database: Database
    runner: asyncio.Runner
    config: Config

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.groups: list[Group] = []
        self.until = datetime.now(UTC) + timedelta(days=1)
        # A client's copy: the list as first fetched, which is empty, with each event applied.
        self.held = Held()
        self.run(self.begin())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def begin(self) -> None:
        async with self.database.transaction(wait=5) as conn:
            self.people = [
                row["id"]
                for row in await conn.fetch(
                    """INSERT INTO users (email, username)
                    SELECT $1 || n || '@example.com', $1 || n FROM generate_series(0, 3) AS n
                    RETURNING id""",
                    f"p{uuid4().hex[:12]}",
                )
            ]
            await conn.execute(
                """INSERT INTO posts (id, author_id, body)
                SELECT id, $1, 'a post' FROM unnest($2::uuid[]) AS p (id)
                ON CONFLICT (id) DO NOTHING""",
                self.people[0],
                [UUID(int=ord(post)) for post in "ab"],
            )
            self.events = await conn.fetchval("SELECT count(*) FROM events")
            self.me = self.people.pop()
            # A receiver is told only of posts that they may see, so the posts exist.
            self.posts = {
                name: await conn.fetchval(
                    "INSERT INTO posts (author_id, type, body) VALUES ($1, 'normal', 'x') RETURNING id",
                    self.me,
                )
                for name in "ab"
            }

    # Steps.

    @rule(
        post=st.sampled_from(["a", "b", None]), actor=st.integers(0, 2), times=st.sampled_from([1, 1, 1, 40])
    )
    def arrive(self, post: str | None, actor: int, times: int) -> None:
        """Likes of a post, which are grouped, or mentions, which are not."""
        self.run(self.deliver(post, actor, times))

    async def deliver(self, post: str | None, actor: int, times: int) -> None:
        entity = ("post", self.posts[post]) if post else None
        notice = Notice("like" if post else "mention", "", lambda event: (), entity=lambda event: entity)
        told = []
        for _ in range(times):
            # Ids in the order of events, like those of UUID version 7.
            event_id = UUID(int=next(NUMBERS))
            event = Event(event_id, "t", self.people[actor], "post", uuid4(), {}, datetime.now(UTC))
            told.append(Told(event, notice, self.me))
        async with self.database.transaction(wait=5) as conn:
            await tell(conn, Batch(told=told), PRODUCT)
            rows = await conn.fetch(
                """SELECT id, position FROM notifications
                WHERE receiver_id = $1 AND event_id = ANY($2::uuid[]) ORDER BY position""",
                self.me,
                [one.event.id for one in told],
            )
        assert len(rows) == times
        for row in rows:
            assert not self.rows or row["position"] > max(one.place for one in self.rows)
            group = None
            if post:
                open_ones = [one for one in self.groups if one.key == post and one.open]
                if not open_ones:
                    self.groups.append(Group(post, row["position"]))
                    open_ones = self.groups[-1:]
                (group,) = open_ones
                group.place, group.size = row["position"], group.size + 1
                group.open = group.size < 100
            self.rows.append(Row(row["id"], row["position"], group))
        await self.follow(0, created=[row["id"] for row in rows])

    @rule(which=CHOICE, body=CHANGES)
    def change(self, which: int, body: dict[str, Any]) -> None:
        if not self.rows:
            return
        row = self.rows[-1 - which % len(self.rows)]
        before = row.state()
        if body.get("snoozedUntil"):
            row.archived, row.snoozed, row.group = False, True, None
            body = {**body, "snoozedUntil": self.until + timedelta(hours=body["snoozedUntil"])}
        self.run(self.patch(row, body, before))

    async def patch(self, row: Row, body: dict[str, Any], before: tuple[Any, ...]) -> None:
        async with self.database.connection(wait=5) as conn:
            old = await service.get_notification(conn, self.me, row.id)
            shown = await service.update_notification(conn, self.me, row.id, body)
            now = await service.get_notification(conn, self.me, row.id)
        assert [shown[name] for name in FIELDS] == [now[name] for name in FIELDS]
        if body.get("archived"):
            row.archived, row.snoozed = True, False
        elif body.get("archived") is False:
            row.archived = False
        if "snoozedUntil" in body and body["snoozedUntil"] is None and row.snoozed:
            row.wake(shown["position"])
            assert row.place == max(one.place for one in self.rows)
        if body.get("isRead"):
            row.mark_read()
        elif body.get("isRead") is False:
            row.read = False
        if body.get("seen"):
            row.seen = True
        elif body.get("seen") is False and not row.read:
            row.seen = False
        moved = old["snoozedUntil"] != now["snoozedUntil"]
        await self.follow(int(row.state() != before or moved))

    @rule(which=CHOICE)
    def delete(self, which: int) -> None:
        if self.rows:
            row = self.rows.pop(-1 - which % len(self.rows))
            self.run(self.remove(row))

    async def remove(self, row: Row) -> None:
        async with self.database.connection(wait=5) as conn:
            await service.delete_notification(conn, self.me, row.id)
        await self.follow(1)

    @rule(
        which=CHOICE, verb=st.sampled_from(["read", "seen", "archive_read", "archive"]), bounded=st.booleans()
    )
    def change_all(self, which: int, verb: str, bounded: bool) -> None:
        before = self.rows[which % len(self.rows)] if bounded and self.rows else None
        self.run(self.bulk(verb, before, None))

    @rule(which=CHOICE, verb=st.sampled_from(["read", "archive"]), bounded=st.booleans())
    def change_group(self, which: int, verb: str, bounded: bool) -> None:
        known = [row for row in self.rows if row.group is not None]
        if known:
            row = known[which % len(known)]
            self.run(self.bulk(verb, row if bounded else None, row.group))

    async def bulk(self, verb: str, bound: Row | None, group: Group | None) -> None:
        meant = [row for row in self.rows if row.listed]
        if group is not None:
            meant = [row for row in meant if row.group is group]
        if bound is not None:
            at = bound.place
            meant = [row for row in meant if row.place < at or (group is not None and row.place == at)]
        given = bound.id if bound is not None else None
        async with self.database.transaction(wait=5) as conn:
            if group is not None:
                run = service.read_group if verb == "read" else service.archive_group
                updated = await run(conn, self.me, group.id, given)
            elif verb == "read":
                updated = await service.read_all(conn, self.me, given)
            elif verb == "seen":
                updated = await service.see_all(conn, self.me, given)
            else:
                only_read = verb == "archive_read"
                updated = await service.archive_all(conn, self.me, given, only_read=only_read)
        expected = 0
        for row in meant:
            was = row.state()
            if verb == "read":
                row.mark_read()
            elif verb == "seen":
                row.seen = True
            elif verb == "archive" or row.read:
                row.archived = True
            expected += row.state() != was
        assert updated == expected
        await self.follow(int(expected > 0))

    @rule()
    def wake(self) -> None:
        self.run(self.let_wake())

    async def let_wake(self) -> None:
        asleep = [row for row in self.rows if row.snoozed]
        async with self.database.connection(wait=5) as conn:
            # In order of arrival: each snooze ends a second after the one before.
            for number, row in enumerate(asleep):
                await conn.execute(
                    "UPDATE notifications SET snoozed_until = now() - interval '1 s' * $2 WHERE id = $1",
                    row.id,
                    len(asleep) - number,
                )
        assert await wake_notifications({"database": self.database}) == len(asleep)
        top = max((row.place for row in self.rows), default=UUID(int=0))
        async with self.database.connection(wait=5) as conn:
            for row in asleep:
                row.wake((await service.get_notification(conn, self.me, row.id))["position"])
                assert row.place > top
                top = row.place
        await self.follow(len(asleep))

    @rule()
    def retire(self) -> None:
        self.run(self.grow_old())

    async def grow_old(self) -> None:
        await asyncio.sleep(0.002)
        old = [row for row in self.rows if row.listed and row.read]
        gone = [row for row in self.rows if row.archived]
        config = replace(self.config, notification_retention_days=0)
        moved = await retire_notifications({"database": self.database, "config": config})
        assert moved >= len(old)
        for row in old + gone:
            row.archived = True
        # The job works in parts of 50, each with its own event.
        await self.follow(None)

    # The client.

    async def follow(self, expected: int | None, created: list[UUID] | None = None) -> None:
        """Apply the newest events in order, as frames carry them; `expected` is their number, if known."""
        async with self.database.connection(wait=5) as conn:
            rows = await conn.fetch("SELECT * FROM events ORDER BY created_at, id OFFSET $1", self.events)
            self.events += len(rows)
            assert expected is None or len(rows) == expected
            for row in rows:
                event = Event(
                    row["id"],
                    row["type"],
                    row["actor_id"],
                    row["entity_type"],
                    row["entity_id"],
                    row["payload"],
                    row["created_at"],
                )
                (frame,) = EVENTS[event.type].frames(event)
                if frame.room != f"user:{self.me}":
                    continue
                if frame.event == "notification:updated":
                    await self.fetch(conn, event.entity_id)
                else:
                    self.held.apply(frame.event, decode(encode(frame.data)))
            for one in created or ():
                await self.fetch(conn, one)

    async def fetch(self, conn: Any, notification_id: UUID) -> None:
        shown = await service.get_notification(conn, self.me, notification_id)
        self.held.apply("notification:updated", pick(shown))

    # Invariants.

    @invariant()
    def agrees(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        async with self.database.connection(wait=5) as conn:
            groups = await conn.fetch("SELECT * FROM notification_groups WHERE receiver_id = $1", self.me)
            flat = await self.walk(conn, {"limit": 100})
            shelved = await self.walk(conn, {"limit": 100, "archived": True})
            asleep = await self.walk(conn, {"limit": 100, "snoozed": True})
            fresh = await self.walk(conn, {"limit": 100, "unread": True})
            items = await self.walk(conn, {"limit": 3, "grouped": True})
            counter = await conn.fetchval(
                "SELECT unread FROM notification_counters WHERE user_id = $1", self.me
            )
        ordered = sorted(self.rows, key=lambda row: row.place, reverse=True)
        for rows, expected in (
            (flat, [row for row in ordered if row.listed]),
            (fresh, [row for row in ordered if row.unread]),
            (shelved, [row for row in ordered if row.archived]),
            (asleep, [row for row in ordered if row.snoozed]),
        ):
            assert [
                (row["id"], row["position"], row["isRead"], row["seenAt"] is not None) for row in rows
            ] == [(row.id, row.place, row.read, row.seen) for row in expected]
        assert (counter or 0) == sum(row.unread for row in self.rows)
        by_place = {row["position"]: row for row in groups}
        assert len(by_place) == len(groups) == len(self.groups)
        for group in self.groups:
            stored = by_place[group.place]
            group.id = stored["id"]
            members = [row for row in self.rows if row.group is group and row.listed]
            assert (stored["members"], stored["unread"], stored["size"]) == (
                len(members),
                sum(row.unread for row in members),
                group.size,
            )
            assert (stored["closed_at"] is None) == group.open
        assert [(row["id"], row["_place"]) for row in items] == self.expect_items(ordered)
        assert [pick(row) for row in flat] == self.held.list()

    def expect_items(self, ordered: list[Row]) -> list[tuple[UUID, UUID]]:
        """The newest listed notification of each group, at the group's place, and all without a group."""
        found: dict[Any, tuple[UUID, UUID]] = {}
        for row in ordered:
            if row.listed:
                found.setdefault(row.group or row, (row.id, row.group.place if row.group else row.place))
        return sorted(found.values(), key=lambda item: item[1], reverse=True)

    async def walk(self, conn: Any, query: dict[str, Any]) -> list[Any]:
        """All pages of a list, joined."""
        found: list[Any] = []
        since = before = LAST_ID
        while True:
            if query.get("grouped"):
                inbox, since = await service.list_grouped(conn, self.me, query, since, before)
            else:
                inbox = await service.list_notifications(conn, self.me, query, before)
            found += inbox.rows[: query["limit"]]
            assert inbox.unread == sum(row.unread for row in self.rows)
            if len(inbox.rows) <= query["limit"]:
                return found
            before = found[-1]["_place" if query.get("grouped") else "position"]


def test_an_inbox_is_what_its_model_says(config: Config) -> None:
    with asyncio.Runner() as runner:
        database = Database(config)
        runner.run(database.open())
        machine = type("Model", (Inboxes,), {"database": database, "runner": runner, "config": config})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=12,
                    stateful_step_count=30,
                    deadline=None,
                    derandomize=True,
                    # Each step asks the database: shrinking a failure would take minutes.
                    phases=(Phase.generate,),
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(database.close())
