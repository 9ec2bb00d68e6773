"""Races of uploads: between two requests, and between a request and the jobs."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from nexcorp.db import sql
from nexcorp.domain.attachments import set_uploads
from nexcorp.features.posts.routes import publish as publish_post
from tests.api import get_json, meet_crosswise, publish
from tests.features.uploads.files import API, form, picture, stored, upload
from workers.jobs.uploads import remove_uploads

pytestmark = pytest.mark.usefixtures("asleep")


async def test_a_published_post_keeps_its_files_whatever_happens_then(
    make_user, config, job_context, monkeypatch
):
    user = await make_user()

    async def fail(*args):
        await publish_post(*args)
        raise RuntimeError("after the commit")

    with monkeypatch.context() as patch:
        patch.setattr("nexcorp.features.posts.routes.publish", fail)
        answer = await user.client.post(
            f"{API}/posts", data=form((picture(), "a.png", "image/png"), body="x")
        )
        assert answer.status == 500
    (post,) = (await get_json(user.client, "/posts"))["data"]
    assert len(post["uploads"]) == 1
    assert await remove_uploads(job_context) == 0
    assert len(stored(config)) == 1


async def test_deleting_what_is_just_put_on_a_post_changes_the_post(make_user, service, connect):
    user = await make_user()
    mine = (await upload(user))["id"]
    post = await publish(user)
    live = await connect(user)
    await live.send("subscribe", {"room": f"post:{post['id']}"})
    await live.next("subscribed")
    async with service.db.transaction(wait=5) as conn:
        await sql.posts.touch_post(conn, post_id=UUID(post["id"]))
        await set_uploads(conn, user.id, [UUID(mine)], post_id=UUID(post["id"]))
        deleting = asyncio.create_task(user.client.delete(f"{API}/uploads/{mine}"))
        await asyncio.sleep(0.2)
        assert not deleting.done()
    assert (await deleting).status == 204
    frame = await live.next("post:updated")
    assert (frame["data"]["uploads"], frame["data"]["version"]) == ([], post["version"] + 2)
    assert (await get_json(user.client, f"/posts/{post['id']}"))["version"] == post["version"] + 2


@pytest.mark.parametrize("files", [(), (picture(), "a.png", "image/png")])
async def test_a_form_that_a_deadlock_ends_is_taken_once_more(make_user, service, config, files):
    user = await make_user()
    mine = UUID((await upload(user))["id"])
    data = form(*([files] if files else []), body="x", uploadIds=str(mine))
    if not files:
        data.add_field("title", "No file", content_type="text/plain")
    answer = await meet_crosswise(
        service,
        user.client.post(f"{API}/posts", data=data),
        ("SELECT FROM uploads WHERE id = $1 FOR UPDATE", mine),
        ("SELECT FROM users WHERE id = $1 FOR UPDATE", user.id),
    )
    assert answer.status == 201, await answer.text()
    assert len((await answer.json())["uploads"]) == 1 + bool(files)
    assert len((await get_json(user.client, "/posts"))["data"]) == 1


async def test_the_sweeper_leaves_alone_what_is_being_attached(make_user, service, job_context):
    user = await make_user()
    first, second = sorted([UUID((await upload(user))["id"]) for _ in range(2)])
    post = UUID((await publish(user))["id"])
    async with service.db.connection(wait=5) as conn:
        # The sweeper would lock the second one first.
        await conn.execute(
            "UPDATE uploads SET created_at = now() - interval '26 hours' WHERE id = $1", second
        )
        await conn.execute("UPDATE uploads SET created_at = now() - interval '25 hours' WHERE id = $1", first)
    async with service.db.transaction(wait=5) as conn:
        await sql.uploads.lock_uploads(conn, post_id=post, task_id=None, upload_ids=[first])
        sweeping = asyncio.create_task(remove_uploads(job_context))
        await asyncio.sleep(0.2)
        # If the two waited for each other, PostgreSQL would cancel one of them.
        await sql.uploads.lock_uploads(conn, post_id=post, task_id=None, upload_ids=[second])
        await sql.uploads.attach_uploads(
            conn, post_id=post, task_id=None, owner_id=user.id, upload_ids=[first]
        )
    assert await sweeping == 1
    assert (await user.client.get(f"{API}/uploads/{first}")).status == 200
    assert (await user.client.get(f"{API}/uploads/{second}")).status == 404
