"""Optimistic locking: a change names the version it is based on."""

from __future__ import annotations

from typing import Any

from nexcorp.db.encoding import row_to_dict
from nexcorp.errors import PreconditionFailed, StaleVersion

# The versions on any of which a change may be based: If-Match may name several.
Versions = list[int]


def check_version(row: Any, versions: Versions | None, *, by_etag: bool = True) -> None:
    """Raise if a change is based on other versions than that of the locked `row`; the error holds the row.

    PreconditionFailed if they came as If-Match, else StaleVersion. Does nothing for None.
    """
    if versions is not None and row["version"] not in versions:
        raise (PreconditionFailed if by_etag else StaleVersion)(current=row_to_dict(row))
