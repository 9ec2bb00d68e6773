"""The main job from outside: a person acts, the author is notified once, live and in the list."""

from __future__ import annotations

from tests.conftest import wait_until


async def test_like_and_comment_reach_the_author(make_user, connect):
    ada, grace = await make_user("ada"), await make_user("grace")
    live = await connect(ada)
    hello = await live.next("connected")
    post = await (await ada.client.post("/api/v1/posts", json={"body": "An idea"})).json()

    assert (await grace.client.put(f"/api/v1/posts/{post['id']}/like")).status == 200
    liked = await live.next("notification:created")
    assert liked["data"]["type"] == "like"
    assert liked["data"]["title"] == "grace liked your post"
    assert liked["seq"] == hello["data"]["seq"] + 1
    assert (await live.next("unread-count"))["data"] == {"count": 1}

    comment = {"postId": post["id"], "body": "Tell me more, @ada"}
    assert (await grace.client.post("/api/v1/comments", json=comment)).status == 201
    told = await live.next("notification:created")
    assert (told["data"]["type"], told["seq"]) == ("mention", liked["seq"] + 1)

    listed = await (await ada.client.get("/api/v1/notifications")).json()
    assert [row["type"] for row in listed["data"]] == ["mention", "like"]
    assert listed["data"][1] == liked["data"]
    assert (listed["unreadCount"], listed["seq"]) == (2, told["seq"])
    assert listed["epoch"] == hello["data"]["epoch"]


async def test_what_was_missed_comes_once_after_reconnecting(make_user, connect):
    ada, grace = await make_user(), await make_user()
    live = await connect(ada)
    start = (await live.next("connected"))["data"]
    await live.ws.close()
    for number in range(3):
        post = await (await ada.client.post("/api/v1/posts", json={"body": f"{number}"})).json()
        await grace.client.put(f"/api/v1/posts/{post['id']}/like")

    async def all_persisted() -> bool:
        answer = await ada.client.get("/api/v1/notifications/unread-count")
        return (await answer.json())["count"] == 3

    await wait_until(all_persisted)
    again = await connect(ada, {"epoch": start["epoch"], "seq": start["seq"]})
    hello = (await again.next("connected"))["data"]
    assert (hello["recovered"], hello["seq"]) == (True, start["seq"] + 3)
    seqs = [(await again.next("notification:created"))["seq"] for _ in range(3)]
    assert seqs == [start["seq"] + number for number in (1, 2, 3)]
    await again.nothing("notification:created")


async def test_two_nodes_share_rooms(make_user, connect, second_node):
    ada, grace = await make_user(), await make_user()
    here, there = await connect(ada), await connect(ada, url=second_node)
    await here.next("connected"), await there.next("connected")
    post = await (await ada.client.post("/api/v1/posts", json={"body": "Two nodes"})).json()
    await grace.client.put(f"/api/v1/posts/{post['id']}/like")
    first, second = await here.next("notification:created"), await there.next("notification:created")
    assert first == second
