"""JSON from rows: the one encoder behind responses, frames and jsonb columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with six digits, always: 2026-01-31T10:00:00.000000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def row_to_dict(row: asyncpg.Record) -> dict[str, Any]:
    """A row as the API shows it.

    Columns whose name begins with an underscore stay inside. msgspec leaves the fraction off a
    whole second, which breaks clients that parse a fixed format: such times are written by us.
    """
    return {
        key: format_time(value) if type(value) is datetime and not value.microsecond else value
        for key, value in row.items()
        if key[0] != "_"
    }


def _encode_other(value: Any) -> Any:
    if isinstance(value, asyncpg.Record):
        return row_to_dict(value)
    raise NotImplementedError(f"no JSON for {type(value).__name__}")


encode = msgspec.json.Encoder(enc_hook=_encode_other).encode
decode = msgspec.json.decode
