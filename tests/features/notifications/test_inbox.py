"""A user's list: reading, archiving, filters, pages, and the exact unread count."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.features.notifications import service as notifications
from tests.api import (
    API,
    NOBODY,
    check_counters,
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


async def receive(
    service: Any, client: Any, user: Any, likes: int, comments: int = 0
) -> list[dict[str, Any]]:
    """Notify the user of `likes` likes and `comments` comments; return the list, newest first."""
    post = await publish(user)
    for number, (_, one) in enumerate(await gather_crowd(service, client, likes + comments)):
        if number < likes:
            await one.put(f"{API}/posts/{post['id']}/like")
        else:
            body = {"postId": post["id"], "body": "Indeed."}
            assert (await one.post(f"{API}/comments", json=body)).status == 201
    await wait_until(lambda: outbox_empty(service))
    rows: list[dict[str, Any]] = (await get_json(user.client, "/notifications?limit=100"))["data"]
    assert len(rows) == likes + comments
    return rows


async def unread(user: Any) -> int:
    """The unread count; asserts that both routes agree on it."""
    count: int = (await get_json(user.client, "/notifications/unread-count"))["count"]
    assert (await get_json(user.client, "/notifications"))["unreadCount"] == count
    return count


async def test_reading_counts_down_and_unreading_up_again(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    rows = await receive(service, client, ann, 3)
    path = f"{API}/notifications/{rows[1]['id']}"
    for _ in range(2):
        changed = await (await ann.client.patch(path, json={"isRead": True})).json()
        assert changed["isRead"]
        assert changed["seenAt"] is not None
        assert await unread(ann) == 2
    for _ in range(2):
        assert not (await (await ann.client.patch(path, json={"isRead": False})).json())["isRead"]
        assert await unread(ann) == 3
    await check_counters(service)


async def test_seeing_and_archiving_leave_the_rest_alone(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    (row,) = await receive(service, client, ann, 1)
    path = f"{API}/notifications/{row['id']}"
    seen = await (await ann.client.patch(path, json={"seen": True})).json()
    assert seen == row | {"seenAt": seen["seenAt"], "updatedAt": seen["updatedAt"]}
    again = await (await ann.client.patch(path, json={"seen": True})).json()
    assert again["seenAt"] == seen["seenAt"]
    assert await unread(ann) == 1
    archived = await (await ann.client.patch(path, json={"archived": True})).json()
    assert archived["archivedAt"] and not archived["isRead"]
    assert await unread(ann) == 0
    assert (await get_json(ann.client, "/notifications"))["data"] == []
    assert (await get_json(ann.client, "/notifications?archived=true"))["data"] == [archived]
    assert (await (await ann.client.post(f"{API}/notifications/read-all")).json()) == {"updated": 0}
    back = await (await ann.client.patch(path, json={"archived": False})).json()
    assert (back["archivedAt"], back["isRead"]) == (None, False)
    assert await unread(ann) == 1
    await check_counters(service)


async def test_deleting_counts_off_only_what_was_unread(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    fresh, read, archived = await receive(service, client, ann, 3)
    await ann.client.patch(f"{API}/notifications/{read['id']}", json={"isRead": True})
    await ann.client.patch(f"{API}/notifications/{archived['id']}", json={"archived": True})
    for row, left in ((archived, 1), (read, 1), (fresh, 0)):
        assert (await ann.client.delete(f"{API}/notifications/{row['id']}")).status == 204
        assert await unread(ann) == left
        await refused(ann.client.delete(f"{API}/notifications/{row['id']}"), 404, "notification_not_found")
    await check_counters(service)


async def test_read_all_before_one_leaves_what_came_since(make_user: Any, connect: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    for number in range(4):
        await say(bob, post["id"], f"Number {number}.")
        await wait_until(lambda number=number: has_unread(ann, number + 1))
    newest, third, second, first = (await get_json(ann.client, "/notifications"))["data"]
    live = await connect(ann)
    await live.next("connected")

    async def read(before: Any) -> int:
        answer = await ann.client.post(f"{API}/notifications/read-all", json={"before": before})
        assert answer.status == 200, await answer.text()
        return (await answer.json())["updated"]

    assert await read(second["id"]) == 1
    assert (await live.next("notifications:bulk-updated"))["data"]["before"] == second["id"]
    assert (await live.next("unread-count"))["data"] == {"count": 3}
    assert await read(third["createdAt"]) == 1
    assert (await live.next("notifications:bulk-updated"))["data"]["before"] == third["createdAt"]
    assert await read(first["id"]) == 0
    unread = (await get_json(ann.client, "/notifications?unread=true"))["data"]
    assert [row["id"] for row in unread] == [newest["id"], third["id"]]
    for wrong in ("yesterday", "2026-01-01T00:00:00", 7, {}, "0001-01-01T00:00:00+23:59", "\u0662" * 32):
        call = ann.client.post(f"{API}/notifications/read-all", json={"before": wrong})
        assert (await refused(call, 422, "validation_failed"))["errors"].keys() == {"before"}, wrong
    assert await read("2999-01-01T01:00:00+01:00") == 2
    told = (await live.next("notifications:bulk-updated"))["data"]
    assert told["before"] == "2999-01-01T00:00:00.000000Z"
    assert await read(None) == 0


async def has_unread(user: Any, count: int) -> bool:
    """Whether the user has exactly `count` unread notifications."""
    return bool((await get_json(user.client, "/notifications/unread-count"))["count"] == count)


async def test_read_all_says_how_many_and_then_none(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    rows = await receive(service, client, ann, 3)
    await ann.client.patch(f"{API}/notifications/{rows[0]['id']}", json={"isRead": True})
    for updated in (2, 0):
        answer = await ann.client.post(f"{API}/notifications/read-all")
        assert (answer.status, await answer.json()) == (200, {"updated": updated})
        assert await unread(ann) == 0
    await check_counters(service)


async def test_anothers_notification_does_not_exist(service: Any, client: Any, make_user: Any) -> None:
    ann, bob, boss = await make_user(), await make_user(), await make_user(role="admin")
    (row,) = await receive(service, client, ann, 1)
    for who in (bob, boss):
        for name in (row["id"], NOBODY):
            path = f"{API}/notifications/{name}"
            change = {"isRead": True}
            await refused(who.client.patch(path, json=change), 404, "notification_not_found")
            await refused(who.client.delete(path), 404, "notification_not_found")
    await bob.client.post(f"{API}/notifications/read-all")
    assert (await get_json(ann.client, "/notifications"))["data"] == [row]
    assert await unread(ann) == 1


async def test_a_bad_change_is_refused_by_field(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    (row,) = await receive(service, client, ann, 1)
    for body, field in (
        ({}, "_schema"),
        ({"isRead": None}, "isRead"),
        ({"isRead": "yes"}, "isRead"),
        ({"isRead": "false"}, "isRead"),
        ({"seen": []}, "seen"),
        *(({name: value}, name) for name in ("isRead", "archived", "seen") for value in (0, 1, 0.0, 1.0, "")),
        ({"archived": "no"}, "archived"),
        ({"receiverId": NOBODY}, "receiverId"),
        ({"type": "like"}, "type"),
    ):
        error = await refused(ann.client.patch(f"{API}/notifications/{row['id']}", json=body), 422)
        assert list(error["errors"]) == [field], body
    assert (await get_json(ann.client, "/notifications"))["data"] == [row]


async def test_filters_and_pages_agree(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    rows = await receive(service, client, ann, 3, 4)
    for row in rows[::3]:
        await ann.client.patch(f"{API}/notifications/{row['id']}", json={"isRead": True})
    await ann.client.patch(f"{API}/notifications/{rows[1]['id']}", json={"archived": True})
    rows = (await get_json(ann.client, "/notifications"))["data"]
    assert len(rows) == 6
    for query, expected in (
        ("", rows),
        ("?unread=true", [row for row in rows if not row["isRead"]]),
        ("?unread=false", [row for row in rows if row["isRead"]]),
        ("?archived=false", rows),
        ("?type=like", [row for row in rows if row["type"] == "like"]),
        ("?type=LIKE,Comment", rows),
        ("?type=mention", []),
        ("?type=comment&unread=true", [r for r in rows if r["type"] == "comment" and not r["isRead"]]),
    ):
        for limit in (1, 2, 100):
            pages = await walk(ann.client, f"/notifications{query}", limit)
            assert [row for page in pages for row in page] == expected, query
    (shelved,) = (await get_json(ann.client, "/notifications?archived=true"))["data"]
    assert shelved["archivedAt"]
    for query in ("unread=maybe", "type=gossip", "type=", "type=like,", "archived=2", "sort=id"):
        await refused(ann.client.get(f"{API}/notifications?{query}"), 422, "validation_failed")


async def test_a_page_stands_still_while_notifications_come_in(
    service: Any, client: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    rows = await receive(service, client, ann, 6)
    first = await get_json(ann.client, "/notifications?limit=3")
    await bob.client.put(f"{API}/users/{ann.id}/follow")
    await wait_until(lambda: outbox_empty(service))
    rest = await get_json(ann.client, f"/notifications?limit=3&cursor={first['nextCursor']}")
    assert first["data"] + rest["data"] == rows
    assert rest["seq"] == first["seq"] + 1


async def test_the_count_is_exact_while_everything_happens_at_once(
    service: Any, client: Any, make_user: Any
) -> None:
    """Deliveries, reads, unreads, archivings, deletes and read-alls of one inbox, all in parallel."""
    ann = await make_user()
    rows = await receive(service, client, ann, 20)
    post = (await get_json(ann.client, "/posts"))["data"][0]
    crowd = await gather_crowd(service, client, 20, "later")
    calls = []
    for number, row in enumerate(rows):
        path = f"/notifications/{row['id']}"
        for change in ({"isRead": True}, {"archived": True}, {"isRead": False}, {"seen": True}):
            calls.append(insist(ann.client, "PATCH", path, json=change))
        if number % 3 == 0:
            calls.append(insist(ann.client, "DELETE", path))
        if number % 5 == 0:
            calls.append(insist(ann.client, "POST", "/notifications/read-all"))
    for number, (_, one) in enumerate(crowd):
        calls.insert(number * 6, insist(one, "PUT", f"/posts/{post['id']}/like"))
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status for answer in answers).keys() == {200, 204, 404}
    await wait_until(lambda: outbox_empty(service))
    await check_counters(service)
    listed = (await get_json(ann.client, "/notifications?unread=true&limit=100"))["data"]
    assert await unread(ann) == len(listed)


async def test_of_ten_parallel_reads_one_counts(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    first, _ = await receive(service, client, ann, 2)
    path = f"/notifications/{first['id']}"
    answers = await asyncio.gather(
        *(insist(ann.client, "PATCH", path, json={"isRead": True}) for _ in range(10))
    )
    assert {answer.status for answer in answers} == {200}
    assert await unread(ann) == 1
    answers = await asyncio.gather(
        *(insist(ann.client, "POST", "/notifications/read-all") for _ in range(10))
    )
    assert sorted([(await answer.json())["updated"] for answer in answers]) == [0] * 9 + [1]
    assert await unread(ann) == 0


async def test_a_comment_thread_tells_everybody_their_due(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    comment = await say(bob, post["id"])
    for _ in range(5):
        await say(ann, post["id"], parent=comment["id"])
        await say(bob, post["id"], parent=comment["id"])
    await wait_until(lambda: outbox_empty(service))
    assert (await unread(ann), await unread(bob)) == (6, 5)
    await check_counters(service)


async def test_no_change_is_computed_from_an_old_count(service: Any, client: Any, make_user: Any) -> None:
    """One transaction marks the only notification unread while another deletes it."""
    ann = await make_user()
    (row,) = await receive(service, client, ann, 1)
    path = f"/notifications/{row['id']}"
    await insist(ann.client, "PATCH", path, json={"isRead": True})
    async with service.db.transaction(wait=5) as first:
        await sql.notifications.lock_counter(first, user_id=ann.id)
        change = {"isRead": False}
        await notifications.update_notification(first, ann.id, UUID(row["id"]), change)
        second = asyncio.create_task(insist(ann.client, "DELETE", path))
        waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
        await wait_until(lambda: service.db.pool.fetchval(waiting))
    assert (await second).status == 204
    await check_counters(service)
    assert await unread(ann) == 0


async def test_what_comes_behind_a_read_all_stays_unread_on_every_device(
    service: Any, make_user: Any, connect: Any
) -> None:
    """Delivery of the read-all's lane is held up, so that its frame comes after the new notification's."""
    ann, bob = await make_user(), await make_user()
    post = await publish(bob)
    same = "SELECT find_lane($1) = find_lane($2)"
    while await fetch_value(service, same, UUID(post["id"]), ann.id):
        post = await publish(bob)
    await say(bob, post["id"], f"@{ann.username} one")
    live = await connect(ann)
    await wait_until(lambda: outbox_empty(service))
    async with service.db.transaction(wait=5) as conn:
        await conn.execute("SELECT pg_advisory_xact_lock(x'6e6578'::integer, find_lane($1)::integer)", ann.id)
        answer = await ann.client.post(f"{API}/notifications/read-all")
        assert await answer.json() == {"updated": 1}
        await say(bob, post["id"], f"@{ann.username} two")
        created = await live.next("notification:created")
        while "two" not in created["data"]["message"]:
            created = await live.next("notification:created")
    read = await live.next("notifications:bulk-updated")
    assert read["data"]["through"] == 1 < created["seq"] < read["seq"]
    assert await unread(ann) == 1
