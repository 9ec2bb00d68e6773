"""Sentences of notifications, filled in."""

from __future__ import annotations

import pytest

from nexcorp.delivery.notices import fill


@pytest.mark.parametrize(
    ("params", "said"),
    [({"n": 1}, "1 task was made."), ({"n": 3}, "3 tasks were made."), ({"n": 0}, "0 tasks were made.")],
)
def test_what_is_counted_is_named_after_its_number(params: dict[str, int], said: str) -> None:
    row = {"_params": params, "_excerpt": None, "_beginning": None, "_firstName": "Ada", "_lastName": None}
    words = fill(row)
    assert "{n:task was|tasks were} made.".format_map(words) == said
    assert "{actor}: {n}, {m:day|days}.".format_map(words) == f"Ada: {params['n']}, ."
