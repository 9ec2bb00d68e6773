"""Places of files: paths, folders, the trash, a project's archive, and frames of its room."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from nexcorp.collab.versions import sweep_contents
from nexcorp.features.files import archive
from tests.api import API, create, fetch, fetch_value, get_json, refused, walk
from tests.conftest import wait_until
from tests.features.files.helpers import make, read, save
from tests.features.projects.helpers import found
from tests.features.search.waiting import delivered
from tests.realtime.helpers import subscribe
from workers.jobs.cleanup import purge_files

pytestmark = pytest.mark.shared


async def list_paths(user: Any, project: str, query: str = "") -> list[str]:
    """The paths of a project's files, in order."""
    return [row["path"] for row in (await get_json(user.client, f"/projects/{project}/files{query}"))["data"]]


async def move(user: Any, project: str, old: str, new: str) -> Any:
    """Move a folder; return the answer."""
    body = {"from": old, "to": new}
    return await user.client.patch(f"{API}/projects/{project}/folders", json=body)


async def test_a_file_from_its_first_content_to_the_trash_and_back(make_user):
    ada = await make_user()
    project = await found(ada)
    file = await make(ada, project, "docs/Plan.md", "one\r\ntwo\r\n")
    assert (file["kind"], file["eol"], file["type"]) == ("text", "crlf", "text/markdown")
    place = f"{API}/files/{file['id']}"
    answer = await ada.client.get(f"{place}/content")
    assert await answer.read() == b"one\r\ntwo\r\n"
    tag = answer.headers["ETag"]
    for path in ("DOCS/plan.md", "docs", "docs/plan.md/x"):
        body = {"path": path}
        await refused(ada.client.post(f"{API}/projects/{project}/files", json=body), 409, "path_taken")
    for path in ("", "/a", "a//b", "a/../b", ".GIT/config", "a:b", "a\nb", "é" * 300):
        await refused(ada.client.post(f"{API}/projects/{project}/files", json={"path": path}), 422)
    # Names that some systems unpack as another name.
    for path in (
        "a/.g\u200cit/x",
        ".git /x",
        ".git./x",
        "git~1/x",
        ".. /x",
        "x/...",
        "a\u202egpj.exe",
        "\u2066a",
    ):
        await refused(ada.client.post(f"{API}/projects/{project}/files", json={"path": path}), 422)
    for path in (".github/x.md", "v1.2 .md", "e\u0301 \u200f\u05d0.md", "\U0001f469\u200d\U0001f4bb.md"):
        await make(ada, project, f"kept/{path}")
    assert (await ada.client.delete(f"{API}/projects/{project}/folders?path=kept")).status == 200
    put = await ada.client.put(f"{place}/content", data=b"one\r\n2\r\n", headers={"If-Match": tag})
    assert put.status == 200, await put.text()
    await refused(ada.client.put(f"{place}/content", data=b"x", headers={"If-Match": tag}), 412)
    rows = (await get_json(ada.client, f"/files/{file['id']}/versions"))["data"]
    assert [(row["n"], row["cause"]) for row in rows] == [(2, "put"), (1, "created")]
    restored = await ada.client.post(f"{place}/versions/1/restore")
    assert restored.status == 200, await restored.text()
    assert await (await ada.client.get(f"{place}/content")).read() == b"one\r\ntwo\r\n"
    archive = await ada.client.get(f"{API}/projects/{project}/archive")
    with zipfile.ZipFile(io.BytesIO(await archive.read())) as packed:
        assert packed.read("docs/Plan.md") == b"one\r\ntwo\r\n"
    moved = await ada.client.patch(f"{API}/projects/{project}/folders", json={"from": "docs", "to": "texts"})
    assert await moved.json() == {"files": 1}
    assert (await ada.client.delete(place)).status == 204
    await make(ada, project, "texts/plan.md")
    await refused(ada.client.post(f"{place}/restore"), 409, "path_taken")


async def test_folders_are_beginnings_of_paths(make_user):
    ada = await make_user()
    project = await found(ada)
    for path in ("readme.md", "docs/a.md", "docs/b/c.md", "docs/b/d/e.md", "Docs-old/x.md", "zebra/é.md"):
        await make(ada, project, path, "12345")
    assert await list_paths(ada, project, "?prefix=DOCS/") == ["docs/a.md", "docs/b/c.md", "docs/b/d/e.md"]
    assert await list_paths(ada, project, "?prefix=docs&deep=false") == ["docs/a.md"]
    assert await list_paths(ada, project, "?deep=false") == ["readme.md"]
    assert await list_paths(ada, project, "?prefix=doc") == []
    pages = await walk(ada.client, f"/projects/{project}/folders", 2)
    assert [[tuple(row.values()) for row in page] for page in pages] == [
        [("docs", 3, 15), ("Docs-old", 1, 5)],
        [("zebra", 1, 5)],
    ]
    pages = await walk(ada.client, f"/projects/{project}/files", 2)
    assert [[row["path"] for row in page] for page in pages] == [
        ["Docs-old/x.md", "docs/a.md"],
        ["docs/b/c.md", "docs/b/d/e.md"],
        ["readme.md", "zebra/é.md"],
    ]
    (inner,) = (await get_json(ada.client, f"/projects/{project}/folders?prefix=docs"))["data"]
    assert inner == {"path": "docs/b", "files": 2, "bytes": 10}


async def test_a_folder_moves_as_a_whole_or_not_at_all(make_user):
    ada = await make_user()
    project = await found(ada)
    paths = {"a/a/a.md", "a/a/b.md", "a/b.md", "c.md"}
    for path in paths:
        await make(ada, project, path, path)
    # Into its parent, where one file would get the path that another one still has.
    await refused(move(ada, project, "a/a", "a"), 409, "path_taken")
    nested = await found(ada)
    for path in ("x/x/y.md", "x/x/x/y.md", "x/x/x/z/y.md"):
        await make(ada, nested, path, path)
    assert await (await move(ada, nested, "x/x", "x")).json() == {"files": 3}
    assert await list_paths(ada, nested) == ["x/x/y.md", "x/x/z/y.md", "x/y.md"]
    rows = (await get_json(ada.client, f"/projects/{nested}/files"))["data"]
    assert {row["version"] for row in rows} == {2}

    await refused(move(ada, project, "a", "a/deeper"), 422, "validation_failed")
    await refused(move(ada, project, "A", "a/a"), 422, "validation_failed")
    await refused(move(ada, project, "a", "c.md"), 409, "path_taken")
    await refused(move(ada, project, "a", "c.md/d"), 409, "path_taken")
    await refused(move(ada, project, "nothing", "a"), 404, "folder_not_found")
    await refused(move(ada, project, "a", "é" * 254), 422, "validation_failed")
    assert set(await list_paths(ada, project)) == paths
    # In another case a path is still the same path, so that a move may change the case.
    assert (await move(ada, project, "a", "A")).status == 200
    assert await list_paths(ada, project, "?prefix=a") == ["A/a/a.md", "A/a/b.md", "A/b.md"]
    # Two folders are merged if no file is in the way.
    await make(ada, project, "d/a/other.md")
    assert await (await move(ada, project, "d", "a")).json() == {"files": 1}
    assert "a/a/other.md" in await list_paths(ada, project)
    answer = await ada.client.delete(f"{API}/projects/{project}/folders?path=a/A")
    assert (answer.status, await answer.json()) == (200, {"files": 3})
    assert await list_paths(ada, project) == ["A/b.md", "c.md"]


async def purge_all(service: Any) -> None:
    """Purge all due files; a locked file is left to the next run."""
    due = "SELECT count(*) = 0 FROM files WHERE deleted_at < now() - interval '30 days'"

    async def purged() -> bool:
        await purge_files({"database": service.db})
        return bool(await fetch_value(service, due))

    await wait_until(purged)


async def test_the_trash_gives_back_or_is_emptied(make_user, service):
    ada, bob = await make_user(), await make_user()
    project = await found(ada, editor=bob)
    text, other = "all of it " * 50, await make(ada, project, "other.md", "kept")
    file = await make(ada, project, "a/plan.md", text)
    again = await make(ada, project, "again.md", "kept")
    place = f"{API}/files/{file['id']}"

    async def held() -> int:
        bytes_: int = (await get_json(ada.client, f"/projects/{project}"))["storage"]["bytes"]
        return bytes_

    assert (await ada.client.delete(place, headers={"If-Match": '"9"'})).status == 412
    for path in (place, f"{API}/files/{again['id']}"):
        assert (await bob.client.delete(path)).status == 204
    for call in (ada.client.get(place), ada.client.get(f"{place}/content"), ada.client.delete(place)):
        await refused(call, 404, "file_not_found")
    rows = (await get_json(ada.client, f"/projects/{project}/files/trash"))["data"]
    assert [(row["path"], row["deletedBy"]["id"]) for row in rows] == [
        ("again.md", str(bob.id)),
        ("a/plan.md", str(bob.id)),
    ]
    # A file at the path prevents the restore, or a file where the path needs a folder.
    taken = await make(ada, project, "A")
    await refused(ada.client.post(f"{place}/restore"), 409, "path_taken")
    await ada.client.patch(f"{API}/files/{taken['id']}", json={"path": "b"})
    answer = await ada.client.post(f"{place}/restore")
    assert (answer.status, (await answer.json())["path"]) == (200, "a/plan.md")
    assert (await read(ada, file["id"]))[0] == text.encode()
    await refused(ada.client.post(f"{place}/restore"), 404, "file_not_found")
    assert await held() == 8 + len(text)

    # After thirty days; contents that another file also has are kept.
    await save(ada, file["id"], "a newer text")
    assert (await ada.client.delete(place)).status == 204
    assert await purge_files({"database": service.db}) == 0
    await fetch(
        service,
        "UPDATE files SET deleted_at = now() - interval '30 days 1 minute' WHERE id = ANY($1::uuid[])",
        [file["id"], again["id"]],
    )
    await refused(ada.client.post(f"{place}/restore"), 404, "file_not_found")
    assert (await get_json(ada.client, f"/projects/{project}/files/trash"))["data"] == []
    assert await held() == 8 + 12
    await purge_all(service)
    assert await held() == 4
    await sweep_contents(service.db)
    left = "SELECT count(DISTINCT sha256) FROM file_chunks WHERE sha256 = ANY($1::bytea[])"
    hashes = "SELECT sha256(convert_to(t, 'utf8')) AS sha256 FROM unnest($1::text[]) AS t"
    shas = [row["sha256"] for row in await fetch(service, hashes, ["kept", text, "a newer text"])]
    assert await fetch_value(service, left, shas) == 1
    assert (await read(ada, other["id"]))[0] == b"kept"

    assert (await bob.client.delete(f"{API}/files/{other['id']}")).status == 204
    await refused(bob.client.delete(f"{API}/projects/{project}/files/trash"), 403, "not_your_project")
    assert (await ada.client.delete(f"{API}/projects/{project}/files/trash")).status == 204
    await refused(ada.client.post(f"{API}/files/{other['id']}/restore"), 404, "file_not_found")
    await purge_all(service)
    assert await held() == 0
    activity = (await get_json(ada.client, f"/projects/{project}/activity"))["data"]
    assert [row["type"] for row in activity[:2]] == ["files.purged", "file.deleted"]


async def test_a_project_as_an_archive(make_user, client, monkeypatch):
    ada = await make_user()
    project = await found(ada)
    texts = {"a/ü 漢字 🙂.md": "ü\r\n", "a/b/empty.txt": "", "..c.md": "c" * 3000, "d": "d"}
    for path, text in texts.items():
        await make(ada, project, path, text)
    binary = await make(ada, project, "a/e.bin")
    await save(ada, binary["id"], b"\0" * 3_000_000)
    gone = await make(ada, project, "gone.md", "gone")
    assert (await ada.client.delete(f"{API}/files/{gone['id']}")).status == 204
    answer = await ada.client.get(f"{API}/projects/{project}/archive")
    assert (answer.status, answer.content_type) == (200, "application/zip")
    packed = await answer.read()
    assert len(packed) < 20_000
    with zipfile.ZipFile(io.BytesIO(packed)) as unpacked:
        assert unpacked.testzip() is None
        found_texts = {name: unpacked.read(name) for name in unpacked.namelist()}
        # No path leads out of the folder in which it is unpacked.
        assert all(not name.startswith("/") and ".." not in name.split("/") for name in found_texts)
    assert found_texts.pop("a/e.bin") == b"\0" * 3_000_000
    assert found_texts == {path: text.encode() for path, text in texts.items()}
    ticket = (await create(ada, "/auth/ticket", purpose="download"))["ticket"]
    answer = await client.get(f"{API}/projects/{project}/archive?prefix=a/b&ticket={ticket}")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''b.zip"
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as unpacked:
        assert unpacked.namelist() == ["a/b/empty.txt"]
    empty = await ada.client.get(f"{API}/projects/{await found(ada)}/archive")
    with zipfile.ZipFile(io.BytesIO(await empty.read())) as unpacked:
        assert unpacked.namelist() == []
    monkeypatch.setattr(archive, "MOST_OF_ONE", 0)
    await refused(ada.client.get(f"{API}/projects/{project}/archive"), 429, "too_many_requests")
    assert not archive._packing


async def test_the_room_of_a_project_shows_its_files(make_user, service, connect, open_file):
    ada, bob = await make_user(), await make_user()
    project = await found(ada, viewer=bob)
    live = await connect(bob)
    await subscribe(live, f"project:{project}")
    file = await make(ada, project, "a/plan.md", "one")
    place = f"{API}/files/{file['id']}"
    await save(ada, file["id"], "two")
    assert (await ada.client.patch(place, json={"path": "a/b.md"})).status == 200
    body = {"from": "a", "to": "c"}
    assert (await ada.client.patch(f"{API}/projects/{project}/folders", json=body)).status == 200
    # A frame shows the file as it is when the frame is sent, or that it is gone.
    await delivered(service)
    editor = await open_file(ada, file["id"])
    assert (await ada.client.delete(place)).status == 204
    assert await editor.closed() == 4404
    await delivered(service)
    assert (await ada.client.post(f"{place}/restore")).status == 200
    frames: list[Any] = []
    # An event that waits for a locked row is overtaken by later ones.
    while sum(frame["event"] == "file:created" for frame in frames) < 2 or len(frames) < 6:
        frame = await live.next()
        frames += [frame] if frame["event"].partition(":")[0] in ("file", "folder") else []
    for event, expected in (
        ("file:created", {"id": file["id"]}),
        ("file:saved", {"fileId": file["id"], "version": 2, "seq": 2, "authors": [str(ada.id)]}),
        ("file:updated", {"id": file["id"]}),
        ("folder:changed", {"id": project, "files": 1}),
        ("file:deleted", {"id": file["id"]}),
        ("file:created", {"id": file["id"], "path": "c/b.md", "contentVersion": 2}),
    ):
        assert any(
            frame["event"] == event and expected.items() <= frame["data"].items() for frame in frames
        ), (event, frames)
    assert {frame["room"] for frame in frames} == {f"project:{project}"}
    # A text that nobody has typed into becomes a binary, and its version says that the file has changed.
    fresh = await make(ada, project, "c/new.png")
    await save(ada, fresh["id"], b"\0")
    shown = (await live.next("file:updated"))["data"]
    assert (shown["id"], shown["kind"], shown["version"]) == (fresh["id"], "binary", fresh["version"] + 1)
    assert (await live.next("file:saved"))["data"]["fileId"] == fresh["id"]
