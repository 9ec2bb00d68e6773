"""The whole cluster: start it in order, watch it, stop it and remove its data."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import aiohttp
import asyncpg
import psycopg

from nexcorp.embedded import ValkeyServer
from nexcorp.embedded.home import keep_secret
from nexcorp.embedded.process import EmbeddedError, end_process
from tests.chaos.cluster import Processes, Program
from tools.cluster import haproxy, pgbouncer, service, valkey
from tools.cluster.etcd import make_etcd
from tools.cluster.interpreter import find_interpreter
from tools.cluster.parts import ETCDS, POSTGRESES, VALKEYS, WEBS, WORKERS, Ports, Secrets
from tools.cluster.patroni import PatroniNode
from tools.cluster.service import THIS, Release

READY_SECONDS = 120.0
END_SECONDS = 10.0
NODE_SECONDS = 20.0


async def is_ready(address: str) -> bool:
    """Whether a web node, or HAProxy in front of them, reports that it is ready."""
    try:
        timeout = aiohttp.ClientTimeout(total=3)
        async with aiohttp.request("GET", f"{address}/ready", timeout=timeout) as answer:
            return answer.status == 200
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False


class ClusterOfAll(Processes):
    """The whole cluster with its data in `home`, an empty folder that all accounts can enter.

    `settings`: override the cluster's settings of the service. `release`: what web nodes and workers run.
    `synchronous`: whether a commit waits for the replica. `say`: called with each step.
    """

    def __init__(
        self,
        home: Path,
        ports: Ports,
        *,
        release: Release = THIS,
        synchronous: bool = True,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        super().__init__()
        self.home, self.ports, self.release, self._say = home, ports, release, say
        self.synchronous = synchronous
        kept = ("database", "replication", "valkey", "tokens")
        self.secrets = Secrets(*(keep_secret(home / f"{name}.secret") for name in kept))
        (home / "service").mkdir(exist_ok=True)
        # A release without support for a Redis cluster gets a single server.
        clustered = release.knows_clusters
        names = VALKEYS if clustered else VALKEYS[:1]
        self.valkeys = {
            name: valkey.make_valkey(name, home, ports, self.secrets, clustered=clustered) for name in names
        }
        redis_url = {"REDIS_URL": valkey.make_url(ports, self.secrets, self.valkeys)}
        self.settings = service.make_settings(home, ports, self.secrets, {**redis_url, **(settings or {})})
        self.web_ports = {name: ports.of(name) for name in WEBS}
        python = find_interpreter(home)
        self.nodes = {
            name: PatroniNode(name, home, ports, self.secrets, interpreter=python, synchronous=synchronous)
            for name in POSTGRESES
        }
        self.children = {
            **{name: make_etcd(name, home, ports) for name in ETCDS},
            **self.nodes,
            **self.valkeys,
            "pgbouncer": pgbouncer.make_pgbouncer(home, ports, self.secrets),
            "haproxy": haproxy.make_haproxy(home, ports),
        }
        for name in (*WORKERS, *WEBS):
            self.children[name] = self.make(name, release)

    @property
    def addresses(self) -> list[str]:
        """The base URLs for clients of the service."""
        return [f"http://127.0.0.1:{self.ports.web}"]

    @property
    def admin_url(self) -> str:
        """The URL of the primary without PgBouncer, for migrations and checks."""
        return f"postgresql://nexcorp:{quote(self.secrets.database)}@127.0.0.1:{self.ports.primary}/nexcorp"

    @property
    def node_urls(self) -> list[str]:
        """The base URL of each web node, bypassing HAProxy."""
        return [f"http://127.0.0.1:{port}" for port in self.web_ports.values()]

    def make(self, name: str, release: Release) -> Program:
        """Make the process of a web node or worker; put it in `children` once the old one has ended."""
        if name in WEBS:
            return service.make_web(name, self.home, self.ports, self.settings, release)
        return service.make_worker(name, self.home, self.settings, release)

    async def _start_all(self) -> None:
        self.ports.check()
        self._say("etcd ...")
        for name in ETCDS:
            await self.start(name)
        self._say("PostgreSQL under Patroni, Valkey, HAProxy, PgBouncer ...")
        for name in ("haproxy", "pgbouncer", *POSTGRESES, *self.valkeys):
            await self.start(name)
        if len(self.valkeys) > 1:
            await self.in_thread(lambda: valkey.form(self.valkeys.values()))
        await self.await_primary()
        await self.in_thread(self._create_database)
        await self.await_replica()
        self._say("migrations ...")
        await self.in_thread(lambda: self.run_step(self.release, "migrate", "up"))
        self._say("web nodes and workers ...")
        for name in (*WORKERS, *WEBS):
            await self.start(name)
        await self.await_ready()
        self._minder = asyncio.create_task(self._mind())

    def _create_database(self) -> None:
        address = self.admin_url.rpartition("/")[0]
        with psycopg.connect(f"{address}/postgres", autocommit=True, connect_timeout=10) as conn:
            conn.execute("CREATE DATABASE nexcorp")

    def run_step(self, release: Release, *arguments: str) -> None:
        """Run a command of a release directly against the primary. Raises EmbeddedError."""
        env = {**self.settings, "DATABASE_URL": self.admin_url}
        done = subprocess.run(
            release.command(*arguments), env=env, cwd=release.folder, capture_output=True, text=True
        )
        if done.returncode:
            raise EmbeddedError(
                f"nexcorp {' '.join(arguments)}: {(done.stdout + done.stderr).strip()[-800:]}"
            )

    def find_primary(self) -> str | None:
        """The name of the primary node, or None."""
        return next((name for name, node in self.nodes.items() if node.is_primary), None)

    async def await_primary(self) -> None:
        """Wait until a primary accepts connections through HAProxy. Raises EmbeddedError after a timeout."""

        async def reached() -> bool:
            try:
                conn = await asyncpg.connect(self.admin_url.rpartition("/")[0] + "/postgres", timeout=3)
            except (OSError, TimeoutError, asyncpg.PostgresError):
                return False
            await conn.close()
            return True

        await self._await(reached, "no primary came about")

    async def await_replica(self) -> None:
        """Wait until a replica follows. Raises EmbeddedError after a timeout."""

        async def follows() -> bool:
            return await asyncio.to_thread(lambda: any(node.is_replica for node in self.nodes.values()))

        await self._await(follows, "no replica came about")

    async def await_ready(self) -> None:
        """Wait until HAProxy has a ready web node. Raises EmbeddedError after a timeout."""
        await self._await(lambda: is_ready(self.addresses[0]), "no web node is ready")

    async def await_node(self, name: str) -> None:
        """Wait up to NODE_SECONDS for one web node to be ready, as a rolling deploy does."""
        for _ in range(int(NODE_SECONDS / 0.3)):
            if await is_ready(f"http://127.0.0.1:{self.web_ports[name]}"):
                return
            await asyncio.sleep(0.3)

    async def kill_agent(self, name: str) -> None:
        """kill -9 of Patroni alone, which stays down."""
        self._meant_to_run.discard(name)
        await self.in_thread(self.nodes[name].kill_agent)

    def can_fail_over(self) -> bool:
        """Whether there is a primary, and a replica that can be promoted without losing commits."""
        nodes = self.nodes.values()
        wanted = "/synchronous" if self.synchronous else "/replica"
        return any(n.is_primary for n in nodes) and any(n.ask(wanted)[0] == 200 for n in nodes)

    async def _await(self, check: Callable[[], object], problem: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not await check():  # type: ignore[misc]
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{problem} within {READY_SECONDS:.0f} s; logs in {self.home}")
            await asyncio.sleep(0.3)

    async def close(self) -> None:
        """Stop everything, the service first, and remove the data; logs stay."""
        if self._minder is not None:
            self._minder.cancel()
            await asyncio.gather(self._minder, return_exceptions=True)
        await self.in_thread(self._end_all)
        self._thread.shutdown()

    def _end_all(self) -> None:
        for name in (*WEBS, *WORKERS):
            process = self.children[name].process
            if process is not None and process.poll() is None:
                process.terminate()
        for child in reversed(self.children.values()):
            if isinstance(child, PatroniNode):
                child.end()
            elif isinstance(child, ValkeyServer):
                child.destroy()
            else:
                if child.process is not None:
                    end_process(child.process, 15, END_SECONDS)
                child.kill()
        for name in (*ETCDS, "service", "patroni"):
            shutil.rmtree(self.home / name, ignore_errors=True)
