"""Webhooks are sent: real receivers that fail, hang and redirect, and a worker that is killed."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import WebhookVerificationError

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from nexcorp.integrations.mail import SmtpMailer
from nexcorp.integrations.outbound import LOOKUPS
from nexcorp.security.secrets import Secrets
from tests.conftest import wait_until
from tests.mailserver import MailServer
from tests.webhookserver import Receiver
from tests.workers.sending import DUE
from tests.workers.webhooks import HURRY, Hooks, drop, settled
from workers.delivery import Delivery
from workers.sending import Sender
from workers.sending_mail import MailChannel
from workers.telling import Channels


async def test_an_event_is_sent_signed_and_as_its_owner_may_see_it(hooks: Hooks, receiver: Receiver) -> None:
    admin, author = await hooks.person("admin"), await hooks.person()
    hook, secret = await hooks.hook(admin, f"{receiver.origin}/ok")
    post = await hooks.post(author, "Grüße, żółw")
    gone = await hooks.post(author)
    long = await hooks.post(author, "\x01" * 20_000)
    await hooks.run("DELETE FROM posts WHERE id = $1", gone)
    await hooks.deliver()
    await hooks.deliver()
    async with hooks.sending():
        await settled(hooks, hook)
    # Each event once, although the outbox was drained twice.
    said = [call.verify(secret) for call in receiver.calls]
    assert [one["type"] for one in said] == ["post.created"] * 3
    told = {one["data"]["id"]: one["data"] for one in said}
    shown = told[str(post)]
    assert (shown["entity"], shown["body"], shown["actorId"]) == ("post", "Grüße, żółw", str(author))
    assert shown["author"]["id"] == str(author) and shown["details"] == {"changed": ["body"]}
    assert told[str(gone)] == {"id": str(gone), "deleted": True}
    assert told[str(long)] == {"id": str(long), "entity": "post", "truncated": True}
    [event] = await hooks.run("SELECT id, created_at FROM events WHERE entity_id = $1", post)
    call = next(one for one in receiver.calls if str(post) in one.body)
    assert call.id == f"msg_{event['id'].hex}"
    assert json.loads(call.body)["timestamp"].startswith(event["created_at"].strftime("%Y-%m-%dT%H:%M:%S."))
    assert call.headers["content-type"] == "application/json"
    assert {"cookie", "authorization", "accept-encoding"} & call.headers.keys() <= {"accept-encoding"}
    # A receiver refuses another secret, and a timestamp ten minutes old.
    other = (await hooks.hook(admin, receiver.origin))[1]
    stale = replace(
        call, headers={**call.headers, "webhook-timestamp": str(int(call.headers["webhook-timestamp"]) - 600)}
    )
    for wrong, key in ((call, other), (stale, secret)):
        with pytest.raises(WebhookVerificationError):
            wrong.verify(key)
    [row] = {(row["status"], row["attempts"], row["last_status"]) for row in await hooks.deliveries(hook)}
    assert row == ("delivered", 1, 204)
    state = await hooks.of(hook)
    assert (state["due_at"], state["lease_until"], state["failures"]) == (None, None, 0)
    assert state["last_ok_at"] is not None


async def test_what_fails_is_tried_again_and_logged(hooks: Hooks, receiver: Receiver) -> None:
    admin = await hooks.person("admin")
    paths = ("fail", "hang", "drip", "slow", "redirect", "gone", "busy")
    made = {name: (await hooks.hook(admin, f"{receiver.origin}/{name}"))[0] for name in paths}
    await hooks.post(admin)
    await hooks.deliver()
    async with hooks.sending(replace(HURRY, patience=50, seconds=1.5)):
        await settled(hooks, *(made[name] for name in paths if name != "busy"))
        await wait_until(lambda: has_failed(hooks, made["busy"]))
    ends = {name: (await hooks.deliveries(made[name]))[0] for name in paths}
    shown = {name: (row["status"], row["attempts"], row["last_status"]) for name, row in ends.items()}
    assert shown == {
        # Four attempts: the first, and one after each pause of the schedule.
        "fail": ("failed", 4, 500),
        "hang": ("failed", 4, None),
        # The status counts, whether or not the body ends.
        "drip": ("delivered", 1, 200),
        "slow": ("delivered", 1, 202),
        "redirect": ("failed", 4, 307),
        "gone": ("failed", 1, 410),
        "busy": ("pending", 1, 503),
    }
    assert ends["hang"]["last_error"] == "timeout"
    # The redirect is not followed.
    assert Counter(call.path for call in receiver.calls) == {
        "/fail": 4, "/hang": 4, "/drip": 1, "/slow": 1, "/redirect": 4, "/gone": 1, "/busy": 1
    }  # fmt: skip
    assert len({call.id for call in receiver.calls}) == 1
    log = await hooks.run(
        "SELECT * FROM webhook_attempts WHERE delivery_id = $1 ORDER BY n", ends["fail"]["id"]
    )
    assert [(row["n"], row["status"], row["error"]) for row in log] == [(n, 500, None) for n in (1, 2, 3, 4)]
    assert len(log[0]["response"]) == 1024 and log[0]["response"].startswith("no\ufffd\ufffdno")
    busy, gone = await hooks.of(made["busy"]), await hooks.of(made["gone"])
    for moment in (busy["due_at"], busy["rest_until"], ends["busy"]["next_at"]):
        assert 3500 < (moment - ends["busy"]["created_at"]).total_seconds() < 3700
    assert (gone["status"], gone["reason"]) == ("disabled", "gone")
    # A disabled webhook gets no more events, and its owner is notified.
    await hooks.post(admin)
    await hooks.deliver()
    assert (await hooks.pending(made["gone"]), await hooks.pending(made["slow"])) == (0, 1)
    told = await hooks.run("SELECT type, variant FROM notifications WHERE receiver_id = $1", admin)
    assert [(row["type"], row["variant"]) for row in told] == [("webhook", "gone")]


async def has_failed(hooks: Hooks, webhook_id: UUID) -> bool:
    """Whether a failed attempt is recorded and the lane released."""
    state = await hooks.of(webhook_id)
    return state["failures"] > 0 and state["lease_until"] is None


async def test_hanging_endpoints_keep_no_place_from_those_that_answer(
    hooks: Hooks, receiver: Receiver
) -> None:
    admin = await hooks.person("admin")
    pace = replace(HURRY, proven=4, others=3, width=4, seconds=30.0, turn=30.0, lease=60.0, grace=0.1)
    hanging = [(await hooks.hook(admin, f"{receiver.origin}/hang/{number}"))[0] for number in range(8)]
    healthy = [(await hooks.hook(admin, f"{receiver.origin}/ok/{number}"))[0] for number in range(3)]
    await hooks.run("UPDATE webhooks SET last_ok_at = now() WHERE id = ANY($1)", healthy)
    for hook in hanging + healthy:
        await hooks.queue(hook, admin, 20)
    async with hooks.sending(pace):
        await settled(hooks, *healthy)
        # The hanging endpoints have the places of unproven ones, one each.
        asked = Counter(call.path for call in receiver.calls if "hang" in call.path)
        assert len(asked) == 3 and set(asked.values()) == {1}
        assert max(receiver.widest.values()) <= pace.width
    # Stopped lanes are released, and their deliveries are unchanged.
    assert [(await hooks.of(hook))["lease_until"] for hook in hanging] == [None] * 8
    assert await hooks.pending(*hanging) == 160


async def test_names_that_are_never_found_hold_up_no_others(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, let_go, asked = socket.getaddrinfo, threading.Event(), []

    def hang(host: str, *more: Any) -> Any:
        if host == "localhost":
            return look_up("127.0.0.1", *more)
        asked.append(host)
        let_go.wait()
        raise OSError("no such name")

    monkeypatch.setattr("nexcorp.integrations.outbound.socket.getaddrinfo", hang)
    admin = await hooks.person("admin")
    for n in range(LOOKUPS + 1):
        lost, _ = await hooks.hook(admin, f"https://lost{n}.example.com/")
        await hooks.queue(lost, admin, 1)
    good, _ = await hooks.hook(admin, receiver.origin.replace("127.0.0.1", "localhost") + "/ok")

    async def all_hang() -> bool:
        return len(asked) == LOOKUPS

    try:
        async with hooks.sending(replace(HURRY, seconds=5), outbound_allow=("localhost",)):
            await wait_until(all_hang)
            await hooks.run("UPDATE webhooks SET last_ok_at = now() WHERE id = $1", good)
            await hooks.queue(good, admin, 1)
            await settled(hooks, good)
            let_go.set()
    finally:
        let_go.set()
    assert [row["attempts"] for row in await hooks.deliveries(good)] == [1] and len(receiver.calls) == 1


async def test_a_failing_endpoint_is_asked_by_one_delivery_and_gets_all_when_it_heals(
    hooks: Hooks, receiver: Receiver
) -> None:
    admin = await hooks.person("admin")
    hook, secret = await hooks.hook(admin, f"{receiver.origin}/fail/1")
    await hooks.queue(hook, admin, 60)
    async with hooks.sending(replace(HURRY, schedule=(60.0,) * 9, most_rest=60.0, probe=0.02)):
        await wait_until(lambda: has_rested(hooks, hook, 8))
        calls = receiver.at("/fail/1")
        assert receiver.widest["/fail/1"] == 1 and len(calls) < 14
        waiting = [row for row in await hooks.deliveries(hook) if row["attempts"] == 0]
        assert len(waiting) > 45
        receiver.heals.add("/fail/1")
        await hooks.run("UPDATE webhook_deliveries SET next_at = now() WHERE webhook_id = $1", hook)
        await hooks.run("UPDATE webhooks SET rest_until = NULL, due_at = now() WHERE id = $1", hook)
        await settled(hooks, hook)
    assert 1 < receiver.widest["/fail/1"] <= HURRY.width
    assert len({call.id for call in receiver.calls}) == 60
    assert all(call.verify(secret) for call in receiver.calls)


async def has_rested(hooks: Hooks, webhook_id: UUID, failures: int) -> bool:
    """Whether at least `failures` attempts in a row have failed and the lane rests."""
    state = await hooks.of(webhook_id)
    return state["failures"] >= failures and state["rest_until"] is not None


async def test_pause_after_five_days_and_what_came_meanwhile(hooks: Hooks, receiver: Receiver) -> None:
    admin = await hooks.person("admin")
    hook, _ = await hooks.hook(admin, f"{receiver.origin}/fail/1")
    await hooks.run(
        "UPDATE webhooks SET failures = 9, failing_since = now() - interval '6 days' WHERE id = $1", hook
    )
    await hooks.post(admin)
    await hooks.deliver()
    async with hooks.sending():
        await wait_until(lambda: is_paused(hooks, hook))
    state = await hooks.of(hook)
    assert (state["status"], state["reason"]) == ("paused", "failing")
    await Delivery(hooks.database, drop, PRODUCT, channels=Channels(mail=True, push=False)).drain()
    [notice] = await hooks.run("SELECT type, variant, why FROM notifications WHERE receiver_id = $1", admin)
    assert tuple(notice) == ("webhook", "failing", "account")
    mail = await read_mail(hooks)
    assert "webhook is paused" in mail["Subject"]
    text = mail.get_body(("plain",)).get_content()
    assert "127.0.0.1" in text and "kept for 14 days" in text and "/fail/1" not in text
    # Events are kept while the webhook is paused, and sent after it is resumed.
    await hooks.post(admin)
    await hooks.deliver()
    receiver.heals.add("/fail/1")
    before = len(receiver.calls)
    async with hooks.sending() as webhooks:
        webhooks.wake()
        assert await hooks.pending(hook) == 2
        await hooks.run(
            "UPDATE webhooks SET status = 'active', reason = NULL, due_at = now() WHERE id = $1", hook
        )
        await settled(hooks, hook)
    assert len(receiver.calls) == before + 2
    state = await hooks.of(hook)
    assert (state["failures"], state["failing_since"]) == (0, None)


async def read_mail(hooks: Hooks) -> Any:
    """Send the only mail that is due; return it as the SMTP server got it."""
    smtp = MailServer()
    await smtp.start()
    key = Secrets.from_config(hooks.config).unsubscribe[0]
    mailer = SmtpMailer(smtp.url, "NexCorp <connect@example.com>")
    channel = MailChannel(mailer, PRODUCT, "https://connect.example.com", key)
    sender = Sender(hooks.database, channel, PRODUCT)
    await hooks.run(DUE)
    await sender.drain()
    await sender.settle()
    await channel.close()
    await smtp.stop()
    [(_, mail)] = smtp.mails
    return mail


async def is_paused(hooks: Hooks, webhook_id: UUID) -> bool:
    return bool((await hooks.of(webhook_id))["status"] == "paused")


async def test_who_loses_the_right_is_sent_nothing_more(hooks: Hooks, receiver: Receiver) -> None:
    admin, owner = await hooks.person("admin"), await hooks.person()
    project = await hooks.value("INSERT INTO projects (name) VALUES ('Apollo') RETURNING id")
    await hooks.run("INSERT INTO project_members VALUES ($1, $2, 'owner')", project, owner)
    before, _ = await hooks.hook(admin, f"{receiver.origin}/ok/before")
    written, _ = await hooks.hook(owner, f"{receiver.origin}/ok/written", scope="project", project=project)
    left, _ = await hooks.hook(await hooks.person(), f"{receiver.origin}/ok/left", scope="own")
    await hooks.post(owner)
    await hooks.deliver()
    # One loses the right after the delivery was written, the other before.
    await hooks.run("UPDATE users SET role = 'member' WHERE id = $1", admin)
    await hooks.run("UPDATE project_members SET role = 'editor' WHERE project_id = $1", project)
    async with hooks.database.transaction(wait=5) as conn:
        payload = {"projectId": str(project), "changed": ["name"]}
        await conn.fetchval(
            "SELECT emit('project.updated', $1, 'project', $2, $3, '{}')", owner, project, payload
        )
    await hooks.deliver()
    async with hooks.sending():
        await wait_until(lambda: is_paused(hooks, before))
    for hook in (before, written):
        state = await hooks.of(hook)
        assert (state["status"], state["reason"]) == ("paused", "right_lost"), state["url"]
    assert (receiver.calls, await hooks.deliveries(written)) == ([], [])
    assert (await hooks.of(left))["status"] == "active"
    await hooks.deliver()
    told = await hooks.run("SELECT receiver_id, variant FROM notifications WHERE type = 'webhook'")
    assert {tuple(row) for row in told} == {(admin, "right_lost"), (owner, "right_lost")}


async def test_secrets_that_are_rotated_resealed_and_lost(hooks: Hooks, receiver: Receiver) -> None:
    admin = await hooks.person("admin")
    hook, old = await hooks.hook(admin, f"{receiver.origin}/ok")
    # JWT_SECRET has changed; the previous one still opens the webhook's secret.
    renewed = replace(
        hooks.config, jwt_secret=hooks.config.jwt_secret + "!", jwt_secret_previous=hooks.config.jwt_secret
    )
    sealed = (await hooks.of(hook))["secret"]
    await hooks.queue(hook, admin, 1)
    async with hooks.sending(jwt_secret=renewed.jwt_secret, jwt_secret_previous=renewed.jwt_secret_previous):
        await settled(hooks, hook)
    assert receiver.calls[0].verify(old) and (await hooks.of(hook))["secret"] != sealed
    again = Hooks(hooks.database, renewed)
    await again.queue(hook, admin, 1)
    async with again.sending(jwt_secret_previous=""):
        await settled(again, hook)
    assert receiver.calls[1].verify(old)
    # With neither secret, nothing is sent: it could not be signed.
    await hooks.queue(hook, admin, 1)
    async with hooks.sending():
        await wait_until(lambda: is_paused(hooks, hook))
    assert ((await hooks.of(hook))["reason"], len(receiver.calls)) == ("secret_lost", 2)


async def test_nothing_inside_hears_of_a_webhook(hooks: Hooks, receiver: Receiver) -> None:
    admin = await hooks.person("admin")
    port = receiver.origin.rpartition(":")[2]
    hosts = (
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "localhost",
    )
    urls = [f"https://{host}:{port}/ok" for host in hosts] + [
        f"{receiver.origin}/ok",
        "https://user:pw@example.com/",
    ]
    made = [(await hooks.hook(admin, url))[0] for url in urls]
    await hooks.post(admin)
    await hooks.deliver()
    async with hooks.sending(replace(HURRY, schedule=()), outbound_allow=()):
        await settled(hooks, *made)
    assert receiver.calls == []
    errors = [(await hooks.deliveries(hook))[0]["last_error"] for hook in made]
    assert errors == ["address_refused"] * len(hosts) + ["https_only", "url_refused"]


async def test_each_scope_hears_of_its_own(hooks: Hooks, receiver: Receiver) -> None:
    admin, owner, other = await hooks.person("admin"), await hooks.person(), await hooks.person()
    project = await hooks.value("INSERT INTO projects (name) VALUES ('Apollo') RETURNING id")
    await hooks.run("INSERT INTO project_members VALUES ($1, $2, 'owner')", project, owner)
    made: dict[str, Any] = {
        "own": await hooks.hook(other, f"{receiver.origin}/ok/own", scope="own"),
        "project": await hooks.hook(owner, f"{receiver.origin}/ok/project", scope="project", project=project),
        "all": await hooks.hook(admin, f"{receiver.origin}/ok/all", types=("member.*", "post.created")),
    }
    async with hooks.database.transaction(wait=5) as conn:
        for type, payload in (
            ("member.added", {"projectId": str(project), "userId": str(other), "role": "editor"}),
            ("project.updated", {"projectId": str(project), "changed": ["name"]}),
        ):
            await conn.fetchval("SELECT emit($1, $2, 'project', $3, $4, '{}')", type, owner, project, payload)
        # This event is not public: neither it nor its notification is sent to a webhook.
        await conn.fetchval(
            "SELECT emit('api_key.created', $1, 'api_key', uuidv7(), $2, '{}')", other, {"userId": str(other)}
        )
    await hooks.run("INSERT INTO project_members VALUES ($1, $2, 'editor')", project, other)
    await hooks.post(owner)
    await hooks.deliver()
    async with hooks.sending():
        await settled(hooks, *(hook for hook, _ in made.values()))
    heard = {
        name: sorted(call.verify(secret)["type"] for call in receiver.at(f"/ok/{name}"))
        for name, (_, secret) in made.items()
    }
    assert heard == {
        "own": ["notification.member_added"],
        "project": ["member.added", "project.updated"],
        "all": ["member.added", "post.created"],
    }
    [call] = receiver.at("/ok/own")
    notice = call.verify(made["own"][1])["data"]
    assert (notice["type"], notice["message"]) == ("member_added", "Apollo: editor")
    told = [call.verify(made["project"][1])["data"] for call in receiver.at("/ok/project")]
    assert {one["name"] for one in told} == {"Apollo"}
    assert {one["details"].get("userId") for one in told} == {str(other), None}
    assert await hooks.value("SELECT count(*) FROM notifications WHERE receiver_id = $1", other) == 2


async def test_notifications_told_as_one_go_out_to_their_receiver_alone(
    hooks: Hooks, receiver: Receiver
) -> None:
    admin, ada, bob = await hooks.person("admin"), await hooks.person(), await hooks.person()
    own, secret = await hooks.hook(ada, f"{receiver.origin}/ok/own", scope="own")
    every, _ = await hooks.hook(admin, f"{receiver.origin}/ok/all")
    post = await hooks.post(bob, "Lunch?")
    payload = {"receiverId": str(ada), "times": 7, "entityType": "post", "entityId": str(post)}
    await hooks.run("SELECT emit('mention.folded', $1, 'user', $2, $3, '{}')", bob, ada, payload)
    await hooks.deliver()
    async with hooks.sending():
        await settled(hooks, own, every)
    [call] = receiver.at("/ok/own")
    said = call.verify(secret)
    assert said["type"] == "notification.mention" and "(7)" in said["data"]["title"]
    assert len(receiver.at("/ok/all")) == 1 and str(ada) not in receiver.at("/ok/all")[0].body


async def test_a_delivery_that_commits_while_a_lane_ends_is_not_left_behind(
    hooks: Hooks, receiver: Receiver
) -> None:
    """The release of a lane waits for the batch, and then sees the delivery that it wrote."""
    admin = await hooks.person("admin")
    hook, _ = await hooks.hook(admin, f"{receiver.origin}/ok")
    await hooks.queue(hook, admin, 1)
    await hooks.run("DELETE FROM outbox")
    async with hooks.database.transaction(wait=5) as conn:
        await conn.execute("SELECT FROM webhooks WHERE id = $1 FOR NO KEY UPDATE", hook)
        async with hooks.sending() as webhooks:
            # SKIP LOCKED passes over a lane that is being written; it is claimed a moment later.
            await asyncio.sleep(0.1)
            assert receiver.calls == []
            webhooks.wake()
    late = await hooks.post(admin)
    async with hooks.sending():
        await settled(hooks, hook)
        await hooks.deliver()
        await wait_until(lambda: heard(receiver, late))


async def heard(receiver: Receiver, post: UUID) -> bool:
    return any(str(post) in call.body for call in receiver.calls)


async def test_a_redelivery_during_the_last_attempt_is_not_lost(hooks: Hooks, receiver: Receiver) -> None:
    """The owner asks for it before the endpoint has answered: its answer ends the attempt only."""
    path, ada = "/hang/redo", await hooks.person("admin")
    webhook_id, _ = await hooks.hook(ada, receiver.origin + path)
    await hooks.post(ada)
    await hooks.deliver()
    async with hooks.sending(replace(HURRY, schedule=())):
        await wait_until(lambda: came(receiver, path, 1))
        (delivery,) = await hooks.deliveries(webhook_id)
        async with hooks.database.transaction(wait=5) as conn:
            assert await sql.webhooks.redeliver(conn, webhook_id=webhook_id, delivery_id=delivery["id"])
        receiver.heals.add(path)
        receiver.let_go.set()
        await settled(hooks, webhook_id)
    (delivery,) = await hooks.deliveries(webhook_id)
    assert (delivery["status"], delivery["last_status"]) == ("delivered", 202)
    assert len(receiver.at(path)) == 2


async def came(receiver: Receiver, path: str, count: int) -> bool:
    """Whether so many requests have reached a path."""
    return len(receiver.at(path)) >= count
