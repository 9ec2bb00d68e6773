"""While processes are killed, each write is stored exactly once, sent at least once, shown at most once."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
import redis.asyncio

from tests.chaos.cluster import SECRET, WORKERS, Cluster
from tests.chaos.company import list_unready, poll_until
from tests.chaos.faults import KINDS, Driver, Fault, Report, make_plan
from tests.chaos.people import Api
from tests.chaos.trial import run_trial
from tests.modelserver import KEY, serve_model

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
# Every kind comes once in this time.
LEAST_FAULTS_SECONDS = 40.0

pytestmark = [pytest.mark.timeout(SECONDS + 300), pytest.mark.long(SECONDS + 10)]


async def check_service(cluster: Cluster, api: Api) -> list[str]:
    """Check that nodes are ready and that SAQ runs in every worker; return findings."""
    findings = await list_unready(api)
    async with redis.asyncio.Redis.from_url(cluster.valkey.url) as client:

        async def enough_workers() -> bool:
            keys = [key async for key in client.scan_iter("saq:nexcorp:worker_info:*")]
            return len(keys) >= len(WORKERS)

        # Each SAQ worker renews its key every 10 seconds; keys of dead ones must not count.
        async for key in client.scan_iter("saq:nexcorp:worker_info:*"):
            await client.delete(key)

        if not await poll_until(enough_workers, 30):
            findings.append("SAQ does not run in every worker")
    return findings


async def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    began = time.monotonic()
    report = Report(tmp_path / "faults.jsonl", seed=SEED, seconds=SECONDS)
    plan: list[Fault] = []
    async with serve_model() as model:
        settings = {"AI_BASE_URL": model.url, "AI_API_KEY": KEY, "AI_TOKENS_A_DAY": "0"}
        async with Cluster(tmp_path, **settings) as cluster:

            async def strike() -> None:
                seconds = max(SECONDS - (time.monotonic() - began), LEAST_FAULTS_SECONDS)
                plan.extend(make_plan(SEED, seconds))
                report.note(started=len(plan))
                await Driver(cluster, report).run(plan)

            findings = await run_trial(
                cluster,
                tmp_path,
                seed=SEED,
                secret=SECRET,
                report=report,
                strike=strike,
                check_service=lambda nodes: check_service(cluster, nodes),
            )
    report.close()
    if findings:
        print(report.path.read_text())
        pytest.fail(f"CHAOS_SEED={SEED}\n" + "\n".join(findings))
    assert report.done == Counter(fault.kind for fault in plan)
    assert report.done.keys() == KINDS.keys()
