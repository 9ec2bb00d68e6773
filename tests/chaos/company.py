"""The people of the ledger test, and helpers that run them beside the faults."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.chaos.askers import Asker
from tests.chaos.ledger import Ledger
from tests.chaos.people import Api, Person
from tests.chaos.readers import Reader
from tests.chaos.talkers import Follower, Talker, open_group, open_pair
from tests.chaos.typists import Forgetful, make_shared_file
from tests.chaos.writers import Post, Stage, Writer

SETTLE_SECONDS = 60.0
WRITERS, PEOPLE, DEVICES, TYPISTS = 6, 4, 2, 3


@contextlib.asynccontextmanager
async def background(*work: Any) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Run coroutines while the block runs; yield their tasks. Raises the exception of one that failed."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def poll_until(check: Any, seconds: float = SETTLE_SECONDS) -> bool:
    """Call `check` every half second until it is true; False if it was not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not await check():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.5)
    return True


async def list_unready(nodes: Api) -> list[str]:
    """Return a finding for each node that does not become ready within 20 seconds."""
    findings = []
    for address in nodes.addresses:

        async def ready(address: str = address) -> bool:
            async with nodes.session.get(f"{address}/ready") as response:
                return response.status == 200

        if not await poll_until(ready, 20):
            findings.append(f"{address} is not ready")
    return findings


class Company:
    """The people of the test: some write, some read, all through the proxies."""

    def __init__(self, api: Api, home: Path, rng: random.Random) -> None:
        self.api, self.home, self.rng = api, home, rng
        self.writers: list[Writer] = []
        self.readers: list[Reader] = []
        self.typists: list[Forgetful] = []
        self.talkers: list[Talker] = []
        self.askers: list[Asker] = []
        self.followers: list[Follower] = []
        self.first_logins: list[Person] = []

    async def assemble(self) -> None:
        """Register everybody, publish posts, sign each device in."""
        people = await asyncio.gather(*(self.api.register(f"reader{n}") for n in range(PEOPLE)))
        authors = await asyncio.gather(*(self.api.register(f"writer{n}") for n in range(WRITERS)))
        posts = []
        for person in people[:2]:
            row = await self.api.call("POST", "/api/v1/posts", person, json={"body": "Say something"})
            posts.append(Post(row["id"], person.id))
        stage = Stage(posts, people)
        for number, author in enumerate(authors):
            ledger = Ledger(self.home / f"writer{number}.ledger")
            rng = random.Random(self.rng.random())
            self.writers.append(Writer(self.api, author, ledger, stage, rng))
        for number in range(PEOPLE * DEVICES):
            person = people[number % PEOPLE]
            device = await self.api.sign_in(Person(person.id, person.username, "", ""))
            rng = random.Random(self.rng.random())
            self.readers.append(Reader(self.api, device, str(posts[number // PEOPLE % 2].id), rng))
        for person in people:
            own = await self.api.sign_in(Person(person.id, person.username, "", ""))
            self.askers.append(Asker(self.api, own, random.Random(self.rng.random())))
        # The writers that do not type talk: all of them in a group, the first two also in a pair.
        talking = authors[TYPISTS:]
        group = await open_group(self.api, talking)
        pair = await open_pair(self.api, *talking[:2])
        for number, author in enumerate(talking):
            places = [group, pair] if number < 2 else [group]
            self.talkers.append(Talker(self.api, author, places, random.Random(self.rng.random())))
            device = await self.api.sign_in(Person(author.id, author.username, "", ""))
            rng = random.Random(self.rng.random())
            self.followers.append(Follower(self.api, device, places[-1], rng))
        self.first_logins = [Person(p.id, p.username, p.token, p.refresh_token) for p in (*people, *authors)]

    async def share_file(self, conn: Any) -> None:
        """Let some of the writers type together in one file."""
        authors = [writer.person for writer in self.writers[:TYPISTS]]
        file_id = await make_shared_file(conn, authors)
        for number, author in enumerate(authors):
            rng = random.Random(self.rng.random())
            self.typists.append(Forgetful(self.api, author, file_id, f"t{number}", rng))

    @property
    def watchers(self) -> list[Reader]:
        """Everybody who has a socket."""
        return [*self.readers, *self.followers]

    async def list_behind(self, conn: Any) -> list[str]:
        """Return a finding for each conversation that a follower shows wrong."""
        return [finding for one in self.followers for finding in await one.differ(conn)]

    async def all_caught_up(self, conn: Any) -> bool:
        """Whether every reader has reached the end of its rooms and shows the right unread count."""
        if await self.list_behind(conn):
            return False
        last = {row["name"]: row["last_seq"] for row in await conn.fetch("SELECT name, last_seq FROM rooms")}
        unread = dict(await conn.fetch("SELECT user_id, unread FROM notification_counters"))
        return all(
            (stream.seq or 0) == last.get(stream.room, 0) and not stream.fetching
            for reader in self.watchers
            for stream in reader.streams.values()
        ) and all(reader.unread == unread.get(reader.person.id, 0) for reader in self.watchers)

    async def check_sessions(self) -> list[str]:
        """Check that everybody who signed in before the faults can still refresh their session."""
        findings = []
        for person in self.first_logins:
            status, answer = 0, None
            for _ in range(5):
                data = {"refreshToken": person.refresh_token}
                status, answer = await self.api.try_once("POST", "/api/v1/auth/refresh", json=data)
                if status not in (0, 503):
                    break
                await self.api.pause()
            if status != 200:
                findings.append(f"{person.username} was signed out: {status} {answer}")
        return findings


async def outbox_is_empty(conn: Any) -> bool:
    """Whether the outbox is empty."""
    return not await conn.fetchval("SELECT count(*) FROM outbox")
