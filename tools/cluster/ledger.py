"""`make cluster LEDGER=1`: run tests/chaos on the cluster, with failovers and rolling deploys."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import redis

from tests.chaos.cluster import TRIAL
from tests.chaos.company import list_unready, poll_until
from tests.chaos.faults import Report, make_plan
from tests.chaos.people import Api
from tests.chaos.trial import run_trial
from tests.modelserver import KEY, serve_model
from tools.cluster.cluster import ClusterOfAll
from tools.cluster.faults import KINDS, LENGTHS, RECOVERY, ClusterDriver, spare_primary
from tools.cluster.parts import WORKERS, Ports
from tools.cluster.service import THIS, Release


async def check_service(cluster: ClusterOfAll, nodes: Api) -> list[str]:
    """Check that every node is ready and that SAQ runs in every worker; returns findings."""
    findings = await list_unready(nodes)

    def read_workers(*, forget: bool) -> int:
        count = 0
        for server in cluster.valkeys.values():
            with redis.Redis.from_url(server.url) as client:
                if client.info("replication")["role"] == "master":
                    keys = list(client.scan_iter("*saq:*worker_info:*"))
                    count += len(keys)
                    for key in keys if forget else ():
                        client.delete(key)
        return count

    async def enough_workers() -> bool:
        return await asyncio.to_thread(lambda: read_workers(forget=False)) >= len(WORKERS)

    # Forget the entries of dead workers, so that they do not count.
    await asyncio.to_thread(lambda: read_workers(forget=True))
    if not await poll_until(enough_workers, 30):
        findings.append("SAQ does not run in every worker")
    return findings


async def run_ledger(
    home: Path,
    ports: Ports,
    *,
    seed: int,
    seconds: float,
    before: Release | None,
    synchronous: bool,
    failovers: int | None,
    say: Callable[[str], None],
) -> list[str]:
    """Inject faults for `seconds`, with two rolling deploys (three with `before`); returns findings.

    `before`: the release that the cluster begins with; the deploys go to this release, back, and to this one.
    `failovers`: most faults of the primary; None: no limit.
    """
    report = Report(home / "faults.jsonl", seed=seed, seconds=seconds)
    releases = [THIS, before, THIS] if before else [THIS, THIS]
    async with serve_model() as model:
        settings = TRIAL | {"AI_BASE_URL": model.url, "AI_API_KEY": KEY, "AI_TOKENS_A_DAY": "0"}
        cluster = ClusterOfAll(
            home, ports, release=before or THIS, synchronous=synchronous, settings=settings, say=say
        )
        async with cluster:
            driver = ClusterDriver(cluster, report, random.Random(seed), releases)

            async def deploy(begins: float) -> None:
                for number, release in enumerate(releases):
                    await asyncio.sleep(max(0.0, begins + seconds * (number + 0.5) / 3 - time.monotonic()))
                    say(f"deploying {release.folder.name}")
                    await driver.deploy(release)

            async def strike() -> None:
                plan = make_plan(seed, seconds, KINDS, LENGTHS, RECOVERY, eager=True)
                if failovers is not None:
                    plan = spare_primary(plan, failovers)
                say(f"{len(plan)} faults, seed {seed}")
                async with asyncio.TaskGroup() as group:
                    group.create_task(driver.run(plan))
                    group.create_task(deploy(time.monotonic()))
                say("faults are over")

            findings = await run_trial(
                cluster,
                home,
                seed=seed,
                secret=cluster.secrets.tokens,
                report=report,
                strike=strike,
                check_service=lambda nodes: check_service(cluster, nodes),
                gives_up=True,
            )
            say(f"{driver.promotions} promotions, {driver.interrupted} migrations cut short")
    report.close()
    return findings
