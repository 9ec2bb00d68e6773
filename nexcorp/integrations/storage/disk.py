"""Free space on the disk, and the errors of a disk that is full."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from nexcorp.errors import StorageFull, StorageUnavailable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def require_room(folder: Path, free_bytes: int, more: int = 0) -> None:
    """Raises StorageFull if less than `free_bytes` would be free once `more` bytes are written."""
    with storing():
        found = os.statvfs(folder)
    if found.f_bavail * found.f_frsize - more < free_bytes:
        raise StorageFull()


@contextlib.contextmanager
def storing() -> Iterator[None]:
    """Turn OSErrors of the block into StorageFull or StorageUnavailable."""
    try:
        yield
    except OSError as error:
        raise (StorageFull if error.errno in FULL else StorageUnavailable)() from error
