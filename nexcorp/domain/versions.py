"""Optimistic locking: a change names the version it is based on."""

from __future__ import annotations

from typing import Any

from nexcorp.db.encoding import row_to_dict
from nexcorp.errors import PreconditionFailed, StaleVersion

# Those on any of which a change may be based: If-Match names several at times.
Versions = list[int]


def check_version(row: Any, versions: Versions | None, *, by_etag: bool = True) -> None:
    """Raises where a change is based on other versions of the locked `row` than it has; with it as it is.

    PreconditionFailed where they came as If-Match, else StaleVersion. Nothing for None.
    """
    if versions is not None and row["version"] not in versions:
        raise (PreconditionFailed if by_etag else StaleVersion)(current=row_to_dict(row))
