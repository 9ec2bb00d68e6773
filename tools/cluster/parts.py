"""Shared by all parts: ports, Debian's programs, secrets, and starting processes."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from nexcorp.embedded.account import server_account
from nexcorp.embedded.home import port_is_free
from nexcorp.embedded.process import EmbeddedError, plain_environment
from tests.chaos.cluster import Program

# Each program, and its package in Debian and Ubuntu.
PACKAGES = {"etcd": "etcd-server", "pgbouncer": "pgbouncer", "haproxy": "haproxy"}
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
WEBS = ("web1", "web2", "web3")
WORKERS = ("worker1", "worker2")
ETCDS = ("etcd1", "etcd2", "etcd3")
POSTGRESES = ("pg1", "pg2")
# The first three begin as masters, the others as their replicas.
VALKEYS = ("valkey1", "valkey2", "valkey3", "valkey4", "valkey5", "valkey6")
# Offset from a Valkey's port to its cluster bus port.
BUS = 10000


@dataclass(frozen=True)
class Ports:
    """The ports of all parts, from `base` on."""

    base: int

    @property
    def web(self) -> int:
        """The port of HAProxy for the web nodes."""
        return self.base

    @property
    def stats(self) -> int:
        """The port of HAProxy's statistics."""
        return self.base + 1

    @property
    def pgbouncer(self) -> int:
        """The port of PgBouncer."""
        return self.base + 2

    @property
    def primary(self) -> int:
        """The port of HAProxy for the primary PostgreSQL."""
        return self.base + 3

    @property
    def replica(self) -> int:
        """The port of HAProxy for the replica."""
        return self.base + 4

    def of(self, name: str, offset: int = 0) -> int:
        """The port of a named node; `offset` 1 is its second port."""
        groups = (WEBS, POSTGRESES, ETCDS, VALKEYS)
        group, number = next((n, names.index(name)) for n, names in enumerate(groups) if name in names)
        return self.base + 10 + 20 * group + 10 * offset + number

    def check(self) -> None:
        """Raise EmbeddedError if a port is taken."""
        wanted = {self.web, self.stats, self.pgbouncer, self.primary, self.replica}
        for name in (*WEBS, *POSTGRESES, *ETCDS, *VALKEYS):
            wanted.add(self.of(name))
        wanted |= {self.of(name, 1) for name in (*POSTGRESES, *ETCDS)}
        wanted |= {self.of(name) + BUS for name in VALKEYS}
        taken = sorted(port for port in wanted if not port_is_free(port))
        if taken:
            raise EmbeddedError(f"port {taken[0]} is taken; choose others with CLUSTER_PORT")


@dataclass(frozen=True)
class Secrets:
    """The passwords and keys that the parts share."""

    database: str
    replication: str
    valkey: str
    tokens: str


def find_missing() -> list[str]:
    """The Debian packages whose programs are not installed."""
    return [package for program, package in PACKAGES.items() if not shutil.which(program, path=PATH)]


def find_program(name: str) -> str:
    """The path of a program from a Debian package. Raises EmbeddedError."""
    found = shutil.which(name, path=PATH)
    if found is None:
        raise EmbeddedError(f"{name} is missing: apt-get install {PACKAGES[name]}")
    return found


def write_private(path: Path, text: str, *, for_servers: bool = False) -> Path:
    """Write a file that only its owner can read: this account, or the servers' account."""
    path.write_text(text)
    path.chmod(0o600)
    if for_servers:
        give_to_servers(path)
    return path


def give_to_servers(path: Path) -> None:
    """Make the servers' account the owner; does nothing if that is this account."""
    account = server_account()
    if account is not None:
        os.chown(path, account.uid, account.gid)


def make_program(name: str, command: list[str], home: Path, *, as_server: bool = False) -> Program:
    """Make a process of the cluster, which inherits nothing from this process's environment."""
    account = server_account() if as_server else None
    return Program(
        name, command, plain_environment(), home / f"{name}.log", folder=Path("/"), account=account
    )
