"""The Python that runs Patroni: this one, or another if the servers' account cannot run this one."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from nexcorp.embedded.account import can_run, server_account
from nexcorp.embedded.process import EmbeddedError
from tests.chaos.cluster import REPOSITORY

LOCK = REPOSITORY / "requirements-cluster.txt"
# Patroni's PostgreSQL driver, which the service uses as well.
DRIVER = ("psycopg", "psycopg-binary", "typing_extensions")


def find_interpreter(home: Path) -> tuple[Path, dict[str, str]]:
    """(program, environment) of a Python with Patroni, for the servers' account. Raises EmbeddedError.

    Other accounts often cannot enter the folder of root's Python. Then use the system's Python, and copy the
    packages into `home`.
    """
    account = server_account()
    here = Path(sys.executable)
    if account is None or can_run([str(here), "-c", "import patroni, psycopg"], account):
        return here, {}
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/local/bin:/usr/bin")
    if found is None or not can_run([found, "--version"], account):
        raise EmbeddedError(
            f"as root a cluster needs a {name} in /usr/bin that others can run: start it as another user"
        )
    folder = home / "patroni"
    copy_packages(folder)
    return Path(found), {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def copy_packages(folder: Path) -> None:
    """Copy Patroni and its dependencies, readable for all accounts."""
    names = [*re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), re.MULTILINE), *DRIVER]
    for name in names:
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue
        for file in files:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
