"""Uploads with Cloudinary: through the service, and from the browser directly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from nexcorp.config import Config
from tests.api import get_json, publish
from tests.conftest import wait_until
from tests.features.uploads.files import API, picture, send, stored, upload
from tests.integrations.cloudinary_server import KEY, SECRET, Cloudinary, sign_answer, start_cloudinary
from tests.web.calls import serving
from workers.jobs.uploads import make_thumbnails, remove_uploads

pytestmark = pytest.mark.usefixtures("asleep")


@pytest.fixture
async def cloud() -> AsyncIterator[Cloudinary]:
    runner, server = await start_cloudinary()
    yield server
    await runner.cleanup()


@pytest.fixture
async def config(config: Config, cloud: Cloudinary) -> Config:
    return replace(config, cloudinary_url=cloud.setting)


async def sign(user: Any, **fields: Any) -> dict[str, Any]:
    answer = await user.client.post(
        f"{API}/uploads/signature", json={"name": "a.png", "bytes": 1000, **fields}
    )
    assert answer.status == 201, await answer.text()
    data: dict[str, Any] = await answer.json()
    return data


async def send_direct(signed: dict[str, Any], content: bytes, **changed: str) -> Any:
    """Upload as a browser does; return Cloudinary's answer."""
    data = aiohttp.FormData({**signed["fields"], **changed})
    data.add_field("file", content, filename="a.png")
    async with aiohttp.ClientSession() as session, session.post(signed["url"], data=data) as answer:
        return await answer.json()


async def confirm(user: Any, told: dict[str, Any], **options: Any) -> Any:
    body = {"publicId": told["public_id"], "version": told["version"], "signature": told["signature"]}
    return await user.client.post(f"{API}/uploads/confirm", json=body, **options)


async def test_through_the_service(make_user, cloud, config, job_context):
    user = await make_user()
    mine = await upload(user)
    assert mine["url"].startswith("https://res.cloudinary.com/demo/image/upload/")
    assert "w_400" in mine["thumbnailUrl"]
    assert len(cloud.files) == 1 and stored(config) == []
    assert await make_thumbnails(job_context) == 0
    post = await publish(user, uploadIds=[mine["id"]])
    assert (await user.client.delete(f"{API}/posts/{post['id']}")).status == 204
    cloud.mode = "fail"
    assert await remove_uploads(job_context) == 0
    cloud.mode = "ok"
    async with job_context["database"].connection(wait=5) as conn:
        await conn.execute("UPDATE uploads SET removed_at = now()")
    assert await remove_uploads(job_context) == 1
    assert cloud.files == {}


async def test_while_cloudinary_is_down(make_user, cloud, config, job_context, service):
    user = await make_user()
    cloud.mode = "fail"
    answer = await send(user, picture())
    assert (answer.status, (await answer.json())["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"]
    assert stored(config) == []
    # Nobody knows whether the file arrived: its row stays until the file is surely removed.
    async with service.db.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM uploads WHERE removed_at IS NOT NULL") == 1
    cloud.mode = "ok"
    assert await remove_uploads(job_context) == 1
    assert (await send(user, picture())).status == 201


async def test_from_the_browser(make_user, cloud):
    user = await make_user()
    signed = await sign(user)
    assert signed["apiKey"] == KEY and SECRET not in str(signed)
    assert signed["fields"]["transformation"] == "fl_force_strip"
    told = await send_direct(signed, picture("JPEG", 80, 60))
    # Before its confirmation an upload cannot be read or attached.
    assert (await user.client.get(f"{API}/uploads/{signed['id']}")).status == 404
    body = {"body": "x", "uploadIds": [signed["id"]]}
    assert (await user.client.post(f"{API}/posts", json=body)).status == 422
    answer = await confirm(user, told)
    assert answer.status == 201, await answer.text()
    mine = await answer.json()
    # Cloudinary's answer counts, not the type that the browser announced.
    assert (mine["id"], mine["type"], mine["width"], mine["height"]) == (signed["id"], "image/jpeg", 80, 60)
    assert mine["bytes"] == len(picture("JPEG", 80, 60)) and mine["name"] == "a.png.jpg"
    assert mine["url"] == told["secure_url"] and "w_400" in mine["thumbnailUrl"]
    assert await get_json(user.client, f"/uploads/{signed['id']}") == mine
    post = await publish(user, uploadIds=[mine["id"]])
    assert post["uploads"][0]["url"] == mine["url"]


async def test_a_confirmation_counts_once(make_user, cloud):
    user = await make_user()
    told = await send_direct(await sign(user), picture())
    answers = await asyncio.gather(*(confirm(user, told) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 4
    again = await confirm(user, told)
    assert (await again.json())["code"] == "already_confirmed"
    signed = await sign(user)
    told = await send_direct(signed, picture())
    headers = {"Idempotency-Key": "once"}
    first, second = [await confirm(user, told, headers=headers) for _ in range(2)]
    assert (first.status, second.status) == (201, 201)
    assert await first.json() == await second.json()
    # After a removal, the old answer confirms nothing.
    assert (await user.client.delete(f"{API}/uploads/{signed['id']}")).status == 204
    assert (await confirm(user, told)).status == 409


async def test_misuse(make_user, cloud, service):
    ann, ben = await make_user(), await make_user()
    signed = await sign(ann)
    told = await send_direct(signed, picture())
    # Another user's upload, a forged signature, another version, and a key that was never signed.
    assert (await confirm(ben, told)).status == 422
    assert (await confirm(ann, {**told, "signature": "0" * 40})).status == 422
    assert (await confirm(ann, {**told, "version": told["version"] + 1})).status == 422
    other = "nexcorp/" + "0" * 32
    forged = {"public_id": other, "version": 1, "signature": sign_answer(other, 1)}
    assert (await confirm(ann, forged)).status == 422
    # The signature covers all fields, and a second image under the key changes nothing.
    assert "error" in await send_direct(signed, picture(), public_id="mine")
    assert "error" in await send_direct(signed, picture(), folder="elsewhere")
    assert "error" in await send_direct(signed, picture(), overwrite="true")
    assert "error" in await send_direct(await sign(ann), picture("BMP"))
    assert (await send_direct(signed, picture("PNG", 99, 99)))["existing"]
    assert (await confirm(ann, told)).status == 201
    # Signed, but never sent.
    absent = await sign(ann)
    key = f"{absent['folder']}/{absent['publicId']}"
    early = {"public_id": key, "version": 7, "signature": sign_answer(key, 7)}
    assert (await confirm(ann, early)).status == 422


async def test_too_large_an_image_is_not_confirmed(make_user, cloud, job_context):
    user = await make_user()
    told = await send_direct(await sign(user), picture("PNG", 8000, 6501))
    assert (await confirm(user, told)).status == 413
    assert await remove_uploads(job_context) == 1
    assert cloud.files == {}


async def test_what_is_never_confirmed_is_removed(make_user, cloud, job_context, service):
    user = await make_user()
    told = await send_direct(await sign(user), picture())
    assert await remove_uploads(job_context) == 0
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE uploads SET created_at = now() - interval '61 minutes'")
    assert await remove_uploads(job_context) == 1
    assert cloud.files == {}
    assert (await confirm(user, told)).status in (409, 422)


async def test_what_arrives_after_its_removal_is_removed_as_well(make_user, cloud, job_context, service):
    user = await make_user()
    signed = await sign(user)
    told = await send_direct(signed, picture())
    assert (await confirm(user, told)).status == 201
    assert (await user.client.delete(f"{API}/uploads/{signed['id']}")).status == 204
    assert await remove_uploads(job_context) == 1
    # The signature is valid for an hour; no file is left that would keep it from being used again.
    await send_direct(signed, picture())
    assert len(cloud.files) == 1
    assert (await confirm(user, told)).status == 409
    assert await remove_uploads(job_context) == 0
    await age(service, "2 hours")
    assert await remove_uploads(job_context) == 1
    assert cloud.files == {} and await count_rows(service) == 0


async def test_what_is_still_on_its_way_is_removed_later(make_user, cloud, job_context, service, monkeypatch):
    user = await make_user()
    monkeypatch.setattr("nexcorp.integrations.storage.cloud.PUT_SECONDS", 0.2)
    cloud.mode = "late"
    assert (await send(user, picture())).status == 503
    cloud.mode = "ok"
    # The file is not there yet; a thread is still sending it.
    assert await remove_uploads(job_context) == 1

    async def arrived():
        return cloud.files

    await wait_until(arrived)
    await age(service, "2 hours")
    assert await remove_uploads(job_context) == 1
    assert cloud.files == {} and await count_rows(service) == 0


async def age(service, interval):
    """Make all uploads `interval` older."""
    async with service.db.connection(wait=5) as conn:
        await conn.execute(
            "UPDATE uploads SET created_at = created_at - $1::text::interval,"
            " removed_at = removed_at - $1::text::interval",
            interval,
        )


async def count_rows(service):
    async with service.db.connection(wait=5) as conn:
        return await conn.fetchval("SELECT count(*) FROM uploads")


async def test_while_cloudinary_is_down_nothing_is_confirmed(make_user, cloud):
    user = await make_user()
    told = await send_direct(await sign(user), picture())
    for mode in ("fail", "garbage", "list", "lie"):
        cloud.mode = mode
        assert (await confirm(user, told)).status == 503, mode
    cloud.mode = "ok"
    assert (await confirm(user, told)).status == 201


async def test_only_so_many_wait(make_user, cloud, monkeypatch):
    user = await make_user()
    monkeypatch.setattr("nexcorp.domain.attachments.MAX_LOOSE", 2)
    for _ in range(2):
        await sign(user)
    answer = await user.client.post(f"{API}/uploads/signature", json={"name": "a", "bytes": 1})
    assert answer.status == 409
    for wrong in ({"name": "a"}, {"name": "", "bytes": 1}, {"name": "a", "bytes": 11 * 1024 * 1024}):
        assert (await user.client.post(f"{API}/uploads/signature", json=wrong)).status == 422


async def test_without_cloudinary_it_is_not_configured(web_only):
    async with serving(web_only, cloudinary_url="") as (_, client):
        for path, body in (
            ("signature", {"name": "a", "bytes": 1}),
            ("confirm", {"publicId": "a", "version": 1, "signature": "x"}),
        ):
            answer = await client.post(f"{API}/uploads/{path}", json=body)
            assert (answer.status, (await answer.json())["code"]) == (503, "not_configured")
