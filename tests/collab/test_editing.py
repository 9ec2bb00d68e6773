"""Editing one file together, on one node and on two."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from nexcorp.collab.node import COLLAB
from tests.api import fetch, fetch_value
from tests.collab.clients import AWARENESS, STEP_2, SYNC, UPDATE, pack, pack_states, share_file
from tests.conftest import wait_until

pytestmark = pytest.mark.shared


async def read_log(service, file_id):
    """Return (seq, author) of each update in a file's log."""
    rows = await fetch(
        service, "SELECT seq, author_id FROM file_updates WHERE file_id = $1 ORDER BY seq", file_id
    )
    return [(row["seq"], row["author_id"]) for row in rows]


async def test_two_type_on_two_nodes_and_a_third_comes_later(make_user, service, other_node, open_file):
    ada, grace = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], editor=[grace])
    here = await open_file(ada, file_id)
    there = await open_file(grace, file_id, url=other_node)
    await here.type("Hello")
    await there.shows("Hello")
    await there.type(", world")
    await here.shows("Hello, world")
    await asyncio.gather(here.save(), there.save())
    assert await read_log(service, file_id) == [(1, ada.id), (2, grace.id)]
    # The author's socket does not get its own update back.
    assert (here.updates, there.updates) == (1, 1)
    late = await open_file(ada, file_id, url=other_node)
    assert str(late.text) == "Hello, world"
    # The service asks a client with an empty document for nothing.
    assert late.asked == 0

    # Text typed while offline comes with the answer to step 1; only its new part is stored.
    await there.leave()
    there.text.insert(0, "> ")
    await here.type("!")
    back = await open_file(grace, file_id, doc=there.doc)
    for typist in (here, late, back):
        await typist.shows("> Hello, world!")
    await back.save()
    assert [author for _, author in await read_log(service, file_id)] == [ada.id, grace.id, ada.id, grace.id]
    again = await open_file(grace, file_id, doc=back.doc)
    await again.until(lambda: again.asked == 1)
    await again.save()
    assert len(await read_log(service, file_id)) == 4


async def test_saved_is_said_behind_the_commit(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    first, second = await open_file(ada, file_id), await open_file(ada, file_id)
    await first.save(b"nothing yet")
    # Somebody else's connections: the node needs its own for the second tab.
    others = asyncpg.create_pool(service.config.database_url, min_size=1, max_size=1)
    async with others, others.acquire() as conn, conn.transaction():
        await conn.execute("SELECT FROM file_docs WHERE file_id = $1 FOR UPDATE", file_id)
        await first.type("a")
        await first.ask_saved(b"one")
        await first.type("b")
        await first.ask_saved(b"two")
        # Other editors see it before it is stored.
        await second.shows("ab")
        await second.save(b"mine")
        # A second tab that sends the same updates again, after its first socket broke, waits as well.
        again = await open_file(ada, file_id, doc=first.doc)
        await again.ask_saved(b"again")
        await again.send(pack(AWARENESS, pack_states((1, 1, {}))))
        await again.until(lambda: again.states)
        assert (first.saved, again.saved) == ([], [])
    await again.until(lambda: b"again" in again.saved)
    await first.until(lambda: b"two" in first.saved)
    # The last answer also stands for every earlier request.
    assert first.saved[-1] == b"two"
    assert len(await read_log(service, file_id)) == 2


async def test_saved_waits_for_what_was_typed_while_away(make_user, service, open_file):
    """A client is synced, and may ask whether all is saved, before it has answered the service's step 1."""
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist = await open_file(ada, file_id)
    await typist.type("a")
    await typist.save()
    await typist.leave()
    typist.text.insert(1, "way")
    back = await open_file(ada, file_id, doc=typist.doc, sync=False)
    back.answers = False
    await back.sync()
    await back.ask_saved(b"away")
    await back.until(lambda: back.asked)
    await back.send(pack(AWARENESS, pack_states((1, 1, {}))))
    await back.until(lambda: back.states)
    assert back.saved == []
    await back.send(pack(SYNC, back.doc.get_update(), STEP_2))
    await back.until(lambda: back.saved == [b"away"])
    assert len(await read_log(service, file_id)) == 2


async def test_a_lost_message_is_read_from_the_log(make_user, service, other_node, open_file, monkeypatch):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    here, there = await open_file(ada, file_id), await open_file(ada, file_id, url=other_node)
    messenger = service.app[COLLAB].messenger
    with monkeypatch.context() as lost:
        lost.setattr(messenger, "tell_updates", lambda *values: None)
        await here.type("lost, ")
        await here.save()
    await here.type("found")
    await there.shows("lost, found")

    # If the rows are gone as well, the node reads the snapshot.
    with monkeypatch.context() as lost:
        lost.setattr(messenger, "tell_updates", lambda *values: None)
        await here.type(", settled")
        await here.save()
    await fetch(
        service,
        """WITH gone AS (DELETE FROM file_updates WHERE file_id = $1),
        settled AS (UPDATE file_docs SET settled_seq = 3 WHERE file_id = $1)
        INSERT INTO file_snapshots (file_id, seq, state) VALUES ($1, 3, $2)""",
        file_id,
        here.doc.get_update(),
    )
    await here.type(".")
    await there.shows("lost, found, settled.")
    await there.type(" Yes")
    await here.shows("lost, found, settled. Yes")
    await there.save()


async def test_what_a_request_stores_is_shown_everywhere(make_user, service, other_node, open_file):
    from nexcorp.collab.announcing import Announce
    from nexcorp.collab.document import Document
    from nexcorp.db import sql

    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    here, there = await open_file(ada, file_id), await open_file(ada, file_id, url=other_node)
    await here.type("old")
    await here.save()
    async with service.db.transaction(wait=5) as conn:
        row = await sql.collab.open_document(conn, file_id=file_id)
        update = Document.load(row["state"], row["updates"], row["root"]).replace_text("new")
        (stored,) = await sql.collab.append_updates(
            conn, file_ids=[file_id], updates=[update], author_ids=[ada.id], roots=[None], node=0
        )
        conn.after(Announce(file_id, stored["before"] + 1, (update,)))
    await asyncio.gather(here.shows("new"), there.shows("new"))


async def test_an_update_without_its_ground_is_asked_for(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist, other = await open_file(ada, file_id), await open_file(ada, file_id)
    unsent = typist.edit(lambda: typist.text.insert(0, "one "))
    await typist.type("two")
    await typist.save()
    assert typist.asked == 1
    assert unsent
    assert str(other.text) == "one two"
    # A known update is neither stored nor shown again.
    before = len(await read_log(service, file_id))
    await typist.send(pack(SYNC, unsent, UPDATE))
    await typist.save()
    assert (len(await read_log(service, file_id)), other.updates) == (before, 1)


async def test_another_root_is_kept_and_memory_given_back(make_user, service, open_file, monkeypatch):
    from pycrdt import Text

    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist = await open_file(ada, file_id)
    typist.text = typist.doc.get("monaco", type=Text)
    await typist.type("text")
    await typist.save()
    assert await fetch_value(service, "SELECT root FROM file_docs WHERE file_id = $1", file_id) == "monaco"
    collab = service.app[COLLAB]
    channel = collab.channels[file_id]
    assert channel.replica.document is not None
    channel.replica.used_at -= 100

    async def dropped():
        return channel.replica.document is None

    await wait_until(dropped)
    late = await open_file(ada, file_id)
    late.text = late.doc.get("monaco", type=Text)
    assert str(late.text) == "text"
    await late.leave()
    await typist.leave()

    async def gone():
        return file_id not in collab.channels

    await wait_until(gone)
