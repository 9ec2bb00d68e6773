"""Every moment in a request, at its limits, is either understood or refused with 422."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api import API, create, get_json, outbox_empty, publish, say
from tests.conftest import wait_until

pytestmark = pytest.mark.shared
# Moments outside the range of Python or PostgreSQL, or that one of them reads as infinity.
FAR = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00-14:00", "9999-12-31T23:59:59.999999Z"),
    *("9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"),
)
NEXT = datetime.now(UTC).year + 1
NEAR = tuple(
    text.format(NEXT)
    for text in ("{}-01-01T00:00:00-23:59", "{}-01-01T00:00:00.1234567890123Z", "{}-01-01 00:00:00+00:00")
)
WRONG = (
    *("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-0044-03-15T00:00:00Z", "infinity", "-infinity"),
    *("2030-06-30T23:59:60Z", "2030-06-30T24:00:00Z", "2030-02-30T00:00:00Z", "2030-02-30", "0001-01-01"),
    *("9999-12-31", "2030-01-01T00:00:00", "2030-01-01T00:00:00+24:00", "2030-01-01T00:00:00+99:99"),
    *("2030-W01-1", "now", "", "1e9", 0, -1, 1e300, 2**63, True, [], {}),
)


async def test_no_time_is_too_much(service: Any, make_user: Any) -> None:
    ada = await make_user(role="admin")
    post, task = await publish(ada), await create(ada, "/tasks", title="x", dueDate="2030-01-01")
    lead = await create(ada, "/leads", name="x")
    await say(await make_user(), post["id"])
    await wait_until(lambda: outbox_empty(service))
    [told] = (await get_json(ada.client, "/notifications"))["data"]
    mine, said = told["id"], {"kind": "note", "text": "x"}
    key = {"name": "x", "scopes": ["post:read"], "currentPassword": ada.password}
    asked: list[tuple[str, str, Any, tuple[str, ...]]] = [
        ("POST", "/tasks", lambda at: {"title": "x", "dueDate": at}, NEAR),
        ("PATCH", f"/tasks/{task['id']}", lambda at: {"dueDate": at}, NEAR),
        ("PATCH", f"/tasks/{task['id']}", lambda at: {"repeat": {"frequency": "daily", "until": at}}, ()),
        ("POST", f"/leads/{lead['id']}/interactions", lambda at: {**said, "happenedAt": at}, NEAR),
        ("PUT", f"/notifications/mutes/post/{post['id']}", lambda at: {"until": at}, NEAR),
        ("PATCH", f"/notifications/{mine}", lambda at: {"snoozedUntil": at}, NEAR),
        ("POST", "/notifications/read-all", lambda at: {"before": at}, NEAR + FAR[:4]),
        ("POST", "/auth/api-keys", lambda at: {**key, "expiresAt": at}, NEAR),
    ]
    for method, path, body, right in asked:
        for edge in (*FAR, *NEAR, *WRONG):
            answer = await ada.client.call(method, API + path, json=body(edge))
            taken = answer.status in (200, 201, 204)
            assert taken == (edge in right) and (taken or answer.status == 422), (path, edge, answer.status)
    for name in ("from", "to"):
        for edge in (*FAR, *NEAR, *WRONG):
            answer = await ada.client.get(f"{API}/events?" + urlencode({name: edge}))
            assert answer.status == (422 if edge in WRONG else 200), (name, edge)
