"""PgBouncer in transaction mode: many connections of the service on few of PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.cluster import Program
from tools.cluster.parts import Ports, Secrets, find_program, make_program, write_private

# What the service calls the database, and what leads to its replica.
DATABASE, READS = "nexcorp", "nexcorp_reads"


def make_config(home: Path, ports: Ports) -> str:
    """pgbouncer.ini. Which server is the primary, it leaves to HAProxy, so a failover needs nothing here."""
    return f"""\
[databases]
{DATABASE} = host=127.0.0.1 port={ports.primary} dbname=nexcorp
{READS} = host=127.0.0.1 port={ports.replica} dbname=nexcorp
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {ports.pgbouncer}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {home / "pgbouncer.users"}
admin_users = nexcorp
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 30
; A server that is not there is tried again each second, and nobody waits for it longer than three.
server_login_retry = 1
server_connect_timeout = 2
query_wait_timeout = 3
log_connections = 0
log_disconnections = 0
"""


def make_pgbouncer(home: Path, ports: Ports, secrets: Secrets) -> Program:
    """Write its files; it refuses to run as root."""
    users = f'"nexcorp" "{secrets.database}"\n'
    write_private(home / "pgbouncer.users", users, for_servers=True)
    file = write_private(home / "pgbouncer.ini", make_config(home, ports), for_servers=True)
    return make_program("pgbouncer", [find_program("pgbouncer"), str(file)], home, as_server=True)


def make_url(ports: Ports, secrets: Secrets, database: str = DATABASE) -> str:
    """The address of a database through PgBouncer."""
    return f"postgresql://nexcorp:{secrets.database}@127.0.0.1:{ports.pgbouncer}/{database}"
