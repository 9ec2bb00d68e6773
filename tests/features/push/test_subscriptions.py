"""Push subscriptions: their owners, and their end with the session that made them."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import sql
from nexcorp.features.push.service import MAX_SUBSCRIPTIONS
from nexcorp.features.push.targets import Target, find_targets, note_outcomes
from nexcorp.integrations.push import Outcome, make_pusher
from nexcorp.security.app_keys import TOKENS
from tests.api import API, NOBODY, create, fetch, fetch_value, get_json, refused
from tests.clients import Client
from tests.leaving import leave
from tests.pushserver import Browser, run_push_service
from workers.jobs.cleanup import delete_rows

pytestmark = [pytest.mark.shared, pytest.mark.asyncio(loop_scope="module")]

PATH = f"{API}/push-subscriptions"
TRAIL = "SELECT type FROM events WHERE entity_type = 'push_subscription' AND actor_id = $1 ORDER BY id"

LIFE = "SELECT entity_id FROM events WHERE type = $1 AND payload ->> 'userId' = $2"


def new_browser() -> Browser:
    return Browser(f"https://push.example.com/send/{secrets.token_urlsafe(16)}")


async def subscribe(user: Any, browser: Browser | None = None) -> dict[str, Any]:
    return await create(user, "/push-subscriptions", **(browser or new_browser()).to_json())


async def list_mine(user: Any) -> list[dict[str, Any]]:
    page: list[dict[str, Any]] = (await get_json(user.client, "/push-subscriptions"))["data"]
    return page


async def sign_in_again(service: Any, user: Any) -> Any:
    """The same user in another session."""
    [row] = await fetch(
        service, "INSERT INTO sessions (user_id, platform) VALUES ($1, 'cli') RETURNING id", user.id
    )
    token = service.app[TOKENS].sign(
        user_id=user.id, session_id=row["id"], role="member", role_version=1, platform="cli", verified=True
    )
    headers = {"Authorization": f"Bearer {token}"}
    return replace(user, session_id=row["id"], headers=headers, client=user.client.as_user(headers))


async def ask(service: Any, *user_ids: UUID) -> dict[UUID, list[Target]]:
    """The targets that a worker finds for these users."""
    async with service.db.connection(wait=5) as conn:
        return await find_targets(conn, user_ids)


async def test_from_the_key_to_a_message_that_the_browser_reads(service: Any, make_user: Any) -> None:
    ann = await make_user()
    async with run_push_service() as server:
        key = (await get_json(ann.client, "/push-subscriptions/key"))["key"]
        browser = new_browser()
        body = {**browser.to_json(), "expirationTime": (time.time() + 3600) * 1000}
        made = await create(ann, "/push-subscriptions", **body)
        assert (made["endpointHost"], made["current"], made["platform"]) == ("push.example.com", True, "cli")
        assert made["expiresAt"] is not None and made["lastSuccessAt"] is None
        assert await list_mine(ann) == [made]
        text = str(await list_mine(ann))
        assert not any(secret in text for secret in (browser.endpoint, *body["keys"].values()))
        [target] = (await ask(service, ann.id, UUID(NOBODY)))[ann.id]
        assert (target.id, target.subscription.endpoint) == (UUID(made["id"]), browser.endpoint)
        there = replace(target.subscription, endpoint=server.subscribe().endpoint)
        pusher = make_pusher(replace(service.config, outbound_allow=(server.host,)))
        assert pusher is not None
        sent = await pusher.send(there, b"Hello.")
        await pusher.close()
        [message] = server.messages
        assert browser.read(message.body) == b"Hello."
        server.check_signature(message, key)
    async with service.db.connection(wait=5) as conn:
        await note_outcomes(conn, {target.id: Outcome("later", "timeout")})
        assert (await list_mine(ann))[0]["failingSince"] is not None
        await note_outcomes(conn, {target.id: sent})
        [shown] = await list_mine(ann)
        assert shown["failingSince"] is None and shown["lastSuccessAt"] is not None
        await note_outcomes(conn, {target.id: Outcome("gone", "410")})
    assert await list_mine(ann) == []


async def test_the_same_browser_again_and_in_other_hands(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    browser = new_browser()
    first = await subscribe(ann, browser)
    elsewhere = await sign_in_again(service, ann)
    again = await subscribe(elsewhere, browser)
    assert (again["id"], again["createdAt"]) == (first["id"], first["createdAt"])
    assert again["refreshedAt"] > first["refreshedAt"]
    assert [row["current"] for row in await list_mine(ann)] == [False]
    # A worker that still has Ann's old id cannot change Bob's subscription.
    moved = await subscribe(bob, browser)
    assert moved["id"] != first["id"]
    assert (await list_mine(ann), await list_mine(bob)) == ([], [moved])
    assert (await ask(service, ann.id, bob.id)).keys() == {bob.id}
    await refused(ann.client.delete(f"{PATH}/{moved['id']}"), 404, "push_subscription_not_found")
    assert (await ann.client.delete(PATH, json={"endpoint": browser.endpoint})).status == 204
    assert await list_mine(bob) == [moved]
    for _ in range(2):
        assert (await bob.client.delete(PATH, json={"endpoint": browser.endpoint})).status == 204
    other = await subscribe(bob)
    assert (await bob.client.delete(f"{PATH}/{other['id']}")).status == 204
    assert await list_mine(bob) == []
    trail = [row["type"].partition(".")[2] for row in await fetch(service, TRAIL, bob.id)]
    assert trail == ["removed", "created", "removed", "created", "removed"]
    # What Ann had ended by Bob's doing.
    [made, ended] = await fetch(
        service, "SELECT * FROM events WHERE entity_id = $1 ORDER BY id", UUID(first["id"])
    )
    assert (made["actor_id"], made["type"]) == (ann.id, "push_subscription.created")
    assert (ended["actor_id"], ended["type"]) == (bob.id, "push_subscription.removed")
    assert made["payload"] == ended["payload"]


async def test_two_who_take_a_browser_at_once_leave_it_to_one(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    browser = new_browser()
    for _ in range(5):
        await asyncio.gather(*(subscribe(user, browser) for user in (ann, bob, ann, bob)))
    assert len(await list_mine(ann)) + len(await list_mine(bob)) == 1
    # Each that was made has ended, but for one.
    made, ended = [
        {
            row["entity_id"]
            for user in (ann, bob)
            for row in await fetch(service, LIFE, f"push_subscription.{what}", str(user.id))
        }
        for what in ("created", "removed")
    ]
    assert len(made) == len(ended) + 1 and ended < made


async def test_it_ends_with_its_session(service: Any, make_user: Any) -> None:
    ann = await make_user()
    await subscribe(ann)
    left, ended, third = [await sign_in_again(service, ann) for _ in range(3)]
    for user in (left, ended, third):
        await subscribe(user)
    assert (await left.client.post(f"{API}/auth/logout")).status == 204
    assert len((await ask(service, ann.id))[ann.id]) == 3
    assert (await ann.client.delete(f"{API}/auth/sessions/{ended.session_id}")).status == 204
    assert len((await ask(service, ann.id))[ann.id]) == 2
    new = {"currentPassword": ann.password, "newPassword": "correct horse battery"}
    assert (await ann.client.post(f"{API}/auth/password", json=new)).status == 204
    [own] = await list_mine(ann)
    assert own["current"]
    # A session unused for too long gets no pushes, though its token is still valid for a moment.
    await fetch(
        service, "UPDATE sessions SET refreshed_at = now() - interval '31 days' WHERE id = $1", ann.session_id
    )
    assert await ask(service, ann.id) == {}
    await refused(ann.client.post(PATH, json=new_browser().to_json()), 401, "unauthorized")


async def test_signing_out_beside_subscribing_leaves_nothing(service: Any, make_user: Any) -> None:
    for _ in range(8):
        ann = await make_user()
        answers = await asyncio.gather(
            *(ann.client.post(PATH, json=new_browser().to_json()) for _ in range(3)),
            ann.client.post(f"{API}/auth/logout"),
        )
        assert {answer.status for answer in answers} <= {201, 204, 401}
        assert not await fetch(service, "SELECT FROM push_subscriptions WHERE user_id = $1", ann.id)


async def test_twenty_at_most_and_the_oldest_goes(service: Any, make_user: Any) -> None:
    ann = await make_user()
    first, second = await subscribe(ann), new_browser()
    kept = await subscribe(ann, second)
    for _ in range(MAX_SUBSCRIPTIONS - 4):
        await subscribe(ann)
    await subscribe(ann, second)
    answers = await asyncio.gather(*(ann.client.post(PATH, json=new_browser().to_json()) for _ in range(4)))
    assert [answer.status for answer in answers] == [201] * 4
    ids = {row["id"] for row in await list_mine(ann)}
    assert len(ids) == MAX_SUBSCRIPTIONS and kept["id"] in ids and first["id"] not in ids


async def test_what_is_no_subscription(service: Any, make_user: Any) -> None:
    ann = await make_user()
    good = new_browser().to_json()
    for endpoint in (
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://localhost/",
        "http://push.example.com/",
        "https://user@push.example.com/",
        "push.example.com",
    ):
        error = await refused(
            ann.client.post(PATH, json={**good, "endpoint": endpoint}), 422, "endpoint_refused"
        )
        assert error["errors"].keys() == {"endpoint"}
    keys, off_curve = good["keys"], "BAAA" + good["keys"]["p256dh"][4:]
    for more, field in (
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": "https://e.com/" + "x" * 2048}, "endpoint"),
        ({"endpoint": None}, "endpoint"),
        ({"keys": {**keys, "p256dh": off_curve}}, "keys._schema"),
        ({"keys": {**keys, "p256dh": keys["auth"]}}, "keys._schema"),
        ({"keys": {**keys, "auth": keys["p256dh"]}}, "keys._schema"),
        ({"keys": {**keys, "auth": "!" * 22}}, "keys.auth"),
        ({"keys": {**keys, "auth": 5}}, "keys.auth"),
        ({"keys": {**keys, "p256dh": "A" * 201}}, "keys.p256dh"),
        ({"keys": {"auth": keys["auth"]}}, "keys.p256dh"),
        ({"keys": None}, "keys"),
        ({"expirationTime": 1000}, "expirationTime"),
        ({"expirationTime": 1e300}, "expirationTime"),
        ({"expirationTime": True}, "expirationTime"),
        ({"userId": str(ann.id)}, "userId"),
    ):
        error = await refused(ann.client.post(PATH, json={**good, **more}), 422, "validation_failed")
        assert error["errors"].keys() == {field}, more
    assert await list_mine(ann) == []


async def test_what_is_over_is_cleaned_up_and_who_leaves_takes_theirs(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    for ends, first, last in (
        (-1, None, None),
        (None, -15, 0),
        # One failure long ago, and nothing sent since.
        (None, -90, -90),
    ):
        made = await subscribe(ann)
        await fetch(
            service,
            """
            UPDATE push_subscriptions
            SET expires_at = now() + $2, failing_since = now() + $3, failed_at = now() + $4
            WHERE id = $1
            """,
            UUID(made["id"]),
            *(None if days is None else timedelta(days=days) for days in (ends, first, last)),
        )
    await subscribe(bob)
    await delete_rows({"database": service.db})
    assert [row["id"] for row in await list_mine(ann)] == [made["id"]]
    async with service.db.transaction(wait=5) as conn:
        assert len(await sql.push.export_subscriptions(conn, user_id=bob.id)) == 1
        await leave(conn, bob.id)
    count = "SELECT count(*) FROM push_subscriptions WHERE user_id = $1"
    assert await fetch_value(service, count, bob.id) == 0


async def test_without_a_key_there_is_no_push(config: Any, make_user: Any, web_only: Any) -> None:
    ann = await make_user()
    runner, _, url = await web_only(vapid_private_key="")
    there = Client(ann.client.session, url, ann.headers)
    try:
        await refused(there.get(f"{PATH}/key"), 503, "not_configured")
        await refused(there.post(PATH, json=new_browser().to_json()), 503, "not_configured")
    finally:
        await runner.cleanup()
