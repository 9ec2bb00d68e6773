"""Steps shared by the tests of preferences, mutes and traces."""

from __future__ import annotations

from typing import Any

from tests.api import API, get_json, outbox_empty
from tests.conftest import wait_until

SETTINGS = f"{API}/notifications/preferences"
MUTES = f"{API}/notifications/mutes"
UPDATED = "notification-settings:updated"
HIDE = """
UPDATE posts SET type = 'announcement', status = 'draft', title = 'x', position = NULL WHERE id = $1
"""


async def put(user: Any, path: str, **body: Any) -> dict[str, Any]:
    """Send a PUT, which must be answered with 200; return the answer's body."""
    answer = await user.client.put(path, json=body)
    assert answer.status == 200, await answer.text()
    data: dict[str, Any] = await answer.json()
    return data


async def settle(service: Any) -> None:
    """Wait until the outbox is empty."""
    await wait_until(lambda: outbox_empty(service))


async def told(service: Any, user: Any, path: str = "/notifications") -> list[dict[str, Any]]:
    """The user's notifications, or another list at `path`, once the outbox is empty."""
    await settle(service)
    data: list[dict[str, Any]] = (await get_json(user.client, path))["data"]
    return data


async def trace(user: Any, notification_id: str) -> list[tuple[str, str, str | None]]:
    """The steps of a trace without their times; asserts that the times are in order."""
    steps = (await get_json(user.client, f"/notifications/{notification_id}/trace"))["data"]
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    return [(step["step"], step["outcome"], step["reason"]) for step in steps]
