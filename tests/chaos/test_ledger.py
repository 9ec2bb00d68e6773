"""Exactly once persisted, at least once on the wire, at most once shown: through `kill -9` of anything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio

from tests.chaos.askers import Asker, check_answers
from tests.chaos.checks import check_database, check_readers
from tests.chaos.cluster import SECRET, WORKERS, Cluster
from tests.chaos.faults import KINDS, Driver, Report, make_plan
from tests.chaos.ledger import Ledger, read_ledgers
from tests.chaos.people import Api, Person
from tests.chaos.readers import Reader
from tests.chaos.subscribers import Moody, all_are_sent, check_hooks, subscribe
from tests.chaos.talkers import Follower, Talker, check_talking, open_group, open_pair
from tests.chaos.typists import Forgetful, check_typing, make_shared_file
from tests.chaos.writers import Post, Stage, Writer
from tests.modelserver import KEY, serve_model
from tests.webhookserver import run_receiver

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
LEAST_FAULTS_SECONDS = 35.0
LEAST_FAULTS = 20
SETTLE_SECONDS = 60.0
WRITERS, PEOPLE, DEVICES, TYPISTS = 6, 4, 2, 3

pytestmark = [pytest.mark.timeout(SECONDS + 300), pytest.mark.long(SECONDS + 10)]


@contextlib.asynccontextmanager
async def background(*work: Any) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Run coroutines beside the block; one that failed fails the block."""
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
    """Ask every half second until it is so; False where it was not within this time."""
    deadline = time.monotonic() + seconds
    while not await check():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.5)
    return True


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
        # The others of the writers, in a group, and two of them apart.
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
        """Some of the writers type in one file, too."""
        authors = [writer.person for writer in self.writers[:TYPISTS]]
        file_id = await make_shared_file(conn, authors)
        for number, author in enumerate(authors):
            rng = random.Random(self.rng.random())
            self.typists.append(Forgetful(self.api, author, file_id, f"t{number}", rng))

    @property
    def watchers(self) -> list[Reader]:
        """All who have a socket."""
        return [*self.readers, *self.followers]

    async def list_behind(self, conn: Any) -> list[str]:
        """What followers show of conversations, and is not so."""
        return [finding for one in self.followers for finding in await one.differ(conn)]

    async def all_caught_up(self, conn: Any) -> bool:
        """Whether everybody has come as far as their rooms, and shows the right unread counts."""
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
        """Those who signed in before the faults are still signed in, and can stay so."""
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


async def check_service(cluster: Cluster, api: Api) -> list[str]:
    """Every process is at work again: ready nodes, beating workers, and SAQ in each of them."""
    findings = []
    for address in cluster.addresses:

        async def ready(address: str = address) -> bool:
            async with api.session.get(f"{address}/ready") as response:
                return response.status == 200

        if not await poll_until(ready, 20):
            findings.append(f"{address} is not ready")
    async with redis.asyncio.Redis.from_url(cluster.valkey.url) as client:

        async def enough_workers() -> bool:
            keys = [key async for key in client.scan_iter("saq:nexcorp:worker_info:*")]
            return len(keys) >= len(WORKERS)

        # Each SAQ worker writes about itself every 10 seconds; what dead ones wrote must not count.
        async for key in client.scan_iter("saq:nexcorp:worker_info:*"):
            await client.delete(key)

        if not await poll_until(enough_workers, 30):
            findings.append("SAQ does not run in every worker")
    return findings


async def outbox_is_empty(conn: Any) -> bool:
    """Whether nothing waits to be delivered."""
    return not await conn.fetchval("SELECT count(*) FROM outbox")


async def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    began = time.monotonic()
    rng = random.Random(SEED)
    report = Report(tmp_path / "faults.jsonl", seed=SEED, seconds=SECONDS)
    findings: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(report.close)
        model = await stack.enter_async_context(serve_model())
        settings = {"AI_BASE_URL": model.url, "AI_API_KEY": KEY, "AI_TOKENS_A_DAY": "0"}
        cluster = await stack.enter_async_context(Cluster(tmp_path, **settings))
        api = Api(cluster.addresses, rng)
        stack.push_async_callback(api.close)
        company = Company(api, tmp_path, rng)
        receiver = await stack.enter_async_context(run_receiver(Moody))
        receiver.rng = random.Random(SEED)
        await company.assemble()
        for writer in company.writers:
            stack.callback(writer.ledger.close)
        before = await asyncpg.connect(cluster.postgres.url)
        await company.share_file(before)
        hooked = {reader.person.id: reader.person for reader in company.readers}
        hooks = await subscribe(before, list(hooked.values()), receiver, SECRET)
        await before.close()
        plan = make_plan(SEED, max(SECONDS - (time.monotonic() - began), LEAST_FAULTS_SECONDS))
        report.note(started=len(plan))
        stop = asyncio.Event()
        async with background(*(reader.run() for reader in company.watchers)) as reading:
            people = (*company.writers, *company.typists, *company.talkers, *company.askers)
            writing = [one.run(stop) for one in people]
            async with background(*writing, *(reader.read_some(stop) for reader in company.readers)) as busy:
                await Driver(cluster, report).run(plan)
                report.note(faults="over")
                stop.set()
                _, unfinished = await asyncio.wait(busy, timeout=SETTLE_SECONDS)
            if unfinished:
                findings.append(f"{len(unfinished)} writers are still not answered")
            conn = await asyncpg.connect(cluster.postgres.url)
            stack.push_async_callback(conn.close)
            if not await poll_until(lambda: outbox_is_empty(conn)):
                findings.append("the outbox does not empty")
            await poll_until(lambda: company.all_caught_up(conn))
            receiver.mended = True
            if not await poll_until(lambda: all_are_sent(conn)):
                findings.append("not every webhook is sent")
            report.note(settled=True)
            findings += [f"a reader ended: {task.exception()!r}" for task in reading if task.done()]
            findings += await check_readers(conn, company.watchers)
            findings += await company.list_behind(conn)
        entries = read_ledgers(writer.ledger.path for writer in company.writers)
        findings += await check_database(conn, entries)
        findings += await check_typing(conn, api, company.typists)
        findings += await check_talking(conn, api, company.talkers)
        findings += await check_answers(conn, company.askers)
        findings += await check_hooks(conn, receiver, hooks)
        findings += await company.check_sessions()
        findings += await check_service(cluster, api)
        findings += cluster.deaths
        if api.outcomes["500"]:
            findings.append(f"{api.outcomes['500']} requests crashed")
        notified = await conn.fetchval("SELECT count(*) FROM notifications")
        print(
            f"seed {SEED}: {sum(report.done.values())} faults {dict(sorted(report.done.items()))}; "
            f"{sum(bool(entry.ids) for entry in entries.values())} acknowledged writes of {len(entries)}, "
            f"{sum(len(one.acknowledged) for one in company.typists)} words saved of "
            f"{sum(one.typed for one in company.typists)} typed, "
            f"{sum(len(one.acknowledged) for one in company.talkers)} messages, "
            f"{sum(len(one.told) for one in company.askers)} answers "
            f"({sum(t.reading.restarts for one in company.askers for t in one.told.values())} restarts, "
            f"{sum(one.breaks for one in company.askers)} breaks), "
            f"{notified} notifications, {sum(map(len, receiver.came.values()))} of them to webhooks by "
            f"{len(receiver.calls)} requests, "
            f"{sum(reader.frames for reader in company.watchers)} frames read, "
            f"{sum(s.jumps for r in company.watchers for s in r.streams.values())} states fetched anew, "
            f"closes {dict(sum((reader.closes for reader in company.watchers), Counter()))}, "
            f"answers {dict(api.outcomes)}, had to be killed {cluster.forced}, "
            f"{time.monotonic() - began:.0f} s; logs and report in {tmp_path}"
        )
    if findings:
        print(report.path.read_text())
        pytest.fail(f"CHAOS_SEED={SEED}\n" + "\n".join(findings))
    assert sum(report.done.values()) >= LEAST_FAULTS
    assert report.done.keys() == KINDS.keys()
