"""Parse the header Range."""

from __future__ import annotations

import re

from nexcorp.errors import RangeNotSatisfiable

RANGE = re.compile(r"(\d{0,40})-(\d{0,40})")
# Clients that send more are not download managers.
MAX_RANGES = 50


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte of the requested part of `size` bytes; None for the whole file.

    Requests for several parts, or in another unit, get the whole (RFC 9110, 14.2). Raises RangeNotSatisfiable
    if no part lies within the file, or one is malformed.
    """
    unit, _, text = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    found = [RANGE.fullmatch(part.strip()) for part in text.split(",", MAX_RANGES)]
    parts = [(match[1], match[2]) for match in found if match is not None]
    if len(parts) < len(found) or not any(is_within(*part, size) for part in parts):
        raise RangeNotSatisfiable(size=size)
    if len(parts) > 1:
        return None
    first, last = parts[0]
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def is_within(first: str, last: str, size: int) -> bool:
    """Return whether a part has a byte in a file of this size; `-5` means the last five bytes."""
    if not first:
        return size > 0 and last.strip("0") != ""
    return int(first) < size and (not last or int(first) <= int(last))
