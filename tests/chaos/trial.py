"""The trial: people work while faults strike; then everything acknowledged is compared with the database."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from tests.chaos.askers import check_answers
from tests.chaos.checks import check_database, check_readers
from tests.chaos.company import SETTLE_SECONDS, Company, background, outbox_is_empty, poll_until
from tests.chaos.faults import Report
from tests.chaos.ledger import read_ledgers
from tests.chaos.people import Api
from tests.chaos.subscribers import Moody, all_are_sent, check_hooks, subscribe
from tests.chaos.talkers import check_talking
from tests.chaos.typists import check_typing
from tests.webhookserver import run_receiver

SILENCE_SECONDS = 2.0


class Tried(Protocol):
    """The service under trial. `node_urls`: each web node; `addresses`: the URLs that people call."""

    deaths: list[str]
    forced: list[str]

    @property
    def addresses(self) -> list[str]: ...

    @property
    def node_urls(self) -> list[str]: ...

    @property
    def admin_url(self) -> str:
        """The URL of the database, without a proxy."""


def describe_times(seconds: Iterable[float]) -> str:
    """Describe durations: their number, median, 99th percentile and maximum."""
    known = sorted(seconds)
    if not known:
        return "never"
    middle, most = known[len(known) // 2], known[min(len(known) - 1, len(known) * 99 // 100)]
    return f"{len(known)} times (p50 {middle:.3f} s, p99 {most:.2f} s, max {known[-1]:.2f} s)"


def describe_silence(moments: list[float]) -> str:
    """Describe the spans longer than SILENCE_SECONDS in which no write was acknowledged."""
    gaps = [after - before for before, after in itertools.pairwise(sorted(moments))]
    long = [gap for gap in gaps if gap > SILENCE_SECONDS]
    return (
        f"no write acknowledged for over {SILENCE_SECONDS:.0f} s: {len(long)} times, {sum(long):.0f} s in all"
        f" of {sum(gaps):.0f}, {max(gaps, default=0):.0f} s at most"
    )


async def run_trial(
    cluster: Tried,
    home: Path,
    *,
    seed: int,
    secret: str,
    report: Report,
    strike: Callable[[], Awaitable[None]],
    check_service: Callable[[Api], Awaitable[list[str]]],
    gives_up: bool = False,
) -> list[str]:
    """Let people work while `strike` runs; return the findings and print figures.

    `secret`: the service's JWT_SECRET. `check_service`: returns findings about processes that still fail.
    `gives_up`: accept answers of the assistant that failed because too many workers died.
    """
    began = time.monotonic()
    rng = random.Random(seed)
    findings: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        api = Api(cluster.addresses, rng)
        stack.push_async_callback(api.close)
        company = Company(api, home, rng)
        receiver = await stack.enter_async_context(run_receiver(Moody))
        receiver.rng = random.Random(seed)
        await company.assemble()
        for writer in company.writers:
            stack.callback(writer.ledger.close)
        before = await asyncpg.connect(cluster.admin_url)
        await company.share_file(before)
        hooked = {reader.person.id: reader.person for reader in company.readers}
        hooks = await subscribe(before, list(hooked.values()), receiver, secret)
        await before.close()
        stop = asyncio.Event()
        async with background(*(reader.run() for reader in company.watchers)) as reading:
            people: tuple[Any, ...] = (*company.writers, *company.typists, *company.talkers, *company.askers)
            writing = [one.run(stop) for one in people]
            async with background(*writing, *(reader.read_some(stop) for reader in company.readers)) as busy:
                await strike()
                report.note(faults="over")
                stop.set()
                _, unfinished = await asyncio.wait(busy, timeout=SETTLE_SECONDS)
            if unfinished:
                findings.append(f"{len(unfinished)} writers are still not answered")
            conn = await asyncpg.connect(cluster.admin_url)
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
        nodes = Api(cluster.node_urls, rng, api.session)
        findings += await check_typing(conn, nodes, company.typists)
        findings += await check_talking(conn, api, company.talkers)
        findings += await check_answers(conn, company.askers, gives_up=gives_up)
        findings += await check_hooks(conn, receiver, hooks)
        findings += await company.check_sessions()
        findings += await check_service(nodes)
        findings += cluster.deaths
        if api.outcomes["500"]:
            findings.append(f"{api.outcomes['500']} requests crashed")
        notified = await conn.fetchval("SELECT count(*) FROM notifications")
        print(
            f"seed {seed}: {sum(report.done.values())} faults {dict(sorted(report.done.items()))}; "
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
            f"{describe_silence([at for one in company.writers for at in one.moments])}, "
            f"to a welcome {describe_times(t for one in company.watchers for t in one.welcomes)}, "
            f"away for {describe_times(t for one in company.watchers for t in one.absences)}, "
            f"closes {dict(sum((reader.closes for reader in company.watchers), Counter()))}, "
            f"answers {dict(api.outcomes)}, had to be killed {cluster.forced}, "
            f"{time.monotonic() - began:.0f} s; logs and report in {home}"
        )
    return findings
