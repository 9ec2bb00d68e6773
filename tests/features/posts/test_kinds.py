"""Announcements and projects: who may make, move and assign them, and who is notified."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexcorp.features.reactions.service import like_post
from tests.api import blocked, fetch, publish
from tests.conftest import wait_until

MOVES = {
    "open": {"in_progress", "on_hold", "cancelled"},
    "in_progress": {"open", "on_hold", "completed", "cancelled"},
    "on_hold": {"open", "in_progress", "cancelled"},
    "completed": {"in_progress"},
    "cancelled": {"open"},
}


async def put(user: Any, path: str, **data: Any) -> tuple[int, Any]:
    answer = await user.client.put(f"/api/v1{path}", json=data)
    return answer.status, await answer.json()


async def inbox(user: Any, kind: str) -> list[dict[str, Any]]:
    rows = (await (await user.client.get("/api/v1/notifications")).json())["data"]
    return [row for row in rows if row["type"] == kind]


async def log_of(user: Any, post: Any) -> list[tuple[str | None, str]]:
    answer = await user.client.get(f"/api/v1/posts/{post['id']}/status-log")
    return [(row["from"], row["to"]) for row in (await answer.json())["data"]]


async def ids(user: Any, query: str) -> list[str]:
    return [row["id"] for row in (await (await user.client.get(f"/api/v1/posts{query}")).json())["data"]]


async def test_announcing_needs_the_permission(make_user: Any) -> None:
    member, manager = await make_user(), await make_user(role="manager")
    answer = await member.client.post("/api/v1/posts", json={"type": "announcement", "body": "text"})
    assert (answer.status, (await answer.json())["code"]) == (403, "permission_required")
    post = await publish(manager, type="announcement", title="News")
    assert (post["type"], post["status"]) == ("announcement", "published")
    assert await log_of(member, post) == [(None, "published")]


async def test_an_announcement_is_told_to_everybody_but_its_author(make_user: Any) -> None:
    manager, *others = [await make_user(role="manager"), await make_user(), await make_user()]
    post = await publish(manager, type="announcement", title="News")

    async def told() -> bool:
        return all([await inbox(user, "announcement") for user in others])

    await wait_until(told)
    [row] = await inbox(others[0], "announcement")
    assert (row["postId"], row["message"], row["actor"]["id"]) == (post["id"], "News", str(manager.id))
    assert await inbox(manager, "announcement") == []


async def test_a_draft_is_its_authors_alone(make_user: Any, connect: Any) -> None:
    manager, other = await make_user(role="manager"), await make_user(role="admin")
    await publish(manager, title="before")
    draft = await publish(manager, type="announcement", title="Soon", status="draft")
    path = f"/api/v1/posts/{draft['id']}"
    assert (await manager.client.get(path)).status == 200
    for method, suffix in (
        ("GET", ""),
        ("GET", "/status-log"),
        ("GET", "/likes"),
        ("PUT", "/like"),
        ("DELETE", "/like"),
        ("PUT", "/interest"),
    ):
        assert (await other.client.call(method, path + suffix)).status == 404, suffix
    comment = {"postId": draft["id"], "body": "hello"}
    assert (await other.client.post("/api/v1/comments", json=comment)).status == 404
    assert (await other.client.get(f"/api/v1/comments/post/{draft['id']}")).status == 404
    assert (await put(other, f"/posts/{draft['id']}/status", status="published"))[0] == 404
    live = await connect(other)
    await live.send("subscribe", {"room": f"post:{draft['id']}"}, id="r")
    assert (await live.next("error"))["data"]["code"] == "room_not_found"
    for query in ("", "?type=announcement", f"?author={manager.id}", "?status=draft"):
        assert draft["id"] not in await ids(other, query), query
    assert await ids(manager, "?status=draft") == [draft["id"]]
    assert await inbox(other, "announcement") == []


async def test_a_published_draft_takes_the_top_and_an_archived_one_leaves(make_user: Any) -> None:
    manager, other = await make_user(role="manager"), await make_user()
    draft = await publish(manager, type="announcement", title="Soon", status="draft")
    later = await publish(manager, title="later")
    status, post = await put(manager, f"/posts/{draft['id']}/status", status="published")
    assert (status, post["status"]) == (200, "published")
    assert await ids(other, "") == [draft["id"], later["id"]]
    await wait_until(lambda: inbox(other, "announcement"))
    assert (await put(manager, f"/posts/{draft['id']}/status", status="archived"))[0] == 200
    assert await ids(other, "") == [later["id"]]
    assert await ids(manager, "?status=archived") == [draft["id"]]
    assert (await other.client.get(f"/api/v1/posts/{draft['id']}")).status == 200
    assert await log_of(other, draft) == [(None, "draft"), ("draft", "published"), ("published", "archived")]


async def test_a_like_on_its_way_counts_where_an_archived_one_is_published_again(
    service: Any, make_user: Any
) -> None:
    manager, fan = await make_user(role="manager"), await make_user()
    post = await publish(manager, type="announcement", title="Soon")
    path = f"/posts/{post['id']}/status"
    assert (await put(manager, path, status="archived"))[0] == 200
    async with service.db.transaction(wait=5) as conn:
        await like_post(conn, UUID(post["id"]), fan.id)
        publishing = asyncio.create_task(put(manager, path, status="published"))
        await wait_until(lambda: blocked(service))
    assert (await publishing)[0] == 200
    [row] = await fetch(
        service,
        "SELECT score > least_score AS warm, like_count FROM post_stats WHERE post_id = $1",
        UUID(post["id"]),
    )
    assert (row["warm"], row["like_count"]) == (True, 1)


@pytest.mark.parametrize("start", list(MOVES))
async def test_a_project_moves_only_where_there_is_a_way(start: str, make_user: Any, service: Any) -> None:
    author = await make_user()
    for target in MOVES:
        post = await publish(author, type="project", title="Idea")
        assert post["status"] == "open"
        async with service.db.connection() as conn:
            await conn.execute("UPDATE posts SET status = $2 WHERE id = $1", post["id"], start)
        status, data = await put(author, f"/posts/{post['id']}/status", status=target)
        if target == start:
            assert (status, len(await log_of(author, post))) == (200, 1)
        elif target in MOVES[start]:
            assert (status, data["status"]) == (200, target)
            assert (await log_of(author, post))[-1] == (start, target)
        else:
            assert (status, data["code"]) == (409, "illegal_move")
            assert sorted(data["errors"]["status"]) == sorted(MOVES[start])


async def test_who_may_move_and_assign(make_user: Any) -> None:
    author, stranger, manager = await make_user(), await make_user(), await make_user(role="manager")
    post = await publish(author, type="project", title="Idea")
    path = f"/posts/{post['id']}"
    assert (await put(stranger, f"{path}/status", status="on_hold"))[0] == 403
    assert (await put(stranger, f"{path}/assignee", userId=str(stranger.id)))[0] == 403
    assert (await put(manager, f"{path}/status", status="on_hold"))[1]["status"] == "on_hold"
    assert (await put(author, f"{path}/status", status="published"))[0] == 422
    normal = await publish(author)
    assert (await put(author, f"/posts/{normal['id']}/status", status="open"))[0] == 422
    assert (await put(author, f"/posts/{normal['id']}/assignee", userId=None))[1]["code"] == "not_a_project"


async def test_only_the_interested_are_assigned_and_all_concerned_are_told(make_user: Any) -> None:
    author, keen, cold, manager = [await make_user() for _ in range(3)] + [await make_user(role="manager")]
    post = await publish(author, type="project", title="Idea")
    path = f"/posts/{post['id']}"
    assert (await keen.client.put(f"/api/v1{path}/interest")).status == 200
    status, data = await put(author, f"{path}/assignee", userId=str(cold.id))
    assert (status, data["code"]) == (409, "not_interested")
    status, data = await put(manager, f"{path}/assignee", userId=str(keen.id))
    assert (status, data["assignee"]["id"]) == (200, str(keen.id))
    await wait_until(lambda: inbox(keen, "assignment"))
    await wait_until(lambda: inbox(author, "assignment"))
    answer = await keen.client.delete(f"/api/v1{path}/interest")
    assert (answer.status, (await answer.json())["code"]) == (409, "assigned")
    await put(author, f"{path}/status", status="in_progress")
    await wait_until(lambda: inbox(keen, "project_status"))
    assert (await inbox(author, "project_status"), await inbox(cold, "project_status")) == ([], [])
    assert (await put(author, f"{path}/assignee", userId=None))[1]["assignee"] is None
    assert (await keen.client.delete(f"/api/v1{path}/interest")).status == 200


async def test_moves_at_once_have_one_effect(make_user: Any) -> None:
    author = await make_user()
    post = await publish(author, type="project", title="Idea")
    answers = await asyncio.gather(
        *(put(author, f"/posts/{post['id']}/status", status="in_progress") for _ in range(20))
    )
    assert {status for status, _ in answers} == {200}
    assert await log_of(author, post) == [(None, "open"), ("open", "in_progress")]


async def test_no_assignee_is_left_without_interest(
    make_user: Any,
) -> None:
    author, keen = await make_user(), await make_user()
    for _ in range(10):
        post = await publish(author, type="project", title="Idea")
        await keen.client.put(f"/api/v1/posts/{post['id']}/interest")
        await asyncio.gather(
            put(author, f"/posts/{post['id']}/assignee", userId=str(keen.id)),
            keen.client.delete(f"/api/v1/posts/{post['id']}/interest"),
        )
        seen = await (await keen.client.get(f"/api/v1/posts/{post['id']}")).json()
        assert (seen["assignee"] is not None) == seen["interested"] == (seen["interestCount"] == 1)


async def test_a_status_is_only_for_announcements(make_user: Any) -> None:
    author = await make_user(role="manager")
    for data in ({"type": "project"}, {"type": "normal"}):
        answer = await author.client.post("/api/v1/posts", json={"body": "b", "status": "draft", **data})
        assert (answer.status, list((await answer.json())["errors"])) == (422, ["status"])


async def test_lists_by_type_status_and_author(make_user: Any) -> None:
    author, other = await make_user(role="manager"), await make_user()
    normal = await publish(author)
    project = await publish(author, type="project")
    news = await publish(author, type="announcement")
    theirs = await publish(other, type="project")
    assert await ids(other, "?type=normal") == [normal["id"]]
    assert await ids(other, "?type=project") == [theirs["id"], project["id"]]
    assert await ids(other, "?type=announcement") == [news["id"]]
    assert await ids(other, "?status=open") == [theirs["id"], project["id"]]
    assert await ids(other, "?status=published&type=project") == []
    assert await ids(other, f"?author={author.id}&type=project") == [project["id"]]
    assert await ids(other, f"?author={author.id}&status=published") == [news["id"]]


async def test_frames_show_moves_and_interest(make_user: Any, connect: Any) -> None:
    author, keen = await make_user(), await make_user()
    post = await publish(author, type="project", title="Idea")
    live = await connect(author)
    await live.send("subscribe", {"room": f"post:{post['id']}"}, id="r")
    await live.next("subscribed")
    await keen.client.put(f"/api/v1/posts/{post['id']}/interest")
    frame = await live.next("post:updated")
    assert frame["data"] == {"id": post["id"], "interestCount": 1, "countsVersion": 1}
    await put(author, f"/posts/{post['id']}/status", status="in_progress")
    frame = await live.next("post:updated")
    assert frame["data"]["status"] == "in_progress"
    # Members that depend on the viewer are not sent to a room.
    assert not {"liked", "interested"} & frame["data"].keys()


async def test_publishing_a_draft_needs_the_permission_as_well(
    make_user: Any, service: Any, client: Any
) -> None:
    manager = await make_user(role="manager")
    draft = await publish(manager, type="announcement", status="draft")
    body = {"name": "robot", "scopes": ["post:create"]}
    key = (await (await manager.client.post("/api/v1/auth/api-keys", json=body)).json())["key"]
    answer = await client.put(
        f"/api/v1/posts/{draft['id']}/status",
        json={"status": "published"},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert (answer.status, (await answer.json())["code"]) == (403, "permission_required")
    assert (await put(manager, f"/posts/{draft['id']}/status", status="published"))[0] == 200


async def test_nobody_finds_the_archive_of_others(make_user: Any) -> None:
    manager, other = await make_user(role="manager"), await make_user(role="manager")
    own = await publish(manager, type="announcement", status="draft")
    assert await ids(manager, f"?status=draft&author={manager.id}") == [own["id"]]
    assert await ids(manager, f"?status=draft&author={other.id}") == []
    assert await ids(manager, "?status=draft&type=project") == []


async def test_who_leaves_is_assigned_and_interested_no_more(make_user: Any, service: Any) -> None:
    author, keen = await make_user(), await make_user()
    post = await publish(author, type="project")
    await keen.client.put(f"/api/v1/posts/{post['id']}/interest")
    await put(author, f"/posts/{post['id']}/assignee", userId=str(keen.id))
    assert (await keen.client.delete("/api/v1/users/me")).status == 204
    seen = await (await author.client.get(f"/api/v1/posts/{post['id']}")).json()
    assert (seen["assignee"], seen["interestCount"]) == (None, 0)
    status, data = await put(author, f"/posts/{post['id']}/assignee", userId=str(keen.id))
    assert (status, data["code"]) == (409, "not_interested")


async def test_assigning_twice_is_assigning_once(make_user: Any, service: Any) -> None:
    author, keen = await make_user(), await make_user()
    post = await publish(author, type="project")
    await keen.client.put(f"/api/v1/posts/{post['id']}/interest")
    for user_id, version in ((keen.id, 2), (None, 3)):
        for _ in range(2):
            status, seen = await put(author, f"/posts/{post['id']}/assignee", userId=user_id and str(user_id))
            assert (status, seen["version"]) == (200, version)
    async with service.db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events WHERE type = 'post.assigned'") == 2


async def test_everybody_concerned_hears_what_became_of_an_assignment(make_user: Any) -> None:
    author, keen, manager = await make_user(), await make_user(), await make_user("boss", role="manager")
    post = await publish(author, type="project", title="Idea")
    await keen.client.put(f"/api/v1/posts/{post['id']}/interest")
    for user_id in (str(keen.id), None):
        assert (await put(manager, f"/posts/{post['id']}/assignee", userId=user_id))[0] == 200

    async def told() -> bool:
        heard = [[row["title"] for row in await inbox(user, "assignment")] for user in (author, keen)]
        return heard == [
            ["boss left your project to nobody", "boss assigned your project"],
            ["boss took a project from you", "boss assigned a project to you"],
        ]

    await wait_until(told)
