"""Descriptions of pictures, and profile pictures."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.api import get_json
from tests.features.uploads.files import API, form, picture, upload
from workers.jobs.uploads import make_thumbnails, remove_uploads

pytestmark = pytest.mark.usefixtures("asleep")


async def test_what_a_picture_shows_is_said_with_it(make_user, connect, client):
    ann, ben = await make_user(), await make_user()
    answer = await ann.client.post(f"{API}/uploads", data=form((picture(), "a.png", ""), alt=" A red door. "))
    mine = await answer.json()
    assert (answer.status, mine["alt"]) == (201, "A red door.")
    answer = await ann.client.post(f"{API}/posts", json={"body": "x", "uploadIds": [mine["id"]]})
    post = await answer.json()
    assert post["uploads"][0]["alt"] == "A red door."
    live = await connect(ben)
    await live.send("subscribe", {"room": f"post:{post['id']}"})
    await live.next("subscribed")
    path = f"{API}/uploads/{mine['id']}"
    assert (await ben.client.patch(path, json={"alt": "mine"})).status == 403
    for alt, shown in (("A blue door.", "A blue door."), ("", None), (None, None)):
        answer = await ann.client.patch(path, json={"alt": alt})
        assert (answer.status, (await answer.json())["alt"]) == (200, shown)
        assert (await live.next("post:updated"))["data"]["uploads"][0]["alt"] == shown
    assert (await get_json(ben.client, f"/uploads/{mine['id']}"))["alt"] is None
    for body in ({}, {"alt": "x" * 1501}, {"alt": 1}, {"alt": "x", "name": "b"}):
        assert (await ann.client.patch(path, json=body)).status == 422


async def test_an_own_image_as_picture(make_user, client, service, job_context):
    ann, ben = await make_user(), await make_user()
    mine, theirs, text = await upload(ann), await upload(ben), await upload(ann, b"text", "a.txt")
    me = f"{API}/users/me"
    for url in (
        theirs["url"],
        text["url"],
        "/media/" + "0" * 32 + ".png",
        mine["url"] + "/..",
        "/x",
        "//x/y",
    ):
        answer = await ann.client.patch(me, json={"avatarUrl": url})
        assert answer.status == 422 and "avatarUrl" in (await answer.json())["errors"], url
    # Under another host name of the service it is still the user's own upload.
    for url in ("http://connect.example" + mine["url"], mine["url"]):
        answer = await ann.client.patch(me, json={"avatarUrl": url})
        assert (answer.status, (await answer.json())["avatarUrl"]) == (200, mine["url"])
    assert await make_thumbnails(job_context) == 2
    small = (await get_json(ann.client, f"/uploads/{mine['id']}"))["thumbnailUrl"]
    assert (await ann.client.patch(me, json={"avatarUrl": small})).status == 200
    # The post that shows it is deleted; the upload stays while it is the profile picture.
    answer = await ann.client.post(f"{API}/posts", json={"body": "x", "uploadIds": [mine["id"]]})
    assert (await ann.client.delete(f"{API}/posts/{(await answer.json())['id']}")).status == 204
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE uploads SET created_at = now() - interval '2 days'")
        await remove_uploads(job_context)
        left = await conn.fetch("SELECT id FROM uploads WHERE removed_at IS NULL")
        assert [row["id"] for row in left] == [UUID(mine["id"])]
        answer = await ann.client.delete(f"{API}/uploads/{mine['id']}")
        assert (answer.status, (await answer.json())["code"]) == (409, "upload_in_use")
        assert (await ann.client.patch(me, json={"avatarUrl": None})).status == 200
        assert (await client.get(small)).status == 200
        await remove_uploads(job_context)
        assert await conn.fetchval("SELECT count(*) FROM uploads WHERE removed_at IS NULL") == 0
