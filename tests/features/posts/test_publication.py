"""When and by whom a post was published, as lists of posts show it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, fetch_value, get_json, publish, refused, say


async def move(user: Any, post: Any, status: str) -> dict[str, Any]:
    answer = await user.client.put(f"{API}/posts/{post['id']}/status", json={"status": status})
    assert answer.status == 200, await answer.text()
    moved: dict[str, Any] = await answer.json()
    return moved


async def test_a_draft_was_not_published_and_lists_are_in_the_order_of_publication(make_user: Any) -> None:
    boss = await make_user(role="manager")
    draft = await publish(boss, type="announcement", status="draft")
    assert draft["publishedAt"] is None
    between = await publish(boss)
    published = await move(boss, draft, "published")
    assert published["createdAt"] < between["publishedAt"] < published["publishedAt"]
    await publish(boss)
    for path in ("/posts", "/feed", f"/users/{boss.id}/posts"):
        moments = [post["publishedAt"] for post in (await get_json(boss.client, path))["data"]]
        assert len(moments) == 3 and moments == sorted(moments, reverse=True), path
    changed = await boss.client.patch(f"{API}/posts/{draft['id']}", json={"body": "Other."})
    assert (await changed.json())["publishedAt"] == published["publishedAt"]


async def log_of(user: Any, post: Any) -> list[str]:
    log = await get_json(user.client, f"/posts/{post['id']}/status-log")
    return [row["createdAt"] for row in log["data"]]


@pytest.mark.parametrize("status", ["draft", "published"])
async def test_what_is_archived_keeps_when_it_was_published(status: str, make_user: Any) -> None:
    boss = await make_user(role="manager")
    post = await publish(boss, type="announcement", status=status)
    published = await move(boss, post, "published")
    archived = await move(boss, post, "archived")
    assert archived["publishedAt"] == published["publishedAt"]
    again = await move(boss, post, "published")
    assert again["publishedAt"] > archived["updatedAt"]
    assert (await move(boss, post, "archived"))["publishedAt"] == again["publishedAt"]
    assert await log_of(boss, post) == sorted(await log_of(boss, post))


async def test_the_time_in_an_id_is_exact_to_the_microsecond(service: Any) -> None:
    # The example id of RFC 9562.
    example = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    text = "SELECT to_char(read_time($1::uuid) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    assert await fetch_value(service, text, example) == "2022-02-22 19:22:22.000797"
    near = "SELECT read_time(uuidv7()) - clock_timestamp() BETWEEN '-1 second' AND '1 millisecond'"
    assert await fetch_value(service, near) is True


async def test_a_person_is_shown_with_their_picture_everywhere(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    picture = "https://example.org/ann.png"
    answer = await ann.client.patch(f"{API}/users/me", json={"avatarUrl": picture})
    assert answer.status == 200
    post = await publish(ann, body="A picture of a teapot.")
    comment = await say(ann, post["id"])
    await ann.client.put(f"{API}/users/{bob.id}/follow")
    await ann.client.put(f"{API}/posts/{post['id']}/like")
    people = [post["author"], comment["author"]]
    for path in ("/posts", "/explore", f"/comments/post/{post['id']}"):
        people.append((await get_json(bob.client, path))["data"][0]["author"])
    for path in (f"/users/{bob.id}/followers", f"/posts/{post['id']}/likes"):
        people.append((await get_json(bob.client, path))["data"][0]["user"])
    assert [person["avatarUrl"] for person in people] == [picture] * 7
    await refused(ann.client.patch(f"{API}/users/me", json={"avatarUrl": "javascript:1"}), 422)
