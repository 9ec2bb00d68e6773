"""Edits: whom an edit mentions, and edits that change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import (
    API,
    fetch,
    fetch_value,
    get_json,
    outbox_empty,
    publish,
    refused,
    say,
)
from tests.conftest import wait_until


async def edit(user: Any, kind: str, thing: Any, body: str) -> Any:
    answer = await user.client.patch(f"{API}/{kind}/{thing['id']}", json={"body": body})
    assert answer.status == 200, await answer.text()
    return await answer.json()


@pytest.mark.parametrize("kind", ["posts", "comments"])
async def test_whom_an_edit_mentions_is_told_once(kind: str, service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user("bob"), await make_user("eve")
    post = await publish(ann, body="Hello @bob." if kind == "posts" else "Hello.")
    thing = post if kind == "posts" else await say(ann, post["id"], "Hello @bob.")
    for body in ("Hello @bob and @Eve.", "Hello @bob, @eve!", "Hello.", f"Hello @eve @{ann.username}."):
        await edit(ann, kind, thing, body)
    await wait_until(lambda: outbox_empty(service))
    for user in (bob, eve):
        [row] = (await get_json(user.client, "/notifications"))["data"]
        # The notification shows the present text.
        assert (row["type"], row["message"]) == ("mention", f"Hello @eve @{ann.username}.")
        assert row["postId"] == post["id"]
        assert row["entity"] == {"type": kind[:-1], "id": thing["id"]}
    assert (await get_json(ann.client, "/notifications"))["data"] == []


async def test_an_edit_of_a_draft_tells_nobody_until_it_is_published(service: Any, make_user: Any) -> None:
    boss, bob = await make_user(role="manager"), await make_user("bob")
    draft = await publish(boss, type="announcement", status="draft")
    comment = await say(boss, draft["id"])
    await edit(boss, "posts", draft, "Soon, @bob.")
    await edit(boss, "comments", comment, "Really, @bob.")
    await wait_until(lambda: outbox_empty(service))
    assert (await get_json(bob.client, "/notifications"))["data"] == []
    await boss.client.put(f"{API}/posts/{draft['id']}/status", json={"status": "published"})
    await edit(boss, "posts", draft, "Now, @bob.")
    await wait_until(lambda: outbox_empty(service))
    rows = (await get_json(bob.client, "/notifications"))["data"]
    assert [(row["type"], row["message"]) for row in rows] == [("mention", "Now, @bob.")]


async def test_an_edit_that_changes_nothing_changes_nothing(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, title="Title")
    comment = await say(ann, post["id"])
    post = await get_json(ann.client, f"/posts/{post['id']}")
    path = f"{API}/posts/{post['id']}"
    before = await fetch_value(service, "SELECT count(*) FROM events")
    for same in (
        {"title": "Title"},
        {"title": " Title ", "body": post["body"], "version": 1},
        {"uploadIds": None},
        {"uploadIds": [], "body": post["body"]},
    ):
        answer = await ann.client.patch(path, json=same)
        assert (answer.status, await answer.json()) == (200, post), same
    assert await edit(ann, "comments", comment, comment["body"]) == comment
    assert await fetch_value(service, "SELECT count(*) FROM events") == before
    # Invalid requests are refused even if nothing would change.
    await refused(ann.client.patch(path, json={"title": "Title", "version": 7}), 409, "stale_version")
    changed = await (await ann.client.patch(path, json={"title": None, "body": post["body"]})).json()
    assert (changed["title"], changed["version"]) == (None, 2)
    assert [
        row["type"] for row in await fetch(service, "SELECT type FROM events WHERE type = 'post.updated'")
    ]
