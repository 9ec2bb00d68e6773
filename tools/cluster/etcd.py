"""etcd, in which Patroni's nodes elect the primary. Three nodes, so that one may fail."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.cluster import Program
from tools.cluster.parts import ETCDS, Ports, find_program, make_program


def list_hosts(ports: Ports) -> list[str]:
    """The host:port of each node, for clients."""
    return [f"127.0.0.1:{ports.of(name)}" for name in ETCDS]


def list_options(name: str, home: Path, ports: Ports) -> list[str]:
    """The command-line options of one node."""
    peers = {one: f"http://127.0.0.1:{ports.of(one, 1)}" for one in ETCDS}
    client = f"http://127.0.0.1:{ports.of(name)}"
    options = {
        "name": name,
        "data-dir": str(home / name),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peers[name],
        "initial-advertise-peer-urls": peers[name],
        "initial-cluster": ",".join(f"{one}={url}" for one, url in peers.items()),
        "initial-cluster-token": "nexcorp",
        # Long intervals, as all nodes share one disk and few cores.
        "heartbeat-interval": "250",
        "election-timeout": "2500",
        "enable-v2": "false",
    }
    return [f"--{option}={value}" for option, value in options.items()]


def make_etcd(name: str, home: Path, ports: Ports) -> Program:
    """Make one node."""
    return make_program(name, [find_program("etcd"), *list_options(name, home, ports)], home)
