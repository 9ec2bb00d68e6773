"""The short way to check what comes in decides, converts and complains exactly as marshmallow does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

import nexcorp.app  # noqa: F401 - loads every schema
from nexcorp.domain.fields import Body, Strict, flatten, load
from nexcorp.errors import Invalid
from nexcorp.features.comments.schemas import CreateComment
from nexcorp.features.notifications.schemas import UpdateNotification
from nexcorp.features.posts.schemas import CreatePost

ID = "0190a8a0-0000-7000-8000-000000000001"


def find_schemas(parent: type[Schema] = Strict) -> Iterator[Schema]:
    """One of each schema of what may come in."""
    for kind in parent.__subclasses__():
        if kind.__module__.startswith("nexcorp."):
            yield kind()
        yield from find_schemas(kind)


SCHEMAS = list(find_schemas())
PLAIN = [
    None, True, False, 0, 1, -1, 25, 2**31, 10**30, 1.0, 1.5, float("nan"),
    "", " ", "x", " x ", "a\x00b", "\u00e9" * 3, "true", "off", "5", "1.0", "x" * 300, "x" * 25_000,
    ID, ID.upper(), ID.replace("-", ""), "2030-01-31T10:00:00Z", "2030-01-31T10:00:00",
    "ann@example.org", "ann", "password-of-ann", "https://example.org/a.png", "post:create",
    [], {}, [ID], [ID, ID], ["post:read"], ["x", 1],
]  # fmt: skip


def values_of(field: fields.Field) -> st.SearchStrategy[Any]:
    """What is sent for a field: what it may take, and anything else."""
    found: list[Any] = list(PLAIN)
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            found += list(check.choices) * 5
    options = st.sampled_from(found) | st.text(max_size=40) | st.integers()
    if isinstance(field, fields.Nested):
        options |= bodies_of(field.schema)
    return options


def bodies_of(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """What is sent for a schema; an unknown field is rare."""
    known = {name: values_of(field) for name, field in schema.load_fields.items()}
    required = {name: known[name] for name, field in schema.load_fields.items() if field.required}
    usual = st.fixed_dictionaries(required, optional={n: v for n, v in known.items() if n not in required})
    return usual | st.fixed_dictionaries({}, optional={**known, "unknown": st.sampled_from(PLAIN)})


def marshmallow_says(schema: Schema, data: Any) -> tuple[Any, Any]:
    """(the checked data, None) or (None, the errors), by marshmallow alone."""
    try:
        return repr(schema.load(data)), None
    except ValidationError as error:
        return None, flatten(error.messages)


def we_say(schema: Schema, data: Any) -> tuple[Any, Any]:
    """The same, by load()."""
    try:
        return repr(load(schema, data)), None
    except Invalid as error:
        return None, error.errors


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: type(schema).__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_body(schema: Schema, data: st.DataObject) -> None:
    body = data.draw(bodies_of(schema) | st.sampled_from([*PLAIN, {}]))
    # repr, for NaN is not itself, and the order of fields is the same.
    assert we_say(schema, body) == marshmallow_says(schema, body)


GOOD: list[tuple[Schema, dict[str, Any]]] = [
    (CreateComment(), {"postId": ID, "body": " Well. "}),
    (CreatePost(), {"title": "One", "body": "Two"}),
    (UpdateNotification(), {"isRead": True}),
]


@pytest.mark.parametrize(("schema", "body"), GOOD, ids=lambda value: type(value).__name__)
def test_the_short_way_is_taken(schema: Strict, body: dict[str, Any]) -> None:
    assert schema.plan is not None
    assert schema.plan.load(body) == schema.load(body) == load(schema, body)


def test_a_schema_that_does_more_has_no_plan() -> None:
    class Before(Body):
        @pre_load
        def look(self, data: Any, **more: Any) -> Any:
            return data

    class After(Body):
        @post_load
        def look(self, data: Any, **more: Any) -> Any:
            return data

    class OfOne(Body):
        name = fields.String()

        @validates("name")
        def look(self, value: Any, **more: Any) -> None:
            raise ValidationError("No.")

    class OfRaw(Body):
        @validates_schema(pass_original=True)
        def look(self, data: Any, original: Any, **more: Any) -> None:
            raise ValidationError("No.")

    class Renamed(Body):
        name = fields.String(data_key="other")

    for kind in (Before, After, OfOne, OfRaw, Renamed):
        assert kind().plan is None
    assert Body(many=True).plan is None and Body(partial=True).plan is None
    assert Body(unknown="exclude").plan is None
