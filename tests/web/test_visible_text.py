"""Texts that show nothing are refused; joiners within emoji and words are kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, publish

NOTHING = [
    *("\u200b", "\u200e\u200f", "\u3164", "\u2800", "\u2060", "\ufeff", "\u00ad", "\u180e"),
    *(
        "\u115f\u1160",
        "\uffa0",
        "\ufe0f",
        "\U000e0041",
        "\u034f",
        "\u200d",
        " \u200b \u3000",
        "\u3164 \u2800",
    ),
]
SHOWN = [
    "\U0001f3f3\ufe0f\u200d\u26a7\ufe0f",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0915\u094d\u200d\u0937",
    "\u200bx",
    ".",
]


@pytest.mark.shared
async def test_what_shows_nothing_is_refused(make_user: Any) -> None:
    ann = await make_user()
    post = (await publish(ann))["id"]
    calls = (
        ("PATCH", "/users/me", "firstName", {}),
        ("PATCH", "/users/me", "bio", {}),
        ("POST", "/posts", "title", {"body": "x"}),
        ("POST", "/posts", "body", {}),
        ("PATCH", f"/posts/{post}", "body", {}),
        ("POST", "/comments", "body", {"postId": post}),
        ("POST", "/auth/api-keys", "name", {"scopes": ["post:read"]}),
    )
    for method, path, field, more in calls:
        for text in NOTHING:
            answer = await ann.client.call(method, API + path, json={**more, field: text})
            assert answer.status == 422, (path, field, ascii(text))
            assert field in (await answer.json())["errors"]
    for text in SHOWN:
        answer = await ann.client.patch(f"{API}/users/me", json={"firstName": text})
        assert (answer.status, (await answer.json())["firstName"]) == (200, text)
