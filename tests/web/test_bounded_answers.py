"""However wrong a request is, its answer is small and fast: lengths are checked first, errors are limited."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from marshmallow import fields, validate

from nexcorp.app import list_routes
from nexcorp.domain.fields import Entries, Items, Name, Text
from tests.api import API
from tests.web.calls import WRITES, check_envelope

pytestmark = pytest.mark.shared
LARGEST_ANSWER = 16 * 1024


async def refuse(user: Any, path: str, body: Any, method: str = "POST") -> dict[str, list[str]]:
    """Send a wrong body; return the errors of the 422, by field."""
    data = msgspec.json.encode(body)
    answer = await user.client.call(method, f"{API}{path}", data=data, headers=WRITES)
    error = await check_envelope(answer, 422, "validation_failed")
    assert len(await answer.read()) < LARGEST_ANSWER
    assert sum(len(texts) for texts in error["errors"].values()) <= 20
    found: dict[str, list[str]] = error["errors"]
    return found


async def test_a_list_that_is_too_long_is_not_looked_into(make_user: Any) -> None:
    ann = await make_user()
    wrong = await refuse(ann, "/posts", {"body": "x", "uploadIds": ["?"] * 60_000})
    assert wrong == {"uploadIds": ["Longer than maximum length 10."]}
    # A list of a valid length names its wrong items.
    wrong = await refuse(ann, "/posts", {"body": "x", "uploadIds": ["?"] * 2})
    assert wrong == {"uploadIds.0": ["Not a valid UUID."], "uploadIds.1": ["Not a valid UUID."]}


async def test_a_text_that_is_too_long_is_not_looked_into(make_user: Any) -> None:
    ann = await make_user()
    wrong = await refuse(ann, "/users/me", {"phone": "?" * 200_000}, "PATCH")
    assert wrong == {"phone": ["Length must be between 3 and 40."]}
    wrong = await refuse(ann, "/auth/register", {"email": "a@" * 100_000, "password": "long-enough-for-it"})
    assert wrong == {"email": ["Length must be between 3 and 254."]}


async def test_20_errors_are_named_at_most(make_user: Any) -> None:
    ann = await make_user()
    wrong = await refuse(ann, "/posts", {"body": "x", **{f"f{number}": 1 for number in range(80)}})
    assert len(wrong) == 20
    scopes = ["?" * 90 + str(number) for number in range(30)]
    wrong = await refuse(ann, "/auth/api-keys", {"name": "n", "scopes": scopes})
    assert len(wrong["scopes"]) == 20


async def test_far_too_many_fields_are_one_error(make_user: Any) -> None:
    ann = await make_user()
    many = {f"f{number}": 1 for number in range(20_000)}
    assert await refuse(ann, "/posts", {"body": "x", **many}) == {"_schema": ["Has more than 100 fields."]}
    nested = {"email": "a@b.example", "password": "long-enough-for-it", "profile": many}
    assert await refuse(ann, "/auth/register", nested) == {"profile._schema": ["Has more than 100 fields."]}


async def test_names_of_fields_are_cut(make_user: Any) -> None:
    ann = await make_user()
    wrong = await refuse(ann, "/posts", {"body": "x", "f" * 200_000: 1})
    assert wrong == {"f" * 100: ["Unknown field."]}


def bounded(field: Any) -> bool:
    """Whether a field of a request checks the length first, or does no work that grows with it."""
    if isinstance(field, fields.Nested):
        return all(bounded(inner) for inner in field.schema.fields.values())
    if isinstance(field, fields.List):
        return isinstance(field, Items) and bounded(field.inner)
    if type(field) is fields.String:
        return any(isinstance(check, validate.OneOf) for check in field.validators)
    if isinstance(field, fields.Dict):
        return isinstance(field, Entries) and bounded(field.key_field) and bounded(field.value_field)
    return isinstance(field, Text | Name | fields.UUID) or not isinstance(field, fields.String)


def test_everything_that_comes_in_is_bounded() -> None:
    found = [
        f"{route.method} {route.path} {name}"
        for route in list_routes()
        for schema in (route.body, route.query)
        if schema is not None
        for name, field in schema.fields.items()
        if not bounded(field)
    ]
    assert found == []
