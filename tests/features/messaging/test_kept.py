"""Uploads of messages, search, retention, and what remains of a user who leaves."""

from __future__ import annotations

import gzip
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from aiohttp import FormData
from PIL import Image

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from tests.api import API, fetch, fetch_value, get_json, refused
from tests.conftest import wait_until
from tests.features.messaging.helpers import gather, history, talk, unread, write
from tests.leaving import leave
from tests.realtime.helpers import subscribe
from tests.traces import find_traces
from workers.jobs.messages import purge_conversations, retire_messages

pytestmark = pytest.mark.shared


async def upload(user: Any) -> dict[str, Any]:
    """Upload a small picture that is not attached yet; return the upload."""
    image = BytesIO()
    Image.new("RGB", (2, 2)).save(image, "PNG")
    form = FormData()
    form.add_field("file", image.getvalue(), filename="dot.png", content_type="image/png")
    answer = await user.client.post(f"{API}/uploads", data=form)
    assert answer.status == 201, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def test_files_of_messages_are_their_members_and_never_loose(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    conversation = await talk(ann, bob)
    live = await connect(bob)
    await subscribe(live, f"conversation:{conversation}")
    first, second, theirs = await upload(ann), await upload(ann), await upload(bob)
    path = f"{API}/conversations/{conversation}/messages"
    for ids in ([theirs["id"]], [first["id"], first["id"]], [first["id"], theirs["id"]]):
        await refused(ann.client.post(path, json={"uploadIds": ids}), 422, "validation_failed")
    assert await history(ann, conversation) == []
    message = await write(ann, conversation, "", uploadIds=[second["id"], first["id"]])
    assert [one["id"] for one in message["uploads"]] == [second["id"], first["id"]]
    # Nobody can attach them elsewhere, and their owner cannot delete them from the message.
    await refused(ann.client.post(path, json={"uploadIds": [first["id"]]}), 422)
    await refused(ann.client.post(f"{API}/posts", json={"body": "x", "uploadIds": [first["id"]]}), 422)
    await refused(ann.client.delete(f"{API}/uploads/{first['id']}"), 409, "upload_sent")
    assert (await get_json(bob.client, f"/uploads/{first['id']}"))["id"] == first["id"]
    await refused(eve.client.get(f"{API}/uploads/{first['id']}"), 404, "upload_not_found")
    frame = await live.next("message:created")
    while any(one["thumbnailUrl"] is None for one in frame["data"]["uploads"]):
        frame = await live.next("message:updated")
    assert frame["data"]["version"] == 1
    async with service.db.transaction(wait=5) as conn:
        await conn.execute(
            "UPDATE uploads SET created_at = now() - interval '2 days' WHERE owner_id = $1", ann.id
        )
        await sql.uploads.remove_stale_uploads(conn)
        assert await sql.uploads.count_loose(conn, owner_id=ann.id, most=10) == 0
    await refused(ann.client.patch(f"{API}/messages/{message['id']}", json={"body": "x" * 10_001}), 422)
    assert len((await get_json(bob.client, f"/messages/{message['id']}"))["uploads"]) == 2
    assert (await ann.client.delete(f"{API}/messages/{message['id']}")).status == 204
    await refused(ann.client.get(f"{API}/uploads/{first['id']}"), 404, "upload_not_found")


async def test_search_finds_words_of_one_s_own_conversations(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    direct, group, foreign = await talk(ann, bob), await gather(ann, bob), await talk(bob, eve)
    await write(ann, direct, "The quarterly zebra report.")
    await write(bob, group, "Zebras are striped <b>horses</b>.")
    await write(bob, foreign, "A secret zebra.")
    for number in range(3):
        await write(ann, group, f"Nothing {number}")
    found = await get_json(ann.client, "/messages/search?q=zebra")
    assert [one["conversationId"] for one in found["data"]] == [group, direct]
    assert found["data"][0]["highlight"] == "<mark>Zebras</mark> are striped &lt;b&gt;horses&lt;/b&gt;."
    one = await get_json(ann.client, f"/messages/search?q=zebra&conversation={direct}")
    assert [row["n"] for row in one["data"]] == [1]
    first = await get_json(ann.client, f"/messages/search?q=nothing&conversation={group}&limit=2")
    more = f"/messages/search?q=nothing&conversation={group}&limit=2&cursor={first['nextCursor']}"
    rest = await get_json(ann.client, more)
    assert [row["n"] for row in first["data"] + rest["data"]] == [4, 3, 2]
    page = await get_json(ann.client, "/messages/search?q=zebra&limit=1")
    page = await get_json(ann.client, f"/messages/search?q=zebra&limit=1&cursor={page['nextCursor']}")
    assert [row["conversationId"] for row in page["data"]] == [direct]
    # The search of messages finds an edited text at once; the general search finds no messages.
    await bob.client.patch(f"{API}/messages/{found['data'][0]['id']}", json={"body": "Okapis."})
    assert len((await get_json(ann.client, "/messages/search?q=zebra"))["data"]) == 1
    assert len((await get_json(ann.client, "/messages/search?q=okapi"))["data"]) == 1
    assert (await get_json(ann.client, "/search?q=okapi"))["data"] == []


async def test_old_messages_go_and_empty_conversations_are_purged(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    kept, ended = await gather(ann, bob), await gather(ann, bob)
    picture = await upload(ann)
    await write(ann, kept, "An oldwordtext.", uploadIds=[picture["id"]])
    for conversation in (kept, kept, ended):
        await write(ann, conversation)
    await service.db.pool.execute(
        "UPDATE messages SET created_at = now() - interval '31 days' WHERE conversation_id = $1 AND n < 3",
        kept,
    )
    ctx = {"database": service.db, "config": replace(service.config, message_retention_days=30)}
    assert await retire_messages({**ctx, "config": service.config}) == 0
    assert await retire_messages(ctx) == 2
    assert await retire_messages(ctx) == 0
    assert await history(bob, kept) == [3]
    page = await get_json(bob.client, f"/conversations/{kept}/messages?after=0")
    assert (page["hasOlder"], page["hasNewer"]) == (False, False)
    assert await unread(bob, kept) == 1
    assert (await write(bob, kept))["n"] == 4
    assert await fetch_value(service, "SELECT message_id IS NULL FROM uploads WHERE id = $1", picture["id"])
    assert (await ann.client.delete(f"{API}/conversations/{ended}")).status == 204
    assert await purge_conversations(ctx) >= 1
    assert await fetch_value(service, "SELECT count(*) FROM messages WHERE conversation_id = $1", ended) == 0
    notes = await talk(ann, ann)
    assert (await ann.client.delete(f"{API}/conversations/{notes}")).status == 204
    assert await talk(ann, ann) != notes


async def test_a_person_who_leaves_is_in_no_conversation_and_what_they_wrote_stays(
    service: Any, make_user: Any
) -> None:
    ann, bob, eve = await make_user(), await make_user("leavingperson"), await make_user()
    direct, group = await talk(ann, bob), await gather(bob, ann, eve)
    picture = await upload(bob)
    message = await write(bob, direct, "What stays.", uploadIds=[picture["id"]])
    await write(bob, group, "Of the group.")
    await bob.client.put(f"{API}/messages/{message['id']}/reactions/⭐")
    await bob.client.put(f"{API}/users/{eve.id}/block")
    await wait_until(
        lambda: fetch_value(service, "SELECT count(*) = 0 FROM outbox WHERE receivers_after IS NULL")
    )
    async with service.db.transaction(wait=5) as conn:
        await leave(conn, bob.id)
        await PRODUCT.leave(conn, bob.id)
    for conversation in (direct, group):
        members = (await get_json(ann.client, f"/conversations/{conversation}/members"))["data"]
        assert str(bob.id) not in [one["user"]["id"] for one in members]
        assert (await get_json(ann.client, f"/conversations/{conversation}"))["memberCount"] == len(members)
    assert members[0]["role"] == "owner"
    shown = await get_json(ann.client, f"/messages/{message['id']}")
    assert (shown["body"], shown["reactions"]) == ("What stays.", [])
    assert [one["id"] for one in shown["uploads"]] == [picture["id"]]
    assert shown["author"]["username"] != "leavingperson"
    path = f"{API}/conversations/{direct}/messages"
    await refused(ann.client.post(path, json={"body": "x"}), 409, "recipient_gone")
    left = await fetch(
        service,
        """
        SELECT 1 FROM conversation_members WHERE user_id = $1
        UNION ALL SELECT 1 FROM blocks WHERE $1 IN (user_id, blocked_id)
        """,
        bob.id,
    )
    assert left == []


async def test_texts_stand_in_their_own_rows_alone(service: Any, make_user: Any) -> None:
    """Texts are not in the trail, frames or notifications, nor anywhere once deleted."""
    ann, bob = await make_user(), await make_user()
    conversation = await gather(ann, bob, title="Quokkatitle")
    message = await write(ann, conversation, "Xylophonetext.")
    await ann.client.patch(f"{API}/messages/{message['id']}", json={"body": "Xylophonetext two."})
    headers = {"Idempotency-Key": "a-key"}
    path = f"{API}/conversations/{conversation}/messages"
    kept = await ann.client.post(path, json={"body": "Xylophonetext three."}, headers=headers)
    again = await ann.client.post(path, json={"body": "Xylophonetext three."}, headers=headers)
    assert (await kept.json())["id"] == (await again.json())["id"]
    # A reply quotes a message; the copy stored for retries does not hold the quotation.
    reply = {"body": "Yes.", "replyToId": message["id"]}
    made = await (await bob.client.post(path, json=reply, headers=headers)).json()
    assert made["replyTo"]["excerpt"] == "Xylophonetext two."
    await bob.client.put(f"{API}/messages/{made['id']}/reactions/⭐")
    await bob.client.patch(f"{API}/messages/{made['id']}", json={"body": "No."})
    # Nor does it hold the excerpt of the newest message.
    pair, opened = await talk(ann, bob), []
    last = await write(ann, pair, "Xylophonetext four.")
    for _ in range(2):
        answer = await bob.client.post(
            f"{API}/conversations", json={"userId": str(ann.id)}, headers={"Idempotency-Key": "pair"}
        )
        opened.append((await answer.json())["lastMessage"])
    assert [opened[0]["excerpt"], opened[1]] == ["Xylophonetext four.", None]
    await ann.client.delete(f"{API}/messages/{last['id']}")
    await wait_until(
        lambda: fetch_value(service, "SELECT count(*) = 0 FROM outbox WHERE receivers_after IS NULL")
    )
    async with service.db.connection(wait=5) as conn:
        found = {column for column, _ in await find_traces(conn, ["xylophonetext", "quokkatitle"])}
        assert found <= {"messages.body", "messages.words", "conversations.title", "idempotency_keys.body"}
    for message_id in (message["id"], (await kept.json())["id"]):
        assert (await ann.client.delete(f"{API}/messages/{message_id}")).status == 204
    async with service.db.connection(wait=5) as conn:
        assert await find_traces(conn, ["xylophonetext"]) == set()
    again = await bob.client.post(path, json=reply, headers=headers)
    replayed = await again.json()
    assert (again.status, replayed["body"], len(replayed["reactions"])) == (201, "No.", 1)
    assert replayed["replyTo"] == {**made["replyTo"], "excerpt": None}
    await refused(
        ann.client.post(path, json={"body": "Xylophonetext three."}, headers=headers), 404, "answer_gone"
    )


async def test_an_export_has_what_one_wrote(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    conversation = await talk(ann, bob)
    await write(ann, conversation, "Of my own.")
    await write(bob, conversation, "Of another.")
    await ann.client.get(f"{API}/users/me/export")

    async def ready() -> Any:
        answer = await ann.client.get(f"{API}/users/me/export")
        return (await answer.json())["status"] == "ready"

    await wait_until(ready)
    rows = await fetch(service, "SELECT body FROM data_export_parts ORDER BY number")
    text = gzip.decompress(b"".join(row["body"] for row in rows)).decode()
    assert "Of my own." in text
    assert "Of another." not in text
