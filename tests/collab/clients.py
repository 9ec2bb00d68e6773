"""A client of /collab in Python: does what y-websocket does, and also what no client should do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import WSMsgType
from pycrdt import Doc, Text

from nexcorp.collab.awareness import read_states
from nexcorp.collab.encoding import read_number, write_number
from nexcorp.db import Database
from tests.clients import PATIENCE
from tests.collab.helpers import make_file, make_project
from tests.realtime.helpers import ENDED

SYNC, AWARENESS, AUTH, QUERY, SAVED = 0, 1, 2, 3, 102
STEP_1, STEP_2, UPDATE = 0, 1, 2


def pack(kind: int, body: bytes, *more: int) -> bytes:
    """Return a message: its kind, its subkind if given, and the body after its length."""
    return bytes((kind, *more)) + write_number(len(body)) + body


def pack_states(*entries: tuple[int, int, Any]) -> bytes:
    """Return the body of an awareness message from (client, clock, state) tuples."""
    parts = [write_number(len(entries))]
    for client, clock, state in entries:
        text = state if isinstance(state, bytes) else json.dumps(state).encode()
        parts.append(write_number(client) + write_number(clock) + write_number(len(text)) + text)
    return b"".join(parts)


class Typist:
    """An editor that keeps its document when its socket ends. `states`: cursors by client."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, doc: Doc[Any] | None = None) -> None:
        self.ws = ws
        self.doc: Doc[Any] = doc if doc is not None else Doc()
        self.text = self.doc.get("content", type=Text)
        self.states: dict[int, Any] = {}
        self.saved: list[bytes] = []
        self.denied = 0
        self.synced = asyncio.Event()
        self.heard: list[bytes] = []
        # Received messages of type UPDATE and STEP_1; and whether this client answers a step 1.
        self.updates = self.asked = 0
        self.answers = True
        self.code: int | None = None
        self.reason = ""
        self.ended = asyncio.Event()
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            message = await self.ws.receive()
            if message.type is WSMsgType.BINARY:
                await self._take(message.data)
            elif message.type is WSMsgType.TEXT:
                raise AssertionError("a client of y-websocket throws on text")
            elif message.type in ENDED:
                if message.type is WSMsgType.CLOSE:
                    self.reason = message.extra or ""
                self.code = self.ws.close_code
                self.ended.set()
                self._news.set()
                return
            self._news.set()

    async def _take(self, data: bytes) -> None:
        self.heard.append(data)
        kind = data[0]
        if kind == SAVED:
            self.saved.append(data[1:])
        elif kind == QUERY:
            return
        elif kind == AUTH:
            self.denied += 1
        elif kind == AWARENESS:
            size, p = read_number(data, 1)
            assert p + size == len(data)
            for client, _, text in read_states(data[p:]):
                state = json.loads(text)
                if state is None:
                    self.states.pop(client, None)
                else:
                    self.states[client] = state
        else:
            size, p = read_number(data, 2)
            body = data[p:]
            assert size == len(body)
            if data[1] == STEP_1:
                self.asked += 1
                if self.answers:
                    await self.send(pack(SYNC, self.doc.get_update(body), STEP_2))
            else:
                self.updates += data[1] == UPDATE
                self.doc.apply_update(body)
                if data[1] == STEP_2:
                    self.synced.set()

    async def send(self, data: bytes) -> None:
        """Send any bytes as one message."""
        await self.ws.send_bytes(data)

    async def sync(self) -> None:
        """Send step 1 as a client does at first, and wait for the step 2 that answers it."""
        self.synced.clear()
        await self.send(pack(SYNC, self.doc.get_state(), STEP_1))
        async with asyncio.timeout(20):
            await self.synced.wait()

    def edit(self, act: Callable[[], Any]) -> bytes:
        """Change the client's document; return the update without sending it."""
        news: list[bytes] = []
        subscription = self.doc.observe(lambda event: news.append(event.update))
        act()
        self.doc.unobserve(subscription)
        (update,) = news
        return update

    async def type(self, text: str) -> None:
        """Insert text at the end and send the update."""
        update = self.edit(lambda: self.text.insert(len(self.text), text))
        await self.send(pack(SYNC, update, UPDATE))

    async def ask_saved(self, body: bytes = b"\x01") -> None:
        """Send a SAVED request: the service answers once it has stored all earlier updates."""
        await self.send(bytes((SAVED,)) + body)

    async def save(self, body: bytes = b"\x01", seconds: float = PATIENCE) -> None:
        """Wait until everything sent so far is stored; raises TimeoutError."""
        await self.ask_saved(body)
        await self.until(lambda: body in self.saved, seconds)
        self.saved.remove(body)

    async def until(self, check: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Wait until `check` is true, looking again after each message; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not check():
                self._news.clear()
                await self._news.wait()
                assert check() or self.code is None, (self.code, self.reason)

    async def shows(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until the document has this text."""
        await self.until(lambda: str(self.text) == text, seconds)

    async def closed(self, seconds: float = PATIENCE) -> int | None:
        """Wait until the socket ends; return its close code."""
        async with asyncio.timeout(seconds):
            await self.ended.wait()
        return self.code

    async def leave(self) -> None:
        """Close the socket."""
        await self.ws.close()
        await asyncio.wait([self._reading])
        if not self._reading.cancelled():
            self._reading.result()


Open = Callable[..., Awaitable[Typist]]


def make_open(url: str, session: aiohttp.ClientSession, opened: list[Typist]) -> Open:
    """Return `open_file`: `typist = await open_file(user, file_id)`, synced unless `sync` is False."""

    async def open_file(
        user: Any,
        file_id: UUID,
        *,
        url: str = url,
        doc: Doc[Any] | None = None,
        sync: bool = True,
        query: dict[str, str] | None = None,
        **options: Any,
    ) -> Typist:
        ws = await session.ws_connect(
            f"{url}/collab/{file_id}",
            headers=user.headers if user is not None else {},
            params=query or {},
            max_msg_size=32 * 1024 * 1024,
            **options,
        )
        typist = Typist(ws, doc)
        opened.append(typist)
        if sync:
            await typist.sync()
        return typist

    return open_file


async def share_file(
    database: Database, kind: str = "text", visibility: str = "private", **roles: Any
) -> UUID:
    """Create an empty file in a new project with these members by role; return its id."""
    project_id = await make_project(database)
    async with database.connection(wait=5) as conn:
        await conn.execute("UPDATE projects SET visibility = $2 WHERE id = $1", project_id, visibility)
        for role, users in roles.items():
            for user in users:
                await conn.execute(
                    "INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $2, $3)",
                    project_id,
                    user.id,
                    role,
                )
    return await make_file(database, project_id, kind)


async def set_role(database: Database, file_id: UUID, user: Any, role: str | None) -> None:
    """Change the user's role in the file's project, or remove it (None), without notifying any node."""
    async with database.connection(wait=5) as conn:
        await conn.execute(
            """WITH old AS (
                DELETE FROM project_members USING files
                WHERE files.id = $1 AND project_members.project_id = files.project_id AND user_id = $2
                    AND $3::text IS NULL
            )
            UPDATE project_members AS m SET role = $3 FROM files
            WHERE files.id = $1 AND m.project_id = files.project_id AND m.user_id = $2 AND $3 IS NOT NULL""",
            file_id,
            user.id,
            role,
        )
