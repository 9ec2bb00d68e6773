"""Keep a set of children running: programs whose output is passed on, and the embedded servers.

Everything here is synchronous and forks in the calling thread, as a child ends with the thread that forked
it.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nexcorp.embedded.process import EmbeddedError, end_process, kill_group, spawn

STOP_TIMEOUT = 25.0
STEADY_AFTER = 10.0
RESTART_DELAYS = (0.0, 0.5, 1.0, 2.0, 4.0, 5.0)

WriteLine = Callable[[str, str], None]


class Child(Protocol):
    """A child that the supervisor keeps running: PostgresServer, ValkeyServer or Program."""

    process: subprocess.Popen[bytes] | None

    @property
    def name(self) -> str: ...

    def start(self) -> None:
        """Start, also again after a death; raises EmbeddedError."""

    def stop(self) -> None:
        """End cleanly, by force after some time; does nothing when dead."""

    def kill(self) -> None:
        """End at once."""


class Program:
    """A program whose output lines go to `write_line(name, line)`, called in a thread."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        write_line: WriteLine,
        stop_timeout: float = STOP_TIMEOUT,
    ) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self._argv = argv
        self._env = env
        self._cwd = cwd
        self._write_line = write_line
        self._stop_timeout = stop_timeout
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the program, after killing the remains of a dead one. Raises EmbeddedError."""
        if self.process is not None:
            self.kill()
        self.process = spawn(self._argv, env=self._env, cwd=self._cwd)
        self._reader = threading.Thread(target=self._pass_on, args=(self.process,), daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Send SIGTERM, and after `stop_timeout` seconds SIGKILL to the program and its children."""
        if self.process is not None:
            end_process(self.process, signal.SIGTERM, self._stop_timeout)
            self.kill()

    def kill(self) -> None:
        """Send SIGKILL to the program and its children, then wait up to 1 s for the last of its output."""
        if self.process is not None:
            kill_group(self.process)
        if self._reader is not None:
            self._reader.join(timeout=1)

    def _pass_on(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is not None:
            with process.stdout as lines:
                for line in lines:
                    self._write_line(self.name, line.decode(errors="replace").rstrip("\r\n"))


@dataclass
class Watched:
    """One child, and the history that decides when it is restarted."""

    child: Child
    started_at: float
    restart_at: float | None = None
    deaths_in_a_row: int = 0


class Supervisor:
    """Starts children, restarts dead ones, stops them in a given order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._watched: list[Watched] = []

    def start(self, child: Child) -> None:
        """Start a child and watch it from now on. Raises EmbeddedError."""
        self._watched.append(Watched(child, time.monotonic()))
        child.start()

    def restart_dead(self) -> None:
        """Restart each child that died: at once the first time, up to 5 s later when it dies repeatedly.

        Call it often; it returns at once unless a server takes its time to start.
        """
        for watched in self._watched:
            process = watched.child.process
            if watched.restart_at is None:
                if process is None or process.poll() is None:
                    continue
                self._plan_restart(watched, f"{watched.child.name} {describe_end(process.returncode)}")
            if watched.restart_at is not None and time.monotonic() >= watched.restart_at:
                watched.restart_at = None
                watched.started_at = time.monotonic()
                try:
                    watched.child.start()
                except EmbeddedError as error:
                    self._plan_restart(watched, str(error))

    def stop_all(self, order: Sequence[str]) -> None:
        """Stop the children with these names, one after the other, then any others."""
        names = {name: position for position, name in enumerate(order)}
        for watched in sorted(self._watched, key=lambda watched: names.get(watched.child.name, len(names))):
            watched.child.stop()

    def kill_all(self) -> None:
        """Kill every child at once."""
        for watched in self._watched:
            watched.child.kill()

    def _plan_restart(self, watched: Watched, reason: str) -> None:
        now = time.monotonic()
        if now - watched.started_at >= STEADY_AFTER:
            watched.deaths_in_a_row = 0
        delay = RESTART_DELAYS[min(watched.deaths_in_a_row, len(RESTART_DELAYS) - 1)]
        watched.deaths_in_a_row += 1
        watched.restart_at = now + delay
        when = f"in {delay:g} s" if delay else "now"
        self._say(f"{reason}; starting {watched.child.name} again {when}")


def describe_end(code: int) -> str:
    """Return how a process ended, in words: a negative return code is the signal that killed it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
