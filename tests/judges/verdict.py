"""Verdicts of judges, and how a judge's program is run: with a time limit, its output in a log."""

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
    """`says`: a line with figures. `findings`: faults of the service, a line each.

    `skipped`: the judge could not run here; `says` tells what is missing.
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
    """Run a program with low priority and append its output to `log`.

    Returns its exit code, or None if it was still running after `seconds` and was killed.
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
    """Yield a temporary folder that a judge may use while it runs."""
    with tempfile.TemporaryDirectory(prefix=f"nexcorp-{name}-") as folder:
        # PostgreSQL runs as another user than root, and must be able to enter the folder.
        Path(folder).chmod(0o711)
        yield Path(folder)


class Deadline:
    """The end of a judge's time."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self._at - time.monotonic())
