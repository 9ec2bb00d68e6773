"""Uploads on posts: attached once, in order, exchanged, and deleted with the post."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from nexcorp.domain.attachments import set_uploads
from tests.api import get_json, publish
from tests.features.uploads.files import API, HTML, form, picture, stored, upload
from workers.jobs.uploads import remove_uploads

pytestmark = pytest.mark.usefixtures("asleep")


def ids(post):
    """The ids of a post's uploads."""
    return [item["id"] for item in post["uploads"]]


async def change(user, post, **fields):
    return await user.client.patch(f"{API}/posts/{post['id']}", json=fields)


async def test_uploads_keep_their_order_and_are_swapped(make_user, connect, job_context, config):
    user, friend = await make_user(), await make_user()
    first, second, third = [(await upload(user))["id"] for _ in range(3)]
    post = await publish(user, uploadIds=[second, first])
    assert ids(post) == [second, first]
    shown = (await get_json(friend.client, f"/posts/{post['id']}"))["uploads"][0]
    assert shown["type"] == "image/png" and shown["url"].startswith("/media/")
    live = await connect(friend)
    await live.send("subscribe", {"room": f"post:{post['id']}"})
    await live.next("subscribed")
    answer = await change(user, post, uploadIds=[third, second])
    changed = await answer.json()
    assert ids(changed) == [third, second] and changed["version"] == post["version"] + 1
    assert changed["updatedAt"] > post["updatedAt"]
    frame = await live.next("post:updated")
    assert ids(frame["data"]) == [third, second]
    # A detached upload is gone, and cannot be attached again.
    assert (await user.client.get(f"{API}/uploads/{first}")).status == 404
    assert (await change(user, post, uploadIds=[first])).status == 422
    assert ids(await get_json(user.client, f"/posts/{post['id']}")) == [third, second]
    assert (await change(user, post, body="Other.", uploadIds=None)).status == 200
    post = await get_json(user.client, f"/posts/{post['id']}")
    assert (ids(post), post["body"]) == ([], "Other.")
    assert await remove_uploads(job_context) == 3
    assert stored(config) == []


async def test_a_body_without_them_leaves_them(make_user):
    user = await make_user()
    post = await publish(user, uploadIds=[(await upload(user))["id"]])
    changed = await (await change(user, post, title="Title")).json()
    assert ids(changed) == ids(post) != []
    cleared = await (await change(user, post, uploadIds=[])).json()
    assert ids(cleared) == []


async def test_only_own_free_uploads_are_taken(make_user):
    user, other = await make_user(), await make_user()
    mine, taken, foreign = await upload(user), await upload(user), await upload(other)
    await publish(user, uploadIds=[taken["id"]])
    deleted = await upload(user)
    await user.client.delete(f"{API}/uploads/{deleted['id']}")
    for wrong in (
        [foreign["id"]],
        [mine["id"], taken["id"]],
        [deleted["id"]],
        [str(uuid4())],
        [mine["id"], mine["id"]],
        ["x"],
        "x",
        [str(uuid4()) for _ in range(11)],
    ):
        answer = await user.client.post(f"{API}/posts", json={"body": "x", "uploadIds": wrong})
        assert answer.status == 422, wrong
        assert any(name.startswith("uploadIds") for name in (await answer.json())["errors"])
    # A refused post attaches nothing.
    assert ids(await publish(user, uploadIds=[mine["id"]])) == [mine["id"]]
    assert (await get_json(other.client, f"/uploads/{foreign['id']}"))["id"] == foreign["id"]


async def test_of_two_posts_at_once_one_gets_an_upload(make_user, service):
    user = await make_user()
    for _ in range(5):
        mine = (await upload(user))["id"]
        body = {"body": "x", "uploadIds": [mine]}
        answers = await asyncio.gather(*(user.client.post(f"{API}/posts", json=body) for _ in range(6)))
        assert sorted(answer.status for answer in answers) == [201] + [422] * 5


async def test_crosswise_attaching_does_not_deadlock(make_user):
    user = await make_user()
    for _ in range(4):
        ids_ = [(await upload(user))["id"] for _ in range(10)]
        bodies = [{"body": "x", "uploadIds": ids_[:: (-1) ** number]} for number in range(6)]
        answers = await asyncio.gather(*(user.client.post(f"{API}/posts", json=body) for body in bodies))
        assert sorted(answer.status for answer in answers) == [201] + [422] * 5


async def test_a_second_transaction_waits_for_the_first(make_user, service):
    user = await make_user()
    mine = (await upload(user))["id"]
    one, two = [(await publish(user))["id"] for _ in range(2)]
    async with service.db.transaction(wait=5) as first:
        await set_uploads(first, user.id, [mine], post_id=one)

        async def attach():
            async with service.db.transaction(wait=5) as second:
                await set_uploads(second, user.id, [mine], post_id=two)

        racing = asyncio.create_task(attach())
        await asyncio.sleep(0.1)
        assert not racing.done()
    with pytest.raises(Exception, match="validation_failed"):
        await racing


async def test_a_deleted_post_takes_its_files_along(make_user, job_context, config):
    user = await make_user()
    post = await publish(user, uploadIds=[(await upload(user))["id"]])
    url = post["uploads"][0]["url"]
    assert (await user.client.get(url)).status == 200
    assert (await user.client.delete(f"{API}/posts/{post['id']}")).status == 204
    # Everybody gets a 404 at once; the store removes the file a little later.
    assert (await user.client.get(url)).status == 404
    assert await remove_uploads(job_context) == 1
    assert stored(config) == []


async def test_deleting_an_upload_takes_it_off_its_post(make_user, connect):
    user, friend = await make_user(), await make_user()
    first, second = [(await upload(user))["id"] for _ in range(2)]
    post = await publish(user, uploadIds=[first, second])
    live = await connect(friend)
    await live.send("subscribe", {"room": f"post:{post['id']}"})
    await live.next("subscribed")
    assert (await user.client.delete(f"{API}/uploads/{first}")).status == 204
    assert ids((await live.next("post:updated"))["data"]) == [second]
    now = await get_json(user.client, f"/posts/{post['id']}")
    assert ids(now) == [second] and now["version"] == post["version"] + 1


async def test_the_upload_of_a_draft_is_its_authors_alone(make_user):
    boss, other = await make_user(role="manager"), await make_user()
    mine = (await upload(boss))["id"]
    await publish(boss, type="announcement", status="draft", uploadIds=[mine])
    assert (await boss.client.get(f"{API}/uploads/{mine}")).status == 200
    assert (await other.client.get(f"{API}/uploads/{mine}")).status == 404


async def test_a_post_as_a_form(make_user, config):
    user = await make_user()
    files = [(picture(), "a.png", "image/png"), (b"text", "b.txt", "text/plain")]
    answer = await user.client.post(f"{API}/posts", data=form(*files, body="Look.", title="Files"))
    assert answer.status == 201, await answer.text()
    post = await answer.json()
    assert [item["name"] for item in post["uploads"]] == ["a.png", "b.txt"]
    assert (post["title"], post["body"]) == ("Files", "Look.")
    plain = await user.client.post(f"{API}/posts", data=form(body="No files."))
    assert plain.status == 201
    assert len(stored(config)) == 2


async def test_a_form_names_uploads_by_repeating_the_field(make_user, config):
    user = await make_user()
    first, second, third = [(await upload(user))["id"] for _ in range(3)]
    image = (picture(), "a.png", "image/png")

    async def send(*files, uploads=(), **fields):
        data = form(*files, body="Look.", **fields)
        for upload_id in uploads:
            data.add_field("uploadIds", upload_id)
        return await user.client.post(f"{API}/posts", data=data)

    for uploads, name in (
        ([first, first], "uploadIds"),
        ([f'["{first}"]'], "uploadIds.0"),
        ([""], "uploadIds.0"),
        ([first, str(uuid4())], "uploadIds"),
        ([str(uuid4()) for _ in range(11)], "uploadIds"),
    ):
        answer = await send(uploads=uploads)
        assert (answer.status, [*(await answer.json())["errors"]]) == (422, [name]), uploads
    assert (await send(uploads=[first] * 20)).status == 413
    data = form(body="one", title="x")
    data.add_field("body", "two")
    assert (await user.client.post(f"{API}/posts", data=data)).status == 422
    answer = await send(*[image] * 10, uploads=[first])
    assert (answer.status, [*(await answer.json())["errors"]]) == (422, ["file"])
    assert ids(await (await send(uploads=[second])).json()) == [second]
    # Files in the request come after the uploads named in it.
    mixed = await (await send(image, uploads=[third, first])).json()
    assert ids(mixed)[:2] == [third, first] and len(mixed["uploads"]) == 3
    assert len(stored(config)) == 4
    # The same uploads by id change nothing.
    same = await (await change(user, mixed, uploadIds=ids(mixed))).json()
    assert same == mixed
    turned = await (await change(user, mixed, uploadIds=ids(mixed)[::-1])).json()
    assert (ids(turned), turned["version"]) == (ids(mixed)[::-1], mixed["version"] + 1)


async def test_a_file_field_without_a_file_is_none(make_user, config):
    user = await make_user()
    nothing = (b"", "", "application/octet-stream")
    answer = await user.client.post(f"{API}/posts", data=form(nothing, body="x"))
    assert answer.status == 201 and (await answer.json())["uploads"] == []
    answer = await user.client.post(f"{API}/posts", data=form(nothing, (picture(), "a.png", ""), body="x"))
    assert answer.status == 201 and len((await answer.json())["uploads"]) == 1
    answer = await user.client.post(f"{API}/uploads", data=form(nothing))
    assert (answer.status, (await answer.json())["errors"]) == (422, {"file": ["Missing."]})
    assert (await user.client.post(f"{API}/posts", data=form(*[nothing] * 31, body="x"))).status == 413
    assert len(stored(config)) == 1


async def test_a_refused_form_stores_nothing(make_user, config, job_context, service):
    user = await make_user()
    good = (picture(), "a.png", "image/png")
    for data, status in (
        (form(good, title="No body."), 422),
        (form(good, body="x", bogus="y"), 422),
        (form(good, (HTML, "b.png", "image/png"), body="x"), 415),
        (form(good, (b"", "b.png", "image/png"), body="x"), 422),
        (form(*[good] * 11, body="x"), 422),
        (form(good, body="x", type="announcement"), 403),
        (form(good, body="x", type="normal", status="draft"), 422),
    ):
        assert (await user.client.post(f"{API}/posts", data=data)).status == status
        assert stored(config) == []
    # The files are already in the store when the database refuses the post.
    async with service.db.connection(wait=5) as conn:
        await conn.execute("ALTER TABLE posts ADD CONSTRAINT broken CHECK (body <> 'crash')")
    answer = await user.client.post(f"{API}/posts", data=form(good, good, body="crash"))
    assert answer.status == 500
    assert await remove_uploads(job_context) == 2
    assert stored(config) == []
    assert (await get_json(user.client, "/posts"))["data"] == []
