"""Schemas of what comes in and goes out: their parents, and text that PostgreSQL can hold."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, missing, validate
from marshmallow.decorators import VALIDATES_SCHEMA

from nexcorp.errors import Invalid

# Version columns are PostgreSQL integers.
MAX_INTEGER = 2**31 - 1


class Text(fields.String):
    """A string PostgreSQL can hold (no NUL) of `least` to `most` characters, trimmed unless told not to."""

    def __init__(self, *, least: int = 0, most: int, trim: bool = True, **more: Any) -> None:
        self.trim = trim
        checks = [validate.Length(min=least, max=most), *more.pop("checks", ())]
        super().__init__(validate=checks, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if "\x00" in text:
            raise ValidationError("Holds a NUL character.")
        return text.strip() if self.trim else text


class Plan:
    """What marshmallow does with a good body, without its care for bad ones: half of the time.

    The fields check and convert as ever. Whatever is not good is left to marshmallow, which finds the words.
    """

    __slots__ = ("_checks", "_fields")

    def __init__(self, schema: Schema) -> None:
        self._fields = tuple(schema.load_fields.items())
        self._checks = tuple(getattr(schema, name) for name, *_ in schema._hooks[VALIDATES_SCHEMA])

    def load(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The checked body; None, or ValidationError, where marshmallow is to look."""
        loaded: dict[str, Any] = {}
        known = 0
        for name, field in self._fields:
            known += name in data
            value = field.deserialize(data.get(name, missing), name, data)
            if value is not missing:
                loaded[name] = value
        if known != len(data):
            return None
        for check in self._checks:
            check(loaded, many=False, partial=None, unknown=RAISE)
        return loaded


def make_plan(schema: Schema) -> Plan | None:
    """The plan of a schema, None where it does more than fields and checks of the whole."""
    hooks = schema._hooks
    more = [kind for kind, found in hooks.items() if found and kind != VALIDATES_SCHEMA]
    whole = [(many, options["pass_original"]) for _, many, options in hooks[VALIDATES_SCHEMA]]
    renamed = [field for name, field in schema.load_fields.items() if field.data_key or field.attribute]
    if more or any(map(any, whole)) or renamed or schema.many or schema.partial or schema.unknown != RAISE:
        return None
    return Plan(schema)


class Strict(Schema):
    """Parent of what may come in: an unknown field is an error that names it."""

    class Meta:
        unknown = RAISE

    @cached_property
    def plan(self) -> Plan | None:
        """The short way to load what is good."""
        return make_plan(self)


class Body(Strict):
    """Parent of what may come in as JSON."""


class Query(Strict):
    """Parent of what may come in a query string: strict as well, so that a typing error shows."""


class Out(Schema):
    """Parent of what goes out. It documents and is asserted in tests; rows are not run through it."""


class PatchBody(Body):
    """Parent of PATCH bodies: `version`, where sent, must be the current one."""

    version = fields.Integer(
        strict=True,
        validate=validate.Range(1, MAX_INTEGER),
        metadata={"description": "The version the change is based on; a stale one is 409."},
    )


def flatten(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as one level: {"profile.firstName": ["Not a valid string."]}.

    `_schema` is the body as a whole.
    """
    if isinstance(messages, list):
        return {prefix or "_schema": [str(message) for message in messages]}
    found: dict[str, list[str]] = {}
    for key, value in messages.items():
        found.update(flatten(value, f"{prefix}.{key}" if prefix else str(key)))
    return found


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """Check `data` against `schema`; raises Invalid naming each field that is wrong."""
    plan = schema.plan if isinstance(schema, Strict) else None
    if plan is not None and type(data) is dict:
        try:
            good = plan.load(data)
        except ValidationError:
            good = None
        if good is not None:
            return good
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise Invalid(errors=flatten(error.messages)) from None
    return loaded
