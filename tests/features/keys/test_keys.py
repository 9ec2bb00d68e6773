"""API keys: shown once, limited by their scopes and their owner's role, useless once revoked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from nexcorp.features.keys.service import MAX_KEYS
from nexcorp.security.api_keys import hash_key
from nexcorp.security.app_keys import API_KEYS, REVOCATIONS
from tests.api import API, fetch, fetch_value, publish, refused
from tests.conftest import Client, start_web, wait_until

KEYS = f"{API}/auth/api-keys"
ME = f"{API}/auth/me"
POSTS = f"{API}/posts"


async def make_key(user: Any, *scopes: str, **more: Any) -> dict[str, Any]:
    """Make a key; return the answer's body."""
    body = {"name": "robot", "scopes": scopes or ("post:read",), **more}
    answer = await user.client.post(KEYS, json=body)
    assert answer.status == 201, await answer.text()
    key: dict[str, Any] = await answer.json()
    return key


def using(user: Any, key: dict[str, Any]) -> Client:
    """A client that sends this key."""
    client: Client = user.client.as_user({"Authorization": f"Bearer {key['key']}"})
    return client


async def test_a_key_is_shown_once_and_stored_never(service: Any, make_user: Any) -> None:
    ann = await make_user()
    key = await make_key(ann, "post:read", "post:create", "post:read")
    assert key.keys() == {"id", "name", "shown", "scopes", "createdAt", "lastUsedAt", "expiresAt", "key"}
    assert key["key"].startswith("nxk_") and len(key["key"]) == 47
    assert key["key"].startswith(key["shown"]) and len(key["shown"]) == 10
    assert (key["scopes"], key["lastUsedAt"]) == (["post:create", "post:read"], None)
    # Only an explicit null makes a key without an end.
    days = (datetime.fromisoformat(key["expiresAt"]) - datetime.fromisoformat(key["createdAt"])).days
    assert days in (89, 90)
    endless = await ann.client.post(KEYS, json={"name": "x", "scopes": ["post:read"], "expiresAt": None})
    assert (await endless.json())["expiresAt"] is None
    assert (await ann.client.delete(f"{KEYS}/{(await endless.json())['id']}")).status == 204
    listed = await (await ann.client.get(KEYS)).json()
    assert listed == {"data": [{name: key[name] for name in key if name != "key"}], "nextCursor": None}
    [row] = await fetch(service, "SELECT * FROM api_keys WHERE revoked_at IS NULL")
    assert bytes(row["secret_hash"]) == hash_key(key["key"])
    everything = await fetch_value(
        service,
        """
        SELECT string_agg(k::text, '') || (SELECT string_agg(e::text, '') FROM events AS e)
        FROM api_keys AS k
        """,
    )
    assert key["key"] not in everything and key["key"][10:] not in everything


async def test_me_says_what_the_caller_may_and_what_waits(make_user: Any, client: Any) -> None:
    ann, bob = await make_user(), await make_user()
    url = "https://example.com/ann.png"
    assert (await ann.client.patch(f"{API}/users/me", json={"avatarUrl": url})).status == 200
    await bob.client.put(f"{API}/users/{ann.id}/follow")
    await wait_until(lambda: has_unread(ann))
    me = await (await ann.client.get(ME)).json()
    assert (me["id"], me["avatarUrl"], me["unread"]) == (str(ann.id), url, 1)
    assert {"post:read", "profile:read", "notification:read"} <= set(me["permissions"])
    assert "user:manage" not in me["permissions"]
    key = await make_key(ann, "profile:read", "post:read")
    seen = await (await using(ann, key).get(ME)).json()
    assert (seen["permissions"], seen["unread"]) == (["post:read", "profile:read"], None)


async def has_unread(user: Any) -> bool:
    """Whether the user has an unread notification."""
    return bool((await (await user.client.get(f"{API}/notifications/unread-count")).json())["count"])


async def test_making_and_revoking_are_in_the_trail(service: Any, make_user: Any) -> None:
    ann = await make_user()
    key = await make_key(ann)
    assert (await ann.client.delete(f"{KEYS}/{key['id']}")).status == 204
    rows = await fetch(
        service,
        """
        SELECT type, actor_id, payload FROM events
        WHERE entity_type = 'api_key' AND entity_id = $1
        ORDER BY id
        """,
        UUID(key["id"]),
    )
    assert [(row["type"], row["actor_id"]) for row in rows] == [
        ("api_key.created", ann.id),
        ("api_key.revoked", ann.id),
    ]
    # The name that the owner gave the key is not in the event.
    assert rows[0]["payload"] == {
        "userId": str(ann.id),
        "scopes": ["post:read"],
        "expiresAt": key["expiresAt"],
    }
    assert rows[1]["payload"] == {"userId": str(ann.id)}


async def test_what_is_no_request_for_a_key(make_user: Any) -> None:
    ann = await make_user()
    for body, field in (
        ({"name": "", "scopes": ["post:read"]}, "name"),
        ({"name": "x" * 101, "scopes": ["post:read"]}, "name"),
        ({"scopes": ["post:read"]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["post:read"] * 101}, "scopes"),
        ({"name": "x", "scopes": "post:read"}, "scopes"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": ["post:read", "post:fly", "*"]}, "scopes"),
        ({"name": "x", "scopes": ["post:read", "audit:read"]}, "scopes"),
        ({"name": "x", "scopes": [1]}, "scopes.0"),
        ({"name": "x", "scopes": ["post:read"], "expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"name": "x", "scopes": ["post:read"], "expiresAt": "0001-01-01T00:00:00+14:00"}, "expiresAt"),
        ({"name": "x", "scopes": ["post:read"], "expiresAt": "9999-12-31T23:59:59-12:00"}, "expiresAt"),
        ({"name": "x", "scopes": ["post:read"], "expiresAt": "2030-01-01T00:00:00"}, "expiresAt"),
        ({"name": "x", "scopes": ["post:read"], "expiresAt": "tomorrow"}, "expiresAt"),
        ({"name": "x", "scopes": ["post:read"], "userId": "x"}, "userId"),
    ):
        error = await refused(ann.client.post(KEYS, json=body), 422, "validation_failed")
        assert error["errors"].keys() == {field}, body
    assert (await (await ann.client.get(KEYS)).json())["data"] == []


async def test_wrong_scopes_are_named(make_user: Any) -> None:
    ann = await make_user()
    body = {"name": "x", "scopes": ["post:fly", "post:read", "audit:read"]}
    error = await refused(ann.client.post(KEYS, json=body), 422)
    assert error["errors"]["scopes"] == [
        "There is no permission post:fly.",
        "Your role does not hold audit:read.",
    ]


async def test_a_key_does_what_its_scopes_say_and_no_more(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    robot = using(ann, await make_key(ann, "post:read", "profile:read"))
    assert (await (await robot.get(ME)).json())["id"] == str(ann.id)
    assert (await robot.get(f"{POSTS}/{post['id']}")).status == 200
    await refused(robot.post(POSTS, json={"body": "x"}), 403, "permission_required")
    await refused(robot.delete(f"{POSTS}/{post['id']}"), 403, "permission_required")
    # Routes for a person's own account refuse every key, whatever its scopes.
    for method, path in (("GET", KEYS), ("POST", KEYS), ("DELETE", f"{KEYS}/{uuid4()}")):
        await refused(robot.call(method, path, json={"name": "x"}), 403, "session_required")
    await refused(robot.post(f"{API}/auth/ticket", json={"purpose": "ws"}), 403, "session_required")
    await refused(robot.post(f"{API}/auth/logout"), 401, "unauthorized")
    writer = using(ann, await make_key(ann, "post:create"))
    written = await writer.post(POSTS, json={"body": "By a robot."})
    assert (await written.json())["author"]["id"] == str(ann.id)


async def test_a_demotion_narrows_the_key_at_once(service: Any, make_user: Any) -> None:
    ann = await make_user(role="admin")
    robot = using(ann, await make_key(ann, "audit:read", "post:read"))
    assert (await robot.get(f"{API}/events")).status == 200
    [row] = await fetch(
        service, "UPDATE users SET role = 'member' WHERE id = $1 RETURNING role_version", ann.id
    )
    service.app[REVOCATIONS].announce(roles=[(ann.id, row["role_version"])])
    await refused(robot.get(f"{API}/events"), 403, "permission_required")
    assert (await robot.get(POSTS)).status == 200


async def test_a_deactivated_owner_has_no_keys(service: Any, make_user: Any) -> None:
    ann = await make_user()
    robot = using(ann, await make_key(ann))
    assert (await robot.get(POSTS)).status == 200
    [row] = await fetch(
        service, "UPDATE users SET status = 'deactivated' WHERE id = $1 RETURNING role_version", ann.id
    )
    service.app[REVOCATIONS].announce(roles=[(ann.id, row["role_version"])])
    await refused(robot.get(POSTS), 401, "unauthorized")
    await fetch(service, "UPDATE users SET status = 'active' WHERE id = $1", ann.id)
    assert (await robot.get(POSTS)).status == 200


async def test_an_expired_key(service: Any, make_user: Any) -> None:
    ann = await make_user()
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    fresh, old = await make_key(ann, expiresAt=soon), await make_key(ann)
    robot = using(ann, fresh)
    assert (await robot.get(POSTS)).status == 200
    await fetch(service, "UPDATE api_keys SET expires_at = now() WHERE id = $1", UUID(old["id"]))
    await refused(using(ann, old).get(POSTS), 401, "unauthorized")
    # The node remembers this key as valid, but only until the key expires.
    await asyncio.sleep(1.05)
    await refused(robot.get(POSTS), 401, "unauthorized")
    assert len((await (await ann.client.get(KEYS)).json())["data"]) == 2


async def test_the_last_use_is_seen(service: Any, make_user: Any) -> None:
    ann = await make_user()
    key = await make_key(ann)
    robot = using(ann, key)
    assert (await robot.get(POSTS)).status == 200
    [shown] = (await (await ann.client.get(KEYS)).json())["data"]
    first = datetime.fromisoformat(shown["lastUsedAt"])
    assert abs((datetime.now(UTC) - first).total_seconds()) < 5
    # The last use is written at most once a minute, even if the node has forgotten the key.
    service.app[API_KEYS]._known.clear()
    assert (await robot.get(POSTS)).status == 200
    [again] = (await (await ann.client.get(KEYS)).json())["data"]
    assert again == shown
    # A refused key counts as not used.
    async with service.db.connection(wait=5) as conn:
        await conn.execute(
            "UPDATE api_keys SET last_used_at = now() - interval '1 hour', expires_at = now() WHERE id = $1",
            UUID(key["id"]),
        )
        service.app[API_KEYS]._known.clear()
        assert (await robot.get(POSTS)).status == 401
        used = await conn.fetchval("SELECT now() - last_used_at FROM api_keys WHERE id = $1", UUID(key["id"]))
    assert used > timedelta(minutes=59)


async def test_keys_open_no_socket(service: Any, client: Any, make_user: Any) -> None:
    ann = await make_user()
    key = (await make_key(ann))["key"]
    for headers, protocols in (
        ({"Authorization": f"Bearer {key}"}, ("nexcorp.v1",)),
        ({}, ("nexcorp.v1", f"bearer.{key}")),
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await client.session.ws_connect(service.url + "/ws", protocols=protocols, headers=headers)
        assert refusal.value.status == 403


async def test_a_revoked_key_is_dead_at_once_on_every_node(
    second_node: str, make_user: Any, client: Any
) -> None:
    ann, bea = await make_user(), await make_user()
    key = await make_key(ann)
    robot = using(ann, key)
    there = Client(client.session, second_node, robot.headers)
    # Both nodes have the key in memory now.
    assert [(await one.get(POSTS)).status for one in (robot, there)] == [200, 200]
    await refused(bea.client.delete(f"{KEYS}/{key['id']}"), 404, "api_key_not_found")
    assert (await robot.get(POSTS)).status == 200
    assert (await ann.client.delete(f"{KEYS}/{key['id']}")).status == 204
    await refused(robot.get(POSTS), 401, "unauthorized")

    async def dead() -> bool:
        return (await there.get(POSTS)).status == 401

    await wait_until(dead, 10)
    await refused(ann.client.delete(f"{KEYS}/{key['id']}"), 404, "api_key_not_found")
    assert (await (await ann.client.get(KEYS)).json())["data"] == []
    assert (await ann.client.get(ME)).status == 200


async def test_it_is_dead_within_five_seconds_without_redis(config: Any, make_user: Any, client: Any) -> None:
    """The other node gets no message without Redis, and asks PostgreSQL."""
    ann = await make_user()
    key = await make_key(ann)
    runner, _, url = await start_web(replace(config, redis_url="redis://127.0.0.1:1"))
    try:
        there = Client(client.session, url, using(ann, key).headers)
        assert (await there.get(POSTS)).status == 200
        assert (await ann.client.delete(f"{KEYS}/{key['id']}")).status == 204

        async def dead() -> bool:
            return (await there.get(POSTS)).status == 401

        await wait_until(dead, 10)
    finally:
        await runner.cleanup()


async def test_nobody_has_more_keys_than_the_limit(service: Any, make_user: Any) -> None:
    ann = await make_user()
    for _ in range(MAX_KEYS - 5):
        await make_key(ann)
    body = {"name": "one too many", "scopes": ["post:read"]}
    answers = await asyncio.gather(*(ann.client.post(KEYS, json=body) for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [201] * 5 + [409] * 7
    codes = {(await answer.json()).get("code") for answer in answers if answer.status == 409}
    assert codes == {"too_many_api_keys"}
    keys = (await (await ann.client.get(KEYS)).json())["data"]
    assert len(keys) == MAX_KEYS
    assert (await ann.client.delete(f"{KEYS}/{keys[0]['id']}")).status == 204
    assert (await ann.client.post(KEYS, json=body)).status == 201


async def test_an_idempotency_key_stores_no_secret(service: Any, make_user: Any) -> None:
    ann = await make_user()
    body = {"name": "robot", "scopes": ["post:read"]}
    headers = {"Idempotency-Key": "once"}
    keys = [(await (await ann.client.post(KEYS, json=body, headers=headers)).json())["key"] for _ in range(2)]
    assert keys[0] != keys[1]
    assert await fetch_value(service, "SELECT count(*) FROM idempotency_keys WHERE key = 'once'") == 0


async def test_keys_that_are_none(client: Any) -> None:
    for key in ("nxk_", "nxk_" + "x" * 43, "nxk_" + "x" * 5000, "nxk_ü", "NXK_abc"):
        headers = {"Authorization": f"Bearer {key}"}
        await refused(client.get(POSTS, headers=headers), 401, "unauthorized")
