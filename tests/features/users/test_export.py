"""The export: requested, made once by some worker, fetched with a ticket, deleted after a day."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tracemalloc
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from nexcorp.db import Database, sql
from nexcorp.features import PRODUCT
from nexcorp.web.gate import GATE
from nexcorp.web.unread import MOST_BYTES
from tests.api import API, create, outbox_empty, publish, say
from tests.conftest import wait_until
from tests.features.uploads.files import upload
from workers.jobs.cleanup import clean_up
from workers.jobs.export import build_exports

PATH = f"{API}/users/me/export"
WHOLE = "SELECT string_agg(body, '' ORDER BY number) AS body FROM data_export_parts"
PARTS = {
    "exportedAt",
    "account",
    "profile",
    "sessions",
    "identities",
    "apiKeys",
    "posts",
    "statuses",
    "uploads",
    "comments",
    "likes",
    "interests",
    "reads",
    "threadReads",
    "following",
    "followers",
    "pushSubscriptions",
    "notifications",
    "notificationSettings",
    "notificationPreferences",
    "notificationMutes",
    "notificationsHeld",
    "tasks",
    "assignedTasks",
    "projects",
    "files",
    "collabSessions",
    "aiChats",
    "aiMessages",
    "webhooks",
    "watchedTasks",
    "taskViews",
    "imports",
    "events",
    "conversations",
    "messages",
    "messageReactions",
    "blocks",
    "leadInteractions",
}


async def get_ready(user: Any, asked: bool = False) -> dict[str, Any]:
    """Request the export until it is there; return the last answer."""

    async def ready() -> Any:
        answer = await user.client.get(PATH)
        return answer.status == 200 and await answer.json()

    assert asked or (await user.client.get(PATH)).status == 202
    state: dict[str, Any] = await wait_until(ready)
    return state


async def get_ticket(user: Any, purpose: str = "download") -> str:
    answer = await user.client.post(f"{API}/auth/ticket", json={"purpose": purpose})
    assert answer.status == 201
    return str((await answer.json())["ticket"])


async def test_from_asking_to_the_file(make_user: Any, make_key: Any, client: Any, fetch: Any) -> None:
    ann, bob = await make_user(), await make_user()
    await make_key(ann, "post:read")
    project = await create(ann, "/projects", name="Parser")
    file = await create(ann, f"/projects/{project['id']}/files", path="plan.md", content="Mine.")
    mine, loose = await upload(ann, name="mine.png"), await upload(ann, name="loose.png")
    assert (await ann.client.delete(f"{API}/uploads/{(await upload(ann))['id']}")).status == 204
    post, other = (
        await publish(ann, body="Mine.", uploadIds=[mine["id"]]),
        await publish(bob, body="Not mine."),
    )
    await say(ann, other["id"], "My comment.")
    answer_to_ann = await say(bob, post["id"], "Bob's comment.")
    assert (await ann.client.put(f"{API}/posts/{other['id']}/like")).status == 200
    assert (await ann.client.put(f"{API}/users/{bob.id}/follow")).status == 200
    assert (await ann.client.put(f"{API}/posts/{other['id']}/read")).status == 200
    upto = {"upTo": answer_to_ann["id"]}
    assert (await ann.client.put(f"{API}/comments/post/{post['id']}/read", json=upto)).status == 200
    await asyncio.sleep(0.3)
    state = await get_ready(ann)
    assert state.keys() == {"status", "downloadUrl", "expiresAt", "bytes"}
    assert (state["status"], state["downloadUrl"]) == ("ready", PATH)
    ticket = await get_ticket(ann)
    answer = await client.get(f"{PATH}?ticket={ticket}")
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="nexcorp-export.json"'
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    data = await answer.json()
    assert data.keys() == PARTS
    assert data["account"]["email"] == ann.email
    assert [row["body"] for row in data["posts"]] == ["Mine."]
    files = [(row["name"], row["postId"], row["url"]) for row in data["uploads"]]
    assert files == [("mine.png", post["id"], mine["url"]), ("loose.png", None, loose["url"])]
    assert [(row["id"], row["path"]) for row in data["files"]] == [(file["id"], "plan.md")]
    assert [row["body"] for row in data["comments"]] == ["My comment."]
    assert [row["postId"] for row in data["likes"]] == [other["id"]]
    assert [(row["entityType"], row["entityId"]) for row in data["reads"]] == [("post", other["id"])]
    assert data["threadReads"] == [{"thread": post["id"], "upTo": answer_to_ann["id"]}]
    assert [row["userId"] for row in data["following"]] == [str(bob.id)]
    (told,) = data["notifications"]
    assert told.keys() == {
        *("id", "type", "isRead", "seenAt", "archivedAt", "snoozedUntil", "createdAt", "entity", "actorId"),
    }
    assert (told["type"], told["isRead"], told["actorId"]) == ("comment", False, str(bob.id))
    assert told["entity"] == {"type": "comment", "id": answer_to_ann["id"]}
    assert {row["type"] for row in data["events"]} >= {"user.registered", "post.created", "post.liked"}
    assert [row["name"] for row in data["apiKeys"]] == ["k"]
    assert data["pushSubscriptions"] == []
    text = await answer.text()
    (row,) = await fetch(
        "SELECT password_hash, (SELECT secret_hash FROM api_keys LIMIT 1) FROM users LIMIT 1"
    )
    assert "password_hash" not in text and row[0] not in text and row[1].hex() not in text
    # A ticket works once, and tickets for another purpose do not work at all.
    assert (await client.get(f"{PATH}?ticket={ticket}")).status == 401
    for bad in ("", "x", await get_ticket(ann, "ws")):
        assert (await client.get(f"{PATH}?ticket={bad}")).status in (401, 422)
    plain = await client.get(
        f"{PATH}?ticket={await get_ticket(ann)}", headers={"Accept-Encoding": "identity"}
    )
    assert "Content-Encoding" not in plain.headers
    assert await plain.json() == data


async def test_downloads_that_nobody_reads_are_bounded(make_user: Any, client: Any, service: Any) -> None:
    ann = await make_user()
    await get_ready(ann)
    unread = service.app[GATE].unread
    with unread.hold(UUID(str(ann.id)), MOST_BYTES):
        answer = await client.get(f"{PATH}?ticket={await get_ticket(ann)}")
        assert (answer.status, (await answer.json())["code"]) == (429, "too_many_requests")
    answer = await client.get(f"{PATH}?ticket={await get_ticket(ann)}")
    assert (answer.status, (await answer.json()).keys()) == (200, PARTS)
    assert not unread._bytes


async def test_it_quotes_nobody_else(make_user: Any, make_key: Any, service: Any, fetch: Any) -> None:
    """An export lives for a day: it would outlive other people's deletions."""
    ann, bob = await make_user(), await make_user("quaxolotl")
    names = {"firstName": "Zebulonius", "lastName": "Quartermainsson"}
    assert (await bob.client.patch(f"{API}/users/me", json=names)).status == 200
    post = await publish(ann, type="project", body="Annwrote.")
    theirs = await publish(bob, type="project", title="Bobtitled", body=f"Bobposted, @{ann.username}.")
    said = await say(bob, post["id"], f"Bobcommented, @{ann.username}.")
    mine = await say(ann, theirs["id"], "Annanswered.")
    await say(bob, theirs["id"], "Bobreplied.", parent=mine["id"])
    for one, other, thing in ((ann, bob, theirs), (bob, ann, post)):
        for path in (
            f"posts/{thing['id']}/like",
            f"posts/{thing['id']}/interest",
            f"users/{other.id}/follow",
        ):
            assert (await one.client.put(f"{API}/{path}")).status == 200
    body = {"userId": str(ann.id)}
    assert (await bob.client.put(f"{API}/posts/{theirs['id']}/assignee", json=body)).status == 200
    await wait_until(lambda: outbox_empty(service))
    words = {"bob", "zebulonius", "quartermainsson", "quaxolotl"}
    shown = (await (await ann.client.get(f"{API}/notifications?limit=100")).text()).lower()
    assert {word for word in words if word in shown} == words
    await get_ready(ann)
    (row,) = await fetch(WHOLE)
    text = gzip.decompress(row["body"]).decode()
    assert "Annwrote." in text and "Annanswered." in text
    assert {word for word in words if word in text.lower()} == set()
    data = json.loads(text)
    told = {(row["type"], row["actorId"], (row["entity"] or {}).get("id")) for row in data["notifications"]}
    assert ("mention", str(bob.id), said["id"]) in told
    assert len(told) >= 5


async def read_file(user: Any) -> dict[str, Any]:
    """Request an export, wait until it is ready and fetch it; return its content."""
    await get_ready(user)
    answer = await user.client.get(f"{PATH}?ticket={await get_ticket(user)}")
    assert answer.status == 200
    data: dict[str, Any] = await answer.json()
    return data


async def test_asked_again_it_holds_what_happened_since(make_user: Any, fetch: Any) -> None:
    ann, bob = await make_user(), await make_user()
    await publish(ann, body="Before.")
    await asyncio.sleep(0.3)
    assert [row["body"] for row in (await read_file(ann))["posts"]] == ["Before."]
    await publish(ann, body="After.")
    assert [row["body"] for row in (await read_file(ann))["posts"]] == ["Before.", "After."]
    # A fetched export is made again on request; an unfetched one is kept until something happens.
    state = await get_ready(ann)
    await fetch("UPDATE data_exports SET finished_at = finished_at - interval '10 seconds'")
    assert await (await ann.client.get(PATH)).json() == state
    for change in (
        publish(ann, body="Again."),
        bob.client.put(f"{API}/users/{ann.id}/follow"),
        ann.client.patch(f"{API}/users/me", json={"bio": "New."}),
    ):
        await change
        await get_ready(ann)
        await fetch("UPDATE data_exports SET finished_at = finished_at - interval '10 seconds'")


async def test_an_account_that_never_rests_gets_its_file(make_user: Any) -> None:
    ann = await make_user()
    assert (await ann.client.get(PATH)).status == 202

    async def ready_beside_posts() -> bool:
        await publish(ann)
        return bool((await ann.client.get(PATH)).status == 200)

    await wait_until(ready_beside_posts)


async def test_posts_say_when_they_were_published_and_moved(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    project = await publish(ann, type="project", title="One")
    theirs = await publish(bob, type="project", title="Two")
    for who, post in ((ann, project), (bob, theirs)):
        path = f"{API}/posts/{post['id']}/status"
        assert (await who.client.put(path, json={"status": "on_hold"})).status == 200
    await upload(ann)
    data = await read_file(ann)
    (row,) = data["posts"]
    assert (row["status"], row["publishedAt"]) == ("on_hold", project["publishedAt"])
    moves = [(move["postId"], move["to"], move["actorId"]) for move in data["statuses"]]
    assert (project["id"], "on_hold", str(ann.id)) in moves
    assert {move[0] for move in moves} == {project["id"]}
    times = re.findall(r'"(\d{4}-\d\d-\d\d[T ][^"]*)"', json.dumps(data))
    assert len(times) > 10
    assert [time for time in times if not time.endswith("Z")] == []


async def test_head_asks_for_nothing_and_uses_nothing_up(make_user: Any, client: Any, fetch: Any) -> None:
    ann = await make_user()
    head = await ann.client.call("HEAD", PATH)
    assert (head.status, await head.read()) == (404, b"")
    assert not await fetch("SELECT FROM data_exports")
    await get_ready(ann)
    assert (await ann.client.call("HEAD", PATH)).status == 200
    ticket = await get_ticket(ann)
    for _ in range(2):
        head = await client.call("HEAD", f"{PATH}?ticket={ticket}")
        assert (head.status, await head.read()) == (200, b"")
    downloads = "SELECT FROM events WHERE type = 'user.export_downloaded'"
    assert not await fetch(downloads)
    assert (await client.get(f"{PATH}?ticket={ticket}")).status == 200
    assert len(await fetch(downloads)) == 1
    assert (await client.call("HEAD", f"{PATH}?ticket={ticket}")).status == 401
    await fetch("UPDATE data_exports SET expires_at = now()")
    assert (await ann.client.call("HEAD", PATH)).status == 404
    await fetch("UPDATE data_exports SET finished_at = NULL, expires_at = NULL")
    assert (await ann.client.call("HEAD", PATH)).status == 202


async def test_who_may_ask(make_user: Any, make_key: Any, client: Any) -> None:
    ann = await make_user()
    assert (await client.get(PATH)).status == 401
    key = await make_key(ann, "profile:read")
    assert (await client.get(PATH, headers=key)).status == 403
    answer = await client.get(f"{PATH}?ticket={await get_ticket(ann)}")
    assert (answer.status, (await answer.json())["code"]) == (404, "export_not_ready")


async def test_a_ready_export_is_kept_for_a_day(
    make_user: Any, fetch: Any, config: Any, service: Any
) -> None:
    ann = await make_user()
    state = await get_ready(ann)
    assert await (await ann.client.get(PATH)).json() == state
    (row,) = await fetch("SELECT expires_at - finished_at = interval '24 hours' FROM data_exports")
    assert row[0]
    await clean_up({"database": service.db, "config": config})
    assert (await ann.client.get(PATH)).status == 200
    await fetch("UPDATE data_exports SET expires_at = now() - interval '1 second'")
    assert (await ann.client.get(f"{PATH}?ticket={await get_ticket(ann)}")).status == 404
    await clean_up({"database": service.db, "config": config})
    assert not await fetch("SELECT FROM data_exports")
    assert (await get_ready(ann))["status"] == "ready"


@pytest.fixture
async def owner(database: Database) -> Any:
    """The id of a user who requested an export, without a running worker."""
    async with database.connection(wait=5) as conn:
        return await conn.fetchval(
            """WITH u AS (INSERT INTO users (email, username) VALUES ('a@b.c', 'abc') RETURNING id)
            INSERT INTO data_exports (user_id) SELECT id FROM u RETURNING user_id"""
        )


async def test_workers_at_the_same_time_make_it_once(database: Database, owner: Any) -> None:
    made = await asyncio.gather(
        *(build_exports({"database": database, "product": PRODUCT}) for _ in range(5))
    )
    assert sorted(made) == [0, 0, 0, 0, 1]
    async with database.connection(wait=5) as conn:
        body = await conn.fetchval(WHOLE)
    assert json.loads(gzip.decompress(body))["account"]["username"] == "abc"


async def test_a_worker_that_dies_leaves_it_to_the_next(database: Database, owner: Any) -> None:
    class Died(BaseException):
        """An exception that no handler catches."""

    with pytest.raises(Died):
        async with database.transaction(wait=5) as conn:
            assert await sql.exports.claim_export(conn) == owner
            assert await build_exports({"database": database, "product": PRODUCT}) == 0
            raise Died
    assert await build_exports({"database": database, "product": PRODUCT}) == 1


async def test_a_failure_is_noted_and_asking_again_tries_again(database: Database, owner: Any) -> None:
    async with database.connection(wait=5) as conn:
        await conn.execute("ALTER TABLE likes RENAME TO hidden")
        assert await build_exports({"database": database, "product": PRODUCT}) == 1
        assert await build_exports({"database": database, "product": PRODUCT}) == 0
        row = await conn.fetchrow("SELECT error, bytes FROM data_exports")
        assert (row["error"], row["bytes"]) == ("UndefinedTableError", None)
        await conn.execute("ALTER TABLE hidden RENAME TO likes")
        assert await sql.exports.request_export(conn, user_id=owner)
        assert not await sql.exports.request_export(conn, user_id=owner)
    assert await build_exports({"database": database, "product": PRODUCT}) == 1


LONG = """WITH posted AS (
    INSERT INTO posts (position, author_id, type, body)
    SELECT uuidv7(), $1, 'normal',
        (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 600) WHERE n > 0)
    FROM generate_series(1, 700) AS n
    RETURNING id
)
INSERT INTO post_stats (post_id) SELECT id FROM posted"""


async def test_a_long_one_is_never_whole_in_memory(service: Any, make_user: Any) -> None:
    """Nor is it half of one export and half of another, when a new one takes its place."""
    ann = await make_user()
    async with service.db.connection(wait=5) as conn:
        await conn.execute(LONG, ann.id)
        assert await sql.exports.request_export(conn, user_id=ann.id)
    tracemalloc.start()
    try:
        await get_ready(ann, asked=True)
        ticket = await get_ticket(ann)
        length = 0
        async with ann.client.session.get(
            f"{service.url}{PATH}?ticket={ticket}", headers={"Accept-Encoding": "identity"}
        ) as answer:
            assert "Content-Length" not in answer.headers
            async for part in answer.content.iter_any():
                length += len(part)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The file has 13 MB.
    assert length > 13_000_000 > 3 * peak
    headers = {"Accept-Encoding": "gzip"}
    async with ann.client.session.get(
        f"{service.url}{PATH}?ticket={await get_ticket(ann)}", headers=headers
    ) as answer:
        assert int(answer.headers["Content-Length"]) > 6_000_000
        async with service.db.connection(wait=5) as conn:
            assert await sql.exports.request_export(conn, user_id=ann.id)
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
