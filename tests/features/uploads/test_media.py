"""GET /media/{key}: how files of the local store are served."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import pytest
from yarl import URL

from nexcorp.features.uploads import media
from tests.features.uploads.files import API, DOCX, picture, upload

pytestmark = pytest.mark.usefixtures("asleep")


async def test_an_image_is_shown_and_may_be_kept(make_user, client):
    user = await make_user()
    content = picture()
    url = (await upload(user, content))["url"]
    answer = await client.get(url)
    assert answer.status == 200 and await answer.read() == content
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("inline;")
    head = await client.call("HEAD", url)
    assert head.status == 200 and head.headers["Content-Length"] == str(len(content))


async def test_everything_else_is_saved_not_shown(make_user, client):
    user = await make_user()
    for content, name, kind in (
        (b"%PDF-1.7\n", 'q"ü\u2028;.pdf', "application/pdf"),
        (b"text", "a.txt", "text/plain; charset=utf-8"),
        (DOCX, "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ):
        answer = await client.get((await upload(user, content, name))["url"])
        assert answer.headers["Content-Type"] == kind
        way, _, value = answer.headers["Content-Disposition"].partition("; filename*=UTF-8''")
        assert way == "attachment" and value.isascii() and not set(value) & set("\";' \r\n")


async def test_ranges_and_validators(make_user, client):
    user = await make_user()
    content = bytes(range(32, 127)) * 100
    url = (await upload(user, content, "a.txt"))["url"]
    part = await client.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status, await part.read()) == (206, content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    tail = await client.get(url, headers={"Range": "bytes=-5"})
    assert await tail.read() == content[-5:]
    beyond = await client.get(url, headers={"Range": "bytes=99999999-"})
    assert beyond.status == 416
    again = await client.get(url, headers={"If-None-Match": part.headers["ETag"]})
    assert again.status == 304


async def test_what_a_range_cannot_mean_is_the_whole_file(make_user, client):
    url = (await upload(await make_user(), b"0123456789", "a.txt"))["url"]
    whole = await client.get(url)
    etag, changed = whole.headers["ETag"], whole.headers["Last-Modified"]
    for more, status, content in (
        ({"Range": "items=0-5"}, 200, b"0123456789"),
        ({"Range": "bytes=0-1,4-5"}, 200, b"0123456789"),
        ({"Range": "Bytes= 0-4"}, 206, b"01234"),
        ({"Range": "bytes=5-99"}, 206, b"56789"),
        ({"Range": "bytes=5-18446744073709551615"}, 206, b"56789"),
        ({"Range": "bytes=-99"}, 206, b"0123456789"),
        ({"Range": "bytes=0-4", "If-Range": etag}, 206, b"01234"),
        ({"Range": "bytes=0-4", "If-Range": etag[:-1] + '-gzip"'}, 206, b"01234"),
        ({"Range": "bytes=0-4", "If-Range": changed}, 206, b"01234"),
        ({"Range": "bytes=0-4", "If-Range": '"another"'}, 200, b"0123456789"),
        ({"Range": "bytes=99-", "If-Range": '"another"'}, 200, b"0123456789"),
        ({"Range": "bytes=0-4", "If-Range": "W/" + etag}, 200, b"0123456789"),
        ({"Range": "bytes=0-4", "If-Range": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200, b"0123456789"),
        ({"Range": "bytes=0-4", "If-Range": "yesterday"}, 200, b"0123456789"),
        ({"If-None-Match": etag[:-1] + '-gzip"'}, 304, b""),
        ({"If-None-Match": f'"other", W/{etag}'}, 304, b""),
        ({"If-Match": f'"other", {etag}'}, 200, b"0123456789"),
        ({"If-Match": "*"}, 200, b"0123456789"),
    ):
        answer = await client.get(url, headers=more)
        assert (answer.status, await answer.read()) == (status, content), more
    head = await client.call("HEAD", url, headers={"Range": "bytes=0-4"})
    assert (head.status, head.headers["Content-Length"]) == (200, "10")


async def test_no_failure_may_be_kept(make_user, client):
    user = await make_user()
    url = (await upload(user, b"text", "a.txt"))["url"]
    for header, value, status in (
        ("Range", "bytes=4-", 416),
        ("Range", "bytes=-0", 416),
        ("Range", "bytes=3-2", 416),
        ("Range", "bytes=4-,9-", 416),
        ("Range", "bytes=0-0,x", 416),
        ("Range", "bytes=x", 416),
        ("If-Match", '"other"', 412),
    ):
        answer = await client.session.get(client.url + url, headers={header: value})
        assert answer.status == status, value
        assert "no-store" in answer.headers["Cache-Control"] and "immutable" not in str(answer.headers)
        if status == 416:
            assert answer.headers["Content-Range"] == "bytes */4"
            assert (await answer.json())["code"] == "range_not_satisfiable"
    old = {"Range": "bytes=4-", "If-Range": "Thu, 01 Jan 1970 00:00:00 GMT"}
    assert (await client.get(url, headers=old)).status == 200


async def test_nothing_else_is_served(make_user, client, config):
    user = await make_user()
    url = (await upload(user))["url"]
    key = url.rpartition("/")[2]
    secret = config.media_path.parent / "secret.txt"
    secret.write_text("hush")
    config.incoming_path.joinpath("left").write_text("half")
    # A file without a row, and a thumbnail that does not exist.
    stray = key[:2] + "0" * 30 + ".png"
    (config.media_path / key[:2] / stray).write_bytes(b"x")
    for path in (
        "/media/../secret.txt",
        "/media/%2e%2e%2fsecret.txt",
        "/media/..%2f..%2fsecret.txt",
        "/media/%2e%2e/secret.txt",
        "/media/incoming%2fleft",
        f"/media/{key[:2]}/{key}",
        f"/media/{key[:2]}%2f{key}",
        f"/media/{key}%00",
        f"/media/{key}%0a",
        f"/media/{key}.thumb.webp",
        f"/media/{key.upper()}",
        f"/media/{stray}",
        "/media/left",
        "/media/",
        "/media",
    ):
        answer = await client.session.get(URL(client.url + path, encoded=True))
        assert answer.status == 404, path
        assert b"hush" not in await answer.read()
    assert (await client.get(url)).status == 200
    upload_id = (await upload(user))["id"]
    assert (await user.client.delete(f"{API}/uploads/{upload_id}")).status == 204


async def test_a_removed_file_is_gone_at_once(make_user, client):
    user = await make_user()
    mine = await upload(user)
    assert (await user.client.delete(f"{API}/uploads/{mine['id']}")).status == 204
    assert (await client.get(mine["url"])).status == 404


async def test_whoever_reads_nothing_is_cut_off(make_user, client, monkeypatch):
    content = b"0123456789abcdef" * 750_000
    path = (await upload(await make_user(), content, "long.txt"))["url"]
    url, sock = urlsplit(client.url), socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (url.hostname, url.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
    with monkeypatch.context() as patch:
        patch.setattr(media, "PIECE_SECONDS", 0.3)
        writer.write(f"GET {URL(path).path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n")
        await asyncio.sleep(1)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(len(content))
    writer.transport.abort()
    assert await (await client.get(path)).read() == content
