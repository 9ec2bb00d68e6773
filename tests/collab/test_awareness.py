"""Cursors: every editor on every node sees them with their user's id, until the socket ends."""

from __future__ import annotations

import asyncio

import pytest

from nexcorp.collab.metrics import ECHOES
from nexcorp.collab.node import COLLAB
from tests.collab.clients import AWARENESS, QUERY, pack, pack_states, share_file

pytestmark = pytest.mark.shared


async def test_cursors_are_seen_on_all_nodes_and_leave(make_user, service, other_node, open_file):
    ada, grace = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], viewer=[grace])
    here, near = await open_file(ada, file_id), await open_file(ada, file_id)
    there = await open_file(grace, file_id, url=other_node)
    state = {"user": {"name": "Ada"}, "userId": "somebody else"}
    await here.send(pack(AWARENESS, pack_states((11, 1, state))))
    shown = {"user": {"name": "Ada"}, "userId": str(ada.id)}
    for typist in (here, near, there):
        await typist.until(lambda one=typist: one.states == {11: shown})
    # Readers have cursors, too. A client that comes later gets all of them.
    await there.send(pack(AWARENESS, pack_states((22, 1, {"line": 4}))))
    both = {11: shown, 22: {"line": 4, "userId": str(grace.id)}}
    await here.until(lambda: here.states == both)
    late = await open_file(ada, file_id, sync=False)
    await late.until(lambda: late.states == both)
    late.states.clear()
    await late.send(bytes((QUERY,)))
    await late.until(lambda: late.states == both)

    # Clients repeat the states they hear; the service does not pass these on.
    before, heard = ECHOES._value.get(), len(here.heard)
    await near.send(pack(AWARENESS, pack_states((11, 1, shown), (22, 1, both[22]))))
    await near.send(pack(AWARENESS, pack_states((22, 9, None))))
    # Neither are states passed on that are not JSON for every parser, or too large.
    for bad in (b"NaN", b"[" * 4000, b'{"a": 1e', b'"text"', b'{"a":"' + b"x" * 5000 + b'"}', b'{"a": NaN}'):
        await near.send(pack(AWARENESS, pack_states((33, 1, bad))))
    # A socket may use four client numbers.
    await near.send(pack(AWARENESS, pack_states(*((number, 1, {}) for number in range(41, 47)))))
    await here.until(lambda: 44 in here.states)
    assert set(here.states) == {11, 22, 41, 42, 43, 44}
    assert ECHOES._value.get() == before + 2
    assert len(here.heard) == heard + 1

    await there.leave()
    await near.leave()
    for typist in (here, late):
        await typist.until(lambda one=typist: set(one.states) == {11})
    await here.send(pack(AWARENESS, pack_states((11, 1, None))))
    await late.until(lambda: late.states == {})


async def test_who_does_not_move_is_seen_from_other_nodes(
    make_user, service, other_node, open_file, monkeypatch
):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    here = await open_file(ada, file_id)
    await here.send(pack(AWARENESS, pack_states((1, 1, {}))))
    await here.until(lambda: 1 in here.states)
    there = await open_file(ada, file_id, url=other_node)
    await there.until(lambda: 1 in there.states)
    await there.send(pack(AWARENESS, pack_states((2, 1, {}))))
    await here.until(lambda: 2 in here.states)
    # States lost while Redis was away are sent again; those that arrived are not.
    collab = service.app[COLLAB]
    with monkeypatch.context() as lost:
        lost.setattr(collab.messenger, "tell_states", lambda *values: None)
        await here.send(pack(AWARENESS, pack_states((1, 2, {"at": 2}))))
        await here.until(lambda: "at" in here.states[1])
    assert "at" not in there.states[1]
    heard = len(there.heard)
    collab.tell_states()
    await there.until(lambda: "at" in there.states[1])
    collab.tell_states()
    await here.send(pack(AWARENESS, pack_states((1, 3, {"at": 3}))))
    await there.until(lambda: there.states[1]["at"] == 3)
    assert len(there.heard) == heard + 2


async def test_many_moves_are_told_at_once(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    moving, watching = await open_file(ada, file_id), await open_file(ada, file_id)
    before = len(watching.heard)
    for clock in range(1, 101):
        await moving.send(pack(AWARENESS, pack_states((1, clock, {"at": clock}))))
    await watching.until(lambda: watching.states.get(1, {}).get("at") == 100)
    assert len(watching.heard) - before < 50


async def test_a_client_that_comes_back_keeps_its_cursor(make_user, service, other_node, open_file):
    """The old socket may be half open, or its node dead, so that no node says that the client has left."""
    ada, grace = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], editor=[grace])
    watching = await open_file(grace, file_id)
    for at, url in enumerate((service.url, other_node, service.url, service.url), 1):
        first = await open_file(ada, file_id, url=url)
        await first.send(pack(AWARENESS, pack_states((5, at, {"at": at}))))
        await watching.until(lambda at=at: watching.states.get(5, {}).get("at") == at)
    # Another user's socket cannot change the state of this client.
    await watching.send(pack(AWARENESS, pack_states((5, 9, {"at": "mine"}))))
    await first.send(pack(AWARENESS, pack_states((5, 10, {"at": 10}))))
    await watching.until(lambda: watching.states[5]["at"] != 4)
    assert watching.states[5] == {"at": 10, "userId": str(ada.id)}


async def test_people_of_a_node_that_is_gone_leave(make_user, service, other_node, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    here, there = await open_file(ada, file_id), await open_file(ada, file_id, url=other_node)
    await there.send(pack(AWARENESS, pack_states((5, 1, {"at": 1}))))
    await here.until(lambda: 5 in here.states)
    state = service.app[COLLAB].channels[file_id].awareness.states[5]
    state.seen_at -= 60
    await here.until(lambda: 5 not in here.states)
    await asyncio.sleep(0)
