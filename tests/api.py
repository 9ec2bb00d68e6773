"""Helpers with which tests create posts, comments and people, read lists, and query the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any
from uuid import UUID

from nexcorp.security.app_keys import TOKENS
from tests.clients import wait_until

API = "/api/v1"
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
BAD_LIMITS = ["0", "-1", "101", "1e9", "1000000000", "NaN", "Infinity", "abc", "1.5", "", "9" * 5000]

# The database creates users with one session each, so that no password is hashed for a crowd.
INSERT_CROWD = """
WITH made AS (
    INSERT INTO users (email, username, email_verified_at)
    SELECT name || '@example.com', name, now()
    FROM unnest($1::text[]) AS names (name)
    RETURNING id
)
INSERT INTO sessions (user_id, platform, proved_at)
SELECT id, 'cli', now() FROM made
RETURNING id, user_id
"""


async def create(user: Any, path: str, /, **body: Any) -> dict[str, Any]:
    """POST `body` as the user; return the created object. Fails unless the status is 201."""
    answer = await user.client.post(API + path, json=body)
    assert answer.status == 201, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def publish(user: Any, body: str = "Hello.", **fields: Any) -> dict[str, Any]:
    """Create a post as the user; return it."""
    return await create(user, "/posts", body=body, **fields)


async def propose(user: Any, **fields: Any) -> dict[str, Any]:
    """Create a project post as the user; return it."""
    return await publish(user, type="project", **fields)


async def say(user: Any, post_id: Any, body: str = "Indeed.", parent: str | None = None) -> dict[str, Any]:
    """Create a comment as the user; return it."""
    return await create(user, "/comments", postId=str(post_id), body=body, parentId=parent)


async def get_json(client: Any, path: str) -> dict[str, Any]:
    """GET a path and return the JSON body. Fails unless the status is 200."""
    answer = await client.get(API + path)
    assert answer.status == 200, await answer.text()
    data: dict[str, Any] = await answer.json()
    return data


async def bring_in(user: Any, path: str, text: str | bytes) -> dict[str, Any]:
    """Import a CSV file by POST to `path`; return the finished import."""
    answer = await user.client.post(API + path, data=text, headers={"Content-Type": "text/csv"})
    assert answer.status == 202, await answer.text()
    begun = await answer.json()
    for _ in range(1000):
        found = await get_json(user.client, f"/imports/{begun['id']}")
        if found["finishedAt"] is not None:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("A file was not read in.")


async def walk(client: Any, path: str, limit: int) -> list[list[dict[str, Any]]]:
    """Return every page of a list, with `limit` rows a page."""
    pages: list[list[dict[str, Any]]] = []
    cursor = None
    while True:
        join = "&" if "?" in path else "?"
        more = f"&cursor={cursor}" if cursor else ""
        page = await get_json(client, f"{path}{join}limit={limit}{more}")
        pages.append(page["data"])
        cursor = page["nextCursor"]
        if cursor is None:
            return pages


async def refused(call: Awaitable[Any], status: int, code: str | None = None) -> dict[str, Any]:
    """Return the error envelope of an answer; fails unless its status, and `code` if given, are these."""
    answer = await call
    assert answer.status == status, await answer.text()
    data: dict[str, Any] = await answer.json()
    assert data["statusCode"] == status
    if code is not None:
        assert data["code"] == code
    return data


async def fetch(service: Any, text: str, *values: Any) -> list[Any]:
    """Return the rows of a query, read directly from the database."""
    async with service.db.connection(wait=5) as conn:
        rows: list[Any] = await conn.fetch(text, *values)
        return rows


async def fetch_value(service: Any, text: str, *values: Any) -> Any:
    """Return the first column of a query's first row."""
    return (await fetch(service, text, *values))[0][0]


async def gather_crowd(
    service: Any, client: Any, count: int, prefix: str = "crowd"
) -> list[tuple[UUID, Any]]:
    """Create `count` people; return (id, client) of each."""
    names = [f"{prefix}{number}" for number in range(count)]
    people = []
    for row in await fetch(service, INSERT_CROWD, names):
        token = service.app[TOKENS].sign(
            user_id=row["user_id"], session_id=row["id"], role="member", role_version=1, platform="cli"
        )
        people.append((row["user_id"], client.as_user({"Authorization": f"Bearer {token}"})))
    return people


async def insist(client: Any, method: str, path: str, **options: Any) -> Any:
    """Call, and call again while the service answers 503 or 429; return the other answer."""
    for _ in range(100):
        answer = await client.call(method, API + path, **options)
        if answer.status not in (429, 503):
            return answer
        assert "Retry-After" in answer.headers
        await asyncio.sleep(0.05)
    raise AssertionError(f"{method} {path} is overloaded for good")


async def check_counters(service: Any) -> None:
    """Fail unless every stored counter equals a count of its rows."""
    wrong = await fetch(
        service,
        """
        SELECT p.id, s.like_count, s.comment_count, s.interest_count
        FROM posts AS p
        LEFT JOIN post_stats AS s ON s.post_id = p.id
        WHERE s.like_count IS DISTINCT FROM (SELECT count(*) FROM likes WHERE post_id = p.id)
            OR s.comment_count IS DISTINCT FROM (
                SELECT count(*) FROM comments WHERE post_id = p.id AND body IS NOT NULL
            )
            OR s.interest_count IS DISTINCT FROM (SELECT count(*) FROM interests WHERE post_id = p.id)
        """,
    )
    assert not wrong
    wrong = await fetch(
        service,
        """
        SELECT u.id, s.follower_count, s.following_count, s.post_count
        FROM users AS u
        LEFT JOIN person_stats AS s ON s.user_id = u.id
        WHERE coalesce(s.follower_count, 0) <> (SELECT count(*) FROM follows WHERE followed_id = u.id)
            OR coalesce(s.following_count, 0) <> (SELECT count(*) FROM follows WHERE follower_id = u.id)
            OR coalesce(s.post_count, 0)
            <> (SELECT count(*) FROM posts WHERE author_id = u.id AND position IS NOT NULL)
        """,
    )
    assert not wrong
    wrong = await fetch(
        service,
        """
        SELECT user_id, unread, exact
        FROM notification_counters
        FULL JOIN (
            SELECT
                receiver_id AS user_id,
                count(*) FILTER (WHERE n.is_unread) AS exact
            FROM notifications AS n
            GROUP BY receiver_id
        ) AS counted USING (user_id)
        WHERE coalesce(unread, 0) <> coalesce(exact, 0)
        """,
    )
    assert not wrong
    wrong = await fetch(
        service,
        """
        SELECT g.id, g.members, g.unread, counted.members, counted.unread
        FROM notification_groups AS g
        LEFT JOIN (
            SELECT group_id, count(*) AS members, count(*) FILTER (WHERE n.is_unread) AS unread
            FROM notifications AS n
            WHERE n.is_listed
            GROUP BY group_id
        ) AS counted ON counted.group_id = g.id
        WHERE g.members <> coalesce(counted.members, 0) OR g.unread <> coalesce(counted.unread, 0)
        """,
    )
    assert not wrong


async def outbox_empty(service: Any) -> bool:
    """Whether the outbox is empty; for wait_until()."""
    return bool(await fetch_value(service, "SELECT count(*) = 0 FROM outbox"))


async def meet_crosswise(service: Any, call: Coroutine[Any, Any, Any], *locks: tuple[Any, ...]) -> Any:
    """Make a request end in a deadlock; return its answer. Both `locks` are a statement and its values: the
    first locks a row the request waits for, the second a row the request has locked by then."""
    first, second = locks
    async with service.db.transaction(wait=5) as other:
        # The request detects the deadlock first, and is the one that is cancelled.
        await other.execute("SET LOCAL deadlock_timeout = '1min'")
        await other.execute(*first)
        asking = asyncio.create_task(call)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        await wait_until(lambda: other.fetchval(waiting))
        await other.execute(*second)
        assert not asking.done()
    return await asking


async def blocked(service: Any, count: int = 1) -> bool:
    """Whether at least `count` connections wait for a lock; for wait_until()."""
    waiting = await fetch_value(
        service,
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
        """,
    )
    return bool(waiting >= count)
