"""A user who deletes their texts and leaves is gone: no text, name or address remains anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from nexcorp.integrations.storage import make_stores
from tests.api import API, get_json, outbox_empty, walk
from tests.conftest import wait_until
from tests.features.uploads.files import upload
from tests.realtime.helpers import subscribe
from tests.traces import find_traces
from workers.jobs.uploads import make_thumbnails, remove_uploads

ME = f"{API}/users/me"
USERNAME, DEVICE = "quaxolotl", "zwiebelphone"
# The leaver's User-Agent: the trail keeps it, but shows it to no reader.
AGENT = "zorkbrowser"
# The leaver's texts and names, each with one unique word.
PROFILE = {
    "firstName": "Zebulonius",
    "lastName": "Quartermainsson",
    "jobTitle": "Xylophonist",
    "department": "Kazoologie",
    "location": "Ytterbyholm",
    "bio": "Bumfuzzled.",
    "phone": "0049 7777 5551234",
    "avatarUrl": "https://example.org/gobbledygooked.png",
}
DELETED = (
    *(
        "posttitled",
        "postbodied",
        "titlechanged",
        "bodychanged",
        "commentsaid",
        "commentchanged",
        "replysaid",
    ),
    *("drafttitled", "draftbodied"),
)
NAMES = (
    *("filenamed", "loosefilenamed", "keynamed", "formernamed"),
    USERNAME,
    f"{USERNAME}@example.com",
    DEVICE,
    *("zebulonius", "quartermainsson", "xylophonist", "kazoologie", "ytterbyholm"),
    *("bumfuzzled", "7777 5551234", "gobbledygooked"),
)
WORDS = (*DELETED, *NAMES)
# Words that an edit had already replaced.
REPLACED = {"posttitled", "postbodied", "commentsaid", "formernamed"}


async def call(user: Any, method: str, path: str, status: int, **options: Any) -> Any:
    """Send a request; assert its status, and return the answer's body."""
    answer = await user.client.call(method, API + path, **options)
    assert answer.status == status, await answer.text()
    return await answer.json() if answer.status not in (202, 204) else None


@pytest.fixture
async def leaver(make_user: Any, client: Any) -> Any:
    """A user with names in all fields, who also mistyped their password once."""
    user = await make_user(USERNAME, role="manager")
    client = client.as_user({"User-Agent": AGENT})
    user.client = client.as_user({"User-Agent": AGENT, **user.headers})
    await call(user, "PATCH", "/users/me", 200, json={"firstName": "Formernamed"})
    await call(user, "PATCH", "/users/me", 200, json=PROFILE)
    login = {"email": user.email, "platform": "cli", "device": DEVICE}
    for password, status in ((user.password, 200), ("not the password", 401)):
        answer = await client.post(f"{API}/auth/login", json={**login, "password": password})
        assert answer.status == status
    assert (await client.post(f"{API}/auth/password/forgot", json={"email": user.email})).status == 202
    key = {"name": "keynamed", "scopes": ["post:read"]}
    await call(user, "POST", "/auth/api-keys", 201, json=key)
    return user


async def write(leaver: Any, ann: Any) -> dict[str, str]:
    """Let the leaver write, with Idempotency-Keys, edit and get replies; return the ids of what was made."""

    def once(key: str) -> dict[str, Any]:
        return {"headers": {"Idempotency-Key": key}}

    shown = await upload(leaver, name="filenamed.png")
    await upload(leaver, name="loosefilenamed.png")
    body = {"title": "Posttitled", "body": f"Postbodied, @{ann.username}.", "type": "project"}
    post = await call(
        leaver, "POST", "/posts", 201, json={**body, "uploadIds": [shown["id"]]}, **once("post")
    )
    draft = {"type": "announcement", "status": "draft", "title": "Drafttitled", "body": "Draftbodied."}
    drafted = await call(leaver, "POST", "/posts", 201, json=draft, **once("draft"))
    changed = {"title": "Titlechanged", "body": f"Bodychanged, @{ann.username}."}
    await call(leaver, "PATCH", f"/posts/{post['id']}", 200, json=changed)
    dear = {"body": f"Dear @{USERNAME}.", "type": "project"}
    theirs = await call(ann, "POST", "/posts", 201, json=dear, **once("theirs"))
    said = {"postId": theirs["id"], "body": f"Commentsaid, @{ann.username}."}
    comment = await call(leaver, "POST", "/comments", 201, json=said, **once("comment"))
    await call(leaver, "PATCH", f"/comments/{comment['id']}", 200, json={"body": "Commentchanged."})
    answer = {"postId": theirs["id"], "body": f"@{USERNAME}?", "parentId": comment["id"]}
    answered = await call(ann, "POST", "/comments", 201, json=answer, **once("answer"))
    reply = {"postId": post["id"], "body": "Replysaid."}
    replied = await call(leaver, "POST", "/comments", 201, json=reply, **once("reply"))
    for user, thing in ((ann, post), (leaver, theirs)):
        await call(user, "PUT", f"/posts/{thing['id']}/like", 200)
        await call(user, "PUT", f"/posts/{thing['id']}/interest", 200)
    await call(leaver, "PUT", f"/posts/{post['id']}/status", 200, json={"status": "on_hold"})
    await call(ann, "PUT", f"/posts/{theirs['id']}/assignee", 200, json={"userId": str(leaver.id)})
    for one, other in ((leaver, ann), (ann, leaver)):
        await call(one, "PUT", f"/users/{other.id}/follow", 200)
    return {
        "post": post["id"],
        "draft": drafted["id"],
        "theirs": theirs["id"],
        "comment": comment["id"],
        "answer": answered["id"],
        "reply": replied["id"],
    }


async def get_export(user: Any) -> str:
    """Wait for a user's export; return its text."""

    async def ready() -> bool:
        return bool((await user.client.get(f"{ME}/export")).status == 200)

    await wait_until(ready)
    ticket = (await call(user, "POST", "/auth/ticket", 201, json={"purpose": "download"}))["ticket"]
    answer = await user.client.get(f"{ME}/export?ticket={ticket}")
    assert answer.status == 200
    return str(await answer.text())


async def replay(live: Any, room: str, epoch: str) -> list[dict[str, Any]]:
    """All frames ever sent in a room, as they are replayed now."""
    answer = await subscribe(live, room, epoch=epoch, seq=0)
    assert answer["recovered"] is True
    return [await live.next() for _ in range(answer["seq"])]


def words_in(shown: Any) -> set[str]:
    """The words of WORDS, and AGENT, in an answer."""
    text = shown if isinstance(shown, str) else json.dumps(shown)
    return {word for word in (*WORDS, AGENT) if word in text.lower()}


async def test_nothing_is_left_of_who_deletes_and_leaves(
    service: Any, make_user: Any, leaver: Any, connect: Any, config: Any
) -> None:
    ann, boss = await make_user(), await make_user(role="admin")
    epoch = (await get_json(ann.client, "/notifications"))["epoch"]
    watching = await connect(ann)
    await subscribe(watching, f"profile:{leaver.id}")
    sockets = [await connect(leaver), watching]
    made = await write(leaver, ann)
    await wait_until(lambda: outbox_empty(service))
    stores = make_stores(config)
    context = {"config": config, "database": service.db, "stores": stores}
    await make_thumbnails(context)
    await wait_until(lambda: outbox_empty(service))
    # Before, every word is found and shown to others, so that the proof can fail.
    async with service.db.connection(wait=5) as conn:
        before = await find_traces(conn, WORDS)
    assert {word for _, word in before} >= set(WORDS) - REPLACED
    assert {word for place, word in before if place == "idempotency_keys.body"} >= {
        *("titlechanged", "commentchanged", "replysaid", "draftbodied", "filenamed", "quartermainsson")
    }
    # Workers remove words later; replaced texts are nowhere else, nor in stored answers.
    assert {place for place, word in before if word in REPLACED} <= {
        "search_words.word",
        "search_doubts.word",
    }
    assert words_in((await get_json(ann.client, "/notifications?limit=100"))["data"]) >= {
        *("bodychanged", "titlechanged", "commentchanged", "zebulonius")
    }
    assert AGENT in words_in(await walk(boss.client, "/events", 100))
    assert "titlechanged" in words_in(await replay(await connect(ann), f"post:{made['post']}", epoch))

    for thing in (f"comments/{made['comment']}", f"posts/{made['post']}", f"posts/{made['draft']}"):
        await call(leaver, "DELETE", f"/{thing}", 204)
    async with service.db.connection(wait=5) as conn:
        places = {place for place, _ in await find_traces(conn, DELETED)}
    # Workers remove words later; deleted texts are gone already, with stored answers that showed them.
    assert places <= {"search_words.word", "search_doubts.word"}
    await call(leaver, "DELETE", "/users/me", 204)
    # Texts that others wrote to the leaver stay until their authors edit them.
    await call(ann, "PATCH", f"/posts/{made['theirs']}", 200, json={"body": "Dear all."})
    await call(ann, "PATCH", f"/comments/{made['answer']}", 200, json={"body": "Who?"})
    await wait_until(lambda: outbox_empty(service))
    await remove_uploads(context)

    async def gone() -> bool:
        async with service.db.connection(wait=5) as conn:
            return not await find_traces(conn, WORDS)

    with contextlib.suppress(TimeoutError):
        await wait_until(gone)
    async with service.db.connection(wait=5) as conn:
        assert await find_traces(conn, WORDS) == set()
    again = await connect(ann, {"epoch": epoch, "seq": 0})
    own = (await get_json(ann.client, "/notifications"))["seq"]
    assert own > 5
    told = [await again.next() for _ in range(own + 1)]
    for room in (f"profile:{leaver.id}", f"profile:{ann.id}", f"post:{made['theirs']}"):
        frames = await replay(again, room, epoch)
        assert frames, room
        told += frames
    assert words_in(told) == set()
    assert {"post:deleted", "comment:updated", "notification:created"} <= {frame["event"] for frame in told}
    for user in (ann, boss):
        assert words_in(await get_export(user)) == set()
        assert words_in(await get_json(user.client, "/notifications?limit=100")) == set()
        for path in ("/posts", "/explore", "/feed", f"/users/{leaver.id}", f"/users/{leaver.id}/posts"):
            assert words_in(await get_json(user.client, path)) == set(), path
    trail = await walk(boss.client, "/events", 100)
    assert {"user.deleted", "post.deleted", "user.login_failed"} <= {
        row["type"] for page in trail for row in page
    }
    assert words_in(trail) == set()
    gone_for_good = [
        row for page in trail for row in page if (row["actor"] or {}).get("id") == str(leaver.id)
    ]
    assert gone_for_good and {row["ip"] for row in gone_for_good} == {None}
    # The addresses of users who are still there are shown.
    assert {row["ip"] for page in trail for row in page} == {None, "127.0.0.1"}
    # Exports are kept for a day; after that nothing remains in them either.
    async with service.db.connection(wait=5) as conn:
        assert await find_traces(conn, WORDS) == set()
    for live in sockets:
        await asyncio.wait_for(live.ws.close(), 20)
    for store in stores.values():
        store.close()
