"""Search finds files by path and text, for users who may read them."""

from __future__ import annotations

from typing import Any

import pytest

from nexcorp.db import sql
from tests.api import API, fetch, get_json, refused
from tests.collab.clients import Typist
from tests.features.files.helpers import make, save
from tests.features.projects.helpers import found, join, remove
from tests.features.search.waiting import delivered
from workers.jobs.documents import rebuild_documents
from workers.settling import Settler

pytestmark = pytest.mark.shared


async def find(who: Any, text: str) -> list[dict[str, Any]]:
    """The files that a search finds."""
    rows: list[dict[str, Any]] = (await get_json(who.client, f"/search?kind=file&q={text}"))["data"]
    return rows


async def ids(who: Any, text: str) -> list[str]:
    """The ids of the files that a search finds."""
    return [row["id"] for row in await find(who, text)]


async def test_by_path_and_text_as_they_are_now(make_user, service, client):
    ada = await make_user()
    project = await found(ada)
    file = await make(ada, project, "docs/Quokka-plan.md", "Wombats <sleep> & dig.\n")
    # At once by its path, and by its text within a second.
    assert await ids(ada, "quokka") == [file["id"]]
    await delivered(service)
    (row,) = await find(ada, "wombat")
    assert (row["kind"], row["id"], row["title"]) == ("file", file["id"], "docs/Quokka-plan.md")
    assert row["highlight"] == "docs/Quokka-plan.md\n<mark>Wombats</mark> &lt;sleep&gt; &amp; dig.\n"
    assert row["author"]["id"] == str(ada.id) and row["postId"] is None
    assert (await find(ada, "quokka"))[0]["highlight"].startswith("docs/<mark>Quokka</mark>-plan.md\n")

    await save(
        ada, file["id"], "x " * 30_000 + "numbat " + "y" * 50_000 + " bilby " + "z" * 90_000 + " potoroo"
    )
    await delivered(service)
    assert [await ids(ada, word) for word in ("wombat", "numbat", "bilby")] == [[], [file["id"]], []]
    assert "<mark>numbat</mark>" in (await find(ada, "numbat"))[0]["highlight"]
    await ada.client.patch(f"{API}/files/{file['id']}", json={"path": "docs/cassowary.md"})
    await delivered(service)
    assert [await ids(ada, word) for word in ("quokka", "cassowary")] == [[], [file["id"]]]
    moved = await ada.client.patch(
        f"{API}/projects/{project}/folders", json={"from": "docs", "to": "echidna/texts"}
    )
    assert moved.status == 200
    await delivered(service)
    assert [await ids(ada, word) for word in ("docs", "echidna")] == [[], [file["id"]]]
    # A query of exclusions only finds nothing.
    assert await find(ada, "-wombat") == []

    binary = await make(ada, project, "thylacine.bin")
    await save(ada, binary["id"], b"dingo\x00\xff")
    await delivered(service)
    assert [await ids(ada, word) for word in ("dingo", "thylacine")] == [[], [binary["id"]]]
    # A rebuild restores its words.
    await fetch(service, "UPDATE file_documents SET words = '' WHERE file_id = $1", binary["id"])
    assert await ids(ada, "thylacine") == []
    async with service.db.connection() as conn:
        await sql.search.note_rebuild(conn, kind="file", before="ffffffff-ffff-ffff-ffff-ffffffffffff")
    await rebuild_documents({"database": service.db, "product": service.product})
    assert await ids(ada, "thylacine") == [binary["id"]]


async def test_what_is_typed_is_found_when_it_is_settled(make_user, service, open_file):
    ada = await make_user()
    file = await make(ada, await found(ada), "notes.md")
    typist: Typist = await open_file(ada, file["id"])
    await typist.type("The platypus swims.")
    await typist.save()
    await Settler(service.db, quiet=0.0).drain()
    await delivered(service)
    assert await ids(ada, "platypus") == [file["id"]]


async def test_by_those_who_may_read_it_and_not_in_the_trash(make_user, service, client):
    ada, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    private, internal = await found(ada), await found(ada, "internal")
    hidden = (await make(ada, private, "secret/wallaby.md", "pademelon"))["id"]
    shown = (await make(ada, internal, "open/wallaby.md", "pademelon"))["id"]
    await delivered(service)
    for word in ("wallaby", "pademelon"):
        assert await ids(bob, word) == [shown]
        assert set(await ids(boss, word)) == set(await ids(ada, word)) == {hidden, shown}
    await refused(client.get(f"{API}/search?kind=file&q=wallaby"), 401)
    await join(ada, private, bob, "viewer")
    assert len(await ids(bob, "wallaby")) == 2
    await remove(ada, private, bob)
    assert await ids(bob, "wallaby") == [shown]

    assert (await ada.client.delete(f"{API}/files/{hidden}")).status == 204
    assert await ids(ada, "pademelon") == [shown]
    assert (await ada.client.post(f"{API}/files/{hidden}/restore")).status == 200
    assert set(await ids(ada, "pademelon")) == {hidden, shown}
    assert (await ada.client.delete(f"{API}/projects/{private}")).status == 204
    assert await ids(ada, "wallaby") == [shown]
