"""Encode rows as JSON, for responses, frames and jsonb columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec


def format_time(moment: datetime) -> str:
    """Return a time in RFC 3339, in UTC, always with six digits: 2026-01-31T10:00:00.000000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def show_time(moment: datetime | None) -> datetime | str | None:
    """Return a time for the encoder, which leaves the fraction off a whole second; see row_to_dict()."""
    return moment if moment is None or moment.microsecond else format_time(moment)


def row_to_dict(row: asyncpg.Record) -> dict[str, Any]:
    """Return a row as the API shows it.

    Columns whose name begins with an underscore are left out. msgspec omits the fraction of a whole second,
    which breaks clients that parse a fixed format: such times are formatted here.
    """
    names = tuple(row.keys())
    shown = dict(zip(names, row, strict=True))
    hidden = _hidden.get(names)
    if hidden is None:
        hidden = _hidden[names] = [name for name in names if name[0] == "_"]
    for name in hidden:
        del shown[name]
    for name, value in shown.items():
        if type(value) is datetime and not value.microsecond:
            shown[name] = format_time(value)
    return shown


# The columns to leave out, by all columns of a row: one entry for each statement.
_hidden: dict[tuple[str, ...], list[str]] = {}


def _encode_other(value: Any) -> Any:
    if isinstance(value, asyncpg.Record):
        return row_to_dict(value)
    raise NotImplementedError(f"no JSON for {type(value).__name__}")


encode = msgspec.json.Encoder(enc_hook=_encode_other).encode
decode = msgspec.json.decode
