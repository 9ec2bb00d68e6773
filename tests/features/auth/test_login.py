"""Signing in: tokens by platform, one answer to every failure, the limit of sessions, old hashes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import bcrypt
import pytest

from nexcorp.features.auth.sessions.service import open_session

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"


def same(body: dict[str, Any]) -> dict[str, Any]:
    """An error without its members that differ between requests."""
    return {key: value for key, value in body.items() if key not in ("timestamp", "requestId")}


async def test_web_gets_its_refresh_token_in_a_cookie(browser: Any, client: Any, make_user: Any) -> None:
    user = await make_user()
    answer = await client.post(LOGIN, json={"email": user.email, "password": user.password})
    assert answer.status == 200
    data = await answer.json()
    assert data.keys() == {"accessToken", "tokenType", "expiresIn", "user"}
    assert (data["tokenType"], data["expiresIn"], data["user"]["id"]) == ("Bearer", 900, str(user.id))
    cookie = browser.take(answer)
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Strict")
    assert cookie["secure"] and cookie["httponly"]
    assert int(cookie["max-age"]) == 30 * 24 * 3600
    assert cookie.value not in str(data)
    me = await client.get(ME, headers={"Authorization": f"Bearer {data['accessToken']}"})
    assert (await me.json()).items() >= data["user"].items()


@pytest.mark.parametrize("platform", ["mobile", "cli"])
async def test_others_get_it_in_the_body(client: Any, make_user: Any, platform: str) -> None:
    user = await make_user()
    body = {"email": user.email.upper(), "password": user.password, "platform": platform}
    answer = await client.post(LOGIN, json=body)
    assert answer.status == 200
    assert (await answer.json())["refreshToken"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"platform": "tv"}, "platform"),
        ({"platform": None}, "platform"),
        ({"device": "nul\u0000"}, "device"),
        ({"device": "x" * 101}, "device"),
        ({"password": "nul\u0000"}, "password"),
        ({"password": ""}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"email": "nul\u0000@example.com"}, "email"),
        ({"role": "admin"}, "role"),
        ({"userId": str(uuid4())}, "userId"),
    ],
)
@pytest.mark.shared
async def test_refused_values(client: Any, wrong: dict[str, Any], field: str) -> None:
    answer = await client.post(LOGIN, json={"email": "a@example.com", "password": "x", **wrong})
    assert answer.status == 422
    assert list((await answer.json())["errors"]) == [field]


async def test_one_answer_to_whatever_is_wrong(client: Any, make_user: Any, fetch: Any) -> None:
    known, gone, passwordless = await make_user(), await make_user(), await make_user()
    await fetch("UPDATE users SET status = 'deactivated' WHERE id = $1", UUID(str(gone.id)))
    await fetch("UPDATE users SET password_hash = NULL WHERE id = $1", UUID(str(passwordless.id)))
    bodies = [
        {"email": f"{uuid4().hex}@example.com", "password": known.password},
        {"email": known.email, "password": known.password + "!"},
        {"email": gone.email, "password": gone.password},
        {"email": gone.email, "password": gone.password + "!"},
        {"email": passwordless.email, "password": passwordless.password},
    ]
    answers = [await client.post(LOGIN, json=body) for body in bodies]
    texts = [same(await answer.json()) for answer in answers]
    assert {answer.status for answer in answers} == {401}
    assert texts[0]["code"] == "invalid_credentials"
    assert all(text == texts[0] for text in texts)
    assert len({answer.headers["Content-Length"] for answer in answers}) == 1
    assert all("Set-Cookie" not in answer.headers for answer in answers)
    varying = {"x-request-id", "date"}
    heads = [{k: v for k, v in answer.headers.items() if k.lower() not in varying} for answer in answers]
    assert all(head == heads[0] for head in heads)


async def test_events_of_signing_in(client: Any, make_user: Any, sign_in: Any, fetch: Any) -> None:
    user = await make_user()
    await sign_in(user, device="laptop")
    unknown = f"{uuid4().hex}@example.com"
    for email in (user.email, unknown, unknown.upper()):
        await client.post(LOGIN, json={"email": email, "password": "wrong"})
    rows = await fetch(
        "SELECT type, actor_id, payload FROM events WHERE entity_id = $1 ORDER BY id", UUID(str(user.id))
    )
    assert [row["type"] for row in rows][-2:] == ["user.logged_in", "user.login_failed"]
    # The device's name is not in the event.
    assert rows[-2]["payload"].keys() == {"userId", "sessionId", "platform", "method"}
    assert rows[-2]["payload"]["userId"] == str(user.id)
    assert (rows[-1]["actor_id"], rows[-1]["payload"]["reason"]) == (None, "wrong_password")
    rows = await fetch(
        "SELECT entity_id, payload FROM events WHERE entity_type = 'signin' ORDER BY id DESC LIMIT 2"
    )
    assert rows[0]["entity_id"] == rows[1]["entity_id"]
    assert rows[0]["payload"] == {"userId": None, "platform": "web", "reason": "unknown_account"}


async def test_bcrypt_is_upgraded(client: Any, make_user: Any, fetch: Any) -> None:
    user = await make_user()
    old = bcrypt.hashpw(user.password.encode(), bcrypt.gensalt(12)).decode()
    await fetch("UPDATE users SET password_hash = $2 WHERE id = $1", UUID(str(user.id)), old)
    right = {"email": user.email, "password": user.password}
    assert (await client.post(LOGIN, json={**right, "password": "wrong"})).status == 401
    # Concurrent sign-ins: one that finds the hash already upgraded must not take it for a new password.
    answers = await asyncio.gather(*(client.post(LOGIN, json=right) for _ in range(3)))
    assert [answer.status for answer in answers] == [200] * 3
    [row] = await fetch("SELECT password_hash FROM users WHERE id = $1", UUID(str(user.id)))
    assert row["password_hash"].startswith("$argon2id$")
    assert (await client.post(LOGIN, json=right)).status == 200


LIVE = "SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL"


async def test_the_eleventh_session_ends_the_oldest(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    user = await make_user()
    await client.delete("/api/v1/auth/sessions", headers=user.headers)
    await client.post("/api/v1/auth/logout", headers=user.headers)
    sessions = [await sign_in(user) for _ in range(11)]
    answers = [await client.get(ME, headers=session["headers"]) for session in sessions]
    assert [answer.status for answer in answers] == [401] + [200] * 10
    rows = await fetch(
        "SELECT revoked_reason FROM sessions WHERE user_id = $1 AND revoked_reason = 'limit'",
        UUID(str(user.id)),
    )
    assert len(rows) == 1


async def test_the_limit_holds_for_two_at_once(
    service: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    user = await make_user()
    user_id = UUID(str(user.id))
    for _ in range(10):
        await sign_in(user)
    [row] = await fetch("SELECT password_hash FROM users WHERE id = $1", user_id)

    def enter(conn: Any) -> Any:
        return open_session(
            conn,
            account_id=user_id,
            verified_hash=row["password_hash"],
            new_hash=None,
            platform="cli",
            device=None,
        )

    async with service.db.connection() as one, service.db.connection() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        await enter(one)
        waiting = asyncio.ensure_future(enter(two))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await first.commit()
        await waiting
        await second.commit()
    assert len(await fetch(LIVE, user_id)) == 10


async def test_secrets_are_never_stored_for_a_key(client: Any, make_user: Any, fetch: Any) -> None:
    user, key = await make_user(), uuid4().hex
    body = {"email": user.email, "password": user.password, "platform": "cli"}
    answers = [await client.post(LOGIN, json=body, headers={"Idempotency-Key": key}) for _ in range(2)]
    tokens = [(await answer.json())["refreshToken"] for answer in answers]
    assert tokens[0] != tokens[1]
    assert await fetch("SELECT 1 FROM idempotency_keys WHERE key = $1", key) == []
