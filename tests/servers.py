"""The servers of the tests: where their data is, and databases that are made ahead."""

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
    # As `migrate up` has them for its database; clones of the template do not take them over.
    **SETTINGS,
}
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 8 << 30

_names = itertools.count(1)


def choose_folder(factory: pytest.TempPathFactory) -> Path:
    """Where the tests' databases are: in memory where there is plenty.

    Each has hundreds of files, and disks become slow at making these soon after others were removed.
    """
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
            folder = Path(tempfile.mkdtemp(prefix="nexcorp-tests-", dir=MEMORY))
            # Run by root, PostgreSQL is another user.
            folder.chmod(0o711)
            return folder
    return factory.mktemp("postgres")


def name_database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return url.rpartition("/")[0] + "/" + name


class Databases:
    """Clones of `template`, made ahead and dropped behind by a thread: a test waits for neither."""

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
        """The name of one that nobody has used."""
        self._ready.append(self._thread.submit(self._create))
        return self._ready.popleft().result()

    def drop(self, name: str) -> None:
        """Have it dropped."""
        self._thread.submit(self._execute, f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """End the thread; the server goes with what is left."""
        self._thread.shutdown(cancel_futures=True)
