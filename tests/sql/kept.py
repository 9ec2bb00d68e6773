"""The filled cluster of tests/sql: made once, kept outside of the checkout, and read-only.

The data ages: some rows fall due, or become stale, about a hundred days after the filling.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from nexcorp.db.migrations import migrate_up
from nexcorp.db.plans import SETTINGS
from nexcorp.embedded import EmbeddedError, PostgresServer
from nexcorp.embedded.account import remove_data, server_account
from nexcorp.embedded.process import run_to_end
from nexcorp.embedded.programs import find_programs
from tests.sql import fill, fill_ai, fill_messaging, fill_webhooks, fill_work

REPOSITORY = Path(__file__).resolve().parents[2]
# A filled cluster takes 2.4 GB, and another gigabyte of WAL while it is filled.
LEAST_FREE = 5 << 30
FILLING = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_recycle": "off",
}
READING = {"default_transaction_read_only": "on", "autovacuum": "off", **SETTINGS}


def cache_folder() -> Path:
    """Return the folder in which clusters are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nexcorp-tests"


def name_cluster() -> str:
    """Return a name that changes with every file and program that the filled cluster depends on.

    It changes with the month, too: rows are spread over the months around the present one.
    """
    programs, _ = find_programs(lambda line: None)
    version = run_to_end([str(programs / "postgres"), "--version"], account=server_account())[1]
    found = hashlib.sha256(f"{version} {datetime.now(UTC):%Y-%m}".encode())
    texts = [
        *REPOSITORY.glob("migrations/*.sql"),
        *REPOSITORY.glob("sql/schema/**/*.sql"),
        Path(fill.__file__),
        Path(fill_work.__file__),
        Path(fill_messaging.__file__),
        Path(fill_ai.__file__),
        Path(fill_webhooks.__file__),
    ]
    for path in sorted(texts):
        found.update(f"\0{path.relative_to(REPOSITORY)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock while the block runs; the kernel releases it if the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remove_cluster(home: Path) -> None:
    """Remove a cluster that no server uses."""
    remove_data(home, "postgres")
    shutil.rmtree(home, ignore_errors=True)


def fill_cluster(home: Path) -> None:
    """Create and fill a cluster; its server is stopped when this returns."""
    server = PostgresServer(home, settings=FILLING)
    try:
        server.start()
        migrate_up(server.url)
        fill.fill_company(server.url)
    finally:
        server.stop()


def is_writable(folder: Path) -> bool:
    """Whether files can be created in this folder; creates the folder if needed."""
    with suppress(OSError, RuntimeError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # PostgreSQL runs as another user, who must be able to enter it.
            folder.chmod(0o711)
        return os.access(folder, os.W_OK)
    return False


def start_kept(cache: Path, name: str) -> PostgresServer | None:
    """Start a server on the cluster of this name, filling it if needed; None if the disk has too little room.

    Other clusters are removed, also the rest of a killed run. The caller holds the lock.
    """
    for other in cache.iterdir():
        if other.is_dir() and other.name != name:
            remove_cluster(other)
    home = cache / name
    for _ in range(2):
        if not home.exists():
            if shutil.disk_usage(cache).free < LEAST_FREE:
                return None
            work = cache / f"{name}.new-{secrets.token_hex(4)}"
            try:
                fill_cluster(work)
                # Writes were not synced during the filling.
                os.sync()
                work.rename(home)
            finally:
                remove_cluster(work)
        server = PostgresServer(home, settings=READING)
        try:
            server.start()
            return server
        except EmbeddedError:
            # The cluster is damaged: fill it again.
            remove_cluster(home)
    raise EmbeddedError(f"the cluster in {home} does not start although it was just made")


@contextmanager
def open_company(choose_folder: Callable[[], Path]) -> Iterator[str]:
    """Yield the URL of a database with the company of tests/sql/fill.py; transactions are read-only.

    The cluster is kept in the cache folder for the next run; if that is not possible, it is filled in
    `choose_folder()` and removed. Other processes wait while one uses it.
    """
    cache = cache_folder()
    if is_writable(cache):
        with locked(cache / "lock"):
            server = start_kept(cache, name_cluster())
            if server is not None:
                try:
                    yield server.url
                finally:
                    server.stop()
                return
    folder = choose_folder()
    if shutil.disk_usage(folder).free < LEAST_FREE:
        raise EmbeddedError(f"{LEAST_FREE >> 30} GB are needed in {folder} or {cache}")
    home = folder / "company"
    try:
        fill_cluster(home)
        server = PostgresServer(home, settings=READING)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()
    finally:
        remove_cluster(home)
