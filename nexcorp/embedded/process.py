"""Operating-system processes that never outlive the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
ON_LINUX = sys.platform.startswith("linux")
# Looked up here, before any fork: a child between fork and exec must not take the loader's locks.
_prctl = ctypes.CDLL(None).prctl if ON_LINUX else None


class EmbeddedError(Exception):
    """An embedded server cannot run; the message is one line for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    """The user and group that a server runs as when the supervisor itself is root."""

    uid: int
    gid: int


def bind_to_parent(death_signal: int) -> Callable[[], None] | None:
    """Return a `preexec_fn` that makes the kernel send `death_signal` to the child when its parent dies.

    Linux only (None elsewhere). The kernel watches the *thread* that forked, so fork from one that stays.
    """
    prctl = _prctl
    if prctl is None:
        return None
    parent = os.getpid()

    def run_in_child() -> None:
        prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before prctl() was called
            os._exit(1)

    return run_in_child


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = Path("/"),
    output: int | IO[bytes] = subprocess.PIPE,
    stdin: int = subprocess.DEVNULL,
    account: Account | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, out of reach of a terminal's Ctrl-C; stderr joins stdout.

    Raises EmbeddedError when the program cannot be executed or the account cannot be assumed.
    """
    try:
        return subprocess.Popen(
            argv,
            env=plain_environment() if env is None else env,
            cwd=cwd,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=bind_to_parent(death_signal),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        who = f" as user {account.uid}" if account else ""
        raise EmbeddedError(f"cannot start {argv[0]}{who}: {error}") from error


def plain_environment() -> dict[str, str]:
    """Return a minimal environment: PG* or locale variables must not change how a server starts."""
    return {"PATH": os.defpath, "LANG": "C", "TZ": "UTC"}


def run_to_end(
    argv: Sequence[str], *, account: Account | None = None, timeout: float = 120
) -> tuple[int, str]:
    """Run a short program; return (exit code, its output). Raises EmbeddedError after `timeout` seconds."""
    process = spawn(argv, account=account, death_signal=signal.SIGKILL)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise EmbeddedError(f"{argv[0]} did not finish within {timeout:.0f} s") from error
    finally:
        if process.poll() is None:
            kill_group(process)
    return process.returncode, output.decode(errors="replace")


def end_process(process: subprocess.Popen[bytes], stop_signal: int, timeout: float) -> bool:
    """Ask a process to end; after `timeout` seconds kill its group. Return whether it ended by itself."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        return False
    return True


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to a process and the rest of its group, even if the leader is dead already."""
    kill_quietly(-process.pid)
    if process.poll() is None:
        process.kill()
    process.wait()


def kill_quietly(pid: int) -> None:
    """Send SIGKILL to a process (or, negative, to a group) that may be gone."""
    try:
        if pid < 0:
            os.killpg(-pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def processes_in(folder: Path, program: str) -> list[int]:
    """Return the ids of running processes named `program` in the working directory `folder`, in ascending
    order.

    PostgreSQL and Valkey work in their data folder, so this finds the remains of a killed supervisor. Linux
    only; empty elsewhere.
    """
    if not ON_LINUX:
        return []
    folder = folder.resolve()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_text(errors="replace")
            name, _, state = stat.partition("(")[2].rpartition(") ")
            if name == program and state[0] != "Z" and Path(os.readlink(f"{entry.path}/cwd")) == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def children_of(pid: int) -> list[int]:
    """Return the ids of a process's direct children (Linux; empty elsewhere)."""
    try:
        found = []
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
        return found
    except OSError:
        return []
