"""Descriptions of frames: JSON Schemas by hand, and references to schemas that REST has as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nexcorp.errors import AppError

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
FLAG: dict[str, Any] = {"type": "boolean"}
ID: dict[str, Any] = {"type": "string", "format": "uuid"}
TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
NULLABLE_TEXT: dict[str, Any] = {"type": ["string", "null"]}


def shape(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """Return an object schema from its required and optional members."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def closed(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """Return an object schema that forbids other members, so that it can be told from a longer one."""
    return {**shape(required, **optional), "additionalProperties": False}


def refer(name: str) -> dict[str, Any]:
    """Return a reference to a schema in the components."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class FrameDoc:
    """A frame of the service: when it is sent, and the schema of its data.

    `gathered`: it also comes in gathering rooms, without a number.
    """

    summary: str
    data: dict[str, Any]
    gathered: bool = False


@dataclass(frozen=True, slots=True)
class CommandDoc:
    """A frame of the client: its purpose, its data, and the frame that may answer it beside `error`.

    `errors`: errors that may answer it, beyond those of every command.
    """

    summary: str
    data: dict[str, Any]
    answer: str | None
    errors: Sequence[type[AppError]] = ()
