"""What is deleted while it is being told of costs nobody a notification, and leaves none of its text."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import structlog

from nexcorp.db import Database, sql
from nexcorp.features.comments.service import create_comment, delete_comment
from nexcorp.features.posts.service import create_post, delete_post
from nexcorp.features.reactions.service import like_post
from workers.delivery import Delivery

WRITERS, TURNS = 6, 25
NEW_POST = {"type": "normal", "title": None, "body": "secret post"}


async def write_and_delete(database: Database, author: UUID, fan: UUID, chance: random.Random) -> None:
    """Posts of `author`'s that `fan` likes and comments on; most of it is deleted again at once."""
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
                await delete_comment(conn, comment["id"], fan, any_author=False)
        if chance.random() < 0.5:
            async with database.transaction(wait=10) as conn:
                await delete_post(conn, post["id"], author, any_author=False)


async def test_deletions_during_delivery_fail_nothing(database: Database, people: Any, pushed: Any) -> None:
    stop, chance = asyncio.Event(), random.Random(11)

    async def work() -> None:
        delivery = Delivery(database, pushed)
        while not stop.is_set():
            await delivery.drain()
            await asyncio.sleep(0.002)

    pairs = [await people(2) for _ in range(WRITERS)]
    with structlog.testing.capture_logs() as logs:
        workers = [asyncio.create_task(work()) for _ in range(2)]
        await asyncio.gather(*(write_and_delete(database, *pair, chance) for pair in pairs))
        stop.set()
        await asyncio.gather(*workers)
        await Delivery(database, pushed).drain()
    assert logs == []
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        rows = await conn.fetch("SELECT type, post_id, comment_id, message FROM notifications")
        posts = await conn.fetchval("SELECT count(*) FROM posts")
        comments = await conn.fetchval("SELECT count(*) FROM comments")
    # Each post was liked once and commented on three times, and all of that was told.
    assert len(rows) == 4 * WRITERS * TURNS
    assert 0 < posts < WRITERS * TURNS
    kept = [row for row in rows if row["message"]]
    assert len(kept) == posts + comments
    for row in kept:
        assert row["post_id"] and (row["comment_id"] is not None) == (row["type"] == "comment")


async def test_a_deletion_waits_for_what_is_being_told_and_empties_it(
    database: Database, people: Any, pushed: Any
) -> None:
    """The worker has the comment by its key; who deletes it then finds the notification."""
    author, fan = await people(2)
    async with database.transaction(wait=5) as conn:
        post = await create_post(conn, author, NEW_POST)
        comment = await create_comment(
            conn, fan, {"postId": post["id"], "parentId": None, "body": "secret comment"}
        )

    async def delete() -> None:
        async with database.transaction(wait=5) as conn:
            await delete_comment(conn, comment["id"], fan, any_author=False)

    async with database.transaction(wait=5) as conn:
        deliver = Delivery(database, pushed)
        rows = await sql.events.claim_outbox(conn, most=10)
        await deliver.deliver_rows(conn, rows)
        deleting = asyncio.create_task(delete())
        await asyncio.sleep(0.2)
        assert not deleting.done()
    await deleting
    async with database.connection(wait=5) as conn:
        row = await conn.fetchrow("SELECT post_id, comment_id, message FROM notifications")
    assert tuple(row) == (post["id"], None, "")
