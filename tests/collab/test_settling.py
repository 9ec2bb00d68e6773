"""Settling: typed text is soon in a snapshot and a version, once, whatever happens to a worker."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import pairwise
from uuid import uuid4

import pytest

from nexcorp.collab.document import Document
from nexcorp.collab.versions import cut_version
from nexcorp.config import REPOSITORY
from tests.collab.helpers import Editor, append, fetch_row, make_file, make_project, read_versions
from tests.conftest import wait_until
from workers import settling
from workers.settling import Settler, drop_settled

QUOTA = 1024**3
# A worker that settles due texts until it is killed; the script imports all it needs itself.
WORKER = """
import asyncio, sys
from dataclasses import replace
from nexcorp.config import Config
from nexcorp.db import Database
from workers.settling import Settler

async def run():
    database = Database(replace(Config(), env="development", database_url=sys.argv[1], database_pool=(1, 4)))
    await database.open()
    settler = Settler(database, quiet=0, lease=1.0)
    while True:
        await settler.drain()
        await asyncio.sleep(0.02)

asyncio.run(run())
"""


@pytest.fixture
def settler(database):
    return Settler(database, quiet=0, put_off=0.2)


async def get_doc(database, file_id):
    return await fetch_row(
        database,
        """SELECT d.*, s.seq AS snapshot_seq, s.state,
            (SELECT count(*) FROM file_updates AS u WHERE u.file_id = d.file_id) AS updates
        FROM file_docs AS d LEFT JOIN file_snapshots AS s USING (file_id) WHERE d.file_id = $1""",
        file_id,
    )


async def test_what_was_typed_becomes_a_snapshot_a_version_and_an_event(database, settler):
    file_id, ada, bob = await make_file(database), uuid4(), uuid4()
    editor = Editor(root="codemirror")
    await append(database, file_id, editor.insert(0, "one\r\n"), author_id=ada, root="codemirror")
    await append(database, file_id, editor.insert(5, "two"), author_id=bob)
    assert await settler.drain() == 1
    doc = await get_doc(database, file_id)
    assert (doc["settled_seq"], doc["snapshot_seq"], doc["root"], doc["dirty_since"]) == (
        2,
        2,
        "codemirror",
        None,
    )
    # Settled updates stay for a minute, for nodes that missed them.
    assert doc["updates"] == 2
    assert Document.load(doc["state"], [], doc["root"]).read_text() == "one\r\ntwo"
    assert await read_versions(database, file_id) == ["one\ntwo"]
    version = await fetch_row(database, "SELECT * FROM file_versions WHERE file_id = $1", file_id)
    assert (version["cause"], version["seq"], set(version["author_ids"])) == ("edited", 2, {ada, bob})
    event = await fetch_row(database, "SELECT * FROM events WHERE entity_id = $1", file_id)
    project = await fetch_row(database, "SELECT project_id FROM files WHERE id = $1", file_id)
    assert (event["type"], event["actor_id"], event["payload"]) == (
        "file.saved",
        None,
        {
            "projectId": str(project["project_id"]),
            "version": 1,
            "seq": 2,
            "authorIds": sorted([str(ada), str(bob)]),
        },
    )
    assert await settler.drain() == 0

    # Text typed and deleted again is settled without a version. Rows older than a minute are dropped.
    async with database.connection() as conn:
        await conn.execute("UPDATE file_updates SET created_at = now() - interval '2 minutes'")
    await append(database, file_id, editor.insert(0, "x"), editor.delete(0, 1), author_id=bob)
    assert await settler.drain() == 1
    doc = await get_doc(database, file_id)
    assert (doc["settled_seq"], doc["updates"]) == (4, 2)
    await append(database, file_id, editor.insert(0, "zero\n"), author_id=ada)
    await settler.drain()
    version = await fetch_row(database, "SELECT * FROM file_versions WHERE file_id = $1 AND n = 2", file_id)
    assert (version["seq"], set(version["author_ids"])) == (5, {ada})
    async with database.connection() as conn:
        await conn.execute("UPDATE file_updates SET created_at = now() - interval '2 minutes'")
    assert await drop_settled(database) == 3
    assert await read_versions(database, file_id) == ["one\ntwo", "zero\none\ntwo"]


async def test_a_text_is_due_when_nobody_types_or_has_typed_for_long(database):
    quiet, busy, new = [await make_file(database) for _ in range(3)]
    for file_id in (quiet, busy, new):
        await append(database, file_id, Document.start("text"))
    async with database.connection() as conn:
        for file_id, edited, dirty in ((quiet, 4, 4), (busy, 0, 31), (new, 0, 20)):
            await conn.execute(
                """UPDATE file_docs SET edited_at = now() - make_interval(secs => $2),
                    dirty_since = now() - make_interval(secs => $3) WHERE file_id = $1""",
                file_id,
                edited,
                dirty,
            )
    assert await Settler(database).drain() == 2
    assert [len(await read_versions(database, file_id)) for file_id in (quiet, busy, new)] == [1, 1, 0]


async def test_workers_settle_each_text_once_and_all_of_it(database, monkeypatch):
    monkeypatch.setattr(settling, "MOST_UPDATES", 3)
    project_id = await make_project(database)
    files = [await make_file(database, project_id) for _ in range(4)]
    editors = [Editor() for _ in files]
    settlers = [Settler(database, quiet=0) for _ in range(3)]
    for turn in range(5):
        for file_id, editor in zip(files, editors, strict=True):
            await append(database, file_id, *(editor.insert(0, f"{turn} {n}\n") for n in range(4)))
        settled = await asyncio.gather(*(settler.drain() for settler in settlers))
        assert sum(settled) >= len(files)
    for file_id, editor in zip(files, editors, strict=True):
        doc = await get_doc(database, file_id)
        assert (doc["settled_seq"], doc["snapshot_seq"], doc["dirty_since"]) == (20, 20, None)
        versions = await read_versions(database, file_id)
        assert versions[-1] == str(editor.text)
        # Each version continues the one before.
        assert all(new.endswith(old) and new != old for old, new in pairwise(versions))
    held = await fetch_row(
        database,
        "SELECT file_bytes - (SELECT sum(bytes) FROM files) AS off FROM projects WHERE id = $1",
        project_id,
    )
    assert held["off"] == 0


async def test_an_older_text_is_not_saved_over_one_that_was_put_meanwhile(database, settler, monkeypatch):
    file_id = await make_file(database)
    editor = Editor()
    await append(database, file_id, editor.insert(0, "typed"))
    build = settling.build

    def put_meanwhile(*values):
        async def put():
            document = Document.load(None, editor.updates)
            seq = await append(database, file_id, document.replace_text("typed and put"))
            async with database.transaction(wait=5) as conn:
                await cut_version(conn, file_id, b"typed and put", cause="put", author_ids=[], seq=seq)

        monkeypatch.setattr(settling, "build", build)
        asyncio.run_coroutine_threadsafe(put(), loop).result()
        return build(*values)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(settling, "build", put_meanwhile)
    assert await settler.drain() == 2
    doc = await get_doc(database, file_id)
    assert (doc["settled_seq"], doc["dirty_since"]) == (2, None)
    assert await read_versions(database, file_id) == ["typed and put"]


async def test_what_cannot_be_settled_is_left_as_it_is_and_tried_again(database, settler):
    project_id = await make_project(database, file_bytes=QUOTA - 3)
    broken, torn, lost, full = [await make_file(database, project_id) for _ in range(4)]
    update = Document.start("text")
    for file_id in (broken, torn, lost, full):
        await append(database, file_id, update, Editor(update).insert(0, "x"))
    async with database.connection() as conn:
        await conn.execute(
            "UPDATE file_updates SET update = 'no update' WHERE file_id = $1 AND seq = 2", broken
        )
        await conn.execute("DELETE FROM file_updates WHERE file_id = $1 AND seq = 1", torn)
        # This file was settled once, and its snapshot is gone.
        await conn.execute("UPDATE file_docs SET settled_seq = 1 WHERE file_id = $1", lost)
    assert await settler.drain() == 0
    for file_id, settled, updates in ((broken, 0, 2), (torn, 0, 1), (lost, 1, 2), (full, 0, 2)):
        doc = await get_doc(database, file_id)
        assert (doc["settled_seq"], doc["state"], doc["updates"]) == (settled, None, updates)
        assert doc["dirty_since"] is not None
        assert await read_versions(database, file_id) == []
    async with database.connection() as conn:
        await conn.execute("UPDATE projects SET file_bytes = 0 WHERE id = $1", project_id)
    await asyncio.sleep(0.25)
    assert await settler.drain() == 1
    assert await read_versions(database, full) == ["xtext"]


async def test_a_worker_that_is_killed_while_it_settles_is_followed_by_another(database, config):
    file_id = await make_file(database)
    editor = Editor()
    await append(database, file_id, editor.insert(0, "typed"))
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WORKER,
        config.database_url,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    try:
        async with database.transaction(wait=5) as conn:
            # The worker has read the text, and waits for this lock when it writes.
            await conn.execute("SELECT FROM files WHERE id = $1 FOR UPDATE", file_id)

            async def held_up():
                return await fetch_row(
                    database,
                    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'lock_file'",
                )

            await wait_until(held_up)
            worker.kill()
            await worker.wait()
        assert (await get_doc(database, file_id))["settled_seq"] == 0
        await append(database, file_id, editor.insert(0, "more "))
        settler = Settler(database, quiet=0)

        async def settled():
            return await settler.drain()

        await wait_until(settled)
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert await read_versions(database, file_id) == ["more typed"]
    assert (await get_doc(database, file_id))["settled_seq"] == 2


async def test_the_worker_process_settles(service):
    file_id = await make_file(service.db)
    await append(service.db, file_id, Document.start("typed"))
    async with service.db.connection(wait=5) as conn:
        await conn.execute(
            "UPDATE file_docs SET edited_at = now() - interval '3 s' WHERE file_id = $1", file_id
        )

    async def settled():
        return await read_versions(service.db, file_id) == ["typed"]

    await wait_until(settled)
