"""Contents of files: conditions, ranges, kinds, and a new text while others edit the old one."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import aiohttp
import pytest

from nexcorp.features.files import saving
from tests.api import API, create, fetch, fetch_value, get_json, refused
from tests.clients import Client
from tests.features.files.helpers import make, make_alone, put, read, save
from tests.features.projects.helpers import found
from workers.settling import Settler

pytestmark = pytest.mark.shared
QUOTA = 1024**3
MOST = 25 * 1024**2


def elsewhere(user: Any, url: str) -> Client:
    """The user at another node, where no lock of one process orders the requests."""
    return Client(user.client.session, url, user.client.headers)


async def list_versions(user: Any, file_id: Any) -> list[dict[str, Any]]:
    """The versions of a file, the newest first."""
    rows: list[dict[str, Any]] = (await get_json(user.client, f"/files/{file_id}/versions"))["data"]
    return rows


async def test_conditions_and_parts(make_user):
    ada = await make_user()
    file = await make_alone(ada, "one\ntwo\n")
    place = f"{API}/files/{file['id']}/content"
    text, tag = await read(ada, file["id"])
    answer = await ada.client.get(place, headers={"If-None-Match": tag})
    assert (answer.status, answer.headers["ETag"], await answer.read()) == (304, tag, b"")
    answer = await ada.client.get(place, headers={"Range": "bytes=4-6"})
    assert (answer.status, await answer.read()) == (206, b"two")
    assert answer.headers["Content-Range"] == "bytes 4-6/8"
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''plan.md"
    whole = await ada.client.get(place, headers={"Range": "bytes=4-6", "If-Range": '"other"'})
    assert (whole.status, await whole.read()) == (200, text)
    await refused(ada.client.get(place, headers={"Range": "bytes=8-"}), 416)
    head = await ada.client.call("HEAD", place)
    assert (head.status, head.headers["Content-Length"], head.headers["ETag"]) == (200, "8", tag)

    newer = await save(ada, file["id"], "one\n2\n")
    assert newer != tag
    for stale in (tag, '"7"', '"x", W/"y"'):
        await refused(put(ada, file["id"], "three\n", stale), 412, "stale_version")
    assert (await put(ada, file["id"], "three\n", f'"other", {newer}')).status == 200
    assert (await put(ada, file["id"], "four\n", "*")).status == 200
    # The same again is no version.
    assert await save(ada, file["id"], "four\n") == (await read(ada, file["id"]))[1]
    assert [row["n"] for row in await list_versions(ada, file["id"])] == [4, 3, 2, 1]
    for name, value in (("Content-Type", "multipart/form-data; boundary=x"), ("Content-Encoding", "gzip")):
        await refused(ada.client.put(place, data=b"x", headers={name: value}), 415, "unsupported_media_type")
    # A part of the content would replace the whole.
    await refused(ada.client.put(place, data=b"x", headers={"Content-Range": "bytes 0-0/5"}), 400)
    assert (await read(ada, file["id"]))[0] == b"four\n"
    # Each version has its own ETag.
    answer = await ada.client.get(f"{API}/files/{file['id']}/versions/1/content")
    assert (await answer.read(), answer.headers["ETag"]) == (b"one\ntwo\n", tag)
    for n in ("0", "9", "x", "1x", "9" * 30):
        await refused(ada.client.get(f"{API}/files/{file['id']}/versions/{n}"), 404, "version_not_found")
        await refused(
            ada.client.get(f"{API}/files/{file['id']}/versions/{n}/content"), 404, "version_not_found"
        )


async def test_everybody_reads_what_is_public_and_a_ticket_reads_once(make_user, client):
    ada = await make_user()
    project = await found(ada, "public")
    file = await make(ada, project, "plan.md", "open")
    for path in (f"files/{file['id']}/content", f"files/{file['id']}/versions/1/content"):
        assert await (await client.get(f"{API}/{path}")).read() == b"open"
    for path in (
        f"/projects/{project}/files",
        f"/projects/{project}/folders",
        f"/files/{file['id']}/versions",
    ):
        await get_json(client, path)
    assert (await client.get(f"{API}/projects/{project}/archive")).status == 200
    assert (await client.put(f"{API}/files/{file['id']}/content", data=b"x")).status == 401

    hidden = await make_alone(ada, "mine")
    place = f"{API}/files/{hidden['id']}/content"
    await refused(client.get(place), 404, "file_not_found")
    ticket = (await create(ada, "/auth/ticket", purpose="download"))["ticket"]
    answer = await client.get(f"{place}?ticket={ticket}")
    assert (answer.status, await answer.read()) == (200, b"mine")
    await refused(client.get(f"{place}?ticket={ticket}"), 401)


async def test_two_who_put_at_once(make_user, other_node, service):
    ada = await make_user()
    there = elsewhere(ada, other_node)
    file = await make_alone(ada, "first\n")
    place = f"{API}/files/{file['id']}/content"
    for tag, expected in (((await read(ada, file["id"]))[1], [200, 412]), ("*", [200, 200])):
        answers = await asyncio.gather(
            ada.client.put(place, data=b"from here\n", headers={"If-Match": tag}),
            there.put(place, data=b"from there\n", headers={"If-Match": tag}),
        )
        assert sorted(answer.status for answer in answers) == expected
    assert (await read(ada, file["id"]))[0] in (b"from here\n", b"from there\n")
    # Of concurrent requests for one path, one gets it.
    project, body = file["projectId"], {"path": "wanted.md", "content": "x"}
    path = f"{API}/projects/{project}/files"
    answers = await asyncio.gather(
        *(client.post(path, json=body) for client in (ada.client, there, ada.client, there))
    )
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    # A file and a folder of the same name, which no unique index prevents.
    bodies = [{"path": path} for path in ("both", "both/x")]
    answers = await asyncio.gather(
        *(client.post(path, json=body) for client, body in zip((ada.client, there), bodies, strict=True))
    )
    assert sorted(answer.status for answer in answers) == [201, 409]
    # Two requests for the last free bytes.
    await fetch(service, "UPDATE projects SET file_bytes = $1 WHERE id = $2", QUOTA - 100, project)
    two = [await make(ada, project, f"{n}.md", "old") for n in range(2)]
    answers = await asyncio.gather(
        *(
            client.put(f"{API}/files/{one['id']}/content", data=b"n" * 80)
            for client, one in zip((ada.client, there), two, strict=True)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    (late,) = (answer for answer in answers if answer.status == 409)
    assert (await late.json())["code"] == "quota_exceeded"
    texts = sorted([(await read(ada, one["id"]))[0] for one in two])
    assert texts == [b"n" * 80, b"old"]
    await refused(ada.client.post(path, json={"path": "no.md", "content": "n" * 40}), 409, "quota_exceeded")
    held = await fetch_value(service, "SELECT file_bytes FROM projects WHERE id = $1", project)
    assert held == QUOTA - 100 + 80 + 3


async def test_a_new_text_beside_those_who_edit_the_old_one(
    make_user, service, open_file, other_node, monkeypatch
):
    ada, bob = await make_user(), await make_user()
    project = await found(ada, editor=bob)
    file = await make(ada, project, "plan.md", "alpha\nbeta\ngamma\n")
    here, there = await open_file(bob, file["id"]), await open_file(ada, file["id"], url=other_node)
    # Bob's cursor is before the g.
    cursor = here.text.sticky_index(11)
    load = saving.load_document

    async def load_slowly(conn: Any, file_id: Any) -> Any:
        loaded = await load(conn, file_id)
        await there.type("typed meanwhile")
        await there.save()
        return loaded

    monkeypatch.setattr(saving, "load_document", load_slowly)
    tag = await save(bob, file["id"], "alpha\nbeta, and more\ngamma\n")
    text = "alpha\nbeta, and more\ngamma\ntyped meanwhile"
    await asyncio.gather(here.shows(text), there.shows(text))
    with here.doc.transaction():
        assert text[cursor.get_index() :].startswith("gamma")
    assert await read(ada, file["id"]) == (text.encode(), tag)
    versions = await list_versions(ada, file["id"])
    assert [(row["n"], row["cause"], len(row["authors"])) for row in versions] == [
        (2, "put", 2),
        (1, "created", 1),
    ]
    # With If-Match, text typed meanwhile counts as a change, like any other.
    await refused(put(bob, file["id"], "over it", tag), 412)
    monkeypatch.undo()
    await Settler(service.db, quiet=0.0).drain()
    versions = await list_versions(ada, file["id"])
    assert [(row["cause"], [one["id"] for one in row["authors"]]) for row in versions[:1]] == [
        ("edited", [str(ada.id)])
    ]

    # After a restore, open editors show the old text and can edit on.
    answer = await ada.client.post(f"{API}/files/{file['id']}/versions/1/restore")
    assert (answer.status, (await answer.json())["contentVersion"]) == (200, 4)
    await asyncio.gather(*(one.shows("alpha\nbeta\ngamma\n") for one in (here, there)))
    await here.type("on")
    await there.shows("alpha\nbeta\ngamma\non")
    (newest, *_) = await list_versions(ada, file["id"])
    assert (newest["cause"], newest["restoredFrom"], newest["bytes"]) == ("restored", 1, 17)
    await refused(ada.client.post(f"{API}/files/{file['id']}/versions/9/restore"), 404, "version_not_found")


async def test_lines_end_as_they_did(make_user, service, open_file):
    ada = await make_user()
    file = await make_alone(ada, "one\r\ntwo\r\n")
    assert file["eol"] == "crlf"
    typist = await open_file(ada, file["id"])
    assert str(typist.text) == "one\ntwo\n"
    await typist.type("three\n")
    await typist.save()
    text, tag = await read(ada, file["id"])
    assert text == b"one\r\ntwo\r\nthree\r\n"
    # A new text may use other line ends; mixed ones become LF.
    for new, eol, kept in (
        (b"one\ntwo\nthree\n", "lf", b"one\ntwo\nthree\n"),
        (b"one\r\ntwo\n", "lf", b"one\ntwo\n"),
        (b"one\r\ntwo\r\n", "crlf", b"one\r\ntwo\r\n"),
        (b"alone\rhere", "lf", b"alone\rhere"),
    ):
        answer = await put(ada, file["id"], new)
        assert (await answer.json())["eol"] == eol
        assert (await read(ada, file["id"]))[0] == kept
    await refused(put(ada, file["id"], b"x", tag), 412)


async def test_what_is_no_text_is_binary(make_user, client):
    ada = await make_user()
    project = await found(ada)
    for number, content in enumerate((b"a\0b", b"\xff\xfe", b"\xed\xa0\x80")):
        form = aiohttp.FormData({"path": f"{number}.bin"})
        form.add_field("file", content, filename="x.bin")
        answer = await ada.client.post(f"{API}/projects/{project}/files", data=form)
        file = await answer.json()
        assert (answer.status, file["kind"], file["type"]) == (201, "binary", "application/octet-stream")
        assert (await read(ada, file["id"]))[0] == content
    refusal = await client.session.get(
        f"{client.url}/collab/{file['id']}",
        headers={
            **ada.client.headers,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )
    assert (refusal.status, (await refusal.json())["code"]) == (409, "not_text")
    # A binary file stays binary; a text file stays text, unless nobody has typed into it yet.
    await save(ada, file["id"], b"text")
    assert (await get_json(ada.client, f"/files/{file['id']}"))["kind"] == "binary"
    written = await make(ada, project, "written.md", "text")
    await refused(put(ada, written["id"], b"\0", '"0-0"'), 409, "text_expected")
    await refused(put(ada, written["id"], b"x" * (2 * 1024**2 + 1)), 413, "payload_too_large")
    fresh = await make(ada, project, "fresh.md")
    tag = (await read(ada, fresh["id"]))[1]
    answer = await put(ada, fresh["id"], b"\0", tag)
    assert (answer.status, (await answer.json())["kind"]) == (200, "binary")
    await refused(put(ada, fresh["id"], b"\1", tag), 412)


async def test_a_large_binary_comes_and_goes_by_parts(make_user):
    ada = await make_user()
    file = await make_alone(ada, path="large.bin")
    content = Random(1).randbytes(MOST)
    await save(ada, file["id"], content)
    assert await read(ada, file["id"]) == (content, '"2-0"')
    part, _ = await read(ada, file["id"], Range="bytes=-1500000")
    assert part == content[-1_500_000:]
    part, _ = await read(ada, file["id"], Range="bytes=1048570-1048580")
    assert part == content[1_048_570:1_048_581]

    async def slices() -> Any:
        for begin in range(0, MOST, 1024**2):
            yield content[begin : begin + 1024**2]
        yield b"1"

    for body in (content + b"1", slices()):
        await refused(put(ada, file["id"], body), 413, "payload_too_large")
    assert (await get_json(ada.client, f"/files/{file['id']}"))["bytes"] == MOST
