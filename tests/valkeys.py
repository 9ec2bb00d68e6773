"""Valkeys that belong together: a cluster, a master with replica and Sentinel, one behind TLS."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nexcorp.embedded import ValkeyServer
from nexcorp.embedded.process import spawn
from nexcorp.embedded.valkey import find_program
from tests.chaos.cluster import choose_ports

PASSWORD = "of-all-nodes"
SLOTS, MASTERS = 16384, 3
# A node's cluster bus listens at its port plus this.
BUS = 10000


def wait_for(check: Callable[[], Any], seconds: float = 15.0) -> None:
    """Wait until `check` returns a true value; an error of Redis counts as false."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except redis.RedisError:
            pass
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def start_servers(folder: Path, count: int, *settings: str) -> list[ValkeyServer]:
    """Start servers with the same password."""
    servers = []
    # Ports are low, so that the bus ports are neither ports of other servers nor in the kernel's range.
    ports = [port for port in choose_ports(40) if port < 22000][:count]
    for number, port in enumerate(ports):
        lines = (*settings, f"masterauth {PASSWORD}", "repl-diskless-sync-delay 0")
        home = folder / str(number)
        home.mkdir(parents=True)
        (home / "valkey.password").write_text(PASSWORD)
        (home / "valkey.password").chmod(0o600)
        server = ValkeyServer(home, port=port, settings=lines)
        servers.append(server)
        server.start()
    return servers


def form_cluster(servers: Sequence[ValkeyServer]) -> None:
    """Form a cluster: the first three servers are masters, each further one is the replica of one of them."""
    direct = [redis.Redis.from_url(server.url) for server in servers]
    for number, client in enumerate(direct[:MASTERS]):
        first, last = number * SLOTS // MASTERS, (number + 1) * SLOTS // MASTERS - 1
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    # Each node meets each other one, because gossip alone takes seconds.
    for client in direct:
        for server in servers:
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, server.port + BUS)
    wait_for(lambda: all(read_state(server)["known_nodes"] == str(len(servers)) for server in servers))
    for number, client in enumerate(direct[MASTERS:]):
        master = direct[number].execute_command("CLUSTER", "MYID").decode()
        client.execute_command("CLUSTER", "REPLICATE", master)
    for client in direct[MASTERS:]:
        wait_for(lambda client=client: client.info("replication")["master_link_status"] == "up")
    wait_for(lambda: all(read_state(server)["state"] == "ok" for server in servers))
    for client in direct:
        client.close()


def read_state(server: ValkeyServer) -> dict[str, str]:
    """Return CLUSTER INFO of a node, without `cluster_` before each name."""
    with redis.Redis.from_url(server.url) as client:
        text = client.execute_command("CLUSTER INFO")
    pairs = text if isinstance(text, dict) else dict(line.split(":", 1) for line in text.decode().split())
    return {name.removeprefix("cluster_"): value for name, value in pairs.items()}


class ValkeyCluster:
    """Three masters, and a replica of the first one, which takes over within one or two seconds."""

    def __init__(self, folder: Path) -> None:
        self.servers = start_servers(
            folder, 4, "cluster-enabled yes", "cluster-node-timeout 800", "cluster-replica-validity-factor 0"
        )
        form_cluster(self.servers)

    @property
    def url(self) -> str:
        """The URL that names all nodes."""
        return f"redis://:{PASSWORD}@{','.join(f'127.0.0.1:{server.port}' for server in self.servers)}/0"

    def read(self, number: int, name: str) -> int:
        """Return a number of CLUSTER INFO, as a node sees it."""
        return int(read_state(self.servers[number])[name])

    def state(self, number: int) -> str:
        """Return the state of the cluster as a node sees it: `ok` or `fail`."""
        return read_state(self.servers[number])["state"]

    def count(self, *sections: str) -> list[dict[str, Any]]:
        """Return INFO of each running node, with its port."""
        found = []
        for server in self.servers:
            if server.process is not None and server.process.poll() is None:
                with redis.Redis.from_url(server.url) as client:
                    found.append({"port": server.port, **client.info(*sections)})
        return found

    def hand_over(self, master: int, heir: int) -> None:
        """Start the dead node `heir` as a replica, and let it take over from the running `master`."""
        self.servers[heir].start()
        with redis.Redis.from_url(self.servers[heir].url) as client:

            def role(wanted: str) -> bool:
                found = client.info("replication")
                return found["role"] == wanted and found.get("master_link_status", "up") == "up"

            wait_for(lambda: role("slave"))
            client.execute_command("CLUSTER", "FAILOVER")
            wait_for(lambda: role("master"))
        with redis.Redis.from_url(self.servers[master].url) as client:
            wait_for(lambda: client.info("replication")["role"] == "slave")

    def flush(self) -> None:
        """Empty the three masters."""
        for server in self.servers[:3]:
            with redis.Redis.from_url(server.url) as client:
                client.flushall()

    def destroy(self) -> None:
        """End all nodes and remove their data."""
        for server in self.servers:
            server.destroy()


def start_sentinel(folder: Path, master: ValkeyServer, port: int) -> Any:
    """Start a Sentinel, which promotes a replica of `main` when its master is silent for half a second."""
    folder.mkdir()
    file = folder / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nprotected-mode no\n"
        f"sentinel monitor main 127.0.0.1 {master.port} 1\nsentinel auth-pass main {PASSWORD}\n"
        "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n"
    )
    with (folder / "log").open("wb") as log:
        return spawn([str(find_program()), str(file), "--sentinel"], output=log)


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a self-signed certificate for 127.0.0.1, and a context for a server."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "valkey")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "valkey.crt", folder / "valkey.key"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context


async def serve_tls(context: ssl.SSLContext, target: int) -> asyncio.Server:
    """Start a TLS server that passes connections on to a port."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer), return_exceptions=True)

    return await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
