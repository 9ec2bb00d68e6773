"""Permission to open and change a file, from the handshake to the end of the socket."""

from __future__ import annotations

from uuid import UUID, uuid4

import aiohttp
import pytest

from nexcorp.collab.checking import Guard, Positions
from nexcorp.collab.node import COLLAB
from nexcorp.realtime.node import NODE
from tests.api import API, fetch
from tests.collab.clients import Typist, set_role, share_file
from tests.collab.helpers import make_file
from tests.conftest import User, wait_until
from tests.features.projects.helpers import found, join, remove

pytestmark = pytest.mark.shared

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}


async def knock(client, user: User | None, file_id, **headers: str) -> tuple[int, str]:
    """Return the status and error code of a refused handshake."""
    sent = {**UPGRADE, **(user.headers if user else {}), **headers}
    answer = await client.get(f"/collab/{file_id}", headers=sent)
    return answer.status, (await answer.json())["code"]


async def close_code(client, user: User | None, file_id) -> int | None:
    """Open a socket with `refuse=close`; return the code with which it is closed at once."""
    headers = user.headers if user else {}
    url = f"{client.url}/collab/{file_id}"
    async with client.session.ws_connect(url, headers=headers, params={"refuse": "close"}) as ws:
        message = await ws.receive(5)
        assert message.type is aiohttp.WSMsgType.CLOSE
    return ws.close_code


async def test_who_may_open_which_file(make_user, service, client, open_file):
    owner, viewer, stranger = [await make_user() for _ in range(3)]
    private = await share_file(service.db, owner=[owner], viewer=[viewer])
    binary = await share_file(service.db, kind="binary", owner=[owner])
    public = await share_file(service.db, visibility="public", owner=[owner])
    gone = await share_file(service.db, owner=[owner])
    await fetch(service, "UPDATE files SET deleted_at = now() WHERE id = $1", gone)
    for user, file_id, status, code in (
        (None, private, 401, "unauthorized"),
        # GET serves a public file to everybody, but a socket needs a signed-in user.
        (None, public, 401, "unauthorized"),
        (stranger, private, 404, "file_not_found"),
        (owner, uuid4(), 404, "file_not_found"),
        (owner, gone, 404, "file_not_found"),
        (owner, "nonsense", 422, "validation_failed"),
        (owner, binary, 409, "not_text"),
    ):
        assert await knock(client, user, file_id) == (status, code)
        assert await close_code(client, user, file_id) == 4000 + status
    assert await knock(client, None, private, Authorization="Bearer nxk_some") == (403, "session_required")
    answer = await client.get(f"/collab/{private}", headers=owner.headers)
    assert (answer.status, (await answer.json())["code"]) == (400, "upgrade_required")
    assert (await knock(client, owner, private, **{"Sec-WebSocket-Protocol": "other"}))[0] == 400

    ticket = await (await owner.client.post("/api/v1/auth/ticket", json={"purpose": "ws"})).json()
    for how in (
        {"protocols": ("nexcorp.v1", f"bearer.{owner.token}")},
        {"protocols": ("nexcorp.v1",), "query": {"ticket": ticket["ticket"]}},
    ):
        typist = await open_file(None, private, **how)
        assert typist.ws.protocol == "nexcorp.v1"
        await typist.leave()

    for reader, file_id in ((viewer, private), (stranger, public)):
        writer = await open_file(owner, file_id)
        await writer.type("written")
        reading = await open_file(reader, file_id)
        await reading.shows("written")
        await reading.save()
        await reading.type(" by a reader")
        await reading.type(", twice")
        await reading.ask_saved(b"never")
        await writer.type("!")
        await writer.save()
        await reading.until(lambda r=reading: r.denied)
        assert (reading.denied, reading.saved, reading.asked) == (1, [], 0)
        assert str(writer.text) == "written!"


async def test_a_role_that_changes_counts_without_a_new_socket(make_user, service, open_file):
    owner, grace = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[owner], viewer=[grace])
    other, typist = await open_file(owner, file_id), await open_file(grace, file_id)
    await typist.type("early")
    await typist.ask_saved(b"early")
    await typist.until(lambda: typist.denied == 1)
    await set_role(service.db, file_id, grace, "editor")
    # The service asks the new editor for the updates it denied before, and stores them.
    await typist.until(lambda: typist.saved == [b"early"])
    await other.shows("early")
    await set_role(service.db, file_id, grace, "viewer")
    (editor,) = [one for one in service.app[COLLAB].list_editors() if one.user_id == grace.id]

    async def reads() -> bool:
        return not editor.writes

    await wait_until(reads)
    await typist.type(", late")
    await typist.until(lambda: typist.denied == 2)
    assert str(other.text) == "early"


async def test_sockets_end_with_what_let_them_in(make_user, service, other_node, open_file):
    """A socket ends at most 2 s after its permission, on any node; after a sign-out it ends at once."""
    owner = await make_user()
    people = [await make_user() for _ in range(4)]
    gone, revoked, member, demoted = people
    file_id = await share_file(service.db, owner=[owner], editor=people)
    lost = await share_file(service.db, owner=[owner], editor=people)
    kept = await open_file(owner, file_id)
    typists: list[Typist] = [await open_file(user, file_id, url=other_node) for user in people[1:]]
    in_lost = await open_file(gone, lost)
    assert (await revoked.client.post("/api/v1/auth/logout")).status == 204
    assert await typists[0].closed() == 4401
    await set_role(service.db, file_id, member, None)
    await fetch(service, "UPDATE users SET status = 'deactivated' WHERE id = $1", demoted.id)
    await fetch(service, "UPDATE files SET deleted_at = now() WHERE id = $1", lost)
    assert await typists[1].closed() == 4403
    assert await typists[2].closed() == 4401
    assert await in_lost.closed() == 4404
    await kept.type("still here")
    await kept.save()


async def test_members_who_change_are_told_at_once(make_user, service, other_node, open_file, monkeypatch):
    """Changes of members reach every node without the check that runs every two seconds."""
    choose = Guard._choose
    monkeypatch.setattr(Guard, "_choose", lambda self, due: choose(self, False))
    owner, grace, bob, cyd = [await make_user() for _ in range(4)]
    project = await found(owner, editor=grace)
    await join(owner, project, bob, "editor")
    await join(owner, project, cyd, "viewer")
    file_id, other = [await make_file(service.db, UUID(project)) for _ in range(2)]
    opened = {user.id: await open_file(user, file_id, url=other_node) for user in (grace, bob, cyd)}
    kept = await open_file(owner, file_id)
    assert (await remove(owner, project, grace)).status == 204
    assert await opened[grace.id].closed() == 4403
    # A demoted editor stays as a reader, and a promoted reader may write as soon.
    await join(owner, project, bob, "viewer")
    await join(owner, project, cyd, "editor")

    async def writes() -> bool:
        await opened[cyd.id].type("c")
        return str(kept.text) != ""

    await wait_until(writes)
    await opened[bob.id].type("b")
    await opened[bob.id].until(lambda: opened[bob.id].denied)
    in_other = await open_file(bob, other, url=other_node)
    assert (await owner.client.delete(f"{API}/files/{other}")).status == 204
    assert await in_other.closed() == 4404
    assert (await owner.client.delete(f"{API}/projects/{project}")).status == 204
    for typist in (opened[bob.id], opened[cyd.id], kept):
        assert await typist.closed() == 4404


async def test_a_file_that_is_purged_ends(make_user, service, open_file):
    owner = await make_user()
    file_id = await share_file(service.db, owner=[owner])
    typist = await open_file(owner, file_id)
    await fetch(service, "DELETE FROM files WHERE id = $1", file_id)
    await typist.type("into nothing")
    await typist.ask_saved()
    assert await typist.closed() == 4404
    assert typist.saved == []


async def test_only_so_many_sockets(make_user, service, client, open_file, monkeypatch):
    monkeypatch.setattr("nexcorp.collab.node.MAX_SOCKETS_PER_FILE", 2)
    monkeypatch.setattr(service.app[COLLAB].hub, "most", 3)
    monkeypatch.setattr("nexcorp.realtime.routes.PROBE_SECONDS", 1.0)
    ada, grace = await make_user(), await make_user()
    file_id, other = (
        await share_file(service.db, owner=[ada, grace]),
        await share_file(service.db, owner=[ada]),
    )
    for _ in range(2):
        await open_file(ada, file_id)
    assert await knock(client, grace, file_id) == (429, "too_many_editors")
    assert await close_code(client, grace, file_id) == 4013
    await open_file(ada, other)
    fourth = await open_file(ada, other, sync=False)
    assert await fourth.closed() == 4013


async def test_who_edits_what_is_written_down_and_leaves_with_the_node(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    for _ in range(2):
        await open_file(ada, file_id)
    collab = service.app[COLLAB]

    async def read():
        rows = await fetch(service, "SELECT user_id, node FROM file_editors WHERE file_id = $1", file_id)
        return [tuple(row) for row in rows]

    await collab._report(collab.list_editors())
    await collab._report(collab.list_editors())
    assert await read() == [(ada.id, collab.number)]
    await collab._report([])
    assert await read() == []
    assert service.app[NODE].hub.by_user.get(ada.id) is None


async def test_changed_permissions_are_checked_at_once_though_redis_lost_the_news(service, monkeypatch):
    node, checked = service.app[NODE], []
    monkeypatch.setattr(service.app[COLLAB], "check_rights", lambda: checked.append(True))
    # As if the roles had been others until now.
    node.rights.load([])
    for _ in range(2):
        await node.load_revocations()
    assert checked == [True]


async def test_a_file_that_cannot_be_read_holds_up_no_other(service):
    read = []

    class Lagging:
        ended = False

        def __init__(self, name):
            self.name = name

        async def catch_up(self):
            read.append(self.name)
            if self.name == "broken":
                # Further updates are announced meanwhile.
                positions.note_behind(self)
                raise LookupError

    positions = Positions(service.db, {}, connected=bool, get_epoch=lambda: None, forget=lambda *gone: None)
    for name in ("broken", *range(9)):
        positions.note_behind(Lagging(name))
    with pytest.raises(LookupError):
        await positions._work(False)
    assert len(read) == 10 and set(read) == {"broken", *range(9)}
    # It is tried again, and it alone.
    with pytest.raises(LookupError):
        await positions._work(False)
    assert read[10:] == ["broken"]
