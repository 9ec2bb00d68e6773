"""The faults that strike the cluster, and how each part recovers."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from nexcorp.embedded.process import EmbeddedError
from tests.chaos.faults import Driver, Fault, Report
from tools.cluster import valkey
from tools.cluster.cluster import ClusterOfAll
from tools.cluster.parts import ETCDS, POSTGRESES, WEBS, WORKERS
from tools.cluster.patroni import TTL
from tools.cluster.service import THIS, Release

# The parts of a group share one lock, so one at a time is in trouble: two faults would rule out a failover.
DATABASE, CACHE = ("postgres",), ("valkey",)
KINDS: dict[str, tuple[str, ...]] = {
    "kill web": WEBS,
    "kill worker": WORKERS,
    "kill etcd": ETCDS,
    "kill haproxy": ("haproxy",),
    "kill pgbouncer": ("pgbouncer",),
    "halt web": WEBS,
    "halt worker": WORKERS,
    "halt pgbouncer": ("pgbouncer",),
    "reload haproxy": ("haproxy",),
    "reload pgbouncer": ("pgbouncer",),
    "rolling web": WEBS,
    "rolling worker": WORKERS,
    "master valkey killed": CACHE,
    "master valkey halted": CACHE,
    "replica valkey killed": CACHE,
    "primary server killed": DATABASE,
    "primary machine lost": DATABASE,
    "primary switched over": DATABASE,
    "primary halted": DATABASE,
    "replica machine lost": DATABASE,
    "replica halted": DATABASE,
    "patroni killed": DATABASE,
}
LENGTHS = {
    "halt": (2.0, 5.0),
    "halt pgbouncer": (0.5, 3.0),
    "master valkey halted": (1.0, 6.0),
    "master valkey killed": (0.1, 6.0),
    "primary halted": (1.0, 5.0),
    # Long enough for the replica to take over.
    "primary machine lost": (TTL + 5.0, TTL + 10.0),
    "replica machine lost": (0.1, 8.0),
    "replica halted": (1.0, 8.0),
}
RECOVERY = {
    "kill web": 9.0,
    "kill worker": 5.0,
    "kill": 6.0,
    "halt": 3.0,
    "rolling web": 40.0,
    "rolling worker": 25.0,
    "master": 6.0,
    "replica valkey killed": 2.0,
    "primary": 12.0,
    "replica machine lost": 10.0,
    "replica halted": 2.0,
    "patroni killed": 3.0,
    "reload": 5.0,
}
NOTICED_SECONDS, WHOLE_SECONDS = 3.0, 90.0
MOST_INTERRUPTED = 30


def spare_primary(plan: list[Fault], most: int) -> list[Fault]:
    """Return the plan with at most `most` faults of the primary, as each may be a failover."""
    taken = itertools.count()
    return [fault for fault in plan if not fault.kind.startswith("primary") or next(taken) < most]


class ClusterDriver(Driver[ClusterOfAll]):
    """Carries out a plan of faults on the cluster. `releases`: the target of each rolling deploy in turn."""

    kinds = KINDS

    def __init__(
        self, cluster: ClusterOfAll, report: Report, rng: random.Random, releases: list[Release]
    ) -> None:
        super().__init__(cluster, report)
        self.rng, self.releases = rng, releases
        # Count how often another node became the primary, and how often a migration was interrupted.
        self.promotions = self.interrupted = 0
        of_kind: dict[str, Callable[[Fault], Awaitable[None]]] = {
            "reload": self._reload,
            "master": self._strike_master,
            "replica valkey killed": self._kill_replica_valkey,
            "primary": self._strike_primary,
            "replica machine lost": self._lose_replica,
            "replica halted": self._halt_replica,
            "patroni killed": self._kill_patroni,
        }
        self._verbs |= of_kind

    async def deploy(self, release: Release) -> None:
        """Migrate, then restart each worker and web node with `release`, one after the other.

        Going back to an older release migrates nothing: the schema stays.
        """
        self.report.note(phase="begin", kind="deploy", target=str(release.folder))
        if release == THIS:
            await self._migrate(release)
        self.cluster.release = release
        for name in (*WORKERS, *WEBS):
            async with self._locks[name]:
                await self.cluster.stop(name)
                self.cluster.children[name] = self.cluster.make(name, release)
                await self.cluster.start(name)
                if name in WEBS:
                    await self.cluster.await_node(name)
        self.report.done["deploy"] += 1
        self.report.note(phase="end", kind="deploy", target=str(release.folder))

    async def _migrate(self, release: Release) -> None:
        """Run `migrate up` until it succeeds, as failovers interrupt it; gives up after MOST_INTERRUPTED."""
        while True:
            try:
                await asyncio.to_thread(self.cluster.run_step, release, "migrate", "up")
                return
            except EmbeddedError as error:
                self.report.note(migrating=str(error)[-300:])
                self.interrupted += 1
                if self.interrupted > MOST_INTERRUPTED:
                    raise
                await asyncio.sleep(1)

    async def _roll(self, fault: Fault) -> None:
        for name in self.kinds[fault.kind]:
            async with self._locks[name]:
                self.report.note(phase="begin", **asdict(fault) | {"target": name})
                await self.cluster.stop(name)
                await self.cluster.start(name)
                if name in WEBS:
                    await self.cluster.await_node(name)

    async def _reload(self, fault: Fault) -> None:
        number = signal.SIGUSR2 if fault.target == "haproxy" else signal.SIGHUP
        self.cluster.process(fault.target).send_signal(number)

    async def _strike_master(self, fault: Fault) -> None:
        cluster = self.cluster
        masters = await asyncio.to_thread(valkey.list_masters, cluster.valkeys.values())
        name = self.rng.choice(masters or list(cluster.valkeys))
        if fault.kind.endswith("halted"):
            cluster.signal(name, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                cluster.signal(name, signal.SIGCONT)
        else:
            await cluster.kill(name)
            await asyncio.sleep(fault.seconds)
            await cluster.start(name)
        await self._await_valkeys()

    async def _kill_replica_valkey(self, fault: Fault) -> None:
        masters = await asyncio.to_thread(valkey.list_masters, self.cluster.valkeys.values())
        replicas = [one for one in self.cluster.valkeys if one not in masters]
        if not replicas:
            return
        name = self.rng.choice(replicas)
        await self.cluster.kill(name)
        await asyncio.sleep(fault.seconds)
        await self.cluster.start(name)
        await self._await_valkeys()

    async def _await_valkeys(self) -> None:
        """Wait up to 30 s until each master has a replica in sync."""
        servers = list(self.cluster.valkeys.values())
        for _ in range(300):
            if await asyncio.to_thread(valkey.is_whole, servers):
                return
            await asyncio.sleep(0.1)

    async def _strike_primary(self, fault: Fault) -> None:
        cluster = self.cluster
        name = await asyncio.to_thread(cluster.find_primary)
        if name is None:
            return
        node = cluster.nodes[name]
        before = name
        if fault.kind == "primary server killed":
            await asyncio.to_thread(node.kill_server)
            # Wait until Patroni has noticed; until then it reports that all is well.
            await asyncio.sleep(NOTICED_SECONDS)
        elif fault.kind == "primary switched over":
            (heir,) = (one for one in POSTGRESES if one != name)
            answer = await asyncio.to_thread(node.ask, "/switchover", {"leader": name, "candidate": heir})
            self.report.note(switchover=answer)
        elif fault.kind == "primary halted":
            node.halt_server(signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                node.halt_server(signal.SIGCONT)
        else:
            await cluster.kill(name)
            await asyncio.sleep(fault.seconds)
            await cluster.start(name)
        await self._await_postgres()
        self.promotions += await asyncio.to_thread(cluster.find_primary) != before

    async def _find_replica(self) -> str:
        primary = await asyncio.to_thread(self.cluster.find_primary)
        return next(one for one in POSTGRESES if one != primary)

    async def _halt_replica(self, fault: Fault) -> None:
        # Commits wait for the halted replica.
        node = self.cluster.nodes[await self._find_replica()]
        node.halt_server(signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            node.halt_server(signal.SIGCONT)
        await self._await_postgres()

    async def _lose_replica(self, fault: Fault) -> None:
        name = await self._find_replica()
        await self.cluster.kill(name)
        await asyncio.sleep(fault.seconds)
        await self.cluster.start(name)
        await self._await_postgres()

    async def _kill_patroni(self, fault: Fault) -> None:
        name = self.rng.choice(POSTGRESES)
        await self.cluster.kill_agent(name)
        await asyncio.sleep(fault.seconds)
        await self.cluster.start(name)
        await self._await_postgres()

    async def _await_postgres(self) -> None:
        """Wait for a primary and a replica that can replace it; reports a problem after WHOLE_SECONDS."""
        for _ in range(int(WHOLE_SECONDS / 0.3)):
            if await asyncio.to_thread(self.cluster.can_fail_over):
                return
            await asyncio.sleep(0.3)
        self.report.note(problem="PostgreSQL is not whole again")
