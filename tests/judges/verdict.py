"""What a judge says, and how its program is run: for a limited time, its output in a log."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nexcorp.embedded.process import kill_group, plain_environment, spawn


@dataclass(frozen=True)
class Verdict:
    """`says`: one line, with figures. `findings`: what is wrong with the service, a line each.

    `skipped`: the judge could not be heard here; `says` tells what it lacks.
    """

    says: str
    findings: Sequence[str] = field(default=())
    skipped: bool = False


def run_program(
    command: Sequence[str],
    log: Path,
    seconds: float,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> int | None:
    """Run a program in the background's priority and append its output to `log`.

    Returns its exit code, or None where it was still running after `seconds` and was killed.
    """
    with log.open("ab") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        process = spawn(
            ["nice", *command],
            env={**plain_environment(), **(env or {})},
            cwd=cwd or Path("/"),
            output=output,
        )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        kill_group(process)


@contextlib.contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A folder for what a judge needs while it runs."""
    with tempfile.TemporaryDirectory(prefix=f"nexcorp-{name}-") as folder:
        # PostgreSQL, which never runs as root, has to get into it.
        Path(folder).chmod(0o711)
        yield Path(folder)


class Deadline:
    """How much is left of the time that a judge has."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, 0 at least."""
        return max(0.0, self._at - time.monotonic())
