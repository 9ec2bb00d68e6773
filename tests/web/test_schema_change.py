"""A migration beside a running service: a request that meets it is told to try again."""

from __future__ import annotations

from typing import Any

from tests.api import API, fetch, publish
from tests.web.calls import check_envelope

WIDER = 'CREATE OR REPLACE VIEW post_items AS SELECT v.*, 1 AS "_extra" FROM (old) AS v'


async def test_a_column_that_appears_costs_a_retry_and_no_crash(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    assert (await ann.client.patch(path, json={"body": "One."})).status == 200
    [row] = await fetch(service, "SELECT rtrim(pg_get_viewdef('post_items'::regclass), ';') AS text")
    await fetch(service, WIDER.replace("(old)", f"({row['text']})"))
    answers = [await ann.client.patch(path, json={"body": f"Change {number}."}) for number in range(6)]
    for answer in answers:
        if answer.status != 200:
            await check_envelope(answer, 503, "contention")
    assert answers[-1].status == 200
    assert (await ann.client.get(path)).status == 200
