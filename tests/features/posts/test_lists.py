"""Lists of posts: order, pages, cursors, limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, BAD_LIMITS, NOBODY, get_json, publish, refused, walk


async def test_the_newest_come_first_and_pages_join_without_a_seam(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    posts = [await publish((ann, bob)[number % 2], body=f"{number}") for number in range(7)]
    posts.reverse()
    for limit in (1, 2, 3, 7, 100):
        pages = await walk(ann.client, "/posts", limit)
        assert [post for page in pages for post in page] == posts
        assert all(len(page) == limit for page in pages[:-1])
    for path in (f"/posts?author={bob.id}", f"/users/{bob.id}/posts"):
        found = [post for page in await walk(ann.client, path, 2) for post in page]
        assert found == [post for post in posts if post["author"]["id"] == str(bob.id)]


async def test_the_default_limit_is_20_and_a_full_last_page_has_no_cursor(make_user: Any) -> None:
    ann = await make_user()
    for number in range(21):
        await publish(ann, body=f"{number}")
    first = await get_json(ann.client, "/posts")
    assert len(first["data"]) == 20
    second = await get_json(ann.client, f"/posts?cursor={first['nextCursor']}&limit=1")
    assert len(second["data"]) == 1
    assert second["nextCursor"] is None


async def test_a_cursor_is_stable_while_posts_come_and_go(make_user: Any) -> None:
    ann = await make_user()
    posts = [await publish(ann, body=f"{number}") for number in range(6)][::-1]
    first = await get_json(ann.client, "/posts?limit=3")
    for number in range(3):
        await publish(ann, body=f"later {number}")
    # The row of the cursor is gone; its position still works.
    await ann.client.delete(f"{API}/posts/{posts[2]['id']}")
    second = await get_json(ann.client, f"/posts?limit=3&cursor={first['nextCursor']}")
    assert second["data"] == posts[3:]


async def test_an_empty_list_is_a_list(make_user: Any) -> None:
    ann = await make_user()
    for path in ("/posts", f"/users/{ann.id}/posts", f"/posts?author={NOBODY}"):
        page = await get_json(ann.client, path)
        assert (page["data"], page["nextCursor"]) == ([], None)


async def test_liked_is_the_viewers_own(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    for path in ("/posts", f"/posts?author={ann.id}", f"/users/{ann.id}/posts"):
        for who, liked in ((ann, False), (bob, True)):
            (shown,) = (await get_json(who.client, path))["data"]
            assert (shown["liked"], shown["likeCount"]) == (liked, 1)


async def test_a_bad_limit_is_422_on_every_list(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    for path in (
        "/posts",
        f"/users/{ann.id}/posts",
        f"/posts/{post['id']}/likes",
        f"/comments/post/{post['id']}",
        f"/users/{ann.id}/followers",
        f"/users/{ann.id}/following",
        "/notifications",
    ):
        for limit in BAD_LIMITS:
            error = await refused(ann.client.get(f"{API}{path}?limit={limit}"), 422, "validation_failed")
            assert list(error["errors"]) == ["limit"]


async def test_only_a_cursor_of_this_list_is_taken_back(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    await publish(ann)
    good = (await get_json(ann.client, "/posts?limit=1"))["nextCursor"]
    path = f"{API}/posts?limit=1&cursor="
    assert (await ann.client.get(path + good)).status == 200
    middle = "A" if good[9] != "A" else "B"
    forged = [good[:-4], good[:9] + middle + good[10:], good + good, good[:3], "AAAA", "%00", "%ff", "é", ""]
    forged += ["x" * 1001, "{}", NOBODY]
    for cursor in forged:
        error = await refused(ann.client.get(path + cursor), 422, "validation_failed")
        assert list(error["errors"]) == ["cursor"]
    for other in (
        f"/posts/{post['id']}/likes",
        f"/comments/post/{post['id']}",
        f"/users/{ann.id}/followers",
        f"/users/{ann.id}/following",
        "/notifications",
    ):
        await refused(ann.client.get(f"{API}{other}?cursor={good}"), 422, "validation_failed")


async def test_a_wrong_parameter_is_422_by_name(make_user: Any) -> None:
    ann = await make_user()
    for query, field in (
        ("author=me", "author"),
        ("type=gossip", "type"),
        ("sort=id", "sort"),
        ("limit=1&limit=2", "limit"),
        ("%ff=1", "\ufffd"),
    ):
        error = await refused(ann.client.get(f"{API}/posts?{query}"), 422, "validation_failed")
        assert list(error["errors"]) == [field]


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_what_stands_in_no_list_has_pages_too(status: str, make_user: Any) -> None:
    boss = await make_user(role="manager")
    made = []
    for _ in range(3):
        post = await publish(boss, type="announcement", status="draft")
        for step in ("published", "archived") if status == "archived" else ():
            await boss.client.put(f"{API}/posts/{post['id']}/status", json={"status": step})
        made.insert(0, post["id"])
    pages = await walk(boss.client, f"/posts?status={status}", 2)
    assert [[row["id"] for row in page] for page in pages] == [made[:2], made[2:]]


async def test_every_move_of_a_post_is_on_some_page(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, type="project")
    for status in ("on_hold", "open", "in_progress", "completed"):
        await ann.client.put(f"{API}/posts/{post['id']}/status", json={"status": status})
    pages = await walk(ann.client, f"/posts/{post['id']}/status-log", 2)
    assert [[row["to"] for row in page] for page in pages] == [
        ["open", "on_hold"],
        ["open", "in_progress"],
        ["completed"],
    ]


async def test_a_cursor_of_another_list_is_refused_where_nothing_can_be_found(make_user: Any) -> None:
    ann, boss = await make_user(), await make_user(role="manager")
    post = await publish(ann, type="project")
    await publish(ann)
    newest = (await get_json(ann.client, "/posts?limit=1"))["nextCursor"]
    for path in (
        "/posts?status=draft&cursor=" + newest,
        f"/posts?status=draft&author={boss.id}&cursor=" + newest,
        "/posts?type=normal&status=open&cursor=forged",
        f"/posts/{post['id']}/status-log?cursor=" + newest,
    ):
        error = await refused(ann.client.get(API + path), 422)
        assert list(error["errors"]) == ["cursor"], path
    await refused(ann.client.get(f"{API}/posts/{post['id']}/status-log?limit=0"), 422)
