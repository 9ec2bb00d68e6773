"""Snoozing, bulk changes, and their effects on several devices."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from nexcorp.errors import Unavailable
from nexcorp.features.notifications import service as notifications
from nexcorp.features.notifications.service import archive_all, read_all, see_all
from tests.api import (
    API,
    NOBODY,
    check_counters,
    fetch,
    fetch_value,
    gather_crowd,
    get_json,
    insist,
    outbox_empty,
    publish,
    refused,
    say,
    walk,
)
from tests.conftest import wait_until
from tests.features.notifications.test_inbox import receive, unread
from workers.jobs.inbox import retire_notifications, wake_notifications

HOUR = timedelta(hours=1)


def later(span: timedelta = HOUR) -> str:
    """A time in the future, as a client sends it."""
    return (datetime.now(UTC) + span).isoformat()


async def patch(user: Any, row: dict[str, Any], **change: Any) -> dict[str, Any]:
    """Change a notification; return it, as GET also shows it."""
    path = f"{API}/notifications/{row['id']}"
    answer = await user.client.patch(path, json=change)
    assert answer.status == 200, await answer.text()
    changed: dict[str, Any] = await answer.json()
    assert await (await user.client.get(path)).json() == changed
    return changed


async def ids(user: Any, query: str = "") -> list[str]:
    """The ids of a list, over all its pages."""
    return [row["id"] for page in await walk(user.client, f"/notifications{query}", 100) for row in page]


async def count_events(service: Any) -> int:
    """The number of events so far."""
    return int(await fetch_value(service, "SELECT count(*) FROM events"))


async def make_due(service: Any) -> None:
    """Let all snoozed notifications be due."""
    await fetch(service, "UPDATE notifications SET snoozed_until = now() WHERE snoozed_until IS NOT NULL")


async def test_a_snoozed_one_comes_back_on_top_on_every_device(
    service: Any, client: Any, make_user: Any, connect: Any
) -> None:
    ann = await make_user()
    newest, middle, oldest = await receive(service, client, ann, 1, 2)
    await patch(ann, oldest, isRead=True)
    await wait_until(lambda: outbox_empty(service))
    live, other = await connect(ann), await connect(ann)
    await live.next("connected")
    snoozed = await patch(ann, oldest, snoozedUntil=later())
    assert snoozed["snoozedUntil"] and (snoozed["groupId"], snoozed["isRead"]) == (None, True)
    frame = await live.next("notification:updated")
    assert frame["data"] == snoozed
    assert (await live.next("unread-count"))["data"] == {"count": 2}
    assert await ids(ann) == [newest["id"], middle["id"]]
    assert (await ids(ann, "?snoozed=true"), await unread(ann)) == ([oldest["id"]], 2)
    await make_due(service)
    await wake_notifications({"database": service.db})
    woken = (await live.next("notification:updated"))["data"]
    assert (await live.next("unread-count"))["data"] == {"count": 3}
    # Woken it is unread again and still seen, and stands where it woke.
    assert (woken["isRead"], woken["seenAt"]) == (False, snoozed["seenAt"])
    assert (woken["snoozedUntil"], woken["groupId"]) == (None, None)
    assert woken["position"] > newest["position"]
    data = (await get_json(ann.client, "/notifications"))["data"]
    assert [row["id"] for row in data] == [oldest["id"], newest["id"], middle["id"]]
    assert data[0] == woken
    for frame in live.frames[1:]:
        assert await other.next(frame["event"]) == frame
    assert (await ids(ann, "?snoozed=true"), await unread(ann)) == ([], 3)
    await check_counters(service)


@pytest.mark.shared
async def test_what_one_change_says_of_several_things(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    bob = await make_user()
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await wait_until(lambda: outbox_empty(service))
    (row,) = (await get_json(ann.client, "/notifications"))["data"]
    # Archiving ends a snooze without waking; unarchived, the notification is where and as it was.
    await patch(ann, row, snoozedUntil=later(), isRead=True)
    shelved = await patch(ann, row, archived=True, snoozedUntil=None)
    assert shelved["archivedAt"] and (shelved["snoozedUntil"], shelved["isRead"]) == (None, True)
    assert (await patch(ann, row, archived=False))["position"] == row["position"]
    # Snoozing takes it out of the archive.
    await patch(ann, row, archived=True)
    snoozed = await patch(ann, row, snoozedUntil=later(), archived=False)
    assert snoozed["snoozedUntil"] and snoozed["archivedAt"] is None
    # Waking makes it unread, unless the same request reads it.
    woken = await patch(ann, row, snoozedUntil=None, isRead=True)
    assert woken["isRead"] and woken["position"] > row["position"]
    # A read notification is seen.
    assert (await patch(ann, row, seen=False))["seenAt"] == woken["seenAt"] is not None
    assert (await patch(ann, row, isRead=False, seen=False))["seenAt"] is None
    before = await count_events(service)
    for change in ({"seen": False}, {"archived": False}, {"snoozedUntil": None}, {"isRead": False}):
        await patch(ann, row, **change)
    assert await count_events(service) == before
    path = f"{API}/notifications/{row['id']}"
    for body, field in (
        ({"snoozedUntil": later(-HOUR)}, "snoozedUntil"),
        ({"snoozedUntil": later(timedelta(days=367))}, "snoozedUntil"),
        ({"snoozedUntil": "2999-01-01T00:00:00"}, "snoozedUntil"),
        ({"snoozedUntil": "9999-12-31T23:59:59-23:59"}, "snoozedUntil"),
        ({"snoozedUntil": "soon"}, "snoozedUntil"),
        ({"snoozedUntil": 1}, "snoozedUntil"),
        ({"snoozedUntil": later(), "archived": True}, "snoozedUntil"),
        ({"isRead": True, "seen": False}, "seen"),
    ):
        assert (await refused(ann.client.patch(path, json=body), 422))["errors"].keys() == {field}, body
    await refused(bob.client.get(path), 404, "notification_not_found")
    for query in ("archived=true&snoozed=true", f"grouped=true&group={NOBODY}", "group=x", "snoozed=x"):
        await refused(ann.client.get(f"{API}/notifications?{query}"), 422, "validation_failed")


async def test_many_at_once_and_one_frame(service: Any, client: Any, make_user: Any, connect: Any) -> None:
    ann = await make_user()
    rows = await receive(service, client, ann, 0, 6)
    live = await connect(ann)
    await live.next("connected")

    async def post(path: str, **body: Any) -> Any:
        answer = await ann.client.post(f"{API}/notifications/{path}", json=body)
        assert answer.status == 200, await answer.text()
        updated = (await answer.json())["updated"]
        return updated, (await live.next("notifications:bulk-updated"))["data"] if updated else None

    updated, data = await post("seen", before=rows[3]["id"])
    assert (updated, data["seen"], data["upTo"]) == (2, True, rows[4]["position"])
    assert await post("seen", before=rows[3]["createdAt"]) == (0, None)
    assert (await post("seen"))[0] == 4
    assert await unread(ann) == 6
    await patch(ann, rows[5], isRead=True)
    await patch(ann, rows[0], isRead=True)
    updated, data = await post("archive-all", before=rows[0]["position"])
    assert updated == 1
    assert data.items() >= {"archived": True, "onlyRead": True, "upTo": rows[5]["position"]}.items()
    assert await ids(ann) == [row["id"] for row in rows[:5]]
    updated, data = await post("archive-all", onlyRead=False, before=rows[2]["id"])
    assert (updated, data["onlyRead"], data["upTo"]) == (2, False, rows[3]["position"])
    assert await unread(ann) == 2
    group = rows[0]["groupId"]
    updated, data = await post(f"groups/{group}/read", upTo=rows[2]["id"])
    assert (updated, data["groupId"], data["upTo"]) == (1, group, rows[2]["position"])
    updated, data = await post(f"groups/{group}/archive")
    assert (updated, data["groupId"], data["upTo"]) == (3, group, rows[0]["position"])
    assert await post(f"groups/{group}/archive") == (0, None)
    assert (await ids(ann), len(await ids(ann, "?archived=true")), await unread(ann)) == ([], 6, 0)
    await live.nothing("notifications:bulk-updated", 0.2)
    bob = await make_user()
    for verb in ("read", "archive"):
        for name in (group, NOBODY):
            path = f"{API}/notifications/groups/{name}/{verb}"
            await refused(bob.client.post(path), 404, "notification_group_not_found")
            assert (await refused(bob.client.post(path, json={"upTo": 7}), 422))["errors"].keys() == {"upTo"}
    await check_counters(service)


async def test_what_is_read_and_old_leaves_the_list_and_can_be_taken_back(
    service: Any, client: Any, make_user: Any, connect: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    rows = await receive(service, client, ann, 2, 4)
    for row in (rows[1], rows[4], rows[5]):
        await patch(ann, row, isRead=True)
    shelved = await patch(ann, rows[3], archived=True)
    live = await connect(ann)
    await live.next("connected")
    context = {"database": service.db, "config": service.config}
    assert await retire_notifications(context) == 0
    # Make all but the two newest 31 days old.
    await fetch(
        service,
        """UPDATE notifications SET
            id = (left(first_id(read_time(id) - interval '31 days')::text, 13) || right(id::text, 23))::uuid,
            position = (
                left(first_id(read_time(position) - interval '31 days')::text, 13)
                || right(position::text, 23)
            )::uuid
        WHERE position <= $1""",
        UUID(rows[2]["position"]),
    )
    aged = {row["createdAt"]: row for row in (await walk(ann.client, "/notifications", 100))[0]}
    last, first = aged[rows[5]["createdAt"]], aged[rows[4]["createdAt"]]
    assert await retire_notifications(context) == 3
    data = (await live.next("notifications:bulk-updated"))["data"]
    told = {"archived": True, "onlyRead": True, "archivedThrough": first["position"], "updated": 2}
    assert data.items() >= told.items()
    kept = [aged[row["createdAt"]]["id"] for row in (rows[0], rows[1], rows[2])]
    assert await ids(ann) == kept
    gone = await walk(ann.client, "/notifications?archived=true", 1)
    assert [row["createdAt"] for (row,) in gone] == [row["createdAt"] for row in (shelved, first, last)]
    assert await fetch_value(service, "SELECT count(*) FROM notifications_archive") == 3
    await check_counters(service)
    # Archived notifications still belong to their receiver alone.
    path = f"{API}/notifications/{first['id']}"
    assert (await (await ann.client.get(path)).json())["archivedAt"]
    await refused(bob.client.patch(path, json={"archived": False}), 404, "notification_not_found")
    await refused(bob.client.delete(path), 404, "notification_not_found")
    back = await patch(ann, first, archived=False, isRead=False)
    assert (back["archivedAt"], back["position"], back["groupId"]) == (
        None,
        first["position"],
        first["groupId"],
    )
    assert await ids(ann) == [*kept, first["id"]]
    assert (await ann.client.delete(f"{API}/notifications/{last['id']}")).status == 204
    assert len(await ids(ann, "?archived=true")) == 1
    assert await retire_notifications(context) == 0
    await check_counters(service)


async def test_everything_at_once_leaves_exact_counts(service: Any, client: Any, make_user: Any) -> None:
    """Archiving, unreading, snoozing, read-alls, wakings by two workers, and arrivals, all in parallel."""
    ann = await make_user()
    rows = await receive(service, client, ann, 8, 4)
    post = (await get_json(ann.client, "/posts"))["data"][0]
    crowd = await gather_crowd(service, client, 12, "later")
    context = {"database": service.db, "config": service.config}
    group = rows[-1]["groupId"]
    calls: list[Any] = []
    for number, row in enumerate(rows):
        path = f"/notifications/{row['id']}"
        for change in (
            {"archived": True},
            {"isRead": False},
            {"snoozedUntil": later()},
            {"isRead": True},
            {"archived": False},
            {"snoozedUntil": None},
        ):
            calls.append(insist(ann.client, "PATCH", path, json=change))
        if number % 4 == 0:
            calls.append(insist(ann.client, "POST", "/notifications/read-all"))
            calls.append(insist(ann.client, "POST", "/notifications/archive-all", json={"onlyRead": False}))
            calls.append(insist(ann.client, "POST", f"/notifications/groups/{group}/read"))
            calls.append(insist(ann.client, "DELETE", path))
    for number, (_, one) in enumerate(crowd):
        calls.insert(number * 6, insist(one, "PUT", f"/posts/{post['id']}/like"))

    async def wake() -> None:
        for _ in range(10):
            await make_due(service)
            # A worker without a connection tries again later.
            with suppress(Unavailable):
                await asyncio.gather(wake_notifications(context), wake_notifications(context))

    answers = await asyncio.gather(*calls, wake())
    assert {answer.status for answer in answers[:-1]} <= {200, 204, 404}
    await make_due(service)
    await wake_notifications(context)
    await wait_until(lambda: outbox_empty(service))
    await check_counters(service)
    listed = (await walk(ann.client, "/notifications?unread=true", 100))[0]
    assert await unread(ann) == len(listed)


async def test_a_read_all_while_a_thousand_arrive(service: Any, make_user: Any) -> None:
    """Each is read by a read-all or came after the last one: the sum of both is exact."""
    ann, bob = await make_user(), await make_user()
    post = await publish(bob)
    comment = await say(bob, post["id"], f"@{ann.username}")
    await wait_until(lambda: outbox_empty(service))
    await fetch(
        service,
        """SELECT emit(
            'comment.created', $1, 'comment', $2,
            jsonb_build_object('postId', $3::uuid, 'postAuthorId', $4::uuid, 'onDraft', true), '{}'
        ) FROM generate_series(1, 1000)""",
        bob.id,
        UUID(comment["id"]),
        UUID(post["id"]),
        ann.id,
    )
    read = 0
    while not await outbox_empty(service):
        async with service.db.transaction(wait=5) as conn:
            read += await notifications.read_all(conn, ann.id, None)
    await check_counters(service)
    assert await fetch_value(service, "SELECT count(*) FROM notifications") == 1001
    assert read + await unread(ann) == 1001
    assert read > 0


async def test_a_change_of_many_is_later_than_what_it_waited_for(
    service: Any, client: Any, make_user: Any, connect: Any
) -> None:
    """Clients skip notifications updated after the frame's `at`; these were updated before it."""
    ann = await make_user()
    rows = await receive(service, client, ann, 0, 2)
    live = await connect(ann)
    for run in (read_all, see_all, archive_all):
        await patch(ann, rows[0], isRead=False, seen=False, archived=False)
        async with service.db.transaction(wait=5) as conn:
            await conn.fetchval("SELECT now()")
            changed = await patch(ann, rows[1], isRead=run is archive_all, seen=run is archive_all)
            assert await run(conn, ann.id, None)
        told = (await live.next("notifications:bulk-updated"))["data"]
        assert changed["updatedAt"] < told["at"]
