"""The servers of the tests: the folder of their data, and databases that are made ahead."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from nexcorp.db.plans import SETTINGS

# A crash test needs durability; everything else needs speed.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    # `migrate up` sets these for its database; clones of the template do not inherit them.
    **SETTINGS,
}
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 8 << 30

_names = itertools.count(1)


def choose_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder for the tests' databases: in memory if there is enough.

    Each has hundreds of files, which disks are slow to create soon after others were removed.
    """
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
            folder = Path(tempfile.mkdtemp(prefix="nexcorp-tests-", dir=MEMORY))
            # Tests run as root start PostgreSQL as another user.
            folder.chmod(0o711)
            return folder
    return factory.mktemp("postgres")


def name_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return url.rpartition("/")[0] + "/" + name


class Databases:
    """Clones of `template`, made ahead and dropped later by a thread, so that no test waits for them."""

    def __init__(self, url: str, ahead: int = 2) -> None:
        self.url = url
        self._thread = ThreadPoolExecutor(1)
        self._ready = deque(self._thread.submit(self._create) for _ in range(ahead))

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(statement)

    def _create(self) -> str:
        name = f"test_{next(_names)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy")
        return name

    def take(self) -> str:
        """Return the name of an unused clone."""
        self._ready.append(self._thread.submit(self._create))
        return self._ready.popleft().result()

    def drop(self, name: str) -> None:
        """Drop a database in the background."""
        self._thread.submit(self._execute, f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """End the thread; clones that are left end with the server."""
        self._thread.shutdown(cancel_futures=True)
