"""Negative controls: with one safeguard taken away, the checker of the ledger test must complain."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from nexcorp.app import create_app
from nexcorp.collab.document import Document
from nexcorp.collab.editor import Editor
from nexcorp.collab.protocol import frame_saved
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.delivery.events import Frame
from nexcorp.features import PRODUCT
from nexcorp.realtime.node import NODE
from nexcorp.realtime.protocol import RoomMessage
from tests.chaos.askers import Told, check_told
from tests.chaos.checks import check_reader, check_rooms, check_stream, check_writes
from tests.chaos.ledger import Ledger, read_ledgers
from tests.chaos.people import Api
from tests.chaos.proxy import Proxy
from tests.chaos.readers import Reader, Stream
from tests.chaos.typists import Forgetful, check_text, give_up, make_shared_file, open_typist
from tests.chaos.writers import Post, Stage, Writer
from tests.conftest import wait_until
from tests.features.ai.helpers import Reading
from tests.modelserver import words
from workers.batch import Batch
from workers.delivery import Delivery

ROOM = "post:00000000-0000-0000-0000-000000000001"


@asynccontextmanager
async def open_api(url: str) -> AsyncIterator[Api]:
    """Yield an Api that calls one node."""
    api = Api([url], random.Random(1))
    try:
        yield api
    finally:
        await api.close()


@asynccontextmanager
async def open_proxy(target: int) -> AsyncIterator[Proxy]:
    """Yield a proxy in front of a local port."""
    proxy = Proxy("web", target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()


@pytest.mark.parametrize("use_key", [True, False], ids=["with the key", "without the key"])
async def test_retry_without_the_key_writes_twice(
    web_only: Callable[..., Any], tmp_path: Path, use_key: bool, database: Database
) -> None:
    runner, _, url = await web_only()
    try:
        async with open_proxy(urlsplit(url).port or 0) as proxy, open_api(url) as api:
            ada, grace = await api.register("ada"), await api.register("grace")
            row = await api.call("POST", "/api/v1/posts", ada, json={"body": "Say something"})
            stage = Stage([Post(UUID(row["id"]), ada.id)], [ada, grace, await api.register("alan")])
            ledger = Ledger(tmp_path / "grace.ledger")
            api.addresses[:] = [f"http://127.0.0.1:{proxy.port}"]
            writer = Writer(api, grace, ledger, stage, random.Random(1), use_key=use_key)

            # The answer has been sent when the connection dies, so the write is committed.
            proxy.swallow_answers = True
            writing = asyncio.create_task(writer.write())

            async def swallowed() -> bool:
                return proxy.swallowed > 0

            await wait_until(swallowed)
            proxy.swallow_answers = False
            await writing
            ledger.close()
    finally:
        await runner.cleanup()
    async with database.connection(wait=5) as conn:
        findings = await check_writes(conn, read_ledgers([ledger.path]))
    if use_key:
        assert findings == []
    else:
        assert any(finding.startswith("written more than once: 1") for finding in findings)


async def number_in_turn(conn: Any, frame: Frame) -> list[int]:
    """Number a frame as the service does: the room's row is locked until the commit."""
    rows = await sql.telling.deliver(conn, **Batch(frames=[(uuid4(), frame)]).columns())
    return [row["seq"] for row in rows]


async def number_by_sequence(conn: Any, frame: Frame) -> list[int]:
    """Number a frame as a bigserial would: the number is given out before the commit, without a lock."""
    seq: int = await conn.fetchval("SELECT nextval('numbers')")
    await conn.execute(
        """INSERT INTO room_frames (room, seq, event_id, event, entity_type, entity_id, data, members)
        VALUES ($1, $2, $3, $4, $5, $6, $7, '{}')""",
        *(frame.room, seq, uuid4(), frame.event, *frame.entity, frame.data),
    )
    return [seq]


async def read_on(conn: Any, stream: Stream) -> None:
    """Read on from the highest number shown, like a reader that trusts the numbers."""
    rows = await sql.realtime.read_frames(conn, room=stream.room, after=stream.seq, most=100)
    for text in await PRODUCT.renderer.render(conn, rows):
        stream.take(json.loads(text))


@pytest.mark.parametrize(
    ("number", "complaint"),
    [(number_in_turn, None), (number_by_sequence, "frames missed: 1, such as 1")],
    ids=["numbers under the room's lock", "numbers of a bigserial"],
)
async def test_numbers_that_commit_out_of_order_lose_a_frame(
    database: Database, number: Callable[[Any, Frame], Awaitable[list[int]]], complaint: str | None
) -> None:
    # The comments do not exist: each frame shows only its own data.
    ids = [uuid4() for _ in range(2)]
    frames = [Frame(ROOM, "comment:created", ("comment", one), {"id": str(one)}, ()) for one in ids]
    stream = Stream(ROOM, seq=0)
    first_numbered, may_commit = asyncio.Event(), asyncio.Event()

    async def write_first() -> None:
        async with database.transaction(wait=5) as conn:
            await number(conn, frames[0])
            first_numbered.set()
            await may_commit.wait()

    async def write_second() -> None:
        async with database.transaction(wait=5) as conn:
            await number(conn, frames[1])

    async with database.connection(wait=5) as conn:
        await conn.execute("CREATE SEQUENCE numbers")
        await conn.execute("INSERT INTO rooms (name) VALUES ($1)", ROOM)
        async with asyncio.TaskGroup() as group:
            group.create_task(write_first())
            await first_numbered.wait()
            second = group.create_task(write_second())
            # The second either commits now, before the first, or waits for the first's lock.
            await asyncio.wait([second], timeout=1)
            await read_on(conn, stream)
            may_commit.set()
        await read_on(conn, stream)
        await conn.execute("UPDATE rooms SET last_seq = (SELECT max(seq) FROM room_frames WHERE room = name)")
        known = {str(one) for one in ids}
        findings = await check_stream(conn, stream, known, "comment:created")
        assert await check_rooms(conn) == []
    if complaint is None:
        assert findings == []
    else:
        assert f"{ROOM}: {complaint}" in findings


async def start_node(config: Config, check_seconds: float | None) -> tuple[web.AppRunner, web.Application]:
    """Start a web node that checks positions every `check_seconds`, or never (None)."""
    app = create_app(config)
    positions = app[NODE].positions
    positions.seconds = check_seconds or 1e9
    if check_seconds is None:
        app[NODE].listener.on_connected = lambda: None
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, app


@pytest.mark.parametrize("check_seconds", [0.2, None], ids=["position check on", "position check off"])
async def test_lost_push_is_found_by_the_position_check(
    config: Config, database: Database, check_seconds: float | None
) -> None:
    lost: list[RoomMessage] = []

    async def lose(messages: list[RoomMessage]) -> None:
        lost.extend(messages)

    runner, _ = await start_node(config, check_seconds)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with open_api(url) as api:
            ada, grace = await api.register("ada"), await api.register("grace")
            row = await api.call("POST", "/api/v1/posts", ada, json={"body": "Say something"})
            delivery = Delivery(database, lose, PRODUCT)
            await delivery.drain()
            reader = Reader(api, ada, row["id"], random.Random(1))
            reading = asyncio.create_task(reader.run())

            async def joined() -> bool:
                return reader.other.seq is not None and reader.unread is not None

            async def shown() -> bool:
                return bool(reader.own.shown and reader.other.shown and reader.unread)

            await wait_until(joined)
            data = {"postId": row["id"], "body": "Anybody there?"}
            await api.call("POST", "/api/v1/comments", grace, json=data)
            await delivery.drain()
            assert {message.room for message in lost} >= {reader.own.room, reader.other.room}
            try:
                await wait_until(shown, 5.0 if check_seconds else 1.0)
            except TimeoutError:
                assert check_seconds is None
            async with database.connection(wait=5) as conn:
                findings = await check_reader(conn, reader)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    finally:
        await runner.cleanup()
    if check_seconds is None:
        assert f"{reader.own.room}: behind: 1, such as at 0 of 1" in findings
        assert f"{reader.other.room}: frames missed: 1, such as 1" in findings
    else:
        assert findings == []


@pytest.mark.parametrize("early", [False, True], ids=["behind the commit", "at once"])
async def test_saved_said_early_loses_words(
    web_only: Callable[..., Any], database: Database, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    if early:
        monkeypatch.setattr(Editor, "_ask_saved", lambda editor, body: editor.socket.tell(frame_saved(body)))
    runner, _, url = await web_only()
    try:
        async with open_api(url) as api, database.transaction(wait=5) as conn:
            ada = await api.register("ada")
            async with database.connection(wait=5) as other:
                file_id = await make_shared_file(other, [ada])
            forgetful = Forgetful(api, ada, file_id, "t", random.Random(1))
            typist = await open_typist(api, url, ada, file_id)
            await forgetful.type_some(typist)
            # From here on nothing can be stored, as if the process had been killed.
            await conn.execute("SELECT FROM file_docs WHERE file_id = $1 FOR UPDATE", file_id)
            with pytest.raises(TimeoutError) if not early else contextlib.nullcontext():
                await forgetful.type_some(typist, seconds=0.3)
            row = await sql.collab.open_document(conn, file_id=file_id)
            text = Document.load(row["state"], row["updates"], row["root"]).read_text()
            await give_up(typist)
    finally:
        await runner.cleanup()
    findings = check_text("settled", text, [forgetful])
    if early:
        assert "saved and lost" in findings[0]
    else:
        assert findings == [] and forgetful.acknowledged and forgetful.typed > len(forgetful.acknowledged)


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({}, None),
        ({"body": "w0 w1 "}, "9 characters read and 6 kept"),
        ({"status": "incomplete", "reason": "provider_cut"}, "was told to end as"),
        ({"events": 2}, "2 events"),
        ({"frames": 0}, "0 frames"),
        ({"chunks": 1}, "1 chunks"),
    ],
)
def test_answer_that_is_not_as_it_was_read(wrong: Any, finding: str | None) -> None:
    reading = Reading(text=words(3), end={"status": "done", "reason": None})
    row = {"body": words(3), **reading.end, "chunks": 0, "events": 1, "frames": 1}
    found = check_told(Told("say 3 30", words(3), reading), {**row, **wrong})
    assert found is None if finding is None else found is not None and finding in found


def test_answer_that_was_read_short_or_twice() -> None:
    for text in (words(2), words(3) + "w2 "):
        reading = Reading(text=text, end={"status": "done", "reason": None})
        row = {"body": text, **reading.end, "chunks": 0, "events": 1, "frames": 1}
        assert "of 9 characters" in (check_told(Told("say 3 30", words(3), reading), row) or "")
