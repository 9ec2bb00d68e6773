"""Explore: posts ordered by engagement, whose weight halves every day."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nexcorp.web.cache import Cache
from tests.api import (
    API,
    BAD_LIMITS,
    fetch,
    fetch_value,
    gather_crowd,
    get_json,
    insist,
    publish,
    refused,
    say,
    walk,
)

# Posts whose stored score differs from a recount.
WRONG_SCORES = """
SELECT p.id, s.score, measure_post(p.id, p.created_at) AS exact
FROM posts AS p
LEFT JOIN post_stats AS s ON s.post_id = p.id
WHERE (p.position IS NULL) <> (s.score IS NULL)
    OR (s.score IS NULL) <> (s.least_score IS NULL)
    OR abs(s.score - measure_post(p.id, p.created_at)) > 1e-6
"""


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the list on every request; test_kept_page.py tests the cache."""

    async def make_anew(self: Cache, group: str, key: str, seconds: int, make: Any) -> Any:
        return await make()

    monkeypatch.setattr(Cache, "load", make_anew)


async def explored(who: Any) -> list[str]:
    """Return the bodies of the posts in explore, in order."""
    return [post["body"] for post in (await get_json(who.client, "/explore"))["data"]]


SET_BACK = (
    "UPDATE posts SET created_at = created_at - make_interval(days => $2) WHERE id = $1",
    "UPDATE likes SET created_at = created_at - make_interval(days => $2) WHERE post_id = $1",
    "UPDATE comments SET created_at = created_at - make_interval(days => $2) WHERE post_id = $1",
)
MEASURE = """
UPDATE post_stats AS s
SET score = measure_post(p.id, p.created_at), least_score = heat(p.created_at, 1)
FROM posts AS p
WHERE p.id = s.post_id AND p.id = $1
"""


async def set_back(service: Any, post_id: str, days: int) -> None:
    """Move a post's publication, and everything that happened to it, `days` back."""
    for statement in SET_BACK:
        await fetch(service, statement, post_id, days)
    await fetch(service, MEASURE, post_id)


async def test_likes_comments_and_interests_move_a_post_up(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    first = await publish(ann, body="first", type="project")
    second = await publish(ann, body="second")
    third = await publish(ann, body="third")
    assert await explored(bob) == ["third", "second", "first"]
    await bob.client.put(f"{API}/posts/{second['id']}/like")
    assert await explored(bob) == ["second", "third", "first"]
    await say(bob, third["id"])
    assert await explored(bob) == ["third", "second", "first"]
    await bob.client.put(f"{API}/posts/{first['id']}/interest")
    assert await explored(bob) == ["first", "third", "second"]
    assert await fetch(service, WRONG_SCORES) == []


async def test_what_is_taken_back_no_longer_counts(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    old = await publish(ann, body="old", type="project")
    await publish(ann, body="new")
    for path in ("like", "interest"):
        await bob.client.put(f"{API}/posts/{old['id']}/{path}")
        assert await explored(bob) == ["old", "new"]
        await bob.client.delete(f"{API}/posts/{old['id']}/{path}")
        assert await explored(bob) == ["new", "old"]
    comment = await say(bob, old["id"])
    reply = await say(ann, old["id"], parent=comment["id"])
    assert await explored(bob) == ["old", "new"]
    # A comment with replies keeps its weight; the placeholder without replies has none.
    await bob.client.delete(f"{API}/comments/{comment['id']}")
    assert await explored(bob) == ["old", "new"]
    await ann.client.delete(f"{API}/comments/{reply['id']}")
    assert await explored(bob) == ["new", "old"]
    assert await fetch(service, WRONG_SCORES) == []


async def test_a_like_twice_counts_once(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    for _ in range(3):
        await ann.client.put(f"{API}/posts/{post['id']}/like")
    # The publication and one like in the same minute weigh twice the publication alone.
    gained = await fetch_value(service, "SELECT score - least_score FROM post_stats")
    assert 1 <= gained < 1.01


async def test_attention_of_yesterday_weighs_half(service: Any, make_user: Any, client: Any) -> None:
    ann = await make_user()
    crowd = await gather_crowd(service, client, 9)
    before = await publish(ann, body="liked by nine, three days ago")
    for _, person in crowd:
        await person.put(f"{API}/posts/{before['id']}/like")
    await set_back(service, before["id"], 3)
    now = await publish(ann, body="now")
    # Ten events of three days ago weigh 1.25, a new post 1; with a like it weighs 2.
    assert await explored(ann) == ["liked by nine, three days ago", "now"]
    await ann.client.put(f"{API}/posts/{now['id']}/like")
    assert await explored(ann) == ["now", "liked by nine, three days ago"]
    # Taking an old like back subtracts its present weight, which is small.
    await crowd[0][1].delete(f"{API}/posts/{before['id']}/like")
    assert await fetch(service, WRONG_SCORES) == []
    await set_back(service, now["id"], 2000)
    assert await explored(ann) == ["liked by nine, three days ago", "now"]
    await ann.client.put(f"{API}/posts/{now['id']}/like")
    await ann.client.delete(f"{API}/posts/{now['id']}/like")
    assert await fetch(service, WRONG_SCORES) == []


async def test_only_what_stands_in_lists(service: Any, make_user: Any) -> None:
    boss, ann = await make_user(role="manager"), await make_user()
    draft = await publish(boss, body="secret", type="announcement", status="draft")
    assert await explored(boss) == await explored(ann) == []
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "published"})
    assert await explored(ann) == ["secret"]
    await ann.client.put(f"{API}/posts/{draft['id']}/like")
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "archived"})
    assert await explored(boss) == await explored(ann) == []
    # A post that is in no list gets no new score.
    await boss.client.put(f"{API}/posts/{draft['id']}/like")
    assert await fetch_value(service, "SELECT count(score) + count(least_score) FROM post_stats") == 0
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "published"})
    assert 1.5 < await fetch_value(service, "SELECT score - least_score FROM post_stats") < 1.6
    await boss.client.delete(f"{API}/posts/{draft['id']}")
    assert await explored(ann) == []


async def test_pages_join_without_a_seam(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    posts = [await publish(ann, body=f"{number}") for number in range(7)]
    for number in (1, 4):
        await bob.client.put(f"{API}/posts/{posts[number]['id']}/like")
    expected = ["4", "1", "6", "5", "3", "2", "0"]
    for limit in (1, 3, 7):
        pages = await walk(bob.client, "/explore", limit)
        assert [post["body"] for page in pages for post in page] == expected
    shown = (await get_json(bob.client, "/explore"))["data"]
    assert [post["body"] for post in shown if post["liked"]] == ["4", "1"]
    assert not any(post["liked"] for post in (await get_json(ann.client, "/explore"))["data"])


async def test_what_rises_between_two_pages_is_not_shown_twice(make_user: Any) -> None:
    ann = await make_user()
    posts = [await publish(ann, body=f"{number}") for number in range(4)]
    first = await get_json(ann.client, "/explore?limit=2")
    assert [post["body"] for post in first["data"]] == ["3", "2"]
    for number in (3, 1):
        await ann.client.put(f"{API}/posts/{posts[number]['id']}/like")
    second = await get_json(ann.client, f"/explore?limit=2&cursor={first['nextCursor']}")
    assert [post["body"] for post in second["data"]] == ["0"]


async def test_likes_at_once_are_all_counted(service: Any, make_user: Any, client: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    crowd = await gather_crowd(service, client, 30)
    await asyncio.gather(*(person.put(f"{API}/posts/{post['id']}/like") for _, person in crowd))
    count = await fetch_value(service, "SELECT like_count FROM post_stats")
    assert count > 1
    assert await fetch(service, WRONG_SCORES) == []
    await asyncio.gather(*(person.delete(f"{API}/posts/{post['id']}/like") for _, person in crowd))
    assert await fetch(service, WRONG_SCORES) == []


async def test_likes_leave_the_post_itself_alone(service: Any, make_user: Any) -> None:
    """A like does not write the post's row: its page stays all-visible, and lists need not visit it."""
    ann, bob = await make_user(), await make_user()
    post = await publish(ann, type="project")
    before = await fetch_value(service, "SELECT ctid FROM posts")
    for name in ("like", "interest"):
        await bob.client.put(f"{API}/posts/{post['id']}/{name}")
    comment = await say(bob, post["id"])
    await bob.client.delete(f"{API}/comments/{comment['id']}")
    await bob.client.delete(f"{API}/posts/{post['id']}/like")
    assert await fetch_value(service, "SELECT ctid FROM posts") == before
    assert await fetch_value(service, "SELECT interest_count FROM post_stats") == 1


async def test_bad_limits_and_foreign_cursors_are_422(make_user: Any) -> None:
    ann = await make_user()
    for _ in range(2):
        await publish(ann)
    for limit in BAD_LIMITS:
        await refused(ann.client.get(f"{API}/explore?limit={limit}"), 422, "validation_failed")
    other = (await get_json(ann.client, "/posts?limit=1"))["nextCursor"]
    for cursor in ("x", other):
        await refused(ann.client.get(f"{API}/explore?cursor={cursor}"), 422, "validation_failed")


DRIFT = """
SELECT s.score, s.score - (
    SELECT sum_heat(part)
    FROM (
        SELECT s.least_score AS part
        UNION ALL SELECT heat(l.created_at, 1) FROM likes AS l WHERE l.post_id = s.post_id
    ) AS parts
) AS drift
FROM post_stats AS s
"""


async def test_likes_while_a_post_leaves_the_lists_and_comes_back(
    service: Any, make_user: Any, client: Any
) -> None:
    boss = await make_user(role="manager")
    post = await publish(boss, type="announcement")
    crowd = await gather_crowd(service, client, 24)
    path = f"{API}/posts/{post['id']}"

    async def move() -> None:
        for number in range(8):
            status = ("archived", "published")[number % 2]
            await insist(boss.client, "PUT", f"/posts/{post['id']}/status", json={"status": status})

    async def waver(number: int, person: Any) -> None:
        await person.put(f"{path}/like")
        if number % 2:
            await person.delete(f"{path}/like")

    await asyncio.gather(move(), *(waver(number, person) for number, (_, person) in enumerate(crowd)))
    assert await fetch_value(service, "SELECT count(*) FROM likes") >= 1
    ((_, drift),) = await fetch(service, DRIFT)
    assert abs(drift) < 1e-6
