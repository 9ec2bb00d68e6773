"""The jobs of uploads: thumbnails, removal, and sweeping."""

from __future__ import annotations

import asyncio
import io
import os
import time
from datetime import timedelta

import pytest
from PIL import Image

from nexcorp.errors import StorageUnavailable
from nexcorp.integrations.storage.local import LocalStore
from tests.api import get_json, publish
from tests.conftest import wait_until
from tests.features.uploads.files import picture, stored, upload
from workers.jobs import uploads as jobs
from workers.jobs.uploads import make_thumbnails, remove_uploads, sweep_files

ORIENTATION = 0x0112
TURNED = 6


def sideways() -> bytes:
    """Return a rotated picture with metadata."""
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    exif[0x010F] = "Secret camera"
    return picture("JPEG", 1200, 600, exif=exif, comment=b"secret")


async def execute(service, text, *arguments):
    async with service.db.connection(wait=5) as conn:
        return await conn.execute(text, *arguments)


async def test_the_worker_makes_thumbnails_and_shows_them(make_user, connect, client, monkeypatch):
    watched, make = asyncio.Event(), LocalStore.make_thumbnail

    async def make_once_watched(store, key):
        await watched.wait()
        return await make(store, key)

    monkeypatch.setattr(LocalStore, "make_thumbnail", make_once_watched)
    user = await make_user()
    post = await publish(user, uploadIds=[(await upload(user, sideways(), "a.jpg"))["id"]])
    live = await connect(user)
    await live.send("subscribe", {"room": f"post:{post['id']}"})
    await live.next("subscribed")
    watched.set()

    async def made():
        return (await get_json(user.client, f"/posts/{post['id']}"))["uploads"][0]["thumbnailUrl"]

    url = await wait_until(made)
    frame = await live.next("post:updated")
    assert frame["data"]["uploads"][0]["thumbnailUrl"] == url
    answer = await client.get(url)
    assert answer.headers["Content-Type"] == "image/webp"
    with Image.open(io.BytesIO(await answer.read())) as image:
        # Upright, so the red that was on the left is on top.
        assert image.size == (200, 400) and image.format == "WEBP"
        red, _, blue = image.convert("RGB").getpixel((100, 50))
        assert red > 200 and blue < 80
        assert not image.getexif() and "exif" not in image.info


@pytest.mark.usefixtures("asleep")
async def test_every_kind_gets_a_thumbnail(make_user, job_context, service, config):
    user = await make_user()
    transparent = io.BytesIO()
    Image.new("RGBA", (900, 500), (0, 255, 0, 0)).save(transparent, "PNG")
    moving = io.BytesIO()
    frames = [Image.new("P", (500, 500), color) for color in range(3)]
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    for content in (picture("WEBP", 500, 500), picture("JPEG"), moving.getvalue()):
        await upload(user, content)
    await upload(user, transparent.getvalue())
    gray = io.BytesIO()
    Image.new("I;16", (500, 50)).save(gray, "PNG")
    await upload(user, gray.getvalue())
    await upload(user, b"text", "a.txt")
    assert await make_thumbnails(job_context) == 5
    assert await make_thumbnails(job_context) == 0
    assert sum(name.endswith(".thumb.webp") for name in stored(config)) == 5


@pytest.mark.usefixtures("asleep")
async def test_two_workers_never_do_the_same(make_user, job_context, service, monkeypatch):
    user = await make_user()
    for _ in range(12):
        await upload(user)
    monkeypatch.setattr(jobs, "PART", 3)
    made = await asyncio.gather(*(make_thumbnails(job_context) for _ in range(4)))
    assert sum(made) == 12
    await execute(service, "UPDATE uploads SET removed_at = now()")
    removed = await asyncio.gather(*(remove_uploads(job_context) for _ in range(4)))
    assert sum(removed) == 12


@pytest.mark.usefixtures("asleep")
async def test_what_fails_is_tried_again_and_given_up_in_the_end(make_user, job_context, service, config):
    user = await make_user()
    mine = await upload(user)
    (path,) = (path for path in config.media_path.rglob("*.png"))
    content = path.read_bytes()
    path.write_bytes(content[:60])
    assert await make_thumbnails(job_context) == 0
    path.write_bytes(content)
    # The claim on a thumbnail lasts for a while, even if the worker that holds it is dead.
    assert await make_thumbnails(job_context) == 0
    await execute(service, "UPDATE thumbnail_queue SET next_at = now()")
    assert await make_thumbnails(job_context) == 1
    assert (await get_json(user.client, f"/uploads/{mine['id']}"))["thumbnailUrl"]
    await upload(user)
    for broken in config.media_path.rglob("*.png"):
        broken.write_bytes(content[:60])
    for _ in range(jobs.MAX_ATTEMPTS):
        await execute(service, "UPDATE thumbnail_queue SET next_at = now()")
        assert await make_thumbnails(job_context) == 0
    async with service.db.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM thumbnail_queue") == 0


@pytest.mark.usefixtures("asleep")
async def test_a_store_that_is_down_keeps_the_row(make_user, job_context, service, config, monkeypatch):
    user = await make_user()
    await upload(user)
    await execute(service, "UPDATE uploads SET removed_at = now()")

    async def fail(self, key, media_type):
        raise StorageUnavailable()

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "remove", fail)
        assert await remove_uploads(job_context) == 0
    assert len(stored(config)) == 1
    await execute(service, "UPDATE uploads SET removed_at = now()")
    assert await remove_uploads(job_context) == 1
    assert stored(config) == []
    async with service.db.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM uploads") == 0


@pytest.mark.usefixtures("asleep")
async def test_what_nobody_wants_goes_after_its_time(make_user, job_context, service, config):
    user = await make_user()
    loose, young, used = await upload(user), await upload(user), await upload(user)
    half = await upload(user)
    await publish(user, uploadIds=[used["id"]])
    old = "UPDATE uploads SET created_at = now() - $2::interval WHERE id = $1::uuid"
    await execute(service, old, loose["id"], timedelta(hours=25))
    await execute(service, old, used["id"], timedelta(hours=25))
    await execute(service, old, young["id"], timedelta(hours=23))
    await execute(service, old, half["id"], timedelta(hours=2))
    # The process that received this file was killed before it could mark it as arrived.
    await execute(service, "UPDATE uploads SET arrived_at = NULL WHERE id = $1::uuid", half["id"])
    assert await remove_uploads(job_context) == 2
    for gone in (loose, half):
        assert (await user.client.get(f"/api/v1/uploads/{gone['id']}")).status == 404
    for kept in (young, used):
        assert (await user.client.get(f"/api/v1/uploads/{kept['id']}")).status == 200
    assert len(stored(config)) == 2


@pytest.mark.usefixtures("asleep")
async def test_half_a_thumbnail_is_swept(make_user, job_context, config, monkeypatch):
    user = await make_user()
    await upload(user)
    kept = stored(config)

    with monkeypatch.context() as patch:

        def die(source, target):
            target.write_bytes(b"half")
            # A killed process does not delete its file.
            patch.setattr("pathlib.Path.unlink", lambda path, missing_ok=False: None)
            raise OSError

        patch.setattr("nexcorp.integrations.storage.local.make_thumbnail", die)
        assert await make_thumbnails(job_context) == 0
    before = time.time() - 25 * 3600
    for path in config.media_path.rglob("*"):
        if path.is_file():
            os.utime(path, (before, before))
    assert len(stored(config)) == 2
    assert await sweep_files(job_context) == 1
    assert stored(config) == kept


@pytest.mark.usefixtures("asleep")
async def test_files_without_a_row_are_swept(make_user, job_context, config, service):
    user = await make_user()
    await upload(user)
    await make_thumbnails(job_context)
    kept = stored(config)
    folder = config.media_path / "ab"
    folder.mkdir(exist_ok=True)
    strays = ["ab" + "0" * 30 + ".png", "ab" + "0" * 30 + ".png.thumb.webp"]
    for name in (*strays, "notes of the operator.txt"):
        (folder / name).write_bytes(b"x")
    (folder / ("ab" + "1" * 30 + ".png")).write_bytes(b"young")
    (config.incoming_path / "left").write_bytes(b"half")
    before = time.time() - 25 * 3600
    for path in config.media_path.rglob("*"):
        if path.is_file() and b"young" not in path.read_bytes():
            os.utime(path, (before, before))
    assert await sweep_files(job_context) == 3
    young = "ab" + "1" * 30 + ".png"
    assert stored(config) == sorted([*kept, "notes of the operator.txt", young])


@pytest.mark.usefixtures("asleep")
async def test_the_files_of_somebody_who_leaves_go_too(make_user, job_context, config, service):
    user = await make_user()
    await publish(user, uploadIds=[(await upload(user))["id"]])
    await upload(user)
    await execute(service, "DELETE FROM users WHERE id = $1", user.id)
    await execute(service, "UPDATE uploads SET created_at = now() - interval '25 hours'")
    assert await remove_uploads(job_context) == 2
    assert stored(config) == []
