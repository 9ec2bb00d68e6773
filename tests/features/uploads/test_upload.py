"""POST /uploads: accepted and refused files, and the rows and files left behind."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import pytest

from nexcorp.realtime.node import NODE
from nexcorp.web import forms
from tests.conftest import wait_until
from tests.features.uploads.files import (
    API,
    DOCX,
    HTML,
    MACRO,
    ODT,
    SVG,
    form,
    long_table,
    picture,
    png_bomb,
    send,
    stored,
    upload,
    zipped,
)

pytestmark = pytest.mark.usefixtures("asleep")
MEGABYTE = 1024 * 1024


async def test_every_type_that_is_taken(make_user, config):
    user = await make_user()
    for content, name, media_type, ending in (
        (picture("PNG"), "a.png", "image/png", "a.png"),
        (picture("JPEG"), "a.jpeg", "image/jpeg", "a.jpeg"),
        (picture("GIF"), "a.gif", "image/gif", "a.gif"),
        (picture("WEBP"), "a.webp", "image/webp", "a.webp"),
        (b"%PDF-1.7\n...", "a.pdf", "application/pdf", "a.pdf"),
        ("naïve, text\n".encode(), "a", "text/plain", "a.txt"),
        (b"a;b\n1;2\n", "a.CSV", "text/csv", "a.CSV"),
        (DOCX, "a.docx", None, "a.docx"),
        # The tables of contents of these files are not read.
        (long_table(), "a", "application/zip", "a.zip"),
        (DOCX[:-22] + b"PK\x06\x07" + b"\0" * 16 + DOCX[-22:], "a.zip", "application/zip", "a.zip"),
        (zipped(a="b"), "a.jar", "application/zip", "a.jar.zip"),
        (ODT, "a.odt", "application/vnd.oasis.opendocument.text", "a.odt"),
        # The announced type does not count.
        (picture("JPEG"), "photo.png", "image/jpeg", "photo.png.jpg"),
        (b"%PDF-1.7\n...", "page.html", "application/pdf", "page.html.pdf"),
    ):
        answer = await send(user, content, name, "application/x-anything")
        assert answer.status == 201, (name, await answer.text())
        data = await answer.json()
        assert media_type is None or data["type"] == media_type
        assert (data["name"], data["bytes"]) == (ending, len(content))
        image = data["type"].startswith("image/")
        assert (data["width"], data["height"]) == ((40, 30) if image else (None, None))
        assert answer.headers["Location"] == f"{API}/uploads/{data['id']}"
        again = await user.client.get(f"{API}/uploads/{data['id']}")
        assert await again.json() == data
    assert len(stored(config)) == 14


async def test_what_is_refused_leaves_nothing(make_user, config, service):
    user = await make_user()
    whole = picture("PNG", 300, 300)
    for content, name, status, code in (
        (SVG, "a.svg", 415, "unsupported_file_type"),
        (SVG, "a.png", 415, "unsupported_file_type"),
        (HTML, "a.png", 415, "unsupported_file_type"),
        (b"\xef\xbb\xbf  \n" + HTML, "a.txt", 415, "unsupported_file_type"),
        (b"hello", "a.jpg", 415, "unsupported_file_type"),
        (b"plain", "a.html", 415, "unsupported_file_type"),
        (SVG, "a.xhtml", 415, "unsupported_file_type"),
        ("\ufeff<html>".encode("utf-16-le"), "a.txt", 415, "unsupported_file_type"),
        (b"\x7fELF\x02\x01", "a.bin", 415, "unsupported_file_type"),
        (b"MZ\x90\x00", "a.exe", 415, "unsupported_file_type"),
        (b"\xff\xfe\xfa", "a.txt", 415, "unsupported_file_type"),
        (DOCX[:60], "a.docx", 415, "unsupported_file_type"),
        (MACRO, "a.docm", 415, "unsupported_file_type"),
        (zipped(a="b"), "a.xlsx", 415, "unsupported_file_type"),
        (long_table(), "a.docx", 415, "unsupported_file_type"),
        (DOCX[:-22] + b"PK\x06\x07" + b"\0" * 16 + DOCX[-22:], "a.docx", 415, "unsupported_file_type"),
        (b"PK\x03\x04" + b"x" * 9, "a.docx", 415, "unsupported_file_type"),
        (whole[: len(whole) // 2], "a.png", 422, "broken_image"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "a.png", 422, "broken_image"),
        (picture("JPEG", 400, 400)[:900], "a.jpg", 422, "broken_image"),
        (png_bomb(30_000, 30_000), "a.png", 413, "payload_too_large"),
        (png_bomb(1_000_000, 53), "a.png", 413, "payload_too_large"),
        (b"", "a.txt", 422, "validation_failed"),
    ):
        answer = await send(user, content, name)
        assert (answer.status, (await answer.json())["code"]) == (status, code), (name, content[:20])
    assert stored(config) == []
    async with service.db.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM uploads") == 0


async def test_limits_are_kept_while_reading(make_user, config):
    user = await make_user()
    taken = 0

    async def endless(head):
        nonlocal taken
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + head
        for _ in range(2000):
            taken += 64 * 1024
            yield b"a" * 64 * 1024

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for head, most in ((b"text", 25), (picture("PNG")[:200], 10)):
        taken = 0
        try:
            answer = await user.client.post(f"{API}/uploads", data=endless(head), headers=headers)
            assert answer.status == 413
        except aiohttp.ClientConnectionError:
            # The answer came before the whole body was sent.
            pass
        assert taken < (most + 12) * MEGABYTE
        assert stored(config) == []


async def test_all_files_together_have_a_limit(make_user, config, monkeypatch):
    user = await make_user()
    monkeypatch.setattr(forms, "MAX_FORM_BYTES", 100_000)
    part = (b"a" * 60_000, "a.txt", "text/plain")
    answer = await user.client.post(f"{API}/posts", data=form(part, part, body="x"))
    assert answer.status == 413
    assert stored(config) == []
    huge = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "999999999"}
    answer = await user.client.post(f"{API}/uploads", data=b"--x", headers=huge)
    assert answer.status == 413


async def test_a_large_file_is_never_whole_in_memory(make_user, config):
    user = await make_user()

    async def stream():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(25 * 16):
            yield b"a" * 65536
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    tracemalloc.start()
    try:
        answer = await user.client.post(f"{API}/uploads", data=stream(), headers=headers)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status == 201, await answer.text()
    assert (await answer.json())["bytes"] == 25 * MEGABYTE
    assert peak < 10 * MEGABYTE


async def test_names_are_cleaned(make_user, service):
    user = await make_user()
    for given, kept in (
        ("../../etc/passwd", "passwd.txt"),
        ("..\\..\\boot.txt", "boot.txt"),
        ("gpj\u202etxt.txt", "gpj txt.txt"),
        ("tab\there.txt", "tab here.txt"),
        ("...", "file.txt"),
        ("a" * 500 + ".txt", "a" * 196 + ".txt"),
        ("ä" * 300, None),
    ):
        name = (await upload(user, b"text", given))["name"]
        assert name == kept or (kept is None and len(name) <= 255)
    assert forms.clean_name("a\r\nSet-Cookie: x\x00.png") == "a Set-Cookie: x.png"
    assert forms.clean_name(None) == "file"
    for kept in ("\U0001f469\u200d\U0001f4bb.png", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.pdf"):
        assert forms.clean_name(kept) == kept
    assert forms.clean_name("a\u200db\u200d.p\u200cng") == "ab.png"
    assert forms.clean_name("\u3164\u2800.png") == "file.png"
    assert forms.clean_name("\u200d\u3164") == "file"


async def test_a_form_must_be_one(make_user, config):
    user = await make_user()
    wrong = "multipart/form-data; boundary=x"
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ntext'
    for body, kind, status in (
        (b"{}", "application/json", 415),
        (b"text", "text/plain", 415),
        (b"no form", wrong, 400),
        (part, wrong, 400),
        (part + b"\r\n--x--\r\n", "multipart/form-data", 400),
        (b"--x\r\n\r\ntext\r\n--x--\r\n", wrong, 400),
        (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n', wrong, 422),
        (b"--x--\r\n", wrong, 422),
    ):
        answer = await user.client.post(f"{API}/uploads", data=body, headers={"Content-Type": kind})
        assert answer.status == status, (body, await answer.text())
    two = form((b"one", "1.txt", "text/plain"), (b"two", "2.txt", "text/plain"))
    assert (await user.client.post(f"{API}/uploads", data=two)).status == 422
    assert stored(config) == []


async def test_a_packed_form_is_not_unpacked(make_user, client, config):
    user = await make_user()
    lines = gzip.compress((b"a" * 70 + b"\r\n") * 500_000)
    for encoding, status in (("gzip", 415), ("GZIP", 415), ("identity", 400)):
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Encoding": encoding}
        answer = await user.client.post(f"{API}/uploads", data=lines, headers=headers)
        assert answer.status == status, encoding
    assert stored(config) == []


async def test_lines_before_the_first_part_have_a_limit(make_user, service, config):
    user = await make_user()
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ntext\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for lines, status in ((100, 201), (200_000, 400)):
        answer = await user.client.post(f"{API}/uploads", data=b"p\r\n" * lines + part, headers=headers)
        assert answer.status == status


async def open_half(service, user, length: int = 1000, sent: bytes = b"some text"):
    """Open a connection and send the beginning of an upload; return its reader and writer."""
    url = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + sent
    writer.write(
        f"POST {API}/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: {user.headers['Authorization']}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n".encode()
        + part
    )
    await writer.drain()
    return reader, writer


async def begun(config):
    return stored(config)


async def test_an_aborted_connection_leaves_no_file(make_user, service, config):
    user = await make_user()
    _, writer = await open_half(service, user)
    await wait_until(lambda: begun(config))
    writer.close()

    async def gone():
        return not stored(config)

    await wait_until(gone)


async def test_a_silent_and_a_slow_line_are_cut_off(make_user, service, config, monkeypatch):
    user = await make_user()
    with monkeypatch.context() as patch:
        patch.setattr(forms, "STALL_SECONDS", 0.3)
        reader, writer = await open_half(service, user)
        answer = await asyncio.wait_for(reader.read(4096), 20)
        writer.close()
    assert b" 400 " in answer and b"upload_stalled" in answer
    reader, writer = await open_half(service, user, 10**6)
    await wait_until(lambda: begun(config))
    minutes_later = time.monotonic() + 120
    monkeypatch.setattr(forms, "time", SimpleNamespace(monotonic=lambda: minutes_later))
    writer.write(b"a" * 20)
    answer = await asyncio.wait_for(reader.read(4096), 20)
    writer.close()
    assert b" 400 " in answer and b"upload_too_slow" in answer
    assert stored(config) == []


async def test_a_slow_upload_outlives_the_deadline_of_other_requests(make_user, service, monkeypatch):
    user = await make_user()
    monkeypatch.setattr("nexcorp.web.gateway.REQUEST_SECONDS", 0.3)
    tail = b"\r\n--x--\r\n"
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    reader, writer = await open_half(service, user, len(head) + 10 + len(tail), b"aaaaa")
    await asyncio.sleep(0.8)
    writer.write(b"aaaaa" + tail)
    assert b" 201 " in await asyncio.wait_for(reader.read(4096), 20)
    writer.close()


async def test_only_so_many_are_received_at_once(make_user, service, config, monkeypatch):
    user = await make_user()
    monkeypatch.setattr(forms, "MAX_RECEIVING", 1)
    _, writer = await open_half(service, user)
    await wait_until(lambda: begun(config))
    answer = await send(user, picture())
    assert (answer.status, (await answer.json())["code"]) == (503, "overloaded")
    writer.close()

    async def free():
        return (await send(user, picture())).status == 201

    await wait_until(free)


async def test_nobody_takes_the_places_of_all(make_user, service, config, monkeypatch):
    monkeypatch.setattr(forms, "MAX_RECEIVING", 8)
    ann, ben = await make_user(), await make_user()
    writers = [(await open_half(service, ann))[1] for _ in range(2)]

    async def both():
        return len(stored(config)) == 2

    await wait_until(both)
    answer = await send(ann, picture())
    assert (answer.status, (await answer.json())["code"]) == (429, "too_many_uploads_at_once")
    assert answer.headers["Retry-After"] == "1"
    assert (await send(ben, picture())).status == 201
    for writer in writers:
        writer.close()

    async def free():
        return (await send(ann, picture())).status == 201

    await wait_until(free)


async def test_a_retry_is_answered_before_anything_is_done(make_user, config, monkeypatch):
    user = await make_user()
    monkeypatch.setattr("nexcorp.domain.attachments.MAX_LOOSE", 1)

    async def twice(path, **fields):
        file = (picture(), "a.png", "image/png")
        for _ in range(2):
            headers = {"Idempotency-Key": path}
            yield await user.client.post(f"{API}/{path}", data=form(file, **fields), headers=headers)

    # MAX_LOOSE is 1: without the stored answer, the second upload would be refused.
    for path, fields in (("posts", {"body": "x"}), ("uploads", {})):
        answers = [answer async for answer in twice(path, **fields)]
        assert [answer.status for answer in answers] == [201, 201]
        assert await answers[0].json() == await answers[1].json()
        assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert len(stored(config)) == 2
    headers = {"Idempotency-Key": "uploads"}
    other = form((b"text", "a.txt", "text/plain"))
    assert (await user.client.post(f"{API}/uploads", data=other, headers=headers)).status == 422


async def test_the_same_key_uploads_once(make_user, service):
    user = await make_user()
    headers = {"Idempotency-Key": "one"}
    answers = [
        await user.client.post(f"{API}/uploads", data=form((picture(), "a.png", "")), headers=headers)
        for _ in range(2)
    ]
    first, second = [await answer.json() for answer in answers]
    assert first == second and answers[1].headers["Idempotent-Replayed"] == "true"
    other = await user.client.post(f"{API}/uploads", data=form((b"other", "a.txt", "")), headers=headers)
    assert other.status == 422
    async with service.db.connection(wait=5) as conn:
        shown = "SELECT count(*) FROM uploads WHERE arrived_at IS NOT NULL AND removed_at IS NULL"
        assert await conn.fetchval(shown) == 1
        left = "SELECT count(*) FROM uploads WHERE arrived_at IS NULL AND removed_at IS NULL"
        assert await conn.fetchval(left) == 0


async def test_only_so_many_may_be_on_no_post(make_user, config, monkeypatch):
    user = await make_user()
    monkeypatch.setattr("nexcorp.domain.attachments.MAX_LOOSE", 2)
    first = await upload(user)
    await upload(user)
    answer = await send(user, picture())
    assert (answer.status, (await answer.json())["code"]) == (409, "too_many_uploads")
    assert len(stored(config)) == 2
    body = {"body": "x", "uploadIds": [first["id"]]}
    assert (await user.client.post(f"{API}/posts", json=body)).status == 201
    assert (await send(user, picture())).status == 201


async def test_who_may_see_and_delete_one(make_user, client):
    ann, ben = await make_user(), await make_user()
    mine = await upload(ann)
    path = f"{API}/uploads/{mine['id']}"
    assert (await client.post(f"{API}/uploads", data=form((picture(), "a", "")))).status == 401
    assert (await client.get(path)).status == 401
    assert (await ben.client.get(path)).status == 404
    assert (await ben.client.delete(path)).status == 404
    body = {"body": "Look.", "uploadIds": [mine["id"]]}
    assert (await ann.client.post(f"{API}/posts", json=body)).status == 201
    assert (await ben.client.get(path)).status == 200
    assert (await ben.client.delete(path)).status == 403
    assert (await ann.client.delete(path)).status == 204
    assert (await ann.client.get(path)).status == 404
    assert (await ann.client.delete(path)).status == 404


async def test_a_role_without_the_permission_may_not(make_user, service):
    user = await make_user()
    async with service.db.connection(wait=5) as conn:
        await conn.execute("DELETE FROM role_permissions WHERE permission = 'upload:create'")
    await service.app[NODE].load_revocations()

    async def refused():
        return (await send(user, picture())).status == 403

    await wait_until(refused)


async def test_the_trail_says_what_happened_and_not_what_it_is_called(make_user, service):
    ann = await make_user()
    mine = await upload(ann, b"text", "salary of somebody.txt")
    assert (await ann.client.delete(f"{API}/uploads/{mine['id']}")).status == 204
    async with service.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT type, payload FROM events WHERE entity_id = $1 ORDER BY id", UUID(mine["id"])
        )
    assert [(row["type"], row["payload"]) for row in rows] == [
        ("upload.created", {"type": "text/plain", "bytes": 4}),
        ("upload.deleted", {"postId": None, "taskId": None}),
    ]
