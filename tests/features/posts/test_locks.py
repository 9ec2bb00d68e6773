"""Concurrent changes of one post while a worker writes notifications of it: no deadlock."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import Database, sql
from nexcorp.errors import Conflict
from nexcorp.features.comments.service import create_comment
from nexcorp.features.posts.service import assign_post, move_post, update_post
from nexcorp.features.reactions.service import add_interest, like_post, remove_interest, unlike_post
from tests.api import API, blocked, fetch, gather_crowd, get_json, outbox_empty, publish
from tests.callers import make_caller
from tests.conftest import wait_until

Change = Callable[[Any, UUID, UUID], Awaitable[Any]]
PEOPLE, TURNS = 12, 5


async def deliver(conn: Any, post_id: UUID, user_id: UUID) -> None:
    """Read a post as a worker does for its index: its row stays locked until the commit."""
    await conn.execute("SELECT FROM posts WHERE id = $1 FOR KEY SHARE", post_id)
    await asyncio.sleep(random.random() * 0.01)


async def move(conn: Any, post_id: UUID, user_id: UUID) -> None:
    status = random.choice(["open", "on_hold", "in_progress"])
    await move_post(conn, make_caller(user_id, "post:assign"), post_id, status)


async def assign(conn: Any, post_id: UUID, user_id: UUID) -> None:
    await assign_post(conn, make_caller(user_id, "post:assign"), post_id, random.choice([user_id, None]))


async def comment(conn: Any, post_id: UUID, user_id: UUID) -> None:
    await create_comment(conn, user_id, {"postId": post_id, "parentId": None, "body": "text"})


async def edit(conn: Any, post_id: UUID, user_id: UUID) -> None:
    author = await conn.fetchval("SELECT author_id FROM posts WHERE id = $1", post_id)
    body = {"body": f"text {random.random()}"}
    await update_post(conn, make_caller(author), post_id, body, None, False)


@pytest.mark.parametrize(
    "changes",
    [
        (like_post, unlike_post),
        (add_interest, remove_interest),
        (move, edit),
        (add_interest, assign),
        (like_post, comment, edit, assign, add_interest, move),
    ],
    ids=["likes", "interests", "moves", "assignments", "everything"],
)
async def test_changes_of_a_post_never_wait_in_a_ring(
    changes: tuple[Change, ...], database: Database
) -> None:
    names = [f"person{number}" for number in range(PEOPLE)]
    async with database.connection(wait=5) as conn:
        people = await conn.fetch(
            "INSERT INTO users (email, username) SELECT n || '@example.com', n FROM unnest($1::text[]) AS n"
            " RETURNING id",
            names,
        )
        author = await conn.fetchval(
            "INSERT INTO users (email, username) VALUES ('author@example.com', 'author') RETURNING id"
        )
        post = await sql.posts.create_post(
            conn,
            author_id=author,
            type="project",
            status="open",
            title=None,
            body="text",
            usernames=[],
            context={},
            project_id=None,
        )
        post_id = post["id"]
        # All are interested, so that the author can assign somebody.
        for person in people:
            await sql.reactions.add_interest(conn, post_id=post_id, user_id=person["id"], context={})

    async def act(person: UUID) -> None:
        for _ in range(TURNS):
            change = random.choice((*changes, deliver))
            # An assigned person cannot withdraw their interest, and some states allow no move: a Conflict.
            with contextlib.suppress(Conflict):
                async with database.transaction(wait=30) as conn:
                    await change(conn, post_id, person)

    await asyncio.gather(*(act(person["id"]) for person in people))
    async with database.connection(wait=5) as conn:
        wrong = await conn.fetchval(
            """
            SELECT count(*) FROM post_stats AS s
            WHERE s.like_count <> (SELECT count(*) FROM likes AS l WHERE l.post_id = s.post_id)
                OR s.interest_count <> (SELECT count(*) FROM interests AS t WHERE t.post_id = s.post_id)
                OR s.comment_count <> (SELECT count(*) FROM comments AS c WHERE c.post_id = s.post_id)
            """
        )
    assert wrong == 0


@pytest.mark.parametrize("change", ["assign", "deliver"])
async def test_who_leaves_waits_in_no_ring(change: str, service: Any, make_user: Any) -> None:
    """Others lock a post or an inbox, and then, by a foreign key, want the leaving person's row."""
    author, keen = await make_user(), await make_user()
    post_id = UUID((await publish(author, type="project"))["id"])
    await keen.client.put(f"{API}/posts/{post_id}/interest")
    await author.client.put(f"{API}/users/{keen.id}/follow")
    await wait_until(lambda: outbox_empty(service))
    async with service.db.transaction(wait=5) as conn:
        if change == "assign":
            await sql.posts.lock_post(conn, post_id=post_id)
        else:
            assert await sql.notifications.lock_counter(conn, user_id=keen.id) == 1
        leaving = asyncio.create_task(keen.client.delete(f"{API}/users/me"))
        await wait_until(lambda: blocked(service))
        if change == "assign":
            assert await assign_post(conn, make_caller(author.id), post_id, keen.id)
        else:
            await conn.execute("SELECT FROM users WHERE id = $1 FOR KEY SHARE", keen.id)
    assert (await leaving).status == 204
    seen = await get_json(author.client, f"/posts/{post_id}")
    assert (seen["assignee"], seen["interestCount"]) == (None, 0)


async def test_people_who_leave_at_once_wait_in_no_ring(service: Any, client: Any, make_user: Any) -> None:
    author = await make_user()
    crowd = await gather_crowd(service, client, 8)
    posts = [UUID((await publish(author, type="project"))["id"]) for _ in range(12)]
    for number, (person, _) in enumerate(crowd):
        async with service.db.transaction(wait=5) as conn:
            # Each in another order, since rows are found in the order of insertion.
            for post_id in posts if number % 2 else reversed(posts):
                await sql.reactions.add_interest(conn, post_id=post_id, user_id=person, context={})
    answers = await asyncio.gather(*(one.delete(f"{API}/users/me") for _, one in crowd))
    assert {answer.status for answer in answers} == {204}
    counts = await fetch(service, "SELECT DISTINCT interest_count FROM post_stats")
    assert [row[0] for row in counts] == [0]
