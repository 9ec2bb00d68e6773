"""Idempotency-Key: a retry after the created row was changed or deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nexcorp.db import sql
from tests.api import API, create, fetch, fetch_value, get_json, insist, publish, say
from tests.features.uploads.files import form, picture, send, upload
from tests.traces import find_traces
from tests.web.calls import check_envelope

POSTS, UPLOADS = f"{API}/posts", f"{API}/uploads"
REPLAYED = "Idempotent-Replayed"
ONCE = {"Idempotency-Key": "once"}


async def once(user: Any, path: str, **body: Any) -> Any:
    """POST with the key; return the answer, whatever its status."""
    return await user.client.post(API + path, json=body, headers=ONCE)


async def make(user: Any, path: str, **body: Any) -> Any:
    """POST with the key; return the created row. Fails if the answer was replayed."""
    answer = await once(user, path, **body)
    assert (answer.status, REPLAYED in answer.headers) == (201, False), await answer.text()
    return await answer.json()


async def remove(user: Any, path: str) -> None:
    """DELETE a path; fails unless the answer is 204."""
    answer = await user.client.delete(API + path)
    assert answer.status == 204, await answer.text()


async def check_gone(service: Any, user: Any, path: str, **body: Any) -> None:
    """Check that a retry gets `answer_gone`, another body is refused, and the stored answer is empty."""
    await check_envelope(await once(user, path, **body), 404, "answer_gone")
    text = next(name for name in ("body", "text", "name") if name in body)
    other = {**body, text: "Another."}
    await check_envelope(await once(user, path, **other), 422, "idempotency_key_reused")
    kept = "SELECT body, location FROM idempotency_keys WHERE scope = $1"
    assert [tuple(row) for row in await fetch(service, kept, str(user.id))] == [(None, None)]


@pytest.mark.parametrize("by", ["author", "moderator"])
async def test_a_deleted_post_is_not_published_again(service: Any, make_user: Any, by: str) -> None:
    ann, bob, boss = await make_user(), await make_user(), await make_user(role="admin")
    body = {"body": f"Dear @{bob.username}."}
    post = await make(ann, "/posts", **body)
    said = {"postId": post["id"], "body": "Indeed."}
    await make(bob, "/comments", **said)
    await remove(ann if by == "author" else boss, f"/posts/{post['id']}")
    await check_gone(service, ann, "/posts", **body)
    # The comment was deleted with the post: a retry says so, not that the post is missing.
    await check_gone(service, bob, "/comments", **said)
    assert await fetch_value(service, "SELECT count(*) FROM posts") == 0
    assert await fetch_value(service, "SELECT count(*) FROM events WHERE type = 'post.created'") == 1
    # Another key makes another request.
    assert (await ann.client.post(POSTS, json=body, headers={"Idempotency-Key": "twice"})).status == 201


async def test_a_deleted_comment_is_not_said_again(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    said = {"postId": post["id"], "body": "Indeed."}
    comment = await make(ann, "/comments", **said)
    reply = {**said, "parentId": comment["id"]}
    answered = await make(bob, "/comments", **reply)
    await remove(ann, f"/comments/{comment['id']}")
    # The comment stays as a placeholder; its stored answer loses the text as well.
    await check_gone(service, ann, "/comments", **said)
    await remove(bob, f"/comments/{answered['id']}")
    await check_gone(service, bob, "/comments", **reply)
    assert await fetch_value(service, "SELECT count(*) FROM comments") == 0


async def test_a_deleted_step_or_label_is_not_made_again(service: Any, make_user: Any) -> None:
    boss = await make_user(role="manager")
    task = await create(boss, "/tasks", title="Steps")
    path, body = f"/tasks/{task['id']}/checklist", {"text": "The first."}
    [step] = (await make(boss, path, **body))["data"]
    assert (await boss.client.patch(f"{API}{path}/{step['id']}", json={"text": "The last."})).status == 200
    [shown] = (await (await once(boss, path, **body)).json())["data"]
    assert shown["text"] == "The last."
    assert (await boss.client.delete(f"{API}{path}/{step['id']}")).status == 200
    await check_gone(service, boss, path, **body)

    other = await make_user(role="manager")
    body = {"name": "Bug", "color": "#ff0000"}
    label = await make(other, "/labels", **body)
    assert (await other.client.patch(f"{API}/labels/{label['id']}", json={"name": "Defect"})).status == 200
    assert (await (await once(other, "/labels", **body)).json())["name"] == "Defect"
    await remove(other, f"/labels/{label['id']}")
    await check_gone(service, other, "/labels", **body)


@pytest.mark.parametrize("way", ["upload", "edit", "post", "time"])
async def test_a_removed_file_is_in_no_answer(service: Any, make_user: Any, way: str) -> None:
    ann = await make_user()
    one = {"Idempotency-Key": "file"}

    async def retry(content: bytes = b"text") -> Any:
        return await ann.client.post(UPLOADS, data=form((content, "a.txt", "")), headers=one)

    file = await (await retry()).json()
    assert (await retry()).headers[REPLAYED] == "true"
    if way == "upload":
        await remove(ann, f"/uploads/{file['id']}")
    elif way == "time":
        async with service.db.connection(wait=5) as conn:
            await conn.execute("UPDATE uploads SET created_at = now() - interval '2 days'")
            await sql.uploads.remove_stale_uploads(conn)
    else:
        post = await publish(ann, uploadIds=[file["id"]])
        path = f"{POSTS}/{post['id']}"
        if way == "edit":
            assert (await ann.client.patch(path, json={"uploadIds": []})).status == 200
        else:
            await remove(ann, f"/posts/{post['id']}")
    await check_envelope(await retry(), 404, "answer_gone")
    await check_envelope(await retry(b"other"), 422, "idempotency_key_reused")
    kept = await fetch(service, "SELECT body, location FROM idempotency_keys")
    assert [tuple(row) for row in kept] == [(None, None)]
    # Neither retry left a file behind.
    assert await fetch_value(service, "SELECT count(*) FROM uploads WHERE removed_at IS NULL") == 0


async def test_the_answer_of_a_post_loses_a_file_as_the_post_does(service: Any, make_user: Any) -> None:
    ann = await make_user()
    files = [await upload(ann, name=f"{name}.png") for name in ("one", "two")]
    body = {"body": "Look.", "uploadIds": [file["id"] for file in files]}
    post = await make(ann, "/posts", **body)
    await remove(ann, f"/uploads/{files[0]['id']}")
    again = await once(ann, "/posts", **body)
    shown = await again.json()
    assert (again.status, [file["name"] for file in shown["uploads"]]) == (201, ["two.png"])
    assert shown == await get_json(ann.client, f"/posts/{post['id']}")
    # The removal of a file on no post changes only its own stored answer.
    loose = await send(ann, picture(), "c.png", "")
    await remove(ann, f"/uploads/{(await loose.json())['id']}")
    assert await (await once(ann, "/posts", **body)).json() == shown


async def test_a_retry_after_an_edit_shows_it_as_it_is_now(service: Any, make_user: Any) -> None:
    ann = await make_user()
    parent = await publish(ann)
    for path, body in (
        ("/posts", {"title": "Before", "body": "oldword"}),
        ("/comments", {"postId": parent["id"], "body": "oldword"}),
    ):
        headers = {"Idempotency-Key": path}
        first = await ann.client.post(API + path, json=body, headers=headers)
        made = await first.json()
        place = f"{API}{path}/{made['id']}"
        for text in ("newword", "newerword"):
            assert (await ann.client.patch(place, json={"body": text})).status == 200
            again = await ann.client.post(API + path, json=body, headers=headers)
            now = await ann.client.get(place)
            assert (again.status, again.headers[REPLAYED]) == (201, "true")
            assert (await again.json())["body"] == text
            assert await again.read() == await now.read()
            assert again.headers["ETag"] == now.headers["ETag"] != first.headers["ETag"]
            assert again.headers.get("Location") == first.headers.get("Location")
        # Another body is refused, even if it equals the present text.
        edited = await ann.client.post(API + path, json={**body, "body": "newerword"}, headers=headers)
        await check_envelope(edited, 422, "idempotency_key_reused")
        await remove(ann, f"{path}/{made['id']}")
        gone = await ann.client.post(API + path, json=body, headers=headers)
        await check_envelope(gone, 404, "answer_gone")
    kept = await fetch(service, "SELECT body FROM idempotency_keys")
    assert [row["body"] for row in kept] == [None, None]


async def test_a_refused_edit_renews_nothing(make_user: Any) -> None:
    ann = await make_user()
    post = await make(ann, "/posts", body="x")
    stale = {"body": "y", "version": post["version"] + 1}
    await check_envelope(await ann.client.patch(f"{POSTS}/{post['id']}", json=stale), 409)
    assert await (await once(ann, "/posts", body="x")).json() == post


async def test_a_change_by_another_renews_no_answer_of_the_authors(make_user: Any) -> None:
    """The answer to the other person shows that person's view, for example whether they like the post."""
    ann, boss = await make_user(), await make_user(role="admin")
    body = {"type": "project", "title": "One", "body": "x"}
    post = await make(ann, "/posts", **body)
    own = await make(boss, "/posts", body="Mine.")
    path = f"{POSTS}/{post['id']}"
    assert (await boss.client.put(f"{path}/like")).status == 200
    assert (await boss.client.put(f"{path}/status", json={"status": "on_hold"})).status == 200
    assert await (await once(ann, "/posts", **body)).json() == post
    assert await (await once(boss, "/posts", body="Mine.")).json() == own
    # The author's own change renews the answer.
    assert (await ann.client.put(f"{path}/status", json={"status": "in_progress"})).status == 200
    again = await (await once(ann, "/posts", **body)).json()
    assert (again["status"], again["liked"], again["likeCount"]) == ("in_progress", False, 1)


@pytest.mark.parametrize("kind", ["posts", "comments"])
async def test_a_retry_that_meets_the_deletion_makes_nothing(service: Any, make_user: Any, kind: str) -> None:
    ann, boss = await make_user(), await make_user(role="admin")
    parent = await create(boss, "/posts", body="Before.")
    seen = set()
    for number in range(12):
        headers = {"Idempotency-Key": f"{kind}{number}"}
        body = {"body": "x"} if kind == "posts" else {"body": "x", "postId": parent["id"]}
        made = await (await insist(ann.client, "POST", f"/{kind}", json=body, headers=headers)).json()

        async def retry(delay: float, headers: Any = headers, body: Any = body) -> Any:
            await asyncio.sleep(delay)
            return await insist(ann.client, "POST", f"/{kind}", json=body, headers=headers)

        deletion = insist(boss.client, "DELETE", f"/{kind}/{made['id']}")
        deleted, *answers = await asyncio.gather(deletion, *(retry(step * 0.002) for step in range(8)))
        assert deleted.status == 204
        for answer in answers:
            if answer.status == 201:
                assert (await answer.json())["id"] == made["id"]
            else:
                await check_envelope(answer, 404, "answer_gone")
            seen.add(answer.status)
    assert 404 in seen
    left = {"posts": 1, "comments": 0}[kind]
    assert await fetch_value(service, f"SELECT count(*) FROM {kind}") == left  # noqa: S608


async def test_one_comment_of_a_post_answers_while_another_is_gone(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    kept = {"postId": post["id"], "body": "Stays."}
    made = await make(ann, "/comments", **kept)
    gone = await say(ann, post["id"], "Goes.")
    await remove(ann, f"/comments/{gone['id']}")
    again = await once(ann, "/comments", **kept)
    assert (again.status, await again.json()) == (201, made)


async def test_an_answer_names_no_assignee_who_has_left(service: Any, make_user: Any) -> None:
    ann, boss = await make_user(), await make_user(role="admin")
    leaver, other = await make_user("zebulon"), await make_user()
    body = {"type": "project", "title": "One", "body": "x"}
    post = await make(ann, "/posts", **body)
    path = f"{POSTS}/{post['id']}"
    for user, assigner in ((leaver, ann), (other, boss)):
        assert (await user.client.put(f"{path}/interest")).status == 200
        assert (await assigner.client.put(f"{path}/assignee", json={"userId": str(user.id)})).status == 200
    # The second assignment was not by the author, so it is not in the author's answer.
    before = await (await once(ann, "/posts", **body)).json()
    assert before["assignee"]["username"] == "zebulon"
    assert (await leaver.client.delete(f"{API}/users/me")).status == 204
    after = await once(ann, "/posts", **body)
    assert (after.status, after.headers[REPLAYED]) == (201, "true")
    assert await after.json() == {**before, "assignee": None}
    async with service.db.connection(wait=5) as conn:
        kept = {place for place, _ in await find_traces(conn, ["zebulon"])}
    assert "idempotency_keys.body" not in kept
