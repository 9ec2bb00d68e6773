"""Mass assignment: no body accepts a column that it does not declare, in snake_case or camelCase."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import FormData
from marshmallow import fields

from tests.contract import ROUTES
from tests.policy.rules import ANYBODY
from tests.policy.table import POLICY
from tests.policy.test_policy import API, WITH_PREFIX, in_one_world, name_operation
from tests.policy.world import World

WITH_BODY = {name_operation(route): route for route in ROUTES if route.body is not None}
COLUMNS = """
SELECT DISTINCT column_name::text AS name
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name !~ '^(_?yoyo|events_)'
"""
# A digest of all rows that a caller could want to change.
ROWS = """
SELECT md5(concat(
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM users AS t),
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM sessions AS t),
    (SELECT string_agg((id, name, scopes, revoked_at)::text, '|' ORDER BY id) FROM api_keys),
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM posts AS t),
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM comments AS t),
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM leads AS t),
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM lead_interactions AS t),
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM notifications AS t),
    (SELECT string_agg(t::text, '|' ORDER BY id) FROM messages AS t)
)) AS digest
"""


def camel(name: str) -> str:
    """Return a column's name in camelCase."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def known_fields(schema: Any) -> set[str]:
    """Return the names that a body may have."""
    return {field.data_key or name for name, field in schema.fields.items()}


def batches(names: set[str]) -> list[set[str]]:
    """Split the names into sets of 15."""
    ordered = sorted(names)
    return [set(ordered[at : at + 15]) for at in range(0, len(ordered), 15)]


@pytest.mark.parametrize("operation", WITH_BODY)
@in_one_world
async def test_no_body_takes_a_column_it_does_not_have(world: World, operation: str) -> None:
    rule = next(rule for rule in POLICY if rule.operation == operation)
    schema = WITH_BODY[operation].body
    assert schema is not None
    columns = {row["name"] for row in await world.fetch(COLUMNS)}
    assert {"password_hash", "role", "author_id", "like_count", "revoked_at"} <= columns
    names = columns | {camel(name) for name in columns}
    owner = await world.person()
    made = await rule.make(world, owner)
    caller = owner if rule.holder == "owner" or rule.who == ANYBODY else await world.person(rule.holder)
    method, _, path = operation.partition(" ")
    if operation in WITH_PREFIX:
        path = API + path
    before = await world.fetch(ROWS)

    def send(more: dict[str, Any]) -> dict[str, Any]:
        good = rule.body(made) if callable(rule.body) else rule.body or {}
        if not isinstance(good, FormData):
            return {"json": {**good, **more}}
        for name, value in more.items():
            good.add_field(name, value)
        return {"data": good}

    async def refuse(more: dict[str, Any], prefix: str, unknown: set[str]) -> None:
        answer = await caller.client.call(method, path.format(**made) + rule.query, **send(more))
        assert answer.status == 422, await answer.text()
        found = (await answer.json())["errors"]
        assert {prefix + name for name in unknown} <= found.keys()

    unknown = names - known_fields(schema)
    # An answer names twenty errors at most.
    for part in batches(unknown):
        await refuse(dict.fromkeys(part, "x"), "", part)
    # The most attractive names also alone.
    for name in {"role", "status", "id", "userId", "authorId", "likeCount"} & unknown:
        await refuse({name: "admin"}, "", {name})
    for name, field in schema.fields.items():
        if isinstance(field, fields.Nested):
            for part in batches(names - known_fields(field.schema)):
                await refuse({name: dict.fromkeys(part, "x")}, f"{name}.", part)
    assert await world.fetch(ROWS) == before
