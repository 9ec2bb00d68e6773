"""People who type in one file and never send a word twice: words confirmed as saved must not be lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import aiohttp

from tests.chaos.people import BROKEN, Api, Person
from tests.collab.clients import SYNC, UPDATE, Typist, pack
from workers.settling import LEASE_SECONDS

PATIENCE = aiohttp.ClientWSTimeout(ws_close=1.0)
MAKE_FILE = """
WITH project AS (INSERT INTO projects (name) VALUES ('Typed together') RETURNING id),
members AS (
    INSERT INTO project_members (project_id, user_id, role)
    SELECT p.id, u, 'owner' FROM project AS p CROSS JOIN unnest($1::uuid[]) AS u
),
file AS (
    INSERT INTO files (project_id, path, kind, type)
    SELECT id, 'typed.txt', 'text', 'text/plain' FROM project
    RETURNING id
)
INSERT INTO file_docs (file_id) SELECT id FROM file RETURNING file_id
"""
READ_NEWEST = """
SELECT string_agg(c.data, NULL ORDER BY c.part)
FROM file_versions AS v
INNER JOIN file_chunks AS c ON c.sha256 = v.sha256
WHERE v.file_id = $1 AND v.n = (SELECT max(n) FROM file_versions WHERE file_id = $1)
"""


async def make_shared_file(conn: Any, people: Iterable[Person]) -> UUID:
    """Create an empty text file in a project that these people own; return its id."""
    file_id: UUID = await conn.fetchval(MAKE_FILE, [person.id for person in people])
    return file_id


async def open_typist(api: Api, address: str, person: Person, file_id: UUID) -> Typist:
    """Open an editor with a new document, synced with the node; raises one of BROKEN."""
    async with asyncio.timeout(20):
        ws = await api.session.ws_connect(
            f"{address}/collab/{file_id}",
            headers=person.headers,
            max_msg_size=32 * 1024 * 1024,
            timeout=PATIENCE,
        )
        typist = Typist(ws, None)
        try:
            await typist.sync()
        except BaseException:
            await give_up(typist)
            raise
        return typist


async def give_up(typist: Typist) -> None:
    """Close an editor whose node may be dead; never fails."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(2):
            await typist.leave()


class Forgetful:
    """Types words that are unique. Each interruption discards its document: nothing is sent again."""

    def __init__(self, api: Api, person: Person, file_id: UUID, name: str, rng: random.Random) -> None:
        self.api, self.person, self.file_id, self.name, self.rng = api, person, file_id, name, rng
        self.typed = self.opened = 0
        self.acknowledged: list[str] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Type until told to stop, on whichever node answers."""
        while not stop.is_set():
            try:
                typist = await open_typist(self.api, self.api.pick_address(), self.person, self.file_id)
            except BROKEN as error:
                if isinstance(error, aiohttp.WSServerHandshakeError) and error.status == 401:
                    await self.api.sign_in(self.person)
                await self.api.pause()
                continue
            self.opened += 1
            try:
                while not stop.is_set():
                    await self.type_some(typist)
                    await asyncio.sleep(self.rng.uniform(0, 0.05))
            except (*BROKEN, AssertionError):
                # The socket closed, or the words were not saved in time: they are forgotten.
                await self.api.pause()
            finally:
                await give_up(typist)

    async def type_some(self, typist: Typist, seconds: float = 5.0) -> None:
        """Type a few words; note them in `acknowledged` once they are saved."""
        words = []
        for _ in range(self.rng.randint(1, 4)):
            self.typed += 1
            words.append(f"{self.name}.{self.typed};")
            await typist.send(pack(SYNC, self._insert(typist, words[-1]), UPDATE))
        await typist.save(seconds=seconds)
        self.acknowledged += words

    def _insert(self, typist: Typist, word: str) -> bytes:
        text = str(typist.text)
        at = len(text)
        if self.rng.random() < 0.3:
            # A word is inserted between two others.
            at = text.rfind(";", 0, self.rng.randint(0, at)) + 1
        return typist.edit(lambda: typist.text.insert(at, word))


def check_text(where: str, text: str, typists: Iterable[Forgetful]) -> list[str]:
    """Return a finding for saved words that a text lacks, and for words it has twice."""
    found = Counter(text.split(";"))
    findings = []
    for typist in typists:
        lost = [word for word in typist.acknowledged if not found[word[:-1]]]
        if lost:
            findings.append(f"{where}: {len(lost)} words saved and lost, as {lost[0]}")
    findings += [f"{where}: {word} {times} times" for word, times in found.items() if word and times > 1]
    return findings


async def check_typing(conn: Any, api: Api, typists: list[Forgetful]) -> list[str]:
    """Read every node's replica and the newest version until they are equal; return the findings."""
    first, texts = typists[0], {}
    # A worker that dies, or loses PostgreSQL, keeps its claim until it runs out.
    until = time.monotonic() + LEASE_SECONDS + 20
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        with contextlib.suppress(*BROKEN):
            for address in api.addresses:
                reader = await open_typist(api, address, first.person, first.file_id)
                texts[address] = str(reader.text)
                await give_up(reader)
            content = await conn.fetchval(READ_NEWEST, first.file_id)
            texts["settled"] = zlib.decompress(content).decode() if content else ""
            if len(set(texts.values())) == 1:
                break
    else:
        return [f"replicas differ: { {where: len(text) for where, text in texts.items()} }"]
    return [finding for where, text in texts.items() for finding in check_text(where, text, typists)]
