"""The feed: posts by you and the people you follow, newest first, correct under concurrent changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from tests import api

FEED = "/api/v1/feed"


async def publish(user: Any, body: str = "text", **data: Any) -> str:
    return str((await api.publish(user, body, **data))["id"])


async def read(user: Any, query: str = "") -> tuple[list[str], str | None]:
    answer = await user.client.get(FEED + query)
    assert answer.status == 200
    page = await answer.json()
    return [row["id"] for row in page["data"]], page["nextCursor"]


async def read_all(user: Any, limit: int) -> list[str]:
    found, cursor = await read(user, f"?limit={limit}")
    while cursor is not None:
        page, cursor = await read(user, f"?limit={limit}&cursor={cursor}")
        found += page
    return found


async def test_oneself_and_the_followed_and_nobody_else(make_user: Any) -> None:
    me, friend, stranger = [await make_user() for _ in range(3)]
    await me.client.put(f"/api/v1/users/{friend.id}/follow")
    own, theirs = await publish(me), await publish(friend)
    await publish(stranger)
    assert await read(me) == ([theirs, own], None)
    await me.client.put(f"/api/v1/posts/{theirs}/like")
    [row, _] = (await (await me.client.get(FEED)).json())["data"]
    assert (row["liked"], row["likeCount"], row["author"]["id"]) == (True, 1, str(friend.id))


async def test_a_follow_and_its_end_are_seen_at_once(make_user: Any) -> None:
    me, friend = await make_user(), await make_user()
    theirs = await publish(friend)
    assert await read(me) == ([], None)
    await me.client.put(f"/api/v1/users/{friend.id}/follow")
    assert await read(me) == ([theirs], None)
    await me.client.delete(f"/api/v1/users/{friend.id}/follow")
    assert await read(me) == ([], None)


async def test_pages_lose_and_repeat_nothing_while_posts_come_and_go(make_user: Any) -> None:
    me = await make_user()
    posts = [await publish(me, f"number {number}") for number in range(12)]
    first, cursor = await read(me, "?limit=5")
    await publish(me, "one more")
    await me.client.delete(f"/api/v1/posts/{posts[6]}")
    await me.client.delete(f"/api/v1/posts/{first[-1]}")
    second, cursor = await read(me, f"?limit=5&cursor={cursor}")
    third, end = await read(me, f"?limit=5&cursor={cursor}")
    assert first + second + third == [post for post in reversed(posts) if post != posts[6]]
    assert end is None


async def test_the_window_and_what_is_older_meet_without_a_gap(make_user: Any, service: Any) -> None:
    """Between the followed people's posts are more posts of strangers than the window holds."""
    me, friend, stranger = [await make_user() for _ in range(3)]
    await me.client.put(f"/api/v1/users/{friend.id}/follow")
    async with service.db.connection(wait=5) as conn:
        # Every 500th post of 6,000 is the friend's.
        await conn.execute(
            """
            INSERT INTO posts (id, position, author_id, body)
            SELECT place, place, CASE WHEN n % 500 = 0 THEN $1::uuid ELSE $2::uuid END, 'body'
            FROM generate_series(1, 6000) AS n,
                LATERAL (SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS place) AS p
            """,
            friend.id,
            stranger.id,
        )
        await sql.posts.fill_stats(conn)
    expected = [str(UUID(f"01900000-0000-7000-8000-{n:012x}")) for n in range(6000, 0, -500)]
    assert await read_all(me, 100) == expected
    assert await read_all(me, 3) == expected
    assert await read_all(me, 1) == expected


async def test_drafts_and_archived_announcements_are_not_in_it(make_user: Any) -> None:
    me = await make_user(role="manager")
    draft = await publish(me, type="announcement", status="draft")
    news = await publish(me, type="announcement")
    assert await read(me) == ([news], None)
    await me.client.put(f"/api/v1/posts/{draft}/status", json={"status": "published"})
    assert await read(me) == ([draft, news], None)
    await me.client.put(f"/api/v1/posts/{news}/status", json={"status": "archived"})
    assert await read(me) == ([draft], None)
