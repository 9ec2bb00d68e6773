"""PostgreSQL under Patroni: a primary and a streaming replica, which takes over when the primary is lost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from nexcorp.embedded.account import server_account
from nexcorp.embedded.postgres import BUILTIN_LOCALES_SINCE
from nexcorp.embedded.process import end_process, kill_group, kill_quietly, plain_environment, processes_in
from nexcorp.embedded.programs import find_programs
from tests.chaos.cluster import Program
from tools.cluster.etcd import list_hosts
from tools.cluster.parts import Ports, Secrets, give_to_servers, write_private

SCOPE = "nexcorp"
STOP_SECONDS = 20.0
# Seconds without a sign of the primary until its replica takes over: Patroni's minimum.
TTL = 20


def make_config(
    name: str, home: Path, ports: Ports, secrets: Secrets, *, synchronous: bool, programs: Path, version: int
) -> dict[str, Any]:
    """The content of a node's patroni.yml."""
    rest, listen = f"127.0.0.1:{ports.of(name, 1)}", f"127.0.0.1:{ports.of(name)}"
    initdb: list[Any] = [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]
    if version >= BUILTIN_LOCALES_SINCE:
        initdb += [{"locale-provider": "builtin"}, {"builtin-locale": "C.UTF-8"}]
    return {
        "scope": SCOPE,
        "name": name,
        "restapi": {"listen": rest, "connect_address": rest},
        "etcd3": {"hosts": list_hosts(ports)},
        "bootstrap": {
            "dcs": {
                "ttl": TTL,
                "loop_wait": 2,
                "retry_timeout": 5,
                # An acknowledged commit is on both nodes, and only a replica with all commits is promoted.
                "synchronous_mode": synchronous,
                "maximum_lag_on_failover": 1048576,
                # Without etcd the primary keeps its role as long as the replica's Patroni agrees.
                "failsafe_mode": True,
                # Fail over at once when the primary has died, instead of waiting for its restart.
                "primary_start_timeout": 0,
                "primary_stop_timeout": 10,
                "postgresql": {
                    "use_pg_rewind": True,
                    "use_slots": True,
                    "parameters": {
                        "max_connections": 100,
                        "shared_buffers": "64MB",
                        "hot_standby_feedback": "on",
                        "wal_keep_size": "256MB",
                        "timezone": "UTC",
                        "log_timezone": "UTC",
                    },
                },
            },
            "initdb": initdb,
        },
        "postgresql": {
            "listen": listen,
            "connect_address": listen,
            "data_dir": str(home / name / "data"),
            "bin_dir": str(programs),
            "pgpass": str(home / name / "pgpass"),
            "authentication": {
                "superuser": {"username": "nexcorp", "password": secrets.database},
                "replication": {"username": "replicator", "password": secrets.replication},
            },
            "parameters": {"unix_socket_directories": ""},
            "pg_hba": [
                "host all all 127.0.0.1/32 scram-sha-256",
                "host replication replicator 127.0.0.1/32 scram-sha-256",
            ],
            "basebackup": [{"checkpoint": "fast"}],
            "remove_data_directory_on_rewind_failure": True,
            "remove_data_directory_on_diverged_timelines": True,
        },
    }


class PatroniNode(Program):
    """Patroni and its PostgreSQL. kill() ends both, like a lost machine; kill_agent() only Patroni."""

    # When this process dies, a SIGTERM makes Patroni stop its PostgreSQL as well.
    death_signal = signal.SIGTERM

    def __init__(
        self,
        name: str,
        home: Path,
        ports: Ports,
        secrets: Secrets,
        *,
        interpreter: tuple[Path, dict[str, str]],
        synchronous: bool = True,
    ) -> None:
        self.port, self.rest_port = ports.of(name), ports.of(name, 1)
        self.data = home / name / "data"
        programs, version = find_programs(print)
        folder = home / name
        folder.mkdir(mode=0o700, exist_ok=True)
        give_to_servers(folder)
        config = make_config(
            name, home, ports, secrets, synchronous=synchronous, programs=programs, version=version
        )
        text = yaml.safe_dump(config, sort_keys=False)
        self.config = write_private(folder / "patroni.yml", text, for_servers=True)
        python, env = interpreter
        super().__init__(
            name,
            [str(python), "-m", "patroni", str(self.config)],
            plain_environment() | env,
            home / f"{name}.log",
            folder=Path("/"),
            account=server_account(),
        )

    def kill(self) -> None:
        """kill -9 of Patroni, PostgreSQL and its backends, like a lost machine."""
        super().kill()
        self.kill_server()

    def kill_agent(self) -> None:
        """kill -9 of Patroni; PostgreSQL keeps running."""
        super().kill()

    def kill_server(self) -> None:
        """kill -9 of PostgreSQL; Patroni, if it runs, restarts it or lets the replica take over."""
        while found := processes_in(self.data, "postgres"):
            for pid in found:
                kill_quietly(pid)

    def halt_server(self, number: signal.Signals) -> None:
        """Send SIGSTOP or SIGCONT to PostgreSQL and its backends."""
        for pid in processes_in(self.data, "postgres"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self) -> None:
        """Stop Patroni and PostgreSQL, by force after STOP_SECONDS, and remove the data."""
        if self.process is not None:
            end_process(self.process, signal.SIGTERM, STOP_SECONDS)
            kill_group(self.process)
        self.kill_server()
        shutil.rmtree(self.data.parent, ignore_errors=True)

    def ask(self, path: str = "/patroni", data: Any = None) -> tuple[int, Any]:
        """Send a request to Patroni; returns (status, answer), or (0, None) without an answer."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.rest_port}{path}",
            data=body,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, None
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    @property
    def is_primary(self) -> bool:
        """Whether Patroni says that this is the primary."""
        return self.ask("/primary")[0] == 200

    @property
    def is_replica(self) -> bool:
        """Whether Patroni says that this is a running replica."""
        return self.ask("/replica")[0] == 200
