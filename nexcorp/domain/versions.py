"""Optimistic locking: a change names the version it is based on."""

from __future__ import annotations

from typing import Any

from nexcorp.db.encoding import row_to_dict
from nexcorp.errors import PreconditionFailed, StaleVersion


def check_version(row: Any, version: int | None, *, by_etag: bool = True) -> None:
    """Raises where a change is based on another version of the locked `row` than it has; with it as it is.

    PreconditionFailed where the version came as If-Match, else StaleVersion. Nothing for a version of None.
    """
    if version is not None and row["version"] != version:
        raise (PreconditionFailed if by_etag else StaleVersion)(current=row_to_dict(row))
