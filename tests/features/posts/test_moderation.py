"""Moderators delete and archive other people's posts and comments; the trail names the moderator."""

from __future__ import annotations

from typing import Any

from tests.api import API, fetch, fetch_value, get_json, outbox_empty, publish, refused, say
from tests.conftest import wait_until


async def move(user: Any, post: Any, status: str) -> Any:
    return await user.client.put(f"{API}/posts/{post['id']}/status", json={"status": status})


async def make_key(user: Any, client: Any, *scopes: str) -> Any:
    """A client that uses a new key of the user's."""
    body = {"name": "robot", "scopes": list(scopes)}
    key = (await (await user.client.post(f"{API}/auth/api-keys", json=body)).json())["key"]
    return client.as_user({"Authorization": f"Bearer {key}"})


async def trail_of(service: Any, kind: str) -> list[tuple[Any, str]]:
    """(actor, author) of each event of this type, oldest first."""
    text = "SELECT actor_id, payload ->> 'authorId' AS author FROM events WHERE type = $1 ORDER BY created_at"
    return [(row["actor_id"], row["author"]) for row in await fetch(service, text, kind)]


async def test_a_moderator_deletes_a_post(service: Any, make_user: Any, connect: Any) -> None:
    ann, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    post = await publish(ann)
    live = await connect(bob)
    await live.send("subscribe", {"room": f"profile:{ann.id}"})
    await live.next("subscribed")
    path = f"{API}/posts/{post['id']}"
    error = await refused(bob.client.delete(path), 403, "not_your_post")
    assert error["message"] == "Only its author and holders of post:moderate may delete a post."
    await refused(boss.client.delete(path, headers={"If-Match": '"7-0"'}), 412, "stale_version")
    assert (await boss.client.delete(path)).status == 204
    # The room of the author's profile is told, not the moderator's.
    assert (await live.next("post:deleted"))["data"]["id"] == post["id"]
    await refused(ann.client.get(path), 404, "post_not_found")
    assert await trail_of(service, "post.deleted") == [(boss.id, str(ann.id))]
    await wait_until(lambda: outbox_empty(service))
    assert await fetch_value(service, "SELECT count(*) FROM notifications") == 0


async def test_a_moderator_deletes_a_comment_and_its_replies_stay(service: Any, make_user: Any) -> None:
    ann, bob, boss = await make_user(), await make_user(), await make_user(role="admin")
    post = await publish(ann)
    comment = await say(bob, post["id"])
    await say(ann, post["id"], parent=comment["id"])
    path = f"{API}/comments/{comment['id']}"
    eve = await make_user()
    error = await refused(eve.client.delete(path), 403, "not_your_comment")
    assert "post:moderate" in error["message"]
    # Not even a moderator may edit another person's comment.
    await refused(boss.client.patch(path, json={"body": "Never."}), 403, "not_your_comment")
    await refused(boss.client.delete(path, headers={"If-Match": '"7-0"'}), 412, "stale_version")
    assert (await boss.client.delete(path)).status == 204
    assert (await get_json(ann.client, f"/posts/{post['id']}"))["commentCount"] == 1
    assert (await get_json(bob.client, f"/comments/{comment['id']}"))["deleted"]
    assert await trail_of(service, "comment.deleted") == [(boss.id, str(bob.id))]


async def test_the_announcement_of_a_former_employee_is_archived(service: Any, make_user: Any) -> None:
    author, boss = await make_user(role="manager"), await make_user(role="manager")
    member = await make_user()
    post = await publish(author, type="announcement")
    assert (await author.client.delete(f"{API}/users/me")).status == 204
    error = await refused(move(member, post, "archived"), 403, "not_your_post")
    assert error["message"] == "Only its author and holders of post:moderate may move an announcement."
    moved = await (await move(boss, post, "archived")).json()
    assert (moved["status"], moved["publishedAt"]) == ("archived", post["publishedAt"])
    [*_, last] = (await get_json(boss.client, f"/posts/{post['id']}/status-log"))["data"]
    assert (last["to"], last["actor"]["id"]) == ("archived", str(boss.id))
    assert await trail_of(service, "post.moved") == [(boss.id, str(author.id))]
    assert (await move(boss, post, "published")).status == 200


async def test_the_drafts_of_others_are_no_moderators_business(make_user: Any) -> None:
    author, boss = await make_user(role="manager"), await make_user(role="admin")
    draft = await publish(author, type="announcement", status="draft")
    comment = await say(author, draft["id"])
    await refused(boss.client.delete(f"{API}/posts/{draft['id']}"), 404, "post_not_found")
    await refused(boss.client.delete(f"{API}/comments/{comment['id']}"), 404, "comment_not_found")
    await refused(move(boss, draft, "published"), 404, "post_not_found")
    assert (await get_json(author.client, f"/posts/{draft['id']}"))["commentCount"] == 1


async def test_a_key_without_the_scope_does_not_moderate(make_user: Any, client: Any) -> None:
    author, boss = await make_user(role="manager"), await make_user(role="manager")
    post = await publish(author, type="announcement")
    comment = await say(author, post["id"])
    scopes = ("post:create", "post:announce", "post:assign", "comment:create")
    weak = await make_key(boss, client, *scopes)
    strong = await make_key(boss, client, *scopes, "post:moderate")
    path, status = f"{API}/posts/{post['id']}", {"status": "archived"}
    await refused(weak.put(f"{path}/status", json=status), 403, "not_your_post")
    await refused(weak.delete(path), 403, "not_your_post")
    await refused(weak.delete(f"{API}/comments/{comment['id']}"), 403, "not_your_comment")
    assert (await strong.delete(f"{API}/comments/{comment['id']}")).status == 204
    assert (await strong.put(f"{path}/status", json=status)).status == 200
    assert (await strong.delete(path)).status == 204


async def test_who_may_not_announce_any_more_announces_nothing_new(
    service: Any, make_user: Any, client: Any
) -> None:
    author = await make_user(role="manager")
    post = await publish(author, type="announcement", title="News")
    draft = await publish(author, type="announcement", status="draft")
    # Like an author whose role lost the permission; to change the role would affect other tests.
    robot = await make_key(author, client, "post:create")
    path = f"{API}/posts/{post['id']}"
    await refused(robot.patch(path, json={"body": "I am in charge now."}), 403, "permission_required")
    # An edit that changes nothing is allowed.
    assert (await robot.patch(path, json={"body": post["body"]})).status == 200
    assert (await robot.put(f"{path}/status", json={"status": "archived"})).status == 200
    await refused(robot.put(f"{path}/status", json={"status": "published"}), 403, "permission_required")
    assert (await robot.patch(f"{API}/posts/{draft['id']}", json={"body": "Later."})).status == 200
    assert (await robot.delete(path)).status == 204


async def test_the_refusals_name_who_may(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    project = await publish(ann, type="project")
    path = f"{API}/posts/{project['id']}"
    for call, who in (
        (bob.client.patch(path, json={"body": "x"}), "Only its author may change a post."),
        (
            bob.client.put(f"{path}/status", json={"status": "on_hold"}),
            "Only its author and holders of post:assign may move a project.",
        ),
        (
            bob.client.put(f"{path}/assignee", json={"userId": None}),
            "Only its author and holders of post:assign may assign a project.",
        ),
    ):
        assert (await refused(call, 403, "not_your_post"))["message"] == who


async def test_a_project_that_is_over_is_given_to_nobody(make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    for closed in (["in_progress", "completed"], ["cancelled"]):
        project = await publish(ann, type="project")
        path = f"{API}/posts/{project['id']}"
        for keen in (bob, eve):
            await keen.client.put(f"{path}/interest")
        assert (await ann.client.put(f"{path}/assignee", json={"userId": str(bob.id)})).status == 200
        for status in closed:
            assert (await move(ann, project, status)).status == 200
        await refused(ann.client.put(f"{path}/assignee", json={"userId": str(eve.id)}), 409, "project_closed")
        answer = await ann.client.put(f"{path}/assignee", json={"userId": None})
        assert (answer.status, (await answer.json())["assignee"]) == (200, None)
