"""A client that sends too much or does not read loses its own socket; the file and other editors go on."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from pycrdt import Doc, Map, Text

from nexcorp.collab import protocol
from nexcorp.collab.encoding import write_number
from nexcorp.collab.node import COLLAB
from tests.api import fetch, fetch_value
from tests.collab.clients import AWARENESS, QUERY, STEP_1, STEP_2, SYNC, UPDATE, pack, pack_states, share_file
from tests.realtime.helpers import open_raw

pytestmark = pytest.mark.shared

NESTED = b"\x75\x01" * 60_000 + b"\x7e"


def nest() -> bytes:
    """Return an update that crashes a process whose pycrdt reads it: deeply nested values."""
    return b"\x01\x01\x01\x00\x08\x01\x07content\x01" + NESTED + b"\x00"


async def test_hostile_messages_end_their_sender_alone(make_user, service, open_file):
    ada, mallory = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], editor=[mallory])
    kept = await open_file(ada, file_id)
    await kept.type("kept")
    await kept.save()
    log = await fetch(service, "SELECT * FROM file_updates WHERE file_id = $1", file_id)
    malformed = [
        b"",
        b"\x00",
        b"\x00\x07\x00",
        b"\x05",
        b"\x80" * 40,
        b"\x02\x00\x00",
        bytes((QUERY,)) + b"more",
        pack(SYNC, b"\xff\xff\xff", STEP_1),
        # More clients than have ever typed here.
        pack(SYNC, write_number(5000) + bytes((200, 1, 1)) * 5000, STEP_1),
        pack(SYNC, b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01", STEP_1),
        pack(SYNC, b"garbage", UPDATE),
        pack(SYNC, b"garbage", STEP_2),
        pack(SYNC, nest(), UPDATE),
        pack(SYNC, nest(), STEP_2),
        pack(SYNC, b"\x01" + b"\x01" * 4, UPDATE) + b"behind",
        pack(AWARENESS, b"\x01\x01"),
        pack(AWARENESS, pack_states((2**60, 1, {}))),
        pack(AWARENESS, pack_states((1, 2**60, {}))),
        bytes((protocol.SAVED,)) + b"x" * 300,
    ]
    for message in malformed:
        typist = await open_file(mallory, file_id, sync=False)
        await typist.send(message)
        assert await typist.closed() == 4422, message[:20]
        assert typist.reason
    text = await open_file(mallory, file_id, sync=False)
    await text.ws.send_str("hello")
    assert await text.closed() == 4422
    for message in (
        pack(SYNC, bytes(protocol.MAX_UPDATE_BYTES + 1), UPDATE),
        pack(SYNC, bytes(protocol.MAX_UPDATE_BYTES + 200), STEP_2),
        bytes(protocol.ALLOWANCE.message_bytes + 1),
    ):
        typist = await open_file(mallory, file_id, sync=False)
        # The service may close the socket before the whole message is sent.
        with contextlib.suppress(ConnectionError):
            await typist.send(message)
        assert await typist.closed() == 4413
    late = await open_file(ada, file_id)
    assert str(late.text) == str(kept.text) == "kept"
    assert await fetch(service, "SELECT * FROM file_updates WHERE file_id = $1", file_id) == log


async def test_what_is_no_plain_text_is_taken_as_well(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist, other = await open_file(ada, file_id), await open_file(ada, file_id)
    meta = typist.doc.get("meta", type=Map)
    update = typist.edit(lambda: meta.update({"language": "python"}))
    await typist.send(pack(SYNC, update, UPDATE))
    await typist.type("text")
    await other.shows("text")
    assert other.doc.get("meta", type=Map).to_py() == {"language": "python"}
    await typist.save()


async def test_a_full_file_takes_deletions_alone(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist, other = await open_file(ada, file_id), await open_file(ada, file_id)
    part = "x" * (1000 * 1000)
    for _ in range(2):
        await typist.type(part)
    await typist.save()
    await typist.type(part[:200_000])
    assert await typist.closed() == 4413
    await other.until(lambda: len(other.text) == 2_000_000)
    deletion = other.edit(lambda: other.text.__delitem__(slice(1_500_000, 2_000_000)))
    await other.send(pack(SYNC, deletion, UPDATE))
    await other.type("again")
    await other.save()
    assert await fetch_value(service, "SELECT last_seq FROM file_docs WHERE file_id = $1", file_id) == 4
    # An offline client can type without limit; its update is refused when it arrives.
    offline: Doc = Doc()
    offline.get("content", type=Text).insert(0, part[:900_000])
    late = await open_file(ada, file_id, doc=offline, sync=False)
    await late.send(pack(SYNC, offline.get_state(), STEP_1))
    assert await late.closed() == 4413
    assert len((await open_file(ada, file_id)).text) == 1_500_005


async def test_a_flood_ends_its_socket_and_slows_nobody(make_user, service, open_file):
    ada, mallory = await make_user(), await make_user()
    file_id = await share_file(service.db, owner=[ada], editor=[mallory])
    here, there = await open_file(ada, file_id), await open_file(ada, file_id)
    flooding = await open_file(mallory, file_id, sync=False)

    async def flood() -> None:
        for number in range(2000):
            await flooding.send(pack(AWARENESS, pack_states((7, number, {"at": number}))))

    flood_task = asyncio.create_task(flood())
    for _ in range(20):
        await here.type("x")
    await there.shows("x" * 20)
    assert await flooding.closed() == 4013
    await asyncio.wait([flood_task], timeout=1)
    flood_task.cancel()
    # Step 1 is answered once a second, however often the client sends it.
    again = await open_file(mallory, file_id)
    began = time.monotonic()
    await again.sync()
    assert time.monotonic() - began > 0.7


async def test_a_client_that_does_not_read_is_cut_off(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist, other = await open_file(ada, file_id), await open_file(ada, file_id)
    part = "y" * 300_000
    async with open_raw(service.url, ada, path=f"/collab/{file_id}", receive_bytes=4096) as slow:
        for number in range(30):
            one = (typist, other)[number % 2]
            await one.type(part)
            deletion = one.edit(lambda one=one: one.text.__delitem__(slice(0, len(part))))
            await one.send(pack(SYNC, deletion, UPDATE))
            await one.save()
            await asyncio.gather(typist.shows(""), other.shows(""))
        frames = await slow.rest()
        # The socket's buffer was dropped, in most cases with the close frame in it.
        assert [payload[:2] for start, payload in frames if start == 0x88] in ([], [b"\x0f\xa8"])
        assert len(frames) < 61
    await other.save()


async def test_a_silent_service_says_so(make_user, service, open_file):
    ada = await make_user()
    file_id = await share_file(service.db, owner=[ada])
    typist = await open_file(ada, file_id)
    (editor,) = [one for one in service.app[COLLAB].list_editors() if one.channel.file_id == file_id]
    editor.socket.last_told -= 25
    await typist.until(lambda: b"\x01\x01\x00" in typist.heard)
    # An expired access token does not end the socket: it lives as long as the session.
    assert editor.socket.seconds_left() > 1e9
