"""Object types of the schema, made of REST's answer schemas: a member added there appears here."""

from __future__ import annotations

import functools
from datetime import datetime
from types import GenericAlias
from typing import Any, NewType, Optional
from uuid import UUID

import msgspec
import strawberry
from marshmallow import Schema, fields
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from nexcorp.db.encoding import decode, format_time
from nexcorp.domain.fields import Name

DateTime = NewType("DateTime", str)
SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A time in UTC, as 2026-01-31T10:00:00.000000Z.",
        serialize=lambda value: format_time(value) if isinstance(value, datetime) else value,
    )
}
# The key, in a field's metadata, of the group of names (nexcorp.domain.fields.Name) that make its enum.
NAMES = "names"


def read_member(source: Any, name: str) -> Any:
    """Return a member of a row, a dictionary or JSON, converted for the scalars of the schema."""
    value = source.get(name)
    if isinstance(value, UUID):
        return str(value)
    return decode(value) if isinstance(value, msgspec.Raw) else value


def read_id(source: Any, name: str) -> UUID | None:
    """Return a member that is an id, which JSON has as text."""
    value = source[name]
    return UUID(value) if isinstance(value, str) else value


def list_of(kind: Any) -> Any:
    """Return the type of a list of `kind`."""
    return GenericAlias(list, (kind,))


def maybe(kind: Any) -> Any:
    """Return the type of `kind` or null."""
    return Optional[kind]  # noqa: UP045 - `kind | None` does not do for a NewType that is called a variable


def find_type(field: fields.Field[Any]) -> Any:
    """Return the type of a schema's field, leaving null aside."""
    if isinstance(field, fields.Nested):
        return shape_of(type(field.schema))
    if isinstance(field, fields.List):
        return list_of(find_type(field.inner))
    if field.metadata.get("format") == "int64":
        # Int has 32 bits; a Float holds whole numbers to 2^53.
        return float
    for kind, found in (
        (fields.UUID, strawberry.ID),
        (fields.AwareDateTime, DateTime),
        (fields.Date, str),
        (fields.Boolean, bool),
        (fields.Integer, int),
        (fields.Float, float),
        (fields.String, str),
    ):
        if isinstance(field, kind):
            return found
    return JSON


@functools.cache
def shape_of(schema: type[Schema]) -> Any:
    """Return the object type for `schema`, with its name; made once."""
    annotations: dict[str, Any] = {}
    namespace: dict[str, Any] = {"__annotations__": annotations, "__module__": schema.__module__}
    for name, field in schema().fields.items():
        kind = find_type(field)
        annotations[name] = kind if field.required and not field.allow_none else maybe(kind)
        description = field.metadata.get("description")
        metadata = {NAMES: field.of} if isinstance(field, Name) else {}
        namespace[name] = strawberry.field(name=name, description=description, metadata=metadata)
    about = (schema.__doc__ or "").strip().splitlines()
    return strawberry.type(
        type(schema.__name__, (), namespace), name=schema.__name__, description=about[0] if about else None
    )
