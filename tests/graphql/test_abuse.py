"""Random documents made from the schema, valid and invalid: none may cause an error of the server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis_graphql import Mode, from_schema

from nexcorp.features import PRODUCT
from nexcorp.graphql.routes import make_schema
from tests.graphql.helpers import PATH, list_ids, make_news

KNOWN = {
    *("graphql_invalid", "graphql_too_complex", "validation_failed"),
    *("notification_not_found", "lead_not_found", "task_not_found"),
}


def make_documents(mode: Mode) -> list[str]:
    """Return documents; the same in every run."""
    found: list[str] = []

    @settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(from_schema(make_schema(PRODUCT).as_str(), mode=mode))
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found


@pytest.mark.shared
async def test_no_document_finds_a_bug(service: Any, make_user: Any) -> None:
    # Bob's role may read every field.
    ann, bob = await make_user(), await make_user(role="manager")
    await make_news(service, ann, bob)
    statuses = set()
    for mode in Mode:
        for text in make_documents(mode):
            answer = await bob.client.post(PATH, json={"query": text})
            body = await answer.json()
            statuses.add(answer.status)
            assert answer.status in (200, 400), text
            assert {error["extensions"]["code"] for error in body.get("errors", ())} <= KNOWN, (text, body)
    assert statuses == {200, 400}
    assert len(await list_ids(ann)) == 3
