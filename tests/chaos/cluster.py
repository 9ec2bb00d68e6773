"""A production-like service: two web processes, two workers, PostgreSQL and Valkey behind proxies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import nexcorp
from nexcorp.embedded import PostgresServer, ValkeyServer
from nexcorp.embedded.children import Child
from nexcorp.embedded.home import port_is_free
from nexcorp.embedded.process import Account, children_of, kill_group, plain_environment, run_to_end, spawn
from tests.chaos.proxy import Proxy

REPOSITORY = Path(nexcorp.__file__).resolve().parent.parent
SECRET = "a secret of the ledger test, long enough to be accepted"
# Limits are lifted, so that a trial can write as much as it likes.
TRIAL = {
    "RATE_LIMIT_ANONYMOUS": "1000000",
    "RATE_LIMIT_USER": "1000000",
    # The ledger counts each mention.
    "MENTIONS_A_MINUTE": "0",
    "RATE_LIMIT_REGISTRATIONS": "0",
    "REGISTRATION": "open",
    # The receiver of webhooks.
    "OUTBOUND_ALLOW": "127.0.0.1",
}
STOP_SECONDS = 30.0
START_SECONDS = 60.0
WEBS = ("web1", "web2")
WORKERS = ("worker1", "worker2")
STORES = ("postgres", "valkey")

T = TypeVar("T")


def choose_ports(count: int) -> list[int]:
    """Choose free ports below the kernel's range for outgoing connections; they stay free in a restart."""
    chosen: set[int] = set()
    while len(chosen) < count:
        port = random.SystemRandom().randint(15000, 32000)
        if port_is_free(port):
            chosen.add(port)
    return sorted(chosen)


class Program:
    """A process whose output goes to a file. `folder`: its working directory; `account`: its user."""

    death_signal = signal.SIGKILL

    def __init__(
        self,
        name: str,
        command: list[str],
        env: dict[str, str],
        log: Path,
        *,
        folder: Path = REPOSITORY,
        account: Account | None = None,
    ) -> None:
        self.name, self.command, self.env, self.log = name, command, env, log
        self.folder, self.account = folder, account
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, or start it again."""
        with self.log.open("ab") as output:
            self.process = spawn(
                self.command,
                env=self.env,
                cwd=self.folder,
                output=output,
                account=self.account,
                death_signal=self.death_signal,
            )

    def stop(self) -> None:
        """End the process; a Program is killed at once."""
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL to the process and its group."""
        if self.process is not None:
            kill_group(self.process)


class Processes:
    """Children by their names, each started again when it dies by itself.

    `deaths`: processes that ended by themselves; `forced`: processes that had to be killed after SIGTERM.
    `web_ports`: the ports of those that serve HTTP.
    """

    def __init__(self) -> None:
        self.children: dict[str, Child] = {}
        self.web_ports: dict[str, int] = {}
        self.deaths: list[str] = []
        self.forced: list[str] = []
        # The kernel kills a child when the thread that forked it ends: one thread lives until close().
        self._thread = ThreadPoolExecutor(1)
        self._meant_to_run: set[str] = set()
        self._minder: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._start_all()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    async def _start_all(self) -> None:
        raise NotImplementedError

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run `work`, which forks or blocks, in the thread that forks the children."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The running process of this name."""
        process = self.children[name].process
        assert process is not None
        return process

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and all its children."""
        process = self.process(name)
        for pid in (process.pid, *children_of(process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def kill(self, name: str) -> None:
        """Kill a process with SIGKILL, also one that is halted."""
        self._meant_to_run.discard(name)
        await self.in_thread(self.children[name].kill)

    async def start(self, name: str) -> None:
        """Start a process and wait until it answers; for a worker, until it runs."""
        await self.in_thread(self.children[name].start)
        self._meant_to_run.add(name)
        if name in self.web_ports:
            await self._await_web(name)

    async def stop(self, name: str) -> None:
        """Send SIGTERM and wait; a process that does not end within STOP_SECONDS is noted and killed."""
        self._meant_to_run.discard(name)
        process = self.process(name)
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while process.poll() is None:
            if time.monotonic() > deadline:
                self.forced.append(name)
                break
            await asyncio.sleep(0.05)
        # SIGTERM itself ends a process that has not yet installed its handler; that is no failure.
        if process.returncode not in (0, None, -signal.SIGTERM):
            self.deaths.append(f"{name} ended with {process.returncode} after SIGTERM")
        await self.kill(name)

    async def _await_web(self, name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and name in self._meant_to_run:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.web_ports[name])
                writer.close()
                return
            await asyncio.sleep(0.1)

    async def _mind(self) -> None:
        """Note and restart each process that died by itself, as a supervisor would."""
        while True:
            for name in sorted(self._meant_to_run):
                code = self.process(name).poll()
                if code is not None and name in self._meant_to_run:
                    self.deaths.append(f"{name} ended by itself with {code}")
                    await self.kill(name)
                    await self.start(name)
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        """Kill the programs, the last added first."""
        if self._minder is not None:
            self._minder.cancel()
            await asyncio.gather(self._minder, return_exceptions=True)
        for child in reversed(self.children.values()):
            if isinstance(child, Program):
                await self.in_thread(child.kill)


class Cluster(Processes):
    """The whole service; `settings` are added to the environment of its processes."""

    def __init__(self, home: Path, **settings: str) -> None:
        super().__init__()
        self.home, self.settings = home, settings
        ports = choose_ports(4)
        self.postgres = PostgresServer(home / "postgres", port=ports[0])
        self.valkey = ValkeyServer(home / "valkey", port=ports[1])
        self.web_ports = dict(zip(WEBS, ports[2:], strict=True))
        self.proxies = {name: Proxy(name) for name in (*STORES, *WEBS)}
        self.children = {"postgres": self.postgres, "valkey": self.valkey}

    @property
    def addresses(self) -> list[str]:
        """URLs at which clients reach the web nodes: those of the proxies."""
        return [f"http://127.0.0.1:{self.proxies[name].port}" for name in WEBS]

    @property
    def node_urls(self) -> list[str]:
        """The URL of each web node."""
        return self.addresses

    @property
    def admin_url(self) -> str:
        """The URL of the database without the proxy."""
        return self.postgres.url

    async def _start_all(self) -> None:
        await asyncio.gather(
            self.in_thread(self.postgres.start), self.in_thread(self.valkey.start), *self._open_proxies()
        )
        targets = {"postgres": self.postgres.port, "valkey": self.valkey.port, **self.web_ports}
        for name, port in targets.items():
            assert port is not None
            self.proxies[name].target = port
        env = plain_environment() | {
            "PATH": os.environ.get("PATH", os.defpath),
            "DATABASE_URL": self._through("postgres", self.postgres.url),
            "REDIS_URL": self._through("valkey", self.valkey.url),
            "DATABASE_POOL": "2..8",
            "JWT_SECRET": SECRET,
            "LOG_LEVEL": "info",
            "LOG_FORMAT": "text",
            **TRIAL,
            **self.settings,
        }
        for name in WEBS:
            self._add_program(name, "web", env | {"PORT": str(self.web_ports[name])})
        for name in WORKERS:
            self._add_program(name, "worker", env)
        migrate = [sys.executable, "-m", "nexcorp", "migrate", "up"]
        code, output = await self.in_thread(
            lambda: run_to_end(["/usr/bin/env", "-C", str(REPOSITORY), *self._settings(env), *migrate])
        )
        assert code == 0, output
        for name in (*WEBS, *WORKERS):
            await self.start(name)
        self._minder = asyncio.create_task(self._mind())

    def _open_proxies(self) -> list[asyncio.Future[None]]:
        return [asyncio.ensure_future(proxy.start()) for proxy in self.proxies.values()]

    def _settings(self, env: dict[str, str]) -> list[str]:
        return [f"{name}={value}" for name, value in env.items()]

    def _through(self, name: str, url: str) -> str:
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{self.proxies[name].port}"))

    def _add_program(self, name: str, command: str, env: dict[str, str]) -> None:
        argv = [sys.executable, "-m", "nexcorp", command]
        self.children[name] = Program(name, argv, env, self.home / f"{name}.log")

    async def close(self) -> None:
        """End everything and remove the data; the logs stay."""
        await super().close()
        for proxy in self.proxies.values():
            await proxy.close()
        await self.in_thread(self.valkey.destroy)
        await self.in_thread(self.postgres.destroy)
        self._thread.shutdown()
