"""Publishing, reading, changing and deleting posts."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.api import (
    API,
    NOBODY,
    check_counters,
    fetch,
    fetch_value,
    get_json,
    publish,
    refused,
    say,
)


async def test_a_post_is_shown_as_it_was_published(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    answer = await ann.client.post(f"{API}/posts", json={"title": " Tea ", "body": "Ünïcode 🫖\n@nobody"})
    assert answer.status == 201
    post = await answer.json()
    assert answer.headers["Location"] == f"{API}/posts/{post['id']}"
    assert UUID(post["id"]).version == 7
    assert (post["type"], post["title"], post["body"]) == ("normal", "Tea", "Ünïcode 🫖\n@nobody")
    assert (post["likeCount"], post["commentCount"], post["liked"], post["version"]) == (0, 0, False, 1)
    assert post["author"] == {
        "id": str(ann.id),
        "username": ann.username,
        "firstName": None,
        "lastName": None,
        "avatarUrl": None,
    }
    assert post["createdAt"] == post["updatedAt"] <= post["publishedAt"]
    shown = await bob.client.get(f"{API}/posts/{post['id']}")
    assert await shown.json() == post
    assert shown.headers["ETag"] == answer.headers["ETag"]


async def test_publishing_is_on_record(service: Any, make_user: Any) -> None:
    ann = await make_user()
    answer = await ann.client.post(f"{API}/posts", json={"body": "x"}, headers={"X-Request-Id": "trace-me"})
    post = await answer.json()
    (event,) = await fetch(service, "SELECT * FROM events WHERE entity_id = $1", UUID(post["id"]))
    assert (event["type"], event["actor_id"], event["entity_type"]) == ("post.created", ann.id, "post")
    assert event["correlation_id"] == "trace-me"
    # Events hold references only; the text is in the post's row alone.
    assert event["payload"] == {"authorId": str(ann.id), "type": "normal", "mentionedIds": []}
    assert UUID(event["metadata"]["sessionId"]) == ann.session_id


BAD_POSTS: list[tuple[dict[str, Any], str]] = [
    ({}, "body"),
    ({"body": ""}, "body"),
    ({"body": " \n\t "}, "body"),
    ({"body": None}, "body"),
    ({"body": 7}, "body"),
    ({"body": ["x"]}, "body"),
    ({"body": "x" * 20_001}, "body"),
    ({"body": "a\x00b"}, "body"),
    ({"body": "x", "title": ""}, "title"),
    ({"body": "x", "title": "t" * 201}, "title"),
    ({"body": "x", "title": "\x00"}, "title"),
    ({"body": "x", "type": "gossip"}, "type"),
    ({"body": "x", "type": None}, "type"),
    ({"body": "x", "colour": "red"}, "colour"),
]
BAD_CHANGES: list[dict[str, Any]] = [
    {},
    {"version": 1},
    {"body": None},
    {"body": ""},
    {"title": ""},
    {"body": "x", "type": "normal"},
    *({"body": "x", "version": version} for version in (0, -1, 2**31, "1", 1.5, True, None)),
]
COLUMNS = [
    *("id", "author", "author_id", "authorId", "liked", "likeCount", "like_count", "commentCount", "version"),
    *("comment_count", "createdAt", "created_at", "updatedAt", "updated_at", "deletedAt", "deleted_at"),
]


async def test_a_bad_post_is_refused_by_field(service: Any, make_user: Any) -> None:
    ann = await make_user()
    for body, field in BAD_POSTS:
        error = await refused(ann.client.post(f"{API}/posts", json=body), 422, "validation_failed")
        assert list(error["errors"]) == [field], body
    assert await fetch_value(service, "SELECT count(*) FROM posts") == 0


async def test_no_column_can_be_assigned(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    for column in COLUMNS:
        error = await refused(ann.client.post(f"{API}/posts", json={"body": "x", column: 5}), 422)
        assert column in error["errors"]
        if column != "version":
            error = await refused(ann.client.patch(path, json={"body": "y", column: 5}), 422)
            assert column in error["errors"]
    assert (await get_json(ann.client, "/posts"))["data"] == [post]


async def test_the_longest_post_is_accepted(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, title="t" * 200, body="🫖" * 20_000)
    assert len(post["body"]) == 20_000


async def test_a_change_keeps_what_is_not_sent(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, title="Tea", body="One")
    path = f"{API}/posts/{post['id']}"
    changed = await (await ann.client.patch(path, json={"body": "Two"})).json()
    assert (changed["title"], changed["body"], changed["version"]) == ("Tea", "Two", 2)
    changed = await (await ann.client.patch(path, json={"title": "Coffee"})).json()
    assert (changed["title"], changed["body"], changed["version"]) == ("Coffee", "Two", 3)
    changed = await (await ann.client.patch(path, json={"title": None})).json()
    assert (changed["title"], changed["body"], changed["version"]) == (None, "Two", 4)
    assert changed["createdAt"] == post["createdAt"]
    assert datetime.fromisoformat(changed["updatedAt"]) > datetime.fromisoformat(post["updatedAt"])
    assert await get_json(ann.client, f"/posts/{post['id']}") == changed


async def test_a_bad_change_changes_nothing(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    for body in BAD_CHANGES:
        await refused(ann.client.patch(f"{API}/posts/{post['id']}", json=body), 422, "validation_failed")
    assert await get_json(ann.client, f"/posts/{post['id']}") == post


async def test_only_the_author_changes_and_deletes(make_user: Any) -> None:
    ann, bob, boss = await make_user(), await make_user(), await make_user(role="admin")
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    for other in (bob, boss):
        await refused(other.client.patch(path, json={"body": "Mine."}), 403, "not_your_post")
        await refused(other.client.patch(path, json={"body": "Mine.", "version": 9}), 403, "not_your_post")
    await refused(bob.client.delete(path), 403, "not_your_post")
    assert await get_json(ann.client, f"/posts/{post['id']}") == post


async def test_an_absent_post_is_404_for_every_verb(make_user: Any) -> None:
    ann = await make_user()
    path = f"{API}/posts/{NOBODY}"
    await refused(ann.client.get(path), 404, "post_not_found")
    await refused(ann.client.patch(path, json={"body": "x"}), 404, "post_not_found")
    await refused(ann.client.delete(path), 404, "post_not_found")
    await refused(ann.client.put(f"{path}/like"), 404, "post_not_found")
    await refused(ann.client.delete(f"{path}/like"), 404, "post_not_found")
    await refused(ann.client.get(f"{path}/likes"), 404, "post_not_found")
    await refused(ann.client.get(f"{API}/comments/post/{NOBODY}"), 404, "post_not_found")
    await refused(ann.client.get(f"{API}/users/{NOBODY}/posts"), 404, "user_not_found")


async def test_a_stale_version_is_409_with_the_current_row(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    current = await (await ann.client.patch(path, json={"body": "Two", "version": 1})).json()
    error = await refused(ann.client.patch(path, json={"body": "Lost", "version": 1}), 409, "stale_version")
    assert error["current"] == current
    await refused(ann.client.patch(path, json={"body": "Early", "version": 3}), 409, "stale_version")
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["body"] == "Two"


async def test_if_match_is_412_when_stale(make_user: Any) -> None:
    ann = await make_user()
    answer = await ann.client.post(f"{API}/posts", json={"body": "One"})
    path, etag = answer.headers["Location"], answer.headers["ETag"]
    changed = await ann.client.patch(path, json={"body": "Two"}, headers={"If-Match": etag})
    assert changed.status == 200
    for stale in (etag, '"nonsense"', "1", '"99999999999999999999"'):
        await refused(ann.client.patch(path, json={"body": "Lost"}, headers={"If-Match": stale}), 412)
    last = {"If-Match": changed.headers["ETag"]}
    assert (await ann.client.patch(path, json={"body": "Three"}, headers=last)).status == 200
    assert (await ann.client.patch(path, json={"body": "Four"}, headers={"If-Match": "*"})).status == 200
    # One matching tag of several is enough, and a suffix that a proxy adds to a tag is ignored.
    for several in (
        '"0-old", "2-ab", "4-cd", "3"',
        '"x", W/"5-ab-gzip"',
        '"6-ab--gzip","1"',
        '"99-ab", "7-cd"',
    ):
        answer = await ann.client.patch(path, json={"body": several}, headers={"If-Match": several})
        assert answer.status == 200, several
    await refused(ann.client.patch(path, json={"body": "Lost"}, headers={"If-Match": '"5", "6"'}), 412)


async def test_a_stale_if_match_stops_every_change(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann, type="project")
    comment = await say(ann, post["id"])
    path = f"{API}/posts/{post['id']}"
    await bob.client.put(f"{path}/interest")
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", f"{path}/assignee", {"json": {"userId": str(bob.id)}}),
        ("PUT", f"{path}/status", {"json": {"status": "on_hold"}}),
        ("DELETE", f"{API}/comments/{comment['id']}", {}),
        ("DELETE", path, {}),
    ]
    await ann.client.patch(path, json={"body": "changed"})
    await ann.client.patch(f"{API}/comments/{comment['id']}", json={"body": "changed"})
    for method, target, options in calls:
        for stale in ('"1"', '"1-abc"', '"other"'):
            call = ann.client.call(method, target, headers={"If-Match": stale}, **options)
            await refused(call, 412, "stale_version")
    # A caller who may not change it gets 403, whatever If-Match says.
    for method, target, options in calls:
        await refused(bob.client.call(method, target, headers={"If-Match": '"2"'}, **options), 403)
    # A malformed id is 422, not 412.
    nowhere = bob.client.delete(f"{API}/posts/nowhere", headers={"If-Match": '"other"'})
    await refused(nowhere, 422, "validation_failed")
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["version"] == 2
    for version, (method, target, options) in zip((2, 3, 2, 4), calls, strict=True):
        answer = await ann.client.call(method, target, headers={"If-Match": f'"{version}"'}, **options)
        assert answer.status in (200, 204), (target, await answer.text())


async def test_if_none_match_is_304_until_something_changes(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    etag = (await ann.client.get(path)).headers["ETag"]
    for known in (etag, f'"other", {etag}', "*", f"W/{etag}", f'{etag[:-1]}-gzip"'):
        answer = await ann.client.get(path, headers={"If-None-Match": known})
        assert (answer.status, answer.headers["ETag"]) == (304, etag), known
    assert (await ann.client.get(path, headers={"If-None-Match": '"other"'})).status == 200
    # A like changes the ETag, though not the version.
    await bob.client.put(f"{path}/like")
    assert (await ann.client.get(path, headers={"If-None-Match": etag})).status == 200


async def test_of_ten_changes_to_one_version_one_wins(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    answers = await asyncio.gather(
        *(ann.client.patch(path, json={"body": f"{number}", "version": 1}) for number in range(10))
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 9
    (winner,) = [await answer.json() for answer in answers if answer.status == 200]
    assert await get_json(ann.client, f"/posts/{post['id']}") == winner
    assert winner["version"] == 2


async def test_of_ten_deletes_one_wins(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    answers = await asyncio.gather(*(ann.client.delete(path) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [204] + [404] * 9
    assert await fetch_value(service, "SELECT count(*) FROM events WHERE type = 'post.deleted'") == 1


async def test_a_deleted_post_takes_its_comments_and_likes_along(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post, other = await publish(ann), await publish(ann)
    for each in (post, other):
        comment = await say(bob, each["id"])
        await say(ann, each["id"], parent=comment["id"])
        await bob.client.put(f"{API}/posts/{each['id']}/like")
    assert (await ann.client.delete(f"{API}/posts/{post['id']}")).status == 204
    await refused(ann.client.get(f"{API}/posts/{post['id']}"), 404)
    for table, left in (("posts", 1), ("comments", 2), ("likes", 1)):
        assert await fetch_value(service, f"SELECT count(*) FROM {table}") == left  # noqa: S608
    await check_counters(service)


async def test_whole_seconds_have_six_digits_too(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    moment = datetime.fromisoformat("2026-01-31T10:00:00+00:00")
    await fetch(service, "UPDATE posts SET created_at = $1, updated_at = $1", moment)
    shown = await get_json(ann.client, f"/posts/{post['id']}")
    listed = (await get_json(ann.client, "/posts"))["data"][0]
    assert shown["createdAt"] == listed["updatedAt"] == "2026-01-31T10:00:00.000000Z"
    error = await refused(
        ann.client.patch(f"{API}/posts/{post['id']}", json={"body": "x", "version": 7}), 409
    )
    assert error["current"]["createdAt"] == "2026-01-31T10:00:00.000000Z"
