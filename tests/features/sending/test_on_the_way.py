"""From an event to a browser and a mailbox, through the whole service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from nexcorp.config import Config
from tests.api import API, create
from tests.conftest import wait_until
from tests.features.preferences.steps import trace
from tests.mailserver import MailServer
from tests.pushserver import PushService, run_push_service


@pytest.fixture
async def push_service() -> AsyncIterator[PushService]:
    async with run_push_service() as found:
        yield found


@pytest.fixture
def config(own_config: Config, smtp: MailServer, push_service: PushService) -> Config:
    return replace(
        own_config,
        smtp_url=smtp.url,
        mail_from="NexCorp <connect@example.com>",
        outbound_allow=(push_service.host,),
    )


async def test_like_is_pushed_at_once_and_mailed_unless_it_is_read(
    service: Any, make_user: Any, smtp: MailServer, push_service: PushService
) -> None:
    me, fan = await make_user(), await make_user()
    browser = push_service.subscribe()
    await create(me, "/push-subscriptions", **browser.to_json())
    posts = [await create(me, "/posts", body=f"Post {number}") for number in range(2)]
    for post in posts:
        await fan.client.put(f"{API}/posts/{post['id']}/like")

    async def pushed() -> bool:
        return len(push_service.of(browser)) == 2

    await wait_until(pushed)
    said = [json.loads(browser.read(one.body)) for one in push_service.of(browser)]
    assert {one["message"] for one in said} == {"Post 0", "Post 1"} and said[-1]["unreadCount"] == 2
    assert smtp.sent_to(me.email, "liked") == []
    await me.client.patch(f"{API}/notifications/{said[0]['notificationId']}", json={"isRead": True})
    async with service.db.connection() as conn:
        due = await conn.fetch("SELECT due_at - created_at AS wait FROM deliveries WHERE channel = 'email'")
        assert [round(row["wait"].total_seconds()) for row in due] == [120, 120]
        await conn.execute("UPDATE deliveries SET due_at = now() WHERE channel = 'email'")

    async def mailed() -> bool:
        return bool(smtp.sent_to(me.email, "liked"))

    await wait_until(mailed)
    (mail,) = smtp.sent_to(me.email, "liked")
    assert mail["Message-ID"] == f"<n.{said[1]['notificationId']}@example.com>"

    async def recorded() -> bool:
        async with service.db.connection() as conn:
            rows = await conn.fetch(
                "SELECT state, reason FROM deliveries WHERE channel = 'email' ORDER BY state"
            )
        return [tuple(row) for row in rows] == [("sent", None), ("skipped", "read")]

    await wait_until(recorded)
    steps = await trace(me, said[0]["notificationId"])
    order = [(step, outcome) for step, outcome, _ in steps]
    # A push is planned after the decision to notify; reading also counts as seeing.
    assert order.index(("decision", "told")) < order.index(("push", "planned"))
    assert order.index(("seen", "done")) < order.index(("read", "done")) < order.index(("email", "skipped"))
