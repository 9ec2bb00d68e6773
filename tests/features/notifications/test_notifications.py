"""Notifications: who gets one, how often, and what stays when its subject is gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.features import PRODUCT
from tests.api import (
    API,
    check_counters,
    fetch,
    fetch_value,
    gather_crowd,
    get_json,
    outbox_empty,
    publish,
    say,
)
from tests.conftest import wait_until
from workers.delivery import Delivery


async def settle(service: Any) -> None:
    """Wait until the outbox is empty."""
    await wait_until(lambda: outbox_empty(service))


async def told(service: Any, user: Any, path: str = "/notifications") -> list[dict[str, Any]]:
    """The user's notifications, newest first, once the outbox is empty."""
    await settle(service)
    data: list[dict[str, Any]] = (await get_json(user.client, path))["data"]
    return data


def kinds(rows: list[dict[str, Any]]) -> list[str]:
    return [row["type"] for row in rows]


async def test_a_like_tells_the_author(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann, title="Tea at four")
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    (row,) = await told(service, ann)
    assert (row["type"], row["isRead"], row["seenAt"], row["archivedAt"]) == ("like", False, None, None)
    assert row["title"] == f"{bob.username} liked your post"
    assert row["message"] == "Tea at four"
    assert row["actor"]["id"] == str(bob.id)
    assert row["entity"] == {"type": "post", "id": post["id"]}
    assert (row["postId"], row["relatedLeadId"]) == (post["id"], None)
    assert await told(service, bob) == []
    page = await get_json(ann.client, "/notifications")
    assert page.keys() == {"data", "nextCursor", "unreadCount", "epoch", "seq"}
    assert (page["unreadCount"], page["seq"]) == (1, 1)
    assert await get_json(ann.client, "/notifications/unread-count") == {"count": 1}


async def test_who_has_heard_nothing_has_zero_unread(make_user: Any) -> None:
    ann = await make_user()
    page = await get_json(ann.client, "/notifications")
    assert (page["data"], page["nextCursor"], page["unreadCount"], page["seq"]) == ([], None, 0, 0)
    assert page["epoch"]
    assert await get_json(ann.client, "/notifications/unread-count") == {"count": 0}


async def test_ones_own_doing_is_no_news(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann, body=f"I am @{ann.username}")
    await ann.client.put(f"{API}/posts/{post['id']}/like")
    comment = await say(ann, post["id"], f"@{ann.username} again")
    await say(ann, post["id"], "and again", parent=comment["id"])
    assert await told(service, ann) == []
    assert await get_json(ann.client, "/notifications/unread-count") == {"count": 0}


async def test_a_like_taken_back_and_given_again_tells_nothing_new(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post, other = await publish(ann), await publish(ann)
    path = f"{API}/posts/{post['id']}/like"
    for _ in range(3):
        await bob.client.put(path)
        await bob.client.delete(path)
        await bob.client.put(path)
        assert kinds(await told(service, ann)) == ["like"]
    await ann.client.post(f"{API}/notifications/read-all")
    await bob.client.delete(path)
    await bob.client.put(path)
    (row,) = await told(service, ann)
    assert row["isRead"]
    await bob.client.put(f"{API}/posts/{other['id']}/like")
    assert len(await told(service, ann)) == 2
    await check_counters(service)


async def test_a_follow_tells_once(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    for _ in range(3):
        await bob.client.put(f"{API}/users/{ann.id}/follow")
        await bob.client.delete(f"{API}/users/{ann.id}/follow")
    (row,) = await told(service, ann)
    assert (row["type"], row["title"]) == ("follow", f"{bob.username} follows you")
    assert row["entity"] == {"type": "user", "id": str(bob.id)}
    assert row["postId"] is None


async def test_comments_tell_the_author_and_replies_who_is_replied_to(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    post = await publish(ann)
    comment = await say(bob, post["id"], "x" * 200)
    reply = await say(eve, post["id"], "Well.", parent=comment["id"])
    newer, older = await told(service, ann)
    assert older["title"] == f"{bob.username} commented on your post"
    assert older["message"] == "x" * 139 + "…"
    assert older["entity"] == {"type": "comment", "id": comment["id"]}
    assert older["postId"] == newer["postId"] == post["id"]
    assert newer["title"] == f"{eve.username} commented on your post"
    (row,) = await told(service, bob)
    assert (row["type"], row["title"]) == ("comment", f"{eve.username} replied to your comment")
    assert row["entity"]["id"] == reply["id"]


async def test_one_comment_tells_one_person_once_and_a_mention_comes_first(
    service: Any, make_user: Any
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    post = await publish(ann)
    mine = await say(ann, post["id"])
    # Ann wrote the post and the parent comment, and is mentioned twice.
    await say(bob, post["id"], f"@{ann.username} @{ann.username.upper()} @{eve.username}.", parent=mine["id"])
    assert kinds(await told(service, ann)) == kinds(await told(service, eve)) == ["mention"]
    (row,) = await told(service, ann)
    assert row["title"] == f"{bob.username} mentioned you"
    await say(bob, post["id"], "No names.", parent=mine["id"])
    (row, _) = await told(service, ann)
    assert row["title"] == f"{bob.username} replied to your comment"


async def test_an_at_sign_in_a_word_mentions_nobody(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    name = bob.username
    for body in (
        *(f"write to {name}@{name}", f"x@{name}", f"@@{name}", f"@{name}x", f"@{name}é", f"a_@{name}"),
        *(f"a@{name}.com", f"é@{name}.com", f"用户@{name}.com", f"用户@{name}-x.com", f"@{name}e\u0301"),
    ):
        await publish(ann, body=body)
    assert await told(service, bob) == []
    for number, body in enumerate(
        (
            *(f"@{name}", f"(@{name})", f"hi\n@{name}, hi", f"“@{name}”", f"@{name}'s", f"@{name}.Hi"),
            # Scripts without spaces between words.
            *(f"@{name}你好", f"你好@{name}", f"你好，@{name}さん", f"привет@{name}."),
        ),
        1,
    ):
        await publish(ann, body=body)
        assert kinds(await told(service, bob)) == ["mention"] * number, body


async def test_a_post_mentions_at_most_twenty(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    await gather_crowd(service, client, 25)
    await publish(ann, body=" ".join(f"@crowd{number}" for number in range(25)))
    await settle(service)
    assert await fetch_value(service, "SELECT count(*) FROM notifications WHERE type = 'mention'") == 20


async def test_a_deleted_post_leaves_its_notifications_without_the_link(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await say(bob, post["id"])
    before = await told(service, ann)
    assert all(row["entity"] for row in before)
    await ann.client.delete(f"{API}/posts/{post['id']}")
    after = await told(service, ann)
    assert after == [row | {"entity": None, "postId": None, "message": ""} for row in before]
    assert await get_json(ann.client, "/notifications/unread-count") == {"count": 2}


async def test_what_is_gone_or_out_of_sight_before_delivery_is_not_told(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post, other = await publish(ann), await publish(bob)
    await service.stop_worker()
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await say(bob, other["id"], f"secret for @{ann.username}")
    comment = await say(bob, post["id"], "secret")
    await bob.client.delete(f"{API}/comments/{comment['id']}")
    assert (await ann.client.delete(f"{API}/posts/{post['id']}")).status == 204
    draft = (
        "UPDATE posts SET type = 'announcement', title = 'x', status = 'draft', position = NULL WHERE id = $1"
    )
    await fetch(service, draft, UUID(other["id"]))
    published: list[Any] = []

    async def publish_frames(messages: list[Any]) -> None:
        published.extend(messages)

    await Delivery(service.db, publish_frames, PRODUCT).drain()
    assert await told(service, ann) == []
    assert f"user:{ann.id}" not in {message.room for message in published}
    assert await get_json(ann.client, "/notifications/held") == {"data": [], "nextCursor": None}
    await check_counters(service)


async def test_a_deleted_comment_leaves_neither_its_text_nor_the_link(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    comment = await say(bob, post["id"], f"secret for @{ann.username}")
    reply = await say(ann, post["id"], f"said @{bob.username}", parent=comment["id"])
    kept = await say(bob, post["id"], "kept")
    (row,) = await told(service, bob)
    assert row["message"] == reply["body"]
    await bob.client.delete(f"{API}/comments/{comment['id']}")
    newest, oldest = await told(service, ann)
    assert (newest["message"], newest["entity"]["id"]) == ("kept", kept["id"])
    assert (oldest["message"], oldest["entity"], oldest["postId"]) == ("", None, None)
    assert oldest["title"].endswith("mentioned you")
    # The reply stays until its author deletes it.
    (row,) = await told(service, bob)
    assert (row["message"], row["entity"]["id"]) == (reply["body"], reply["id"])
    await ann.client.delete(f"{API}/comments/{reply['id']}")
    (row,) = await told(service, bob)
    assert (row["message"], row["entity"]) == ("", None)


async def test_who_resumes_is_not_sent_the_text_of_what_was_deleted(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    gone, _, dismissed = [await say(bob, post["id"], text) for text in ("secret", "kept", "secret too")]
    rows = await told(service, ann)
    for row in rows:
        await ann.client.patch(f"{API}/notifications/{row['id']}", json={"seen": True})
    assert (await ann.client.delete(f"{API}/notifications/{rows[0]['id']}")).status == 204
    for comment in (gone, dismissed):
        await bob.client.delete(f"{API}/comments/{comment['id']}")
    await settle(service)
    epoch = (await get_json(ann.client, "/notifications"))["epoch"]
    live = await connect(ann, {"epoch": epoch, "seq": 0})
    frames = [await live.next() for _ in range(8)]
    assert [frame.get("seq") for frame in frames] == [None, 1, 2, 3, 4, 5, 6, 7]
    shown = [frame["data"].get("message") for frame in frames[1:]]
    assert shown == ["", "kept", None, None, "kept", "", None]
    names = [frame["event"].removeprefix("notification:") for frame in frames[1:]]
    assert names == ["created", "created", "deleted", "deleted", "updated", "updated", "deleted"]


async def test_a_deactivated_receiver_is_told_nothing(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann)
    await fetch_value(service, "UPDATE users SET status = 'deactivated' WHERE id = $1 RETURNING id", ann.id)
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await settle(service)
    assert await fetch_value(service, "SELECT count(*) FROM notifications") == 0
    await check_counters(service)
