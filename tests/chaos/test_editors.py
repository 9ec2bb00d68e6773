"""Two people edit one file with unmodified y-websocket, each on another node, while processes are killed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import zlib
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from nexcorp.collab.document import Document
from nexcorp.db import sql
from tests.chaos.cluster import Cluster
from tests.chaos.company import background, poll_until
from tests.chaos.faults import Driver, Fault, Report
from tests.chaos.people import Api, Person
from tests.chaos.typists import READ_NEWEST
from tests.collab.js import Editors

SPACING = 1.6
KILLED = ("web1", "postgres", "worker1", "web2", "valkey", "web1", "web2")
# Editors rest between words: the whole cluster shares two cores with the test.
REST_SECONDS = 0.03
# Clients need this long to notice that Valkey or a node is gone, and to reconnect.
PATIENCE = 45.0

pytestmark = [pytest.mark.timeout(200), pytest.mark.long(30)]


class Table:
    """The editors of one file, each under a name; `saved`: the highest clock saved, by client."""

    def __init__(self, api: Api, editors: Editors, file_id: UUID) -> None:
        self.api, self.editors, self.file_id = api, editors, file_id
        self.saved: dict[int, int] = {}
        self.asked = self.begun = 0

    async def open(self, name: str, address: str, person: Person, **more: Any) -> None:
        """Open an editor, retrying until its node answers."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                await self.editors.open(
                    name=name,
                    url=address.replace("http", "ws"),
                    room=str(self.file_id),
                    tokens=[person.token],
                    params={"refuse": "close"},
                    **more,
                )
                return
            except AssertionError:
                if time.monotonic() > until:
                    raise
            await self.editors.end(name=name)

    async def type(self, name: str, stop: asyncio.Event) -> None:
        """Type and delete until told to stop; note the clocks that are saved."""
        while not stop.is_set():
            await self.editors.type(names=[name], times=10, pause=5)
            await self.save(name)
            await asyncio.sleep(REST_SECONDS)

    async def type_and_forget(self, name: str, address: str, person: Person, stop: asyncio.Event) -> None:
        """Like type(), but each interruption discards the document: nothing is sent again."""
        while not stop.is_set():
            self.begun += 1
            await self.open(name, address, person)
            with contextlib.suppress(AssertionError):
                while not stop.is_set():
                    await self.editors.type(names=[name], times=5, pause=2)
                    await self.save(name, seconds=1)
                    await asyncio.sleep(REST_SECONDS)
            await self.editors.end(name=name)

    async def save(self, name: str, seconds: float = PATIENCE) -> None:
        """Wait until everything typed is saved, and note it; raises AssertionError if it is not."""
        self.asked += 1
        client, clock = await self.editors.save(name=name, key=self.asked % 256, seconds=seconds)
        self.saved[client] = max(clock, self.saved.get(client, 0))

    async def agree(self, *names: str) -> str:
        """Wait until all these editors have the same text; return it."""
        text: str = await self.editors.agree(names=names)
        return text


async def remove_member(cluster: Cluster, table: Table, owner: Person, project: str, eve: Person) -> float:
    """Remove `eve` from the project while Redis is down; return the seconds until her socket is closed.

    The request goes to the first node; her socket is on the second.
    """
    await cluster.kill("valkey")
    api = Api(cluster.addresses[:1], random.Random(1))
    await api.call("DELETE", f"/api/v1/projects/{project}/members/{eve.id}", owner)
    await api.close()
    began = time.monotonic()
    await table.editors.closed(name="eve", code=4403)
    seconds = time.monotonic() - began
    await cluster.start("valkey")
    return seconds


async def read_newest(conn: Any, file_id: UUID) -> str:
    """Return the text of the newest version."""
    content = await conn.fetchval(READ_NEWEST, file_id)
    return zlib.decompress(content).decode() if content else ""


async def test_two_people_in_one_file(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        editors = await Editors.start()
        stack.push_async_callback(editors.close)
        report = Report(tmp_path / "faults.jsonl")
        stack.callback(report.close)
        cluster = await stack.enter_async_context(Cluster(tmp_path))
        api = Api(cluster.addresses, random.Random(1))
        stack.push_async_callback(api.close)
        ada, bob, eve = await asyncio.gather(*(api.register(name) for name in ("ada", "bob", "eve")))
        project = (await api.call("POST", "/api/v1/projects", ada, json={"name": "Ours"}))["id"]
        for person in (bob, eve):
            path = f"/api/v1/projects/{project}/members/{person.id}"
            await api.call("PUT", path, ada, json={"role": "editor"})
        file = {"path": "ours.txt", "content": "This is the beginning.\n"}
        file_id = (await api.call("POST", f"/api/v1/projects/{project}/files", ada, json=file))["id"]
        table = Table(api, editors, UUID(file_id))
        first, second = cluster.addresses
        await table.open("ada", first, ada)
        await table.open("bob", second, bob)
        await table.open("eve", second, eve)
        plan = [Fault(n * SPACING, f"kill {target}", target, 0.5) for n, target in enumerate(KILLED)]
        stop, stop_eve = asyncio.Event(), asyncio.Event()
        work = [table.type(name, stop) for name in ("ada", "bob")]
        work.append(table.type_and_forget("forgetful", second, bob, stop))
        async with background(table.type("eve", stop_eve), *work) as (eves, *others):
            await Driver(cluster, report).run(plan)
            stop_eve.set()
            await eves
            # Ada, Bob and the forgetful editor type on.
            seconds = await remove_member(cluster, table, ada, project, eve)
            await editors.insert(name="eve", at=0, text="EVE WAS HERE")
            stop.set()
            await asyncio.wait(others)
        for name in ("ada", "bob"):
            await table.save(name)
        text = await table.agree("ada", "bob")
        assert "EVE" not in text

        # Cursors cross the nodes, with their users' ids.
        await editors.point(name="ada", state={"name": "Ada"})
        await editors.point(name="bob", state={"name": "Bob"})
        for name, other in (("ada", bob), ("bob", ada)):
            assert [state["userId"] for state in await editors.sees(name=name, count=1)] == [str(other.id)]

        conn = await asyncpg.connect(cluster.postgres.url)
        stack.push_async_callback(conn.close)
        row = await sql.collab.open_document(conn, file_id=UUID(file_id))
        document = Document.load(row["state"], row["updates"], row["root"])
        lost = {client for client, clock in table.saved.items() if document.known.get(client, 0) < clock}
        assert not lost, f"saved, and not in the log: {lost}"
        assert document.read_text() == text
        await table.open("late", first, ada)
        assert await editors.read(name="late") == text

        async def settled() -> bool:
            return await read_newest(conn, UUID(file_id)) == text

        assert await poll_until(settled)
        await api.call("POST", f"/api/v1/files/{file_id}/versions/1/restore", ada)
        for name in ("ada", "bob", "late"):
            await editors.shows(name=name, text=file["content"])
        await api.call("POST", f"/api/v1/files/{file_id}/versions/1/restore", bob)
        rows = (await api.call("GET", f"/api/v1/files/{file_id}/versions", ada))["data"]
        assert (rows[0]["cause"], rows[-1]["cause"]) == ("restored", "created")
        assert not cluster.deaths
        print(
            f"{dict(report.done)}; {table.asked} times saved by {len(table.saved)} documents, of which "
            f"{table.begun} were forgotten; {len(text)} characters, {row['last_seq']} updates; "
            f"cut off in {seconds:.1f} s"
        )
    # The limit is two seconds, and a slow machine needs more.
    assert seconds < 4
    assert table.begun > 1
