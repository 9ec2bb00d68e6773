"""The embedded servers themselves: start, crash, start again, and a clear refusal of what cannot work."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from nexcorp.embedded import EmbeddedError, PostgresServer, ValkeyServer
from nexcorp.embedded.process import ON_LINUX, processes_in
from tests.chaos.cluster import choose_ports

pytestmark = pytest.mark.long(1.5)

QUICK = {"fsync": "off", "shared_buffers": "16MB"}
REPOSITORY = Path(__file__).resolve().parents[2]

Server = PostgresServer | ValkeyServer


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[[Server], Server]]:
    """Return `add`, which registers a server; each is destroyed with its data when the test ends."""
    owned: list[Server] = []

    def add(server: Server) -> Server:
        owned.append(server)
        return server

    yield add
    for server in owned:
        server.destroy()


@pytest.fixture
def postgres(tmp_path: Path, own: Callable[[Server], Server]) -> PostgresServer:
    server = PostgresServer(tmp_path / "home", settings=QUICK)
    own(server)
    server.start()
    return server


@pytest.fixture
def valkey(tmp_path: Path, own: Callable[[Server], Server]) -> ValkeyServer:
    server = ValkeyServer(tmp_path / "home")
    own(server)
    server.start()
    return server


def ask(server: PostgresServer, statement: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def test_postgres_gives_what_the_migrations_need(postgres: PostgresServer) -> None:
    assert ask(postgres, "SELECT current_database() || '/' || current_user") == "nexcorp/nexcorp"
    assert ask(postgres, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert ask(postgres, "SHOW timezone") == "UTC"
    assert ask(postgres, "SHOW server_encoding") == "UTF8"
    assert ask(postgres, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(postgres, "SHOW fsync") == "off"
    assert ask(postgres, "SELECT lower('ÄÖ') < 'é'") is True
    ask(postgres, "CREATE EXTENSION citext")
    ask(postgres, "CREATE EXTENSION pg_trgm")


def test_postgres_wants_the_password_on_every_way_in(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=postgres.port, user="nexcorp", password="guess")
    if postgres.socket_folder:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(postgres.socket_folder), port=postgres.port, user="nexcorp")
    assert (postgres.home / "postgres.password").stat().st_mode & 0o777 == 0o600


def test_postgres_keeps_data_port_and_password_through_a_stop(postgres: PostgresServer) -> None:
    ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    url = postgres.url
    postgres.stop()
    again = PostgresServer(postgres.home, settings=QUICK)
    again.start()
    try:
        assert again.url == url
        assert ask(again, "SELECT answer FROM kept") == 42
    finally:
        again.stop()


@pytest.mark.parametrize("backend_is_busy", [False, True])
def test_postgres_comes_back_after_kill_9(postgres: PostgresServer, backend_is_busy: bool) -> None:
    ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    url = postgres.url
    client = psycopg.connect(url, autocommit=True)
    backend = client.info.backend_pid
    if backend_is_busy:
        # The backend is busy in one statement, and would not soon notice that its server died.
        client.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1e12)")
        time.sleep(0.1)
    postgres.kill()
    postgres.start()
    assert postgres.url == url
    assert ask(postgres, "SELECT answer FROM kept") == 42
    if ON_LINUX:
        assert backend not in processes_in(postgres.data, "postgres")
    client.close()


def test_postgres_comes_back_when_somebody_else_killed_it(postgres: PostgresServer) -> None:
    assert postgres.process is not None
    client = psycopg.connect(postgres.url, autocommit=True)
    client.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1e12)")
    time.sleep(0.1)
    os.kill(postgres.process.pid, signal.SIGKILL)
    postgres.process.wait()
    postgres.start()
    assert ask(postgres, "SELECT 1") == 1
    client.close()


def test_a_pid_file_naming_a_strange_process_does_not_hinder(postgres: PostgresServer) -> None:
    postgres.kill()
    pid_file = postgres.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    postgres.start()
    assert ask(postgres, "SELECT 1") == 1


@pytest.mark.skipif(not ON_LINUX, reason="the kernel's parent-death signal is Linux's")
def test_servers_end_with_a_killed_supervisor_and_can_be_started_again(
    tmp_path: Path, own: Callable[[Server], Server]
) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from nexcorp.embedded import PostgresServer, ValkeyServer\n"
        "home = Path(sys.argv[1])\n"
        "p, v = PostgresServer(home), ValkeyServer(home)\n"
        "p.start(); v.start(); print('up', flush=True); time.sleep(60)\n"
    )
    home = tmp_path / "home"
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    postgres, valkey = PostgresServer(home, settings=QUICK), ValkeyServer(home)
    own(postgres)
    own(valkey)
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == b"up\n"
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()
    postgres.start()
    valkey.start()
    assert ask(postgres, "SELECT 1") == 1
    assert redis.Redis.from_url(valkey.url).ping()


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_a_second_server_on_the_same_home_gives_one_clear_line(
    kind: type[Server], tmp_path: Path, own: Callable[[Server], Server]
) -> None:
    first = own(kind(tmp_path / "home"))
    first.start()
    with pytest.raises(EmbeddedError, match=rf"another process \({os.getpid()}\) is running") as caught:
        kind(tmp_path / "home").start()
    assert "\n" not in str(caught.value)
    assert first.process is not None
    assert first.process.poll() is None


@pytest.mark.skipif(not ON_LINUX, reason="looks processes up in /proc")
def test_a_server_started_by_hand_on_the_same_data_is_named(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexcorp.embedded.postgres.LEFTOVER_TIMEOUT", 0.2)
    assert postgres.process is not None
    pid = postgres.process.pid
    postgres._release()  # as if no supervisor of ours held it
    with pytest.raises(EmbeddedError, match=rf"another PostgreSQL \(process {pid}\) uses"):
        PostgresServer(postgres.home, settings=QUICK).start()


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_a_taken_port_is_refused_when_asked_for_and_avoided_when_remembered(
    kind: type[Server], tmp_path: Path, own: Callable[[Server], Server]
) -> None:
    home = tmp_path / "home"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        with pytest.raises(EmbeddedError, match=f"port {port} for .* is taken"):
            own(kind(home, port=port)).start()
        (home / f"{kind.name}.port").write_text(str(port))
        server = own(kind(home))
        server.start()
        assert server.port != port
        server.stop()
    (wanted,) = choose_ports(1)
    server = own(kind(home, port=wanted))
    server.start()
    assert f":{wanted}/" in server.url


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_an_unwritable_home_gives_one_clear_line(kind: type[Server], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbeddedError, match=r"cannot write to .*NEXCORP_HOME"):
        kind(tmp_path / "file" / "home").start()
    if os.geteuid() != 0:
        closed = tmp_path / "closed"
        closed.mkdir(0o500)
        with pytest.raises(EmbeddedError, match="Permission denied"):
            kind(closed).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_roots_data_belong_to_a_user_of_their_own(tmp_path: Path, own: Callable[[Server], Server]) -> None:
    server = PostgresServer(tmp_path / "home", settings=QUICK)
    own(server)
    server.start()
    assert server.process is not None
    running = Path(f"/proc/{server.process.pid}").stat().st_uid
    server.stop()
    assert pwd.getpwuid(running).pw_name == "nexcorp"
    # An earlier release left its files with another owner.
    subprocess.run(["chown", "-R", "nobody", str(server.data)], check=True)
    server.start()
    assert ask(server, "SELECT 1") == 1
    owners = {path.stat().st_uid for path in (server.data, *server.data.rglob("*"))}
    assert owners == {running}


def test_only_their_owner_reads_what_the_servers_keep(
    tmp_path: Path, own: Callable[[Server], Server]
) -> None:
    for kind in (PostgresServer, ValkeyServer):
        own(kind(tmp_path / "home")).start()
    kept = [path for path in (tmp_path / "home").iterdir() if path.is_file() and not path.is_symlink()]
    assert {"postgres.password", "valkey.password", "postgres.log"} <= {path.name for path in kept}
    assert [path.name for path in kept if path.stat().st_mode & 0o077] == []


def test_a_wrong_setting_is_reported_in_postgres_own_words(
    tmp_path: Path, own: Callable[[Server], Server]
) -> None:
    server = PostgresServer(tmp_path / "home", settings={"no_such_setting": "1"})
    own(server)
    with pytest.raises(EmbeddedError, match="unrecognized configuration parameter"):
        server.start()


def test_an_abandoned_initdb_is_begun_afresh(tmp_path: Path, own: Callable[[Server], Server]) -> None:
    home = tmp_path / "home"
    said: list[str] = []
    server = PostgresServer(home, settings=QUICK, say=said.append)
    own(server)
    server.start()
    server.stop()
    half = server.data.with_name("postgres.new-half")
    shutil.move(server.data, half)
    (half / "PG_VERSION").unlink()
    server.start()
    assert not half.exists()
    assert ask(server, "SELECT 1") == 1
    assert len([line for line in said if line.startswith("Creating")]) == 2


def test_valkey_keeps_data_through_stop_and_kill_9(valkey: ValkeyServer) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.set("stopped", "1")
    url = valkey.url
    valkey.stop()
    valkey.start()
    with redis.Redis.from_url(url) as client:
        assert client.get("stopped") == b"1"
        client.set("killed", "1")
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
    valkey.kill()
    valkey.start()
    with redis.Redis.from_url(url) as client:
        assert client.get("killed") == b"1"


def test_valkey_wants_the_password(valkey: ValkeyServer) -> None:
    # The client would retry for seconds by itself.
    once = Retry(NoBackoff(), 0)
    client = redis.Redis(port=int(valkey.port or 0), retry=once)
    with client, pytest.raises(redis.AuthenticationError):
        client.ping()
    assert (valkey.home / "valkey.password").stat().st_mode & 0o777 == 0o600
