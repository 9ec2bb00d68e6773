"""Redis or PostgreSQL away, and a node that stops: no update confirmed as saved is lost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from nexcorp.collab.node import COLLAB
from nexcorp.db import Database
from nexcorp.realtime.node import NODE
from tests.api import fetch_value
from tests.collab.clients import set_role, share_file
from tests.conftest import wait_until
from tests.realtime.helpers import closed

pytestmark = pytest.mark.long(5)


@pytest.fixture
def config(config, own_valkey):
    """The service's settings with the test's own Valkey."""
    return replace(config, redis_url=own_valkey.url)


async def test_without_redis_all_is_shown_and_who_is_removed_leaves(
    make_user, service, second_node, open_file, own_valkey
):
    ada, grace, member = [await make_user() for _ in range(3)]
    file_id = await share_file(service.db, owner=[ada], editor=[grace, member])
    here, there = await open_file(ada, file_id), await open_file(grace, file_id, url=second_node)
    removed = await open_file(member, file_id, url=second_node)
    ending = await open_file(grace, file_id)
    await here.type("with")
    await there.shows("with")
    own_valkey.kill()
    await here.type("out")
    # The other node looks once a second.
    await there.shows("without")
    await there.type(" Redis")
    await asyncio.gather(here.shows("without Redis"), there.save())
    began = time.monotonic()
    await set_role(service.db, file_id, member, None)
    assert await removed.closed() == 4403
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE sessions SET revoked_at = now() WHERE id = $1", grace.session_id)
    assert await ending.closed() == 4401
    assert await there.closed() == 4401
    # A few rounds of the check that runs every two seconds.
    assert time.monotonic() - began < 10
    own_valkey.start()
    node = service.app[NODE]

    async def connected() -> bool:
        return node.listener.connected

    await wait_until(connected)
    back = await open_file(ada, file_id, url=second_node)
    assert str(back.text) == "without Redis"
    await here.type("!")
    await back.shows("without Redis!")


async def test_while_postgresql_hangs_editors_go_on_and_too_much_is_refused(
    make_user, service, open_file, monkeypatch
):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist, other = await open_file(ada, file_id), await open_file(ada, file_id)
    await typist.type("a")
    await typist.save()
    with monkeypatch.context() as away:
        # A pool that was never opened.
        away.setattr(service.app[COLLAB].log, "database", Database(service.config))
        away.setattr("nexcorp.collab.storing.MAX_WAITING_BYTES", 1000)
        await typist.type("b")
        await typist.ask_saved(b"b")
        await other.shows("ab")
        await typist.type("c" * 2000)
        assert await typist.closed() == 4001
        assert (typist.saved, str(other.text)) == ([], "ab")
    # The client reconnects and brings the update that was refused.
    back = await open_file(ada, file_id, doc=typist.doc)
    await other.shows("ab" + "c" * 2000)
    await back.save()
    assert await fetch_value(service, "SELECT last_seq FROM file_docs WHERE file_id = $1", file_id) == 3


async def test_a_node_that_stops_sends_its_editors_away_and_stores_first(
    make_user, service, web_only, open_file, connect
):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    runner, app, url = await web_only()
    there, here = await open_file(ada, file_id, url=url), await open_file(ada, file_id)
    room = await connect(ada, url=url)
    await room.next("connected")
    async with service.db.transaction(wait=5) as conn:
        await conn.execute("SELECT FROM file_docs WHERE file_id = $1 FOR UPDATE", file_id)
        await there.type("typed at the last moment")

        async def taken() -> bool:
            return bool(app[COLLAB].channels[file_id].pending)

        await wait_until(taken)
        stopping = asyncio.create_task(runner.cleanup())
        assert await there.closed() == 4001
        assert there.reason.startswith("reconnect in")
        assert (await closed(room))[0] == 4001
        assert not stopping.done()
    await stopping
    assert await fetch_value(service, "SELECT last_seq FROM file_docs WHERE file_id = $1", file_id) == 1
    await here.shows("typed at the last moment")
    assert app[COLLAB].channels == {}
