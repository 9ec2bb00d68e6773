"""A private PostgreSQL: made on first use, run as a direct child, data kept in NEXCORP_HOME."""

from __future__ import annotations

import os
import shutil
import signal as signals
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import psycopg

from nexcorp.embedded.account import adopt_data, place_data, remove_data, server_account
from nexcorp.embedded.home import (
    choose_port,
    hold_lock,
    keep_secret,
    open_log,
    port_is_free,
    prepare_home,
    read_log_since,
    write_atomically,
)
from nexcorp.embedded.process import (
    EmbeddedError,
    children_of,
    end_process,
    kill_quietly,
    processes_in,
    run_to_end,
    spawn,
)
from nexcorp.embedded.programs import find_programs, pick_error

BUILTIN_LOCALES_SINCE = 17
SOCKET_PATH_LIMIT = 100
READY_TIMEOUT = 120.0
LEFTOVER_TIMEOUT = 10.0


class PortTaken(EmbeddedError):
    """Another process listens on the chosen port."""


class PostgresServer:
    """One cluster in `home`/postgres with the superuser and the database `nexcorp`, on loopback only.

    `port`: None keeps the port of last time, or takes a free one. `settings`: passed as `-c name=value`, over
    the defaults here. `say`: told of anything that takes more than a second.
    """

    name = "postgres"

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        settings: dict[str, str] | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.home = home
        self.port = port
        self.settings = settings or {}
        self.process: subprocess.Popen[bytes] | None = None
        self._say = say
        self._account = server_account()
        self._lock: BinaryIO | None = None
        self._password = ""
        self._base = home

    @property
    def url(self) -> str:
        """postgresql://nexcorp:<password>@127.0.0.1:<port>/nexcorp; known once start() has returned."""
        return f"postgresql://nexcorp:{self._password}@127.0.0.1:{self.port}/nexcorp"

    @property
    def data(self) -> Path:
        """The data folder; outside home (which links to it) when the server's account cannot enter home."""
        return self._base / "postgres"

    @property
    def log(self) -> Path:
        """The file of the server's log."""
        return self.home / "postgres.log"

    @property
    def socket_folder(self) -> Path | None:
        """The folder of the Unix socket; None if its path is too long or has odd characters."""
        path = str(self.data)
        fits = len(os.fsencode(path)) <= SOCKET_PATH_LIMIT - len("/.s.PGSQL.65535.lock")
        return self.data if fits and not set(path) & set(",\"'\\") else None

    def start(self) -> None:
        """Start and wait until connections are accepted; does nothing when running.

        It also works after a crash or kill -9 of the server or its supervisor. Raises EmbeddedError.
        """
        if self.process is not None and self.process.poll() is None:
            return
        try:
            self._start()
        except OSError as error:
            self.kill()
            raise EmbeddedError(f"PostgreSQL cannot start: {error}") from error
        except BaseException:
            self.kill()
            raise

    def stop(self, signal: int = signals.SIGINT, timeout: float = 30.0) -> None:
        """Shut down (SIGINT: fast, SIGTERM: waits for clients, SIGQUIT: at once); kill after `timeout` s."""
        if self.process is not None and self.process.poll() is None:
            orphans = children_of(self.process.pid)
            if not end_process(self.process, signal, timeout):
                for pid in orphans:
                    kill_quietly(pid)
        self._release()

    def kill(self) -> None:
        """kill -9 the server and its backends; the data stays good, as after a power cut."""
        if self.process is not None and self.process.poll() is None:
            # Stopped first, so that it forks no backend between the listing and the kill.
            self.process.send_signal(signals.SIGSTOP)
            orphans = children_of(self.process.pid)
            self.process.kill()
            self.process.wait()
            for pid in orphans:
                kill_quietly(pid)
        self._release()

    def destroy(self) -> None:
        """End the server and remove its data and all other files it keeps, outside home too."""
        # A kill would leave shared memory behind, which only another start on this data cleans up.
        self.stop(signals.SIGQUIT, 5.0)
        remove_data(self.home, "postgres")

    def _start(self) -> None:
        self.home = prepare_home(self.home)
        self._base = place_data(self.home, "postgres", self._account)
        if self._lock is None:
            refusal = f"another process ({{pid}}) is running the PostgreSQL in {self.home}"
            self._lock = hold_lock(self._base / "postgres.lock", refusal)
        programs, version = find_programs(self._say)
        secret = self.home / "postgres.password"
        if self.data.exists() and not secret.exists():
            raise EmbeddedError(f"{secret} is missing: restore it, or remove {self.data} to begin afresh")
        self._password = keep_secret(secret)
        if not self.data.exists():
            self._create_cluster(programs, version)
        self._check_owner()
        self._await_leftovers()

        remembered = self.home / "postgres.port"
        for attempts_left in (2, 1, 0):
            chosen = self.port or choose_port(remembered)
            try:
                self._launch(programs, chosen)
            except PortTaken:
                if self.port is not None or not attempts_left:
                    raise
                continue
            break
        self.port = chosen  # a restart must come back where its clients look for it
        write_atomically(remembered, str(self.port))
        self._ensure_database()

    def _create_cluster(self, programs: Path, version: int) -> None:
        """Run initdb in a temporary folder and rename it when complete: a crash leaves nothing half made."""
        self._say("Creating the PostgreSQL cluster (first start only) ...")
        for abandoned in self._base.glob("postgres.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        work = Path(tempfile.mkdtemp(dir=self._base, prefix="postgres.new-"))
        password_file = Path(tempfile.mkdtemp(dir=self._base, prefix="postgres.new-"), "password")
        try:
            write_atomically(password_file, self._password)
            if self._account:
                for path in (work, password_file, password_file.parent):
                    os.chown(path, self._account.uid, self._account.gid)
            command = [str(programs / "initdb"), "-D", str(work), "-U", "nexcorp", "-E", "UTF8"]
            command += ["-A", "scram-sha-256", f"--pwfile={password_file}"]
            if self.settings.get("fsync") == "off":
                command.append("--no-sync")
            if version >= BUILTIN_LOCALES_SINCE:
                command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            code, output = 1, ""
            for locale in ("C.UTF-8", "C"):  # some systems do not know the first
                code, output = run_to_end([*command, f"--locale={locale}"], account=self._account)
                if code == 0 or "locale" not in output:
                    break
            if code != 0:
                raise EmbeddedError(f"cannot create the PostgreSQL cluster: {pick_error(output)}")
            work.rename(self.data)
        finally:
            shutil.rmtree(password_file.parent, ignore_errors=True)
            shutil.rmtree(work, ignore_errors=True)

    def _check_owner(self) -> None:
        adopt_data(self.data, self._account)
        owner = self.data.stat().st_uid
        if owner != (self._account.uid if self._account else os.geteuid()):
            raise EmbeddedError(f"{self.data} belongs to another user (id {owner}); use another NEXCORP_HOME")

    def _await_leftovers(self) -> None:
        """Wait for the server of a dead supervisor, kill backends without a server, drop a stale pid file."""
        pid_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + LEFTOVER_TIMEOUT
        told = False
        while leftovers := processes_in(self.data, "postgres"):
            server = read_pid_file(pid_file)[:1]
            if server and server[0] in map(str, leftovers):
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"another PostgreSQL (process {server[0]}) uses {self.data}; stop it")
                if not told:
                    told = True
                    self._say("Waiting for the previous PostgreSQL to finish ...")
            else:
                for pid in leftovers:
                    kill_quietly(pid)
            time.sleep(0.05)
        if os.path.isdir("/proc/self"):
            # No PostgreSQL uses this folder, even if another process has the file's process id now.
            pid_file.unlink(missing_ok=True)

    def _launch(self, programs: Path, port: int) -> None:
        if not port_is_free(port):
            raise PortTaken(f"port {port} for PostgreSQL is taken")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(self.socket_folder or ""),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
        } | self.settings
        command = [str(programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open_log(self.log) as log:
            offset = log.tell()
            self.process = spawn(command, output=log, account=self._account, death_signal=signals.SIGINT)
        self._await_ready(self.process, port, offset)

    def _await_ready(self, process: subprocess.Popen[bytes], port: int, offset: int) -> None:
        began = time.monotonic()
        told = False
        # The eighth line is the server's state; pg_ctl relies on it, too.
        while not (lines := read_pid_file(self.data / "postmaster.pid"))[7:] or lines[7].strip() != "ready":
            if process.poll() is not None:
                printed = read_log_since(self.log, offset)
                if "Address already in use" in printed:
                    raise PortTaken(f"port {port} for PostgreSQL is taken")
                raise EmbeddedError(f"PostgreSQL cannot start: {pick_error(printed)} (log: {self.log})")
            waited = time.monotonic() - began
            if waited > READY_TIMEOUT:
                raise EmbeddedError(f"PostgreSQL is not ready after {waited:.0f} s (log: {self.log})")
            if waited > 1 and not told:
                told = True
                self._say("Waiting for PostgreSQL to be ready ...")
            time.sleep(0.02)

    def _ensure_database(self) -> None:
        try:
            with self._connect() as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'nexcorp'").fetchone()
                if found is None:
                    connection.execute("CREATE DATABASE nexcorp")
        except psycopg.Error as error:
            first_line = str(error).partition("\n")[0]
            raise EmbeddedError(f"PostgreSQL refuses its own password or database: {first_line}") from error

    def _connect(self) -> psycopg.Connection:
        # Explicit, so that PGSSLMODE and PGOPTIONS of this process do not interfere.
        address = f"{self.url}?sslmode=disable&options="
        return psycopg.connect(address, dbname="postgres", autocommit=True, connect_timeout=10)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def read_pid_file(path: Path) -> list[str]:
    """Return the lines of postmaster.pid; empty if it does not exist."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
