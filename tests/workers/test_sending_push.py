"""Pushes of notifications: their content, the reasons to skip them, and the answers of push services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.features import PRODUCT
from nexcorp.integrations.notice_texts import write_push
from nexcorp.integrations.push import MAX_PAYLOAD_BYTES, Outcome, make_pusher
from tests.conftest import wait_until
from tests.pushserver import VAPID_KEY, Browser, PushService, run_push_service
from tests.workers.sending import DUE, Plans
from workers.sending import Sender
from workers.sending_push import ABREAST, MOST_SILENT, PushChannel

BASE = "https://connect.example.com"


@pytest.fixture
async def server() -> AsyncIterator[PushService]:
    async with run_push_service() as found:
        yield found


@pytest.fixture
def plans(database: Database) -> Plans:
    return Plans(database)


@pytest.fixture
async def sender(config: Config, database: Database, server: PushService) -> AsyncIterator[Sender]:
    allowed = (server.host, "127.0.0.1:9")
    pusher = make_pusher(
        replace(config, vapid_private_key=VAPID_KEY, mail_from="a@example.com", outbound_allow=allowed)
    )
    assert pusher is not None
    channel = PushChannel(pusher, PRODUCT, BASE)
    yield Sender(database, channel, PRODUCT)
    await channel.close()


async def subscribe(plans: Plans, user: UUID, browser: Browser) -> str:
    """Create a session with a push subscription; return the target of its deliveries."""
    row = await plans.run(
        """WITH s AS (
            INSERT INTO sessions (user_id, platform, expires_at, refreshed_at)
            VALUES ($1, 'web', now() + interval '1 day', now()) RETURNING id
        )
        INSERT INTO push_subscriptions (user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth)
        SELECT $1, s.id, sha256($2::text::bytea), $2, 'host', $3, $4 FROM s RETURNING id""",
        user,
        browser.endpoint,
        browser.p256dh,
        browser.auth,
    )
    return str(row["id"])


async def send(sender: Sender) -> None:
    """Send every push that is due."""
    await sender.drain()
    await sender.settle()


async def test_what_a_browser_reads(sender: Sender, server: PushService, plans: Plans) -> None:
    me, actor = await plans.person(), await plans.person(first_name="Zoë")
    post = await plans.post(me, "Plan")
    phone, laptop = server.subscribe(), server.subscribe()
    targets = [await subscribe(plans, me, one) for one in (phone, laptop)]
    liked: dict[str, Any] = {"actor": actor, "type": "like", "entity": ("post", post), "channel": "push"}
    told = await plans.tell(me, **liked, target=targets[0])
    await plans.run(
        """INSERT INTO deliveries (notification_id, channel, target, receiver_id, due_at)
        VALUES ($1, 'push', $2, $3, now())""",
        told,
        targets[1],
        me,
    )
    read = await plans.tell(me, **liked, target=targets[0])
    await plans.run("UPDATE notifications SET is_read = true WHERE id = $1", read)
    await send(sender)
    for browser in (phone, laptop):
        (message,) = server.of(browser)
        assert (message.headers["Topic"], message.headers["Urgency"]) == (post.hex, "normal")
        assert json.loads(browser.read(message.body)) == {
            "type": "like",
            "title": "Zoë liked your post",
            "message": "Plan",
            "tag": post.hex,
            "url": f"{BASE}/n/{told}",
            "notificationId": str(told),
            "entity": {"type": "post", "id": str(post)},
            "unreadCount": 2,
        }
    assert await plans.look(read) == ("skipped", "read")
    row = await plans.run(
        "SELECT array_agg(state) AS states FROM deliveries WHERE notification_id = $1", told
    )
    assert row["states"] == ["sent", "sent"]
    # Several pushes become one summary, and a mention makes it urgent.
    for number in range(5):
        other = await plans.tell(me, actor=actor, channel="push", target=targets[0])
        if not number:
            await plans.run("UPDATE notifications SET why = 'mentioned' WHERE id = $1", other)
    server.messages.clear()
    await send(sender)
    (message,) = server.messages
    said = json.loads(phone.read(message.body))
    assert (said["type"], said["title"], said["unreadCount"]) == (
        "summary",
        "While you were away: 5 notifications",
        7,
    )
    assert (message.headers["Topic"], message.headers["Urgency"]) == ("summary", "high")


async def test_what_push_services_answer(sender: Sender, server: PushService, plans: Plans) -> None:
    me = await plans.person()
    cases = {"gone": (410, {}), "refused": (403, {}), "later": (429, {"Retry-After": "77"})}
    told = {}
    for name, answer in cases.items():
        browser = server.subscribe(name)
        server.answers[f"/send/{name}"] = answer
        told[name] = await plans.tell(me, channel="push", target=await subscribe(plans, me, browser))
    # The session of this subscription was signed out.
    over = await subscribe(plans, me, server.subscribe("over"))
    await plans.run("DELETE FROM push_subscriptions WHERE id = $1", UUID(over))
    told["over"] = await plans.tell(me, channel="push", target=over)
    await send(sender)
    assert {name: await plans.look(one) for name, one in told.items()} == {
        "gone": ("failed", "gone"),
        "refused": ("failed", "refused"),
        "later": ("waiting", "failed"),
        "over": ("failed", "no_subscription"),
    }
    row = await plans.run(
        "SELECT extract(epoch FROM due_at - now()) AS wait FROM deliveries WHERE notification_id = $1",
        told["later"],
    )
    assert 70 < row["wait"] <= 77
    await send(sender)
    rows = await plans.run("SELECT array_agg(endpoint ORDER BY endpoint) AS left FROM push_subscriptions")
    assert [one.rpartition("/")[2] for one in rows["left"]] == ["later", "refused"]
    await send(sender)
    row = await plans.run(
        "SELECT count(*) AS failing FROM push_subscriptions WHERE failing_since IS NOT NULL"
    )
    assert row["failing"] == 2
    server.answers.clear()
    await plans.run(DUE)
    await send(sender)
    assert await plans.look(told["later"]) == ("sent", None)
    assert await plans.attempts(told["later"]) == ["begun", "failed", "begun", "sent"]


async def test_a_silent_push_service_is_left_alone(sender: Sender, server: PushService, plans: Plans) -> None:
    dead, told = Browser("http://127.0.0.1:9/send/x"), []
    for _ in range(MOST_SILENT + 2):
        user = await plans.person()
        told.append(await plans.tell(user, channel="push", target=await subscribe(plans, user, dead)))
        dead = Browser(dead.endpoint + "x")
        await send(sender)
    assert [await plans.attempts(one) for one in told] == [["begun", "failed"]] * MOST_SILENT + [[], []]
    row = await plans.run(
        "SELECT attempts, due_at - now() AS wait FROM deliveries WHERE notification_id = $1", told[-1]
    )
    assert row["attempts"] == 0 and 50 < row["wait"].total_seconds() <= 60
    # Other hosts are still used.
    user, alive = await plans.person(), server.subscribe()
    fine = await plans.tell(user, channel="push", target=await subscribe(plans, user, alive))
    await send(sender)
    assert await plans.look(fine) == ("sent", None) and len(server.of(alive)) == 1


def test_few_silent_push_services_are_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.sending_push.MOST_KNOWN", 2)
    channel = PushChannel(None, PRODUCT, BASE)  # type: ignore[arg-type]
    for number in range(5):
        for _ in range(MOST_SILENT - 1):
            channel._judge(f"{number}.example.com", silent=True)
        assert 1 <= len(channel._silent) <= 2 and not channel._resting
    channel._judge("4.example.com", silent=True)
    assert list(channel._resting) == ["4.example.com"]


async def test_one_that_hangs_keeps_no_other_waiting(
    sender: Sender, server: PushService, plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.sending_push.PLACE_SECONDS", 0.05)
    hung, release = asyncio.Event(), asyncio.Event()
    said = sender.channel.pusher.send  # type: ignore[attr-defined]

    async def hang(to: Any, *arguments: Any, **more: Any) -> Any:
        if to.endpoint.startswith("http://127.0.0.1:9/"):
            hung.set()
            await release.wait()
            return Outcome("sent", "201")
        return await said(to, *arguments, **more)

    sender.channel.pusher.send = hang  # type: ignore[attr-defined]
    user = await plans.person()
    # More than are sent at a time; for each browser fewer than become a summary.
    slow = []
    for number in range(sender.channel.most // 3 + 1):
        target = await subscribe(plans, user, Browser(f"http://127.0.0.1:9/send/{number}"))
        slow += [await plans.tell(user, channel="push", target=target) for _ in range(3)]
    sending = asyncio.create_task(sender.drain())
    await asyncio.wait_for(hung.wait(), 20)
    other = await plans.person()
    quick = await plans.tell(other, channel="push", target=await subscribe(plans, other, server.subscribe()))

    async def is_sent() -> bool:
        await sender.drain()
        return await plans.look(quick) == ("sent", None)

    await wait_until(is_sent)
    await sending
    # Pushes that found no free place do not count as tried.
    tried = [await plans.attempts(one) for one in slow]
    assert tried.count(["begun"]) == ABREAST and tried.count([]) == len(slow) - ABREAST
    release.set()
    await sender.settle()
    states = [await plans.look(one) for one in slow]
    assert states.count(("sent", None)) == ABREAST


async def test_a_slow_push_service_is_left_alone(
    sender: Sender, server: PushService, plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.sending_push.SLOW_SECONDS", 0.0)
    user = await plans.person()
    target, told = await subscribe(plans, user, server.subscribe()), []
    for _ in range(MOST_SILENT + 1):
        told.append(await plans.tell(user, channel="push", target=target))
        await send(sender)
    # The pushes that it accepted count as sent.
    assert [await plans.attempts(one) for one in told] == [["begun", "sent"]] * MOST_SILENT + [[]]


@pytest.mark.parametrize("text", ["é" * 5000, '"\n' * 5000, "👩‍💻" * 2000, "x" * 4000, ""])
def test_a_long_text_is_cut_between_characters(text: str) -> None:
    shown = {"id": UUID(int=1), "type": "like", "title": text, "message": text, "entity": None}
    body = write_push(shown, unread=1, base=BASE, tag="t", most=MAX_PAYLOAD_BYTES)
    said = json.loads(body)
    assert len(body) <= MAX_PAYLOAD_BYTES and "�" not in body.decode()
    assert len(text) < 100 or (said["message"].endswith("…") and len(body) > MAX_PAYLOAD_BYTES // 2)


@pytest.mark.parametrize("title", [None, "3 notifications"])
def test_what_can_be_cut_no_further_is_no_endless_work(title: str | None) -> None:
    shown = {"id": UUID(int=1), "type": "like", "title": "A title", "message": "…", "entity": None}
    said = json.loads(write_push(shown, unread=1, base=BASE, tag="t" * 200, most=100, title=title))
    assert (said["title"], said["message"], said["tag"]) == ("", "", "t" * 200)
