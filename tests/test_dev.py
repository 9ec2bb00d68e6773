"""`nexcorp dev` and its supervisor, with small real programs in place of web and worker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from nexcorp.config import REPOSITORY, Config
from nexcorp.dev import PROCESSES, read_procfile
from nexcorp.embedded import EmbeddedError, PostgresServer
from nexcorp.embedded.children import Program, Supervisor
from nexcorp.embedded.home import hold_lock
from nexcorp.errors import ConfigError
from nexcorp.server import listen

pytestmark = pytest.mark.long(1.2)

SETTINGS = {
    "DATABASE_URL",
    "REDIS_URL",
    "JWT_SECRET",
    "LOG_FORMAT",
    "NEXCORP_SEED",
    "NEXCORP_HOME",
    "PORT",
    "HOST",
}

# A stand-in for `nexcorp`: writes its arguments to a journal, and runs until it is terminated.
FAKE_NEXCORP = """
import os, pathlib, signal, socket, sys, time
here = pathlib.Path(__file__).parent
def note(text):
    with open(here / "journal", "a") as journal:
        journal.write(text + "\\n")
what = " ".join(sys.argv[1:])
if (here / f"fail-{sys.argv[1]}").exists():
    sys.exit("told to fail")
def end(number, frame):
    note(f"{what} ended")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if (here / "stubborn").exists() else end)
if sys.argv[1] not in ("web", "worker", "lively"):
    note(what)
    sys.exit()
print(what, "runs as", os.getpid(), "in", os.environ["NEXCORP_ENV"], flush=True)
if what == "web":
    server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
note(what)
while True:
    time.sleep(0.05)
"""

DRIVER = """
import sys
from pathlib import Path
from nexcorp.dev import run_dev
lively = "--lively" in sys.argv
root = Path(sys.argv[1])
command = (sys.executable, str(root / "fake.py"))
sys.exit(run_dev(int(sys.argv[2]), Path(sys.argv[3]), root=root, command=command, lively=lively))
"""


class Dev:
    """One `nexcorp dev` in a process of its own."""

    def __init__(self, root: Path, port: int, home: Path, *options: str, **environ: str) -> None:
        bare = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(root), str(port), str(home), *options],
            cwd=REPOSITORY,
            env=bare | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_until(self, words: str) -> str:
        """Return the next line that has these words; fails with the whole output if there is none."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if words in line:
                return line
        pytest.fail(f"no line says {words!r}:\n" + "\n".join(self.lines))

    def finish(self) -> int:
        """Read the rest; return the exit code."""
        assert self.process.stdout is not None
        with self.process.stdout as rest:
            self.lines += [line.rstrip() for line in rest]
        return self.process.wait()


RunDev = Callable[..., Dev]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "fake.py").write_text(textwrap.dedent(FAKE_NEXCORP))
    (folder / "Procfile").write_text("web: nexcorp web\nworker: nexcorp worker\n")
    return folder


@pytest.fixture
def run_dev(root: Path, tmp_path: Path) -> Iterator[RunDev]:
    started: list[Dev] = []
    home = tmp_path / "home"

    def run(
        port: int = 0, home: Path = home, *options: str, own_servers: bool = False, **environ: str
    ) -> Dev:
        given = {"DATABASE_URL": "postgresql://elsewhere/db", "REDIS_URL": "redis://elsewhere"}
        started.append(Dev(root, port, home, *options, **({} if own_servers else given), **environ))
        return started[-1]

    yield run
    for dev in started:
        if dev.process.poll() is None:
            dev.process.terminate()
        if dev.process.stdout is not None:
            dev.process.stdout.close()
        dev.process.wait(30)
    PostgresServer(home).destroy()


def journal(root: Path) -> list[str]:
    return (root / "journal").read_text().splitlines()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_dev_starts_everything_greets_and_stops_in_order(run_dev: RunDev, root: Path, tmp_path: Path) -> None:
    dev = run_dev(own_servers=True)
    dev.read_until("to stop   Ctrl-C")
    wait_until(lambda: {"web", "worker"} <= set(journal(root)))
    dev.process.send_signal(signal.SIGINT)
    assert dev.finish() == 0
    said = "\n".join(dev.lines)
    assert "web    | web runs as" in said
    assert "worker | worker runs as" in said
    up = next(number for number, line in enumerate(dev.lines) if "NexCorp Connect is up" in line)
    assert dev.lines[up + 1].endswith("/app/ (click Ada)")
    assert "/api/docs" in said
    assert "lively" not in said
    assert "only this machine reaches it; HOST=0.0.0.0 opens it to others" in said
    assert "ada@example.com" in said
    assert "psql 'postgresql://nexcorp:" in said
    assert journal(root)[:2] == ["migrate up", "seed"]
    assert sorted(journal(root)[2:4]) == ["web", "worker"]
    assert journal(root)[4:] == ["web ended", "worker ended"]
    home = tmp_path / "home"
    for name in ("jwt.secret", "vapid.secret"):
        assert (home / name).stat().st_mode & 0o777 == 0o600
    assert Config.from_env({"VAPID_PRIVATE_KEY": (home / "vapid.secret").read_text()}).vapid_private_key

    again = run_dev(own_servers=True)
    again.read_until("to stop   Ctrl-C")
    again.process.terminate()
    assert again.finish() == 0
    assert journal(root).count("seed") == 1


def test_dev_seeds_again_when_the_first_time_failed(run_dev: RunDev, root: Path) -> None:
    (root / "fail-seed").touch()
    dev = run_dev(own_servers=True)
    assert dev.finish() == 1
    assert "nexcorp seed ended with exit code 1" in dev.lines[-1]
    (root / "fail-seed").unlink()
    again = run_dev(own_servers=True)
    again.read_until("to stop   Ctrl-C")
    assert journal(root).count("seed") == 1


def test_dev_starts_servers_and_programs_again_when_they_die(run_dev: RunDev, tmp_path: Path) -> None:
    dev = run_dev(own_servers=True)
    worker = int(dev.read_until("worker runs as").split(" in ")[0].rpartition(" ")[2])
    os.kill(worker, signal.SIGKILL)
    dev.read_until("worker was killed by SIGKILL; starting worker again now")
    dev.read_until("worker runs as")
    postmaster = int((tmp_path / "home" / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    dev.read_until("postgres was killed by SIGKILL; starting postgres again now")
    dev.process.send_signal(signal.SIGINT)
    assert dev.finish() == 0


@pytest.mark.parametrize(("asked", "seeded"), [("", False), ("1", True)])
def test_dev_seeds_a_given_database_only_when_asked(
    run_dev: RunDev, root: Path, asked: str, seeded: bool
) -> None:
    dev = run_dev(NEXCORP_SEED=asked)
    dev.read_until("to stop   Ctrl-C")
    assert ("seed" in journal(root)) is seeded
    assert ("ada@example.com" in "\n".join(dev.lines)) is seeded
    assert "elsewhere" not in "\n".join(dev.lines)


def test_dev_starts_the_demo_people_when_asked_and_stops_them_first(
    run_dev: RunDev, root: Path, tmp_path: Path
) -> None:
    dev = run_dev(0, tmp_path / "home", "--lively")
    dev.read_until("to stop   Ctrl-C")
    wait_until(lambda: len(journal(root)) >= 4)
    (started,) = [line for line in journal(root) if line.startswith("lively")]
    (console,) = [line for line in dev.lines if "  console " in line]
    port = console.rpartition(":")[2].partition("/")[0]
    assert started == f"lively http://127.0.0.1:{port}"
    dev.process.terminate()
    assert dev.finish() == 0
    assert [line.partition(" ")[0] for line in journal(root)[-3:]] == ["lively", "web", "worker"]


def test_a_service_in_development_is_at_home_on_loopback_alone() -> None:
    known = {"NEXCORP_ENV": "development"}
    assert Config.from_env(known).hosts == ("127.0.0.1", "::1")
    assert Config.from_env(known | {"HOST": "0.0.0.0"}).hosts == ("0.0.0.0",)
    assert Config.from_env({}).hosts == ()
    assert Config.from_env({"HOST": "10.0.0.1, [::1]"}).hosts == ("10.0.0.1", "::1")
    with pytest.raises(ConfigError, match="HOST"):
        Config.from_env({"HOST": "my-machine"})


@pytest.mark.parametrize(("hosts", "reached"), [(("127.0.0.1",), False), ((), True)])
async def test_other_addresses_reach_it_only_where_asked(hosts: tuple[str, ...], reached: bool) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await listen(runner, hosts, 0)
        (port,) = {place[1] for place in runner.addresses if "." in place[0]}
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        with socket.socket() as other:
            assert (other.connect_ex(("127.0.0.2", port)) == 0) is reached
    finally:
        await runner.cleanup()


def test_a_second_ctrl_c_kills_at_once(run_dev: RunDev, root: Path) -> None:
    (root / "stubborn").touch()
    dev = run_dev()
    dev.read_until("to stop   Ctrl-C")
    dev.process.send_signal(signal.SIGINT)
    dev.read_until("stopping")
    began = time.monotonic()
    dev.process.send_signal(signal.SIGINT)
    assert dev.finish() == 130
    assert time.monotonic() - began < 5


def test_what_keeps_dev_from_starting_is_said_in_one_line(
    run_dev: RunDev, root: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        dev = run_dev(port)
        assert dev.finish() == 1
        assert dev.lines == [f"nexcorp dev: port {port} is taken; choose another with PORT"]

    (tmp_path / "file").touch()
    dev = run_dev(home=tmp_path / "file" / "home")
    assert dev.finish() == 1
    assert len(dev.lines) == 1
    assert "cannot write to" in dev.lines[0]

    with hold_lock(tmp_path / "home" / "dev.lock", ""):
        dev = run_dev()
        assert dev.finish() == 1
    assert len(dev.lines) == 1
    assert f"another `nexcorp dev` (process {os.getpid()}) is running" in dev.lines[0]

    (root / "fail-migrate").touch()
    dev = run_dev()
    assert dev.finish() == 1
    assert dev.lines[-1] == "nexcorp dev: nexcorp migrate up ended with exit code 1; its output is above"
    assert "migrate| told to fail" in dev.lines


def test_supervisor_waits_longer_for_a_child_that_dies_repeatedly(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    argv = [sys.executable, "-c", "raise SystemExit(3)"]
    supervisor.start(Program("brief", argv, env={}, cwd=tmp_path, write_line=lambda name, line: None))
    deadline = time.monotonic() + 20
    while len(said) < 3 and time.monotonic() < deadline:
        supervisor.restart_dead()
        time.sleep(0.01)
    supervisor.stop_all(())
    assert said == [
        "brief ended with exit code 3; starting brief again now",
        "brief ended with exit code 3; starting brief again in 0.5 s",
        "brief ended with exit code 3; starting brief again in 1 s",
    ]


def test_a_stubborn_program_and_its_children_are_killed_in_the_end(tmp_path: Path) -> None:
    lines: list[str] = []
    script = "trap '' TERM; sleep 60 & echo $!; wait; wait"
    program = Program(
        "stubborn",
        ["/bin/sh", "-c", script],
        env={"PATH": os.defpath},
        cwd=tmp_path,
        write_line=lambda name, line: lines.append(line),
        stop_timeout=0.3,
    )
    program.start()
    while not lines:
        time.sleep(0.01)
    program.stop()
    assert program.process is not None
    assert program.process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(int(lines[0]), 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("its child still runs")


def test_read_procfile(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("# comment: no\nweb: nexcorp web --port $PORT:1\n\nworker:nexcorp worker\n")
    assert read_procfile(procfile) == {"web": "nexcorp web --port $PORT:1", "worker": "nexcorp worker"}
    # An installed package has no Procfile beside it, and uses PROCESSES.
    assert read_procfile(REPOSITORY / "Procfile") == PROCESSES
    with pytest.raises(EmbeddedError, match="cannot read"):
        read_procfile(tmp_path / "none")
