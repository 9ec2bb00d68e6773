"""Commenting, replying, changing and deleting comments."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from tests.api import (
    API,
    NOBODY,
    check_counters,
    fetch_value,
    get_json,
    outbox_empty,
    publish,
    refused,
    say,
    walk,
)
from tests.conftest import wait_until


async def test_a_comment_is_shown_as_it_was_said(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    comment = await say(bob, post["id"], " Ünïcode 🫖 ")
    assert (comment["postId"], comment["parentId"], comment["version"]) == (post["id"], None, 1)
    assert (comment["body"], comment["author"]["id"]) == ("Ünïcode 🫖", str(bob.id))
    page = await get_json(ann.client, f"/comments/post/{post['id']}")
    assert (page["data"], page["nextCursor"]) == ([comment], None)
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 1


async def test_a_reply_to_a_reply_stays_one_level_deep(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    first = await say(bob, post["id"])
    reply = await say(ann, post["id"], parent=first["id"])
    deeper = await say(bob, post["id"], parent=reply["id"])
    assert reply["parentId"] == deeper["parentId"] == first["id"]


async def test_comments_are_listed_oldest_first_on_pages_without_a_seam(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post, other = await publish(ann), await publish(ann)
    said = [await say((ann, bob)[number % 2], post["id"], f"{number}") for number in range(7)]
    await say(bob, other["id"])
    path = f"/comments/post/{post['id']}"
    for limit in (1, 3, 7, 100):
        pages = await walk(ann.client, path, limit)
        assert [comment for page in pages for comment in page] == said
    first = await get_json(ann.client, f"{path}?limit=4")
    await ann.client.delete(f"{API}/comments/{said[3]['id']}")
    later = await say(bob, post["id"], "later")
    rest = await get_json(ann.client, f"{path}?limit=4&cursor={first['nextCursor']}")
    assert rest["data"] == [*said[4:], later]


async def test_comments_are_listed_newest_first_where_asked(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    said = [await say(ann, post["id"], f"{number}") for number in range(5)]
    path = f"/comments/post/{post['id']}?order=newest"
    for limit in (1, 2, 5):
        seen, cursor = [], ""
        while cursor is not None:
            page = await get_json(ann.client, f"{path}&limit={limit}" + (cursor and f"&cursor={cursor}"))
            seen += page["data"]
            cursor = page["nextCursor"]
        assert seen == said[::-1]
    oldest = await get_json(ann.client, f"/comments/post/{post['id']}?order=oldest&limit=2")
    assert oldest["data"] == said[:2]
    # A cursor is good only for the order of its first page.
    for query in (f"order=newest&cursor={oldest['nextCursor']}", "order=best"):
        answer = await ann.client.get(f"{API}/comments/post/{post['id']}?{query}")
        assert answer.status == 422
    assert (await ann.client.get(f"{API}/comments/post/{NOBODY}?order=newest")).status == 404


async def test_a_bad_comment_is_refused_by_field(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post, other = await publish(ann), await publish(ann)
    elsewhere = await say(ann, other["id"])
    good = {"postId": post["id"], "body": "x"}
    for change, field in (
        ({"body": ""}, "body"),
        ({"body": "   "}, "body"),
        ({"body": None}, "body"),
        ({"body": "x" * 5001}, "body"),
        ({"body": "a\x00"}, "body"),
        ({"postId": "first"}, "postId"),
        ({"postId": None}, "postId"),
        ({"postId": 7}, "postId"),
        ({"parentId": "first"}, "parentId"),
        ({"parentId": NOBODY}, "parentId"),
        ({"parentId": elsewhere["id"]}, "parentId"),
        ({"taskID": NOBODY}, "taskID"),
        ({"authorId": NOBODY}, "authorId"),
        ({"version": 1}, "version"),
    ):
        error = await refused(
            ann.client.post(f"{API}/comments", json=good | change), 422, "validation_failed"
        )
        assert list(error["errors"]) == [field], change
    await refused(ann.client.post(f"{API}/comments", json={"body": "x"}), 422)
    absent = {"postId": NOBODY, "body": "x"}
    await refused(ann.client.post(f"{API}/comments", json=absent), 404, "post_not_found")
    absent["parentId"] = elsewhere["id"]
    await refused(ann.client.post(f"{API}/comments", json=absent), 404, "post_not_found")
    assert await fetch_value(service, "SELECT count(*) FROM comments") == 1
    await check_counters(service)


async def test_only_its_author_changes_a_comment(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    comment = await say(bob, post["id"])
    path = f"{API}/comments/{comment['id']}"
    # Not even the post's author may edit another person's comment.
    await refused(ann.client.patch(path, json={"body": "Never."}), 403, "not_your_comment")
    changed = await (await bob.client.patch(path, json={"body": "Ever.", "version": 1})).json()
    assert changed == comment | {"body": "Ever.", "version": 2, "updatedAt": changed["updatedAt"]}
    assert (await get_json(ann.client, f"/comments/post/{post['id']}"))["data"] == [changed]


async def test_a_stale_comment_is_409_and_by_etag_412(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    answer = await ann.client.post(f"{API}/comments", json={"postId": post["id"], "body": "One"})
    comment, old = await answer.json(), {"If-Match": answer.headers["ETag"]}
    path = f"{API}/comments/{comment['id']}"
    current = await (await ann.client.patch(path, json={"body": "Two"}, headers=old)).json()
    error = await refused(ann.client.patch(path, json={"body": "Lost", "version": 1}), 409, "stale_version")
    assert error["current"] == current
    await refused(ann.client.patch(path, json={"body": "Lost"}, headers=old), 412, "stale_version")
    for bad in ({}, {"version": 2}, {"body": ""}, {"body": "x", "postId": post["id"]}):
        await refused(ann.client.patch(path, json=bad), 422, "validation_failed")
    assert (await get_json(ann.client, f"/comments/post/{post['id']}"))["data"] == [current]


async def test_one_comment_is_read_by_whoever_sees_its_post(make_user: Any) -> None:
    boss, bob = await make_user(role="manager"), await make_user()
    comment = await say(bob, (await publish(boss))["id"])
    path = f"{API}/comments/{comment['id']}"
    answer = await boss.client.get(path)
    assert await answer.json() == comment
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await boss.client.get(path, headers=known)).status == 304
    await bob.client.patch(path, json={"body": "Other."}, headers={"If-Match": answer.headers["ETag"]})
    answer = await boss.client.get(path, headers=known)
    assert (answer.status, (await answer.json())["body"]) == (200, "Other.")
    draft = await publish(boss, type="announcement", status="draft")
    hidden = await say(boss, draft["id"])
    assert (await boss.client.get(f"{API}/comments/{hidden['id']}")).status == 200
    await refused(bob.client.get(f"{API}/comments/{hidden['id']}"), 404, "comment_not_found")
    await refused(bob.client.get(f"{API}/comments/{NOBODY}"), 404, "comment_not_found")
    await refused(bob.client.get(f"{API}/comments/x"), 422)


async def test_an_absent_comment_is_404(make_user: Any) -> None:
    ann = await make_user()
    path = f"{API}/comments/{NOBODY}"
    await refused(ann.client.patch(path, json={"body": "x"}), 404, "comment_not_found")
    await refused(ann.client.delete(path), 404, "comment_not_found")


async def test_its_author_and_the_posts_author_delete_a_comment(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    post = await publish(ann)
    comments = [await say(bob, post["id"]) for _ in range(2)]
    await refused(eve.client.delete(f"{API}/comments/{comments[0]['id']}"), 403, "not_your_comment")
    for who, comment in zip((ann, bob), comments, strict=True):
        assert (await who.client.delete(f"{API}/comments/{comment['id']}")).status == 204
        await refused(who.client.delete(f"{API}/comments/{comment['id']}"), 404, "comment_not_found")
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 0


async def test_a_deleted_comment_leaves_a_placeholder_while_it_has_replies(
    service: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    first, second = await say(ann, post["id"], "Gone."), await say(bob, post["id"])
    replies = [await say(bob, post["id"], parent=first["id"]) for _ in range(2)]
    path = f"{API}/comments/{first['id']}"
    assert (await ann.client.delete(path)).status == 204
    shown = await get_json(bob.client, f"/comments/{first['id']}")
    empty = {"body": None, "author": None, "deleted": True, "version": 2, "updatedAt": shown["updatedAt"]}
    assert shown == first | empty
    listed = f"/comments/post/{post['id']}"
    assert (await get_json(ann.client, listed))["data"] == [shown, second, *replies]
    assert (await get_json(ann.client, listed + "?order=newest&limit=1"))["data"] == replies[1:]
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 3
    # Editing or deleting a placeholder is a 404; replies to its thread still work.
    await refused(ann.client.patch(path, json={"body": "Back."}), 404, "comment_not_found")
    await refused(ann.client.delete(path), 404, "comment_not_found")
    replies += [await say(ann, post["id"], parent=parent["id"]) for parent in (first, replies[0])]
    assert {reply["parentId"] for reply in replies} == {first["id"]}
    await check_counters(service)
    # The placeholder is deleted with its last reply.
    for reply in replies:
        assert (await get_json(ann.client, f"/comments/{first['id']}"))["deleted"]
        assert (await ann.client.delete(f"{API}/comments/{reply['id']}")).status == 204
    await refused(ann.client.get(path), 404, "comment_not_found")
    assert (await get_json(ann.client, listed))["data"] == [second]
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 1
    await check_counters(service)


async def test_a_placeholder_tells_nobody_what_it_was(service: Any, make_user: Any) -> None:
    """Nor who wrote it: only the audit trail still knows, and no search, notification or export."""
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    gone = await say(bob, post["id"], f"A nightingale, @{ann.username}.")
    reply = await say(ann, post["id"], "A lark.", parent=gone["id"])
    await wait_until(lambda: outbox_empty(service))
    assert (await get_json(ann.client, "/search?q=nightingale"))["data"]
    assert (await bob.client.delete(f"{API}/comments/{gone['id']}")).status == 204
    assert (await get_json(ann.client, "/search?q=nightingale"))["data"] == []
    told = (await get_json(ann.client, "/notifications"))["data"]
    assert [(one["type"], one["entity"], one["postId"]) for one in told] == [("mention", None, None)]
    (answered,) = (await get_json(bob.client, "/notifications"))["data"]
    assert (answered["message"], answered["entity"]["id"]) == ("A lark.", reply["id"])
    await wait_until(lambda: outbox_empty(service))
    assert await fetch_value(service, "SELECT count(*) FROM comment_documents") == 1
    row = await fetch_value(service, "SELECT to_jsonb(c) FROM comments AS c WHERE body IS NULL")
    assert (row["id"], row["author_id"], row["body"]) == (gone["id"], None, None)
    async with service.db.connection(wait=5) as conn:
        assert await sql.comments.export_comments(conn, user_id=bob.id) == []
    # The author of a deleted comment is not notified of replies to it.
    await say(ann, post["id"], parent=gone["id"])
    await wait_until(lambda: outbox_empty(service))
    assert len((await get_json(bob.client, "/notifications"))["data"]) == 1
