"""Rows deleted while they are being told of cause no failure, and nobody can read them afterwards."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import Database, sql
from nexcorp.features import PRODUCT
from nexcorp.features.comments.service import create_comment, delete_comment
from nexcorp.features.posts.service import create_post, delete_post
from nexcorp.features.reactions.service import like_post
from tests.callers import make_caller
from workers.delivery import LANES, Delivery

WRITERS, TURNS = 6, 25
NEW_POST = {"type": "normal", "title": None, "body": "secret post"}


async def write_and_delete(database: Database, author: UUID, fan: UUID, chance: random.Random) -> None:
    """Create posts of `author` that `fan` likes and comments on, and delete most of it again."""
    for _ in range(TURNS):
        async with database.transaction(wait=10) as conn:
            post = await create_post(conn, author, NEW_POST)
        comments = []
        for _ in range(3):
            data = {"postId": post["id"], "parentId": None, "body": "secret comment"}
            async with database.transaction(wait=10) as conn:
                comments.append(await create_comment(conn, fan, data))
                await like_post(conn, post["id"], fan)
        await asyncio.sleep(chance.random() * 0.02)
        for comment in chance.sample(comments, 2):
            async with database.transaction(wait=10) as conn:
                await delete_comment(conn, make_caller(fan), comment["id"])
        if chance.random() < 0.5:
            async with database.transaction(wait=10) as conn:
                await delete_post(conn, make_caller(author), post["id"])


async def test_deletions_during_delivery_fail_nothing(database: Database, people: Any, pushed: Any) -> None:
    stop, chance = asyncio.Event(), random.Random(11)

    async def work() -> None:
        delivery = Delivery(database, pushed, PRODUCT)
        while not stop.is_set():
            await delivery.drain()
            await asyncio.sleep(0.002)

    pairs = [await people(2) for _ in range(WRITERS)]
    with structlog.testing.capture_logs() as logs:
        workers = [asyncio.create_task(work()) for _ in range(2)]
        await asyncio.gather(*(write_and_delete(database, *pair, chance) for pair in pairs))
        stop.set()
        await asyncio.gather(*workers)
        await Delivery(database, pushed, PRODUCT).drain()
    assert logs == []
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        rows = await conn.fetch("SELECT * FROM notification_lines")
        counted = await conn.fetch("SELECT * FROM notification_counters")
        posts = await conn.fetchval("SELECT count(*) FROM posts")
        comments = await conn.fetchval("SELECT count(*) FROM comments")
    # Each post was liked once and commented on three times. At least every row that is left was told of, at
    # most every row that was made.
    assert posts + comments <= len(rows) <= 4 * WRITERS * TURNS
    assert 0 < posts < WRITERS * TURNS
    assert sum(row["unread"] for row in counted) == len(rows)
    shown = [PRODUCT.sentences.show(row) for row in rows]
    kept = [item for item in shown if item["message"]]
    assert len(kept) == posts + comments
    for item in shown:
        assert (item["entity"] is not None) == (item["postId"] is not None) == bool(item["message"])
        assert item["message"] in ("", "secret comment" if item["type"] == "comment" else "secret post")


async def test_what_goes_between_the_commit_and_the_push_is_pushed_as_gone(
    database: Database, people: Any, pushed: Any
) -> None:
    """A deletion does not wait for delivery: the push shows only rows that are still there."""
    author, fan = await people(2)
    async with database.transaction(wait=5) as conn:
        post = await create_post(conn, author, NEW_POST)
    delivery = Delivery(database, pushed, PRODUCT)
    await delivery.drain()
    async with database.transaction(wait=5) as conn:
        data = {"postId": post["id"], "parentId": None, "body": "secret comment"}
        comment = await create_comment(conn, fan, data)

    async def delete() -> None:
        async with database.transaction(wait=5) as conn:
            await delete_comment(conn, make_caller(fan), comment["id"])

    async with database.transaction(wait=5) as conn:
        rows = await sql.events.claim_outbox(conn, lanes=list(range(LANES)), most_lanes=LANES, most=10)
        frames, done = await delivery.deliver_rows(conn, rows)
        assert done == len(rows) == 1
        deleting = asyncio.create_task(delete())
        await asyncio.sleep(0.1)
    await deleting
    await delivery.pusher.push(frames)
    shown = pushed.frames(f"post:{post['id']}")
    told = pushed.frames(f"user:{author}")
    assert [frame["event"] for frame in shown] == ["comment:deleted"]
    assert [(frame["event"], frame["data"]["message"]) for frame in told] == [("notification:created", "")]
    assert "secret comment" not in json.dumps(shown + told)
