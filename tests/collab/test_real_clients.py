"""Unmodified y-websocket and y-codemirror.next on two nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from nexcorp.collab.document import Document
from nexcorp.collab.node import COLLAB
from nexcorp.db import sql
from nexcorp.realtime.protocol import GOING_AWAY
from tests.api import API, fetch, fetch_value
from tests.collab.clients import set_role, share_file
from tests.collab.helpers import read_versions
from tests.collab.js import Editors
from workers.settling import Settler

pytestmark = pytest.mark.shared

PAGE = Path(__file__).parents[2] / "docs" / "collab.md"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editors() -> AsyncIterator[Editors]:
    """Providers under Node, for all tests of the module."""
    found = await Editors.start()
    yield found
    await found.close()


def token_of(user: Any) -> str:
    """The user's access token."""
    token: str = user.headers["Authorization"].removeprefix("Bearer ")
    return token


async def open_editor(editors: Editors, name: str, url: str, user: Any, file_id: Any, **more: Any) -> None:
    """Open a provider under this name, synced unless told otherwise."""
    tokens = more.pop("tokens", None) or [token_of(user)]
    await editors.open(name=name, url=url.replace("http", "ws"), room=str(file_id), tokens=tokens, **more)


async def read_stored(service: Any, file_id: Any) -> str:
    """Return the text loaded from the log; checks that the newest version has the same."""
    async with service.db.connection(wait=5) as conn:
        row = await sql.collab.open_document(conn, file_id=file_id)
    text = Document.load(row["state"], row["updates"], row["root"]).read_text()
    await Settler(service.db, quiet=0).drain()
    assert (await read_versions(service.db, file_id))[-1] == text
    return text


async def test_everybody_has_one_text(
    make_user: Any, service: Any, other_node: str, editors: Editors
) -> None:
    ada, bob = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], editor=[bob])
    urls = {"a": service.url, "b": other_node, "c": service.url, "d": other_node}
    for name, url in urls.items():
        await open_editor(editors, name, url, bob if name in "bd" else ada, file_id, renews=name == "a")
    await editors.insert(name="a", at=0, text="Hello, 😀 and all")
    await editors.shows(name="b", text="Hello, 😀 and all")
    # Emoji are split by deletions while two editors are offline; one of these only deletes.
    await editors.type(names=list(urls), times=200, pause=2)
    agreed = await editors.agree(names=list(urls))
    for name in ("c", "d"):
        await editors.leave(name=name)
    await editors.remove(name="d", at=0, length=min(3, len(agreed)))
    await asyncio.gather(
        editors.type(names=["a", "b"], times=60, pause=2), editors.type(names=["c"], times=20, pause=0)
    )
    for name in ("c", "d"):
        await editors.back(name=name)
    await editors.agree(names=list(urls))
    for name in urls:
        await editors.save(name=name, key=7)
    agreed = await editors.agree(names=list(urls))
    assert agreed == await read_stored(service, file_id)
    # A late editor gets the snapshot and the updates after it.
    await open_editor(editors, "late", other_node, bob, file_id)
    assert await editors.read(name="late") == agreed
    await editors.insert(name="late", at=-1, text="!")
    assert (await editors.agree(names=[*urls, "late"])).endswith("!")

    # Cursors of both nodes, each with its user's id.
    await editors.point(name="a", state={"name": "Ada"})
    await editors.point(name="b", state={"name": "Bob"})
    assert [state["userId"] for state in await editors.sees(name="a", count=1)] == [str(bob.id)]
    assert [state["userId"] for state in await editors.sees(name="b", count=1)] == [str(ada.id)]
    await editors.leave(name="b")
    assert await editors.sees(name="a", count=0) == []
    # A client counts its clock itself: if the service raised it, the client's next move would be ignored.
    await editors.back(name="b")
    await editors.point(name="b", state={"name": "Bob", "again": True})
    assert [state["user"]["again"] for state in await editors.sees(name="a", count=1)] == [True]
    # An editor that sends its state again after a reconnect is seen without a move.
    await editors.leave(name="a")
    assert await editors.sees(name="b", count=0) == []
    await editors.back(name="a")
    assert [state["userId"] for state in await editors.sees(name="b", count=1)] == [str(ada.id)]
    for name in (*urls, "late"):
        await editors.end(name=name)


async def test_a_viewer_reads_and_stays(
    make_user: Any, service: Any, other_node: str, editors: Editors
) -> None:
    ada, cyd = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], viewer=[cyd])
    await open_editor(editors, "writer", service.url, ada, file_id)
    await open_editor(editors, "reader", other_node, cyd, file_id)
    await editors.insert(name="reader", at=0, text="I ")
    await editors.insert(name="reader", at=2, text="was here. ")
    await editors.insert(name="writer", at=0, text="All of it.")
    await editors.save(name="writer", key=1)
    seen = await editors.look(name="reader")
    assert (seen["denied"], seen["closes"], seen["connected"]) == (1, [], True)
    assert await editors.read(name="writer") == "All of it."
    assert "All of it." in await editors.read(name="reader")
    for name in ("writer", "reader"):
        await editors.end(name=name)


async def test_what_is_final_ends_the_reconnects(make_user: Any, service: Any, editors: Editors) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], editor=[bob])
    gone_id = await share_file(service.db, owner=[ada])
    refuse = {"params": {"refuse": "close"}, "synced": False}
    await open_editor(editors, "nobody", service.url, eve, file_id, tokens=["no.good.token"], **refuse)
    await open_editor(editors, "stranger", service.url, eve, file_id, **refuse)
    await open_editor(editors, "removed", service.url, bob, file_id)
    await open_editor(editors, "gone", service.url, ada, gone_id)
    await open_editor(editors, "ended", service.url, eve, await share_file(service.db, owner=[eve]))
    # Each connect uses up one token.
    tokens = [token_of(ada), token_of(ada), token_of(ada)]
    await open_editor(editors, "moved", service.url, ada, file_id, tokens=tokens)
    await set_role(service.db, file_id, bob, None)
    await fetch(service, "UPDATE files SET deleted_at = now() WHERE id = $1", gone_id)
    assert (await eve.client.post(f"{API}/auth/logout")).status == 204
    wanted = {"nobody": 4401, "stranger": 4404, "removed": 4403, "gone": 4404, "ended": 4401}
    for name, code in wanted.items():
        await editors.closed(name=name, code=code)

    # A provider reconnects to a node that says it is going away.
    collab = service.app[COLLAB]
    for editor in collab.channels[file_id].editors:
        editor.socket.close(GOING_AWAY, "0")
    await editors.closed(name="moved", code=4001)
    await editors.back(name="moved")
    await editors.insert(name="moved", at=0, text="again")
    await editors.save(name="moved", key=1)
    # Longer than the longest pause before another attempt.
    await asyncio.sleep(0.6)
    for name, code in wanted.items():
        seen = await editors.look(name=name)
        assert (seen["closes"], seen["tried"], seen["wants"]) == ([code], 1, False), name
    assert (await editors.look(name="moved"))["tried"] == 2
    assert await fetch_value(service, "SELECT last_seq FROM file_docs WHERE file_id = $1", file_id) == 1
    for name in (*wanted, "moved"):
        await editors.end(name=name)


async def test_the_code_of_the_page(make_user: Any, service: Any, editors: Editors) -> None:
    ada, bob = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], editor=[bob])
    url, path = service.url.replace("http", "ws"), str(PAGE)
    await editors.page(name="page", url=url, room=str(file_id), token=token_of(bob), path=path)
    await editors.insert(name="page", at=0, text="here")
    await editors.tells(name="page", what="saved")
    # Text typed while offline is not reported as saved before it is stored.
    await editors.leave(name="page")
    await editors.insert(name="page", at=0, text="away, ")
    await editors.tells(name="page", what="saving")
    await editors.back(name="page")
    await editors.tells(name="page", what="saved")
    assert await read_stored(service, file_id) == "away, here"
    await set_role(service.db, file_id, bob, None)
    await editors.tells(name="page", what="ended 4403")
    await editors.end(name="page")


async def test_codemirror_and_lines(make_user: Any, service: Any, other_node: str, editors: Editors) -> None:
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    await open_editor(editors, "mirror", service.url, ada, file_id)
    await open_editor(editors, "plain", other_node, ada, file_id)
    await editors.codemirror(name="mirror")
    await editors.paste(name="mirror", at=0, text="one\r\ntwo\r\n")
    await editors.shows(name="plain", text="one\ntwo\n")
    # Text of other editors stands where they typed it, also behind line breaks.
    await editors.insert(name="plain", at=8, text="three")
    await editors.shows(name="mirror", text="one\ntwo\nthree")
    await editors.paste(name="mirror", at=13, text="\r\n😀")
    await editors.remove(name="plain", at=4, length=4)
    agreed = await editors.agree(names=["mirror", "plain"])
    assert agreed == await editors.shown(name="mirror") == "one\nthree\n😀"
    for name in ("mirror", "plain"):
        await editors.end(name=name)
