"""Storage limits, per user and in total, and the answers of a full disk."""

from __future__ import annotations

import asyncio
import errno

import pytest

from nexcorp.integrations.storage.local import LocalStore
from nexcorp.security.app_keys import DATABASE
from nexcorp.web import forms
from tests.api import get_json
from tests.features.uploads.files import API, form, picture, send, stored, upload
from tests.web.calls import serving
from workers.jobs.uploads import MAX_ATTEMPTS, make_thumbnails

pytestmark = pytest.mark.usefixtures("asleep")
PART = (b"a" * 300_000, "a.txt", "text/plain")


async def post_file(client, *parts, path="uploads", **fields):
    """Post a file; return (status, error code or id)."""
    answer = await client.post(f"{API}/{path}", data=form(*(parts or (PART,)), **fields))
    body = await answer.json()
    return answer.status, body.get("code", body.get("id"))


async def test_a_person_has_so_much_room(web_only, config):
    async with serving(web_only, storage_quota_mb=1) as (_, client):
        sent = await asyncio.gather(*(post_file(client) for _ in range(6)))
        kept = [code for status, code in sent if status == 201]
        assert len(kept) == 3
        assert {it for it in sent if it[0] != 201} == {(409, "storage_quota_exceeded")}
        # A post gets all its files, or none.
        refused = await post_file(client, (b"b", "b.txt", ""), PART, path="posts", body="x")
        assert refused == (409, "storage_quota_exceeded")
        assert len(stored(config)) == 3
        assert (await post_file(client, (b"b", "b.txt", ""), path="posts", body="x"))[0] == 201
        # A removed upload no longer counts, though its file stays until a worker comes.
        assert (await client.delete(f"{API}/uploads/{kept[0]}")).status == 204
        assert (await post_file(client))[0] == 201


async def test_a_person_adds_so_many_files_an_hour(web_only, config):
    async with serving(web_only, uploads_an_hour=3) as (app, client):
        for _ in range(3):
            assert (await post_file(client))[0] == 201
        answer = await client.post(f"{API}/posts", data=form(PART, body="x"))
        assert (answer.status, (await answer.json())["code"]) == (429, "too_many_files")
        assert 3500 < int(answer.headers["Retry-After"]) <= 3600
        assert len(stored(config)) == 3
        async with app[DATABASE].connection(wait=5) as conn:
            await conn.execute("UPDATE uploads SET created_at = now() - interval '61 minutes'")
        assert (await post_file(client))[0] == 201


async def test_some_of_the_disk_stays_free(web_only, config):
    async with serving(web_only, storage_free_mb=10**9) as (app, client):
        answer = await client.post(f"{API}/posts", data=form(PART, body="x"))
        assert (answer.status, (await answer.json())["code"]) == (503, "storage_full")
        assert answer.headers["Retry-After"] == "60"
        assert stored(config) == []
        assert (await client.post(f"{API}/posts", json={"body": "x"})).status == 201
        async with app[DATABASE].connection(wait=5) as conn:
            assert await conn.fetchval("SELECT count(*) FROM uploads") == 0


async def test_a_disk_that_fills_up_meanwhile(make_user, config, service, job_context, monkeypatch):
    user = await make_user()

    def open_full(folder, begun):
        original(folder, begun).close()
        return open("/dev/full", "wb")

    original = forms.open_temporary
    with monkeypatch.context() as patch:
        patch.setattr(forms, "open_temporary", open_full)
        answer = await send(user, b"text", "a.txt")
        assert (answer.status, (await answer.json())["code"]) == (503, "storage_full")

    def fail(*args):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "_move", fail)
        answer = await send(user, b"text", "a.txt")
        assert (answer.status, (await answer.json())["code"]) == (503, "storage_full")
    assert stored(config) == []
    mine = await upload(user)
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE thumbnail_queue SET attempts = $1", MAX_ATTEMPTS - 1)
        with monkeypatch.context() as patch:
            patch.setattr(LocalStore, "_derive", fail)
            for _ in range(3):
                assert await make_thumbnails(job_context) == 0
                await conn.execute("UPDATE thumbnail_queue SET next_at = now()")
    # However long the disk was full, the thumbnail is made in the end.
    assert await make_thumbnails(job_context) == 1
    assert (await get_json(user.client, f"/uploads/{mine['id']}"))["thumbnailUrl"]


async def test_a_slow_disk_keeps_nobody_else_waiting(make_user, monkeypatch):
    user = await make_user()
    held, free = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    require_room = forms.require_room

    def wait(folder, free_bytes, more=0):
        if folder.is_file():
            loop.call_soon_threadsafe(held.set)
            asyncio.run_coroutine_threadsafe(free.wait(), loop).result(10)
        require_room(folder, free_bytes, more)

    monkeypatch.setattr(forms, "require_room", wait)
    sending = asyncio.create_task(send(user, picture()))
    await asyncio.wait_for(held.wait(), 20)
    assert (await user.client.get(f"{API}/posts")).status == 200
    free.set()
    assert (await sending).status == 201
