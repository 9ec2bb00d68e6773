"""PgBouncer in transaction mode: many connections of the service share few of PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.cluster import Program
from tools.cluster.parts import Ports, Secrets, find_program, make_program, write_private

# PgBouncer's database names for the primary and for the replica.
DATABASE, READS = "nexcorp", "nexcorp_reads"


def make_config(home: Path, ports: Ports) -> str:
    """The text of pgbouncer.ini. HAProxy finds the primary, so a failover changes nothing here."""
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
    """Write its files and make the process, under the servers' account: PgBouncer refuses to run as root."""
    users = f'"nexcorp" "{secrets.database}"\n'
    write_private(home / "pgbouncer.users", users, for_servers=True)
    file = write_private(home / "pgbouncer.ini", make_config(home, ports), for_servers=True)
    return make_program("pgbouncer", [find_program("pgbouncer"), str(file)], home, as_server=True)


def make_url(ports: Ports, secrets: Secrets, database: str = DATABASE) -> str:
    """The URL of a database through PgBouncer."""
    return f"postgresql://nexcorp:{secrets.database}@127.0.0.1:{ports.pgbouncer}/{database}"
