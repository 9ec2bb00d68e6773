"""`nexcorp dev`: the whole service on one machine, without installing or setting anything first.

Embedded PostgreSQL and Valkey (unless DATABASE_URL and REDIS_URL name others), migrations, demo data, then
the Procfile's web and worker as child processes, which are restarted when they die. With `--lively` the demo
people act.
"""

from __future__ import annotations

import contextlib
import errno
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

from nexcorp.config import REPOSITORY, child_environment, setting
from nexcorp.domain.demo import DEMO_PASSWORD
from nexcorp.embedded import EmbeddedError, PostgresServer, ValkeyServer
from nexcorp.embedded.children import Program, Supervisor, describe_end
from nexcorp.embedded.home import (
    choose_port,
    find_usable,
    hold_lock,
    keep_secret,
    prepare_home,
    write_atomically,
)
from nexcorp.embedded.model import ANSWER_TOKENS, CONTEXT_TOKENS, find_model
from nexcorp.embedded.programs import name_psql

STOP_ORDER = ("lively", "web", "worker", "model", "valkey", "postgres")
PROCFILE_ENTRIES = ("web", "worker")
COLOURS = {
    "web": "36",
    "worker": "35",
    "model": "34",
    "lively": "32",
    "migrate": "33",
    "seed": "33",
    "dev": "32",
}
TICK = 0.1
DEMO_ACCOUNTS = "ada@example.com (admin), grace@example.com (manager), linus@example.com"

# The same commands as in the Procfile of a checkout, for an installed package without one.
PROCESSES = {"release": "nexcorp migrate up", "web": "nexcorp web", "worker": "nexcorp worker"}


class Stopped(Exception):
    """The user asked to stop before everything had started."""


class StopAtOnce(BaseException):
    """The user asked to stop a second time, while children were still ending."""


class Terminal:
    """Writes whole lines, each prefixed with the name of the process it is from; coloured on a terminal."""

    def __init__(self) -> None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True, errors="replace")
        self._coloured = sys.stdout.isatty() and setting("NO_COLOR") is None
        self._lock = threading.Lock()

    def write_line(self, name: str, line: str) -> None:
        """Write one line of a child's output."""
        prefix = f"{name:<7}|"
        if self._coloured:
            prefix = f"\033[{COLOURS.get(name, '37')}m{prefix}\033[0m"
        # If the terminal is gone, the children must still be stopped.
        with self._lock, contextlib.suppress(OSError, ValueError):
            sys.stdout.write(f"{prefix} {line}\n")

    def say(self, line: str) -> None:
        """Write one line of `nexcorp dev` itself."""
        self.write_line("dev", line)


class StopRequest:
    """A request to stop: made by the first SIGINT, SIGTERM or SIGHUP; the second one raises StopAtOnce."""

    def __init__(self) -> None:
        self.made = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.made:
            raise StopAtOnce
        self.made = True

    def check(self) -> None:
        """Raise Stopped if the user has asked to stop."""
        if self.made:
            raise Stopped

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals within this block."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self.receive) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class DevRun:
    """One run of `nexcorp dev`."""

    def __init__(
        self,
        hosts: Sequence[str],
        port: int,
        home: Path,
        root: Path,
        command: Sequence[str],
        *,
        lively: bool = False,
    ) -> None:
        self._hosts = tuple(hosts)
        self._port = port
        self._home = home
        self._root = root
        self._command = list(command)
        self._lively = lively
        self._terminal = Terminal()
        self._stop = StopRequest()
        self._supervisor = Supervisor(self._terminal.say)
        self._seeded = False
        self._own_database = False

    def run(self) -> int:
        """Run until asked to stop; return the exit code. Raises EmbeddedError if it cannot start."""
        with self._stop.listening():
            try:
                self._start_all()
                self._watch()
            except Stopped:
                pass
            except StopAtOnce:
                return self._kill_all()
            except BaseException:
                self._supervisor.stop_all(STOP_ORDER)
                raise
            try:
                self._terminal.say("stopping ... (Ctrl-C again to kill at once)")
                self._supervisor.stop_all(STOP_ORDER)
                self._terminal.say("stopped")
            except StopAtOnce:
                return self._kill_all()
        return 0

    def _start_all(self) -> None:
        installed = self._root == REPOSITORY and not (self._root / "Procfile").exists()
        entries = PROCESSES if installed else read_procfile(self._root / "Procfile")
        missing = [name for name in PROCFILE_ENTRIES if name not in entries]
        if missing:
            raise EmbeddedError(f"{self._root / 'Procfile'} has no entry {' and no '.join(missing)}")
        self._port = check_port(self._port, self._hosts)
        env = self._start_servers()
        self._run_step("migrate", ["migrate", "up"], env)
        self._seed(env)
        for name in PROCFILE_ENTRIES:
            self._stop.check()
            argv = self._expand(entries[name])
            self._supervisor.start(
                Program(name, argv, env=env, cwd=self._root, write_line=self._terminal.write_line)
            )
        if self._lively:
            argv = [*self._command, "lively", f"http://{name_first(self._hosts)}:{self._port}"]
            self._supervisor.start(
                Program("lively", argv, env=env, cwd=self._root, write_line=self._terminal.write_line)
            )
        self._database_url = env["DATABASE_URL"]

    def _start_servers(self) -> dict[str, str]:
        """Start PostgreSQL and Valkey unless settings name others; return the environment of the children."""
        say = self._terminal.say
        database_url, redis_url = setting("DATABASE_URL"), setting("REDIS_URL")
        if database_url is None:
            self._own_database = True
            if not (self._home / "postgres").exists():
                self._seed_marker.unlink(missing_ok=True)
            postgres = PostgresServer(self._home, say=say)
            self._supervisor.start(postgres)
            database_url = postgres.url
        self._stop.check()
        if redis_url is None:
            valkey = ValkeyServer(self._home, say=say)
            self._supervisor.start(valkey)
            redis_url = valkey.url
        self._stop.check()
        return child_environment(
            NEXCORP_ENV="development",
            NEXCORP_HOME=str(self._home),
            DATABASE_URL=database_url,
            REDIS_URL=redis_url,
            JWT_SECRET=setting("JWT_SECRET") or keep_secret(self._home / "jwt.secret"),
            # Of all 32-byte values, only one in four billion is no valid key of P-256.
            VAPID_PRIVATE_KEY=setting("VAPID_PRIVATE_KEY") or keep_secret(self._home / "vapid.secret"),
            PORT=str(self._port),
            LOG_FORMAT=setting("LOG_FORMAT") or "text",
            PYTHONUNBUFFERED="1",
            **self._start_model(),
        )

    def _start_model(self) -> dict[str, str]:
        """Start the small language model if AI=1 is set; return the settings that point to it."""
        if setting("AI") != "1" or setting("AI_BASE_URL") is not None:
            return {}
        if find_model() is None:
            raise EmbeddedError("the language model is not installed: start with `make run AI=1`")
        key, port = keep_secret(self._home / "model.secret"), choose_port(self._home / "model.port")
        write_atomically(self._home / "model.port", str(port))
        argv = [sys.executable, "-m", "nexcorp.embedded.model", str(port)]
        self._supervisor.start(
            Program(
                "model",
                argv,
                env=child_environment(AI_API_KEY=key),
                cwd=self._root,
                write_line=self._terminal.write_line,
            )
        )
        return {
            "AI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "AI_API_KEY": key,
            "AI_MODEL": "SmolLM2-135M",
            "AI_CONTEXT_TOKENS": str(CONTEXT_TOKENS - ANSWER_TOKENS - 500),
            "AI_ANSWER_TOKENS": str(ANSWER_TOKENS),
        }

    @property
    def _seed_marker(self) -> Path:
        return self._home / "seeded"

    def _seed(self, env: dict[str, str]) -> None:
        """Insert demo data: once into our own database, into another database only if NEXCORP_SEED=1."""
        if self._own_database:
            if not self._seed_marker.exists():
                self._run_step("seed", ["seed"], env)
                write_atomically(self._seed_marker, "")
            self._seeded = True
        elif setting("NEXCORP_SEED") == "1":
            self._run_step("seed", ["seed"], env)
            self._seeded = True

    def _run_step(self, name: str, arguments: Sequence[str], env: dict[str, str]) -> None:
        """Run a nexcorp command to its end. Raises EmbeddedError if it fails, Stopped if asked to stop."""
        self._stop.check()
        self._terminal.say(f"nexcorp {' '.join(arguments)} ...")
        program = Program(
            name,
            [*self._command, *arguments],
            env=env,
            cwd=self._root,
            write_line=self._terminal.write_line,
        )
        program.start()
        try:
            while program.process is not None and (code := program.process.poll()) is None:
                self._stop.check()
                time.sleep(TICK / 2)
        finally:
            program.stop()
        if code:
            raise EmbeddedError(f"nexcorp {' '.join(arguments)} {describe_end(code)}; its output is above")

    def _expand(self, command: str) -> list[str]:
        """Split a Procfile command into arguments; `nexcorp` runs this checkout, not the one on the PATH."""
        words = shlex.split(command)
        if words[:1] == ["nexcorp"]:
            return [*self._command, *words[1:]]
        return ["/bin/sh", "-c", f"exec {command}"]

    def _watch(self) -> None:
        """Restart dead children until asked to stop; print the addresses once the web process answers."""
        greeted = False
        while True:
            self._stop.check()
            self._supervisor.restart_dead()
            if not greeted and port_answers(self._port, self._hosts):
                greeted = True
                self._greet()
            time.sleep(TICK)

    def _greet(self) -> None:
        address = f"http://localhost:{self._port}"
        click = " (click Ada)" if self._seeded else ""
        lines = [
            "",
            "NexCorp Connect is up",
            f"  console   {address}/app/{click}",
            f"  address   {address}",
            f"  API docs  {address}/api/docs",
        ]
        if all(ip_address(host).is_loopback for host in self._hosts):
            lines.append("  network   only this machine reaches it; HOST=0.0.0.0 opens it to others")
        else:
            lines.append(f"  network   open at {', '.join(self._hosts)}, demo accounts and all")
        if self._seeded:
            lines.append(f"  accounts  {DEMO_ACCOUNTS}; the password of each is {DEMO_PASSWORD}")
        if self._own_database:
            lines.append(f"  database  {name_psql()} '{self._database_url}'")
        lines += ["  to stop   Ctrl-C", ""]
        for line in lines:
            self._terminal.say(line)

    def _kill_all(self) -> int:
        self._supervisor.kill_all()
        self._terminal.say("killed")
        return 128 + signal.SIGINT


def run_dev(
    port: int,
    home: Path,
    *,
    hosts: Sequence[str] = ("127.0.0.1",),
    root: Path = REPOSITORY,
    command: Sequence[str] = (sys.executable, "-m", "nexcorp"),
    lively: bool = False,
) -> int:
    """Run the service on `port` with its state in `home` until Ctrl-C or SIGTERM; return the exit code.

    The web process listens at the IP addresses `hosts`. `root` holds the Procfile, `command` runs `nexcorp`.
    `lively`: the demo people act meanwhile. If it cannot start (the port is taken, `home` is not writable or
    belongs to another running `nexcorp dev`), it prints one line and returns 1.
    """
    try:
        home = prepare_home(home)
        refusal = f"another `nexcorp dev` (process {{pid}}) is running in {home}; stop it or set NEXCORP_HOME"
        with hold_lock(home / "dev.lock", refusal):
            return DevRun(hosts, port, home, root, command, lively=lively).run()
    except (EmbeddedError, OSError) as error:
        print(f"nexcorp dev: {error}", file=sys.stderr)
        return 1


def read_procfile(path: Path) -> dict[str, str]:
    """Return the commands of a Procfile by process type. Raises EmbeddedError if it cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise EmbeddedError(f"cannot read {path}: {error.strerror}") from error
    pairs = [line.partition(":") for line in lines if ":" in line and not line.lstrip().startswith("#")]
    return {name.strip(): command.strip() for name, _, command in pairs}


def check_port(port: int, hosts: Sequence[str]) -> int:
    """Return the port if it is free at all of `hosts`; 0 becomes a free one. Raises EmbeddedError."""
    for host in find_usable(tuple(hosts)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((host, port))
                probe.listen(1)
                port = int(probe.getsockname()[1])
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = f"port {port} is taken" if taken else f"cannot listen on port {port} of {host}: {error}"
            raise EmbeddedError(f"{reason}; choose another with PORT") from error
    return port


def port_answers(port: int, hosts: Sequence[str]) -> bool:
    """Return whether something accepts connections on this port at the first of `hosts`."""
    try:
        with socket.create_connection((first_of(hosts), port), timeout=1):
            return True
    except OSError:
        return False


def first_of(hosts: Sequence[str]) -> str:
    """Return the first of `hosts` as this machine can call it: loopback for the unspecified address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(hosts[0], hosts[0])  # noqa: S104  all of them


def name_first(hosts: Sequence[str]) -> str:
    """Return the first of `hosts` as it is written in a URL."""
    host = first_of(hosts)
    return f"[{host}]" if ":" in host else host
