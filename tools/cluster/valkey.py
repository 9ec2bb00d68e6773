"""Valkey in cluster mode: three masters, each with a replica that takes over."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import redis

from nexcorp.embedded import ValkeyServer
from tests.valkeys import form_cluster, read_state
from tools.cluster.parts import VALKEYS, Ports, Secrets, write_private

# Milliseconds without a sign of a master until its replica takes over.
NODE_TIMEOUT_MS = 2000


def list_settings(secrets: Secrets) -> list[str]:
    """The settings of a cluster node, in addition to those of an embedded server."""
    return [
        "cluster-enabled yes",
        f"cluster-node-timeout {NODE_TIMEOUT_MS}",
        # If a master is lost, only its part of the keys is unavailable.
        "cluster-require-full-coverage no",
        "cluster-replica-validity-factor 0",
        f"masterauth {secrets.valkey}",
        "repl-diskless-sync-delay 0",
    ]


def make_valkey(
    name: str, home: Path, ports: Ports, secrets: Secrets, *, clustered: bool = True
) -> ValkeyServer:
    """Make a node of a cluster, or with `clustered=False` a single server."""
    folder = home / name
    folder.mkdir(exist_ok=True)
    write_private(folder / "valkey.password", secrets.valkey)
    server = ValkeyServer(folder, port=ports.of(name), settings=list_settings(secrets) if clustered else ())
    server.name = name
    return server


def form(servers: Collection[ValkeyServer]) -> None:
    """Join running servers into a cluster."""
    form_cluster(list(servers))


def make_url(ports: Ports, secrets: Secrets, names: Iterable[str] = VALKEYS) -> str:
    """REDIS_URL for a cluster, or for one server."""
    hosts = ",".join(f"127.0.0.1:{ports.of(name)}" for name in names)
    return f"redis://:{secrets.valkey}@{hosts}/0"


def list_masters(servers: Iterable[ValkeyServer]) -> list[str]:
    """The names of the current masters; servers that do not answer are left out."""
    found = []
    for server in servers:
        try:
            with redis.Redis.from_url(server.url, socket_timeout=2) as client:
                if client.info("replication")["role"] == "master":
                    found.append(server.name)
        except redis.RedisError:
            continue
    return found


def is_whole(servers: Collection[ValkeyServer]) -> bool:
    """Whether every node sees the cluster whole, and each master has a replica that follows."""
    if len(servers) == 1:
        return bool(list_masters(servers))
    try:
        for server in servers:
            if read_state(server)["state"] != "ok":
                return False
            with redis.Redis.from_url(server.url, socket_timeout=2) as client:
                found = client.info("replication")
            if not (
                found["connected_slaves"]
                if found["role"] == "master"
                else found["master_link_status"] == "up"
            ):
                return False
    except redis.RedisError:
        return False
    return True
