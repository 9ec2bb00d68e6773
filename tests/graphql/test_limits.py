"""Limits on what a document may ask for, and the errors above them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.graphql.helpers import PATH, execute, fail, fetch
from tests.web.calls import serving

BOMB = (
    "{ ...a0 } "
    + " ".join(f"fragment a{number} on Query {{ ...a{number + 1} ...a{number + 1} }}" for number in range(12))
    + " fragment a12 on Query { getUnreadCount }"
)
DEEP = "{ getNotifications { " + "post { " * 7 + "id" + " }" * 7 + " } }"
DIRECTIVES = "{ getUnreadCount " + "@skip(if: false) " * 31 + "}"
NESTED = "{ " + "getNotifications { " * 400 + "id" + " }" * 400 + " }"
SAME = "{ getNotifications { " + "id " * 900 + "} }"
LISTS = "{ getNotifications(limit: " + "[" * 450 + "]" * 450 + ") { id } }"


def alias(count: int, field: str = "getUnreadCount") -> str:
    return " ".join(f"a{number}: {field}" for number in range(count))


TOO_COMPLEX = {
    "depth": DEEP,
    "aliases": f"{{ {alias(16)} }}",
    "aliases further down": f"{{ getNotifications {{ {alias(16, 'id')} }} }}",
    "aliases in a fragment": f"{{ ...f ...f }} fragment f on Query {{ {alias(8)} }}",
    "fields at the root": "{ " + "getUnreadCount " * 17 + "}",
    "mutations": "mutation { " + "markAllAsRead " * 17 + "}",
    "fragments in fragments": BOMB,
    "namesakes": SAME,
    "namesakes with more below": "{ " + "getNotifications { " + "post { author { id } } " * 40 + "} " + "}",
    "fields": "query a { " + " ".join(f"x{number} {{ y z }}" for number in range(101)) + " }",
    "fields of another operation": f"query a {{ getUnreadCount }} query b {SAME}",
    "directives": DIRECTIVES,
    "tokens": "{ getUnreadCount " + "@a " * 500 + "}",
}
INVALID = {
    "a fragment that spreads itself": "{ ...a } fragment a on Query { ...a }",
    "two that do so": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "one of no use": "{ getUnreadCount } fragment a on Query { getUnreadCount }",
    "a missing one": "{ ...a }",
    "nesting": NESTED,
    "inline fragments": "{ " + "... { " * 240 + "getUnreadCount" + " }" * 240 + " }",
    "lists": LISTS,
    "digits": "{ getNotifications(limit: " + "9" * 5000 + ") { id } }",
    "defer": "{ ... @defer { getUnreadCount } }",
    "a lone surrogate": '{ getNotifications(cursor: "\\ud800") { id } }',
}


@pytest.mark.shared
async def test_documents_over_a_limit_are_refused_at_once(make_user: Any) -> None:
    ann = await make_user()
    before = time.process_time()
    for name, query in TOO_COMPLEX.items():
        error = await fail(ann, query, 400)
        assert (error["code"], error["statusCode"]) == ("graphql_too_complex", 400), name
    for name, query in INVALID.items():
        found = await execute(ann, query, 400)
        assert {error["extensions"]["code"] for error in found["errors"]} == {"graphql_invalid"}, name
    # For all documents together; comparing namesakes in pairs would take longer for one alone.
    assert time.process_time() - before < 5
    error = await fail(
        ann,
        "{ a: getNotifications(limit: 100) { id } b: getNotifications(limit: 100) { id } "
        "c: getNotifications(limit: 1) { id } }",
    )
    assert (error["code"], error["statusCode"]) == ("graphql_too_complex", 400)
    # Documents exactly at a limit are answered.
    assert len(await fetch(ann, f"{{ getUnreadCount {alias(15)} }}")) == 16
    assert len(await fetch(ann, f"{{ ...f }} fragment f on Query {{ {alias(15)} }}")) == 15
    deepest = "{ getNotifications { " + "... { " * 5 + "post { author { id } }" + " } " * 5 + "id id id } }"
    await fetch(ann, deepest)


@pytest.mark.shared
async def test_a_document_has_one_connection_at_a_time(
    make_user: Any, monkeypatch: pytest.MonkeyPatch, service: Any
) -> None:
    ann = await make_user()
    most = 0
    take = service.db.connection
    held = 0

    class Watched:
        def __init__(self) -> None:
            self.lease = take()

        async def __aenter__(self) -> Any:
            nonlocal held, most
            held += 1
            most = max(most, held)
            return await self.lease.__aenter__()

        async def __aexit__(self, *args: Any) -> None:
            nonlocal held
            held -= 1
            await self.lease.__aexit__(*args)

    monkeypatch.setattr("nexcorp.graphql.context.database", lambda request: Source())

    class Source:
        def connection(self) -> Watched:
            return Watched()

    await fetch(ann, f"{{ {alias(15)} }}")
    assert most == 1


async def test_production_keeps_its_schema_to_the_page_for_it(web_only: Any, make_user: Any) -> None:
    ann = await make_user()
    async with serving(web_only, env="production") as (_, client):
        for query in ("{ __schema { types { name } } }", '{ __type(name: "Query") { name } }'):
            found = await execute(client, query, 400)
            assert "data" not in found and "introspection" in found["errors"][0]["message"]
        assert "Did you mean" not in (await fail(client, "{ getUnreadCoun }", 400))["message"]
        assert await fetch(client, "{ __typename getUnreadCount }") == {
            "__typename": "Query",
            "getUnreadCount": 0,
        }
        assert "type Query" in await (await client.get(f"{PATH}/schema")).text()
        for path, status in ((PATH, 422), (f"{PATH}/explorer/start.js", 404)):
            assert (await client.get(path, headers={"Accept": "text/html"})).status == status
    # Development offers introspection and suggestions.
    assert (await fetch(ann, get_introspection_query()))["__schema"]["queryType"]["name"] == "Query"
    assert "Did you mean" in (await fail(ann, "{ getUnreadCoun }", 400))["message"]
    here = ann.client
    page = await here.session.get(here.url + PATH, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status, page.content_type) == (200, "text/html")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    text = await page.text()
    for name in ("start.js", "graphiql.min.js", "graphiql.min.css"):
        assert f"{PATH}/explorer/{name}" in text
        assert (await ann.client.get(f"{PATH}/explorer/{name}")).status == 200
    assert (await ann.client.get(f"{PATH}/explorer/routes.py")).status == 404
