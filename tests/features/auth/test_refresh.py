"""Refresh tokens: rotation, lost answers, reuse, races, and separate platforms."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexcorp.config import Config
from nexcorp.errors import Unauthorized
from nexcorp.features.auth.sessions.refresh import RefreshToken, make_token, read_token
from nexcorp.features.auth.sessions.service import rotate_refresh
from nexcorp.security.app_keys import SECRETS
from nexcorp.security.secrets import Secrets
from tests.api import insist

pytestmark = pytest.mark.shared

REFRESH = "/api/v1/auth/refresh"
ME = "/api/v1/auth/me"


def session_of(token: str) -> UUID:
    """The session a refresh token belongs to."""
    return UUID(token.partition(".")[0])


async def age(fetch: Any, token: str, seconds: int) -> None:
    """Move a session's last rotation `seconds` back."""
    await fetch(
        "UPDATE sessions SET refreshed_at = refreshed_at - $2 * interval '1 second' WHERE id = $1",
        session_of(token),
        seconds,
    )


async def test_rotation(client: Any, make_user: Any, sign_in: Any) -> None:
    user = await make_user()
    first = await sign_in(user, "mobile")
    answer = await client.post(REFRESH, json={"refreshToken": first["refreshToken"]})
    assert answer.status == 200
    data = await answer.json()
    assert data.keys() == {"accessToken", "tokenType", "expiresIn", "user", "refreshToken"}
    assert data["refreshToken"] != first["refreshToken"]
    assert session_of(data["refreshToken"]) == session_of(first["refreshToken"])
    me = await client.get(ME, headers={"Authorization": f"Bearer {data['accessToken']}"})
    assert (await me.json()).items() >= data["user"].items()
    again = await client.post(REFRESH, json={"refreshToken": data["refreshToken"]})
    assert again.status == 200


async def test_a_lost_answer_is_given_again_until_its_token_is_used(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    old = (await sign_in(await make_user()))["refreshToken"]
    current = (await (await client.post(REFRESH, json={"refreshToken": old})).json())["refreshToken"]
    for seconds in (8, 3600, 20 * 86400):
        await age(fetch, old, seconds)
        answer = await client.post(REFRESH, json={"refreshToken": old})
        assert (await answer.json())["refreshToken"] == current
    # Asking again does not count as use: the idle limit still runs from the rotation.
    await age(fetch, old, 10 * 86400)
    assert (await client.post(REFRESH, json={"refreshToken": old})).status == 401
    assert (await client.post(REFRESH, json={"refreshToken": current})).status == 401


async def test_reuse_ends_the_session(client: Any, make_user: Any, sign_in: Any, fetch: Any) -> None:
    user = await make_user()
    signed_in = await sign_in(user)
    old = signed_in["refreshToken"]
    current = old
    for _ in range(2):
        current = (await (await client.post(REFRESH, json={"refreshToken": current})).json())["refreshToken"]
    for _ in range(2):
        answer = await client.post(REFRESH, json={"refreshToken": old})
        assert (answer.status, (await answer.json())["code"]) == (401, "unauthorized")
    assert (await client.post(REFRESH, json={"refreshToken": current})).status == 401
    assert (await client.get(ME, headers=signed_in["headers"])).status == 401
    [row] = await fetch("SELECT revoked_reason FROM sessions WHERE id = $1", session_of(old))
    assert row["revoked_reason"] == "reuse"
    rows = await fetch("SELECT type, actor_id, payload FROM events WHERE entity_id = $1", session_of(old))
    assert [(row["type"], row["actor_id"]) for row in rows] == [("session.reuse_detected", None)]
    assert rows[0]["payload"]["userId"] == str(user.id)
    # The account's other sessions are not touched.
    assert (await client.get(ME, headers=user.headers)).status == 200


async def test_two_behind_is_reuse_at_once(client: Any, make_user: Any, sign_in: Any) -> None:
    token = first = (await sign_in(await make_user()))["refreshToken"]
    for _ in range(2):
        token = (await (await client.post(REFRESH, json={"refreshToken": token})).json())["refreshToken"]
    assert (await client.post(REFRESH, json={"refreshToken": first})).status == 401
    assert (await client.post(REFRESH, json={"refreshToken": token})).status == 401


async def test_a_database_that_was_set_back_takes_nobody_for_a_thief(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    tokens = [(await sign_in(await make_user()))["refreshToken"]]

    async def refresh(token: str) -> int:
        answer = await client.post(REFRESH, json={"refreshToken": token})
        if answer.status == 200:
            tokens.append((await answer.json())["refreshToken"])
        return int(answer.status)

    for _ in range(3):
        assert await refresh(tokens[-1]) == 200
    # A restored backup, or a promoted replica that lacked the last rotations, has this state.
    await fetch("UPDATE sessions SET refresh_counter = 2 WHERE id = $1", session_of(tokens[0]))
    assert await refresh(tokens[3]) == 200
    assert await refresh(tokens[4]) == 200
    events = "SELECT type FROM events WHERE entity_id = $1"
    assert await fetch(events, session_of(tokens[0])) == []
    # A token that is older still counts as reuse.
    assert await refresh(tokens[1]) == 401
    assert [row["type"] for row in await fetch(events, session_of(tokens[0]))] == ["session.reuse_detected"]


async def test_racing_tabs_get_the_same_token(client: Any, make_user: Any, sign_in: Any, fetch: Any) -> None:
    token = (await sign_in(await make_user()))["refreshToken"]
    answers = await asyncio.gather(*(client.post(REFRESH, json={"refreshToken": token}) for _ in range(12)))
    assert [answer.status for answer in answers] == [200] * 12
    assert len({(await answer.json())["refreshToken"] for answer in answers}) == 1
    [row] = await fetch("SELECT refresh_counter FROM sessions WHERE id = $1", session_of(token))
    assert row["refresh_counter"] == 2


async def test_fifty_at_once_rotate_once(client: Any, make_user: Any, sign_in: Any, fetch: Any) -> None:
    signed_in = await sign_in(await make_user())
    token = signed_in["refreshToken"]
    body = {"refreshToken": token}
    answers = await asyncio.gather(*(insist(client, "POST", "/auth/refresh", json=body) for _ in range(50)))
    assert [answer.status for answer in answers] == [200] * 50
    [current] = {(await answer.json())["refreshToken"] for answer in answers}
    rows = await fetch("SELECT refresh_counter, revoked_at FROM sessions WHERE id = $1", session_of(token))
    assert [tuple(row) for row in rows] == [(2, None)]
    assert (await client.get(ME, headers=signed_in["headers"])).status == 200
    # The next refresh rotates; after it the first token counts as reuse.
    third = await client.post(REFRESH, json={"refreshToken": current})
    assert third.status == 200
    assert (await client.post(REFRESH, json=body)).status == 401
    newest = (await third.json())["refreshToken"]
    assert (await client.post(REFRESH, json={"refreshToken": newest})).status == 401
    assert (await client.get(ME, headers=signed_in["headers"])).status == 401
    rows = await fetch("SELECT type FROM events WHERE entity_id = $1", session_of(token))
    assert [row["type"] for row in rows] == ["session.reuse_detected"]


async def test_fifty_late_ones_end_the_session_once(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    current = token = (await sign_in(await make_user()))["refreshToken"]
    for _ in range(2):
        answer = await client.post(REFRESH, json={"refreshToken": current})
        current = (await answer.json())["refreshToken"]
    body = {"refreshToken": token}
    answers = await asyncio.gather(*(insist(client, "POST", "/auth/refresh", json=body) for _ in range(50)))
    assert {answer.status for answer in answers} == {401}
    rows = await fetch("SELECT type FROM events WHERE entity_id = $1", session_of(token))
    assert [row["type"] for row in rows] == ["session.reuse_detected"]


async def test_two_connections_one_rotation(service: Any, make_user: Any, sign_in: Any) -> None:
    text = (await sign_in(await make_user()))["refreshToken"]
    token = read_token(service.app[SECRETS], text)
    async with service.db.connection() as one, service.db.connection() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        rotated = await rotate_refresh(one, token, ["cli"])
        waiting = asyncio.ensure_future(rotate_refresh(two, token, ["cli"]))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await first.commit()
        late = await waiting
        await second.commit()
    assert (rotated["_counter"], late["_counter"]) == (2, 2)


async def test_a_rotation_that_rolls_back_did_not_happen(service: Any, make_user: Any, sign_in: Any) -> None:
    text = (await sign_in(await make_user()))["refreshToken"]
    token = read_token(service.app[SECRETS], text)
    async with service.db.connection() as one, service.db.connection() as two:
        first = one.transaction()
        await first.start()
        await rotate_refresh(one, token, ["cli"])
        waiting = asyncio.ensure_future(rotate_refresh(two, token, ["cli"]))
        await asyncio.sleep(0.1)
        await first.rollback()
        assert (await waiting)["_counter"] == 2


@pytest.mark.parametrize(
    "change",
    [
        "refreshed_at = now() - interval '30 days 1 second'",
        "expires_at = now() - interval '1 second'",
        "revoked_at = now(), revoked_reason = 'user'",
    ],
)
async def test_sessions_that_have_ended(
    client: Any, make_user: Any, sign_in: Any, fetch: Any, change: str
) -> None:
    token = (await sign_in(await make_user()))["refreshToken"]
    await fetch(f"UPDATE sessions SET {change} WHERE id = $1", session_of(token))  # noqa: S608
    assert (await client.post(REFRESH, json={"refreshToken": token})).status == 401


async def test_the_absolute_end_shortens_the_cookie(
    browser: Any, client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    token = (await sign_in(await make_user(), "web"))["refreshToken"]
    await fetch("UPDATE sessions SET expires_at = now() + interval '1 hour' WHERE id = $1", session_of(token))
    answer = await client.post(REFRESH, headers=browser.send(token))
    assert 3590 <= int(browser.take(answer)["max-age"]) <= 3600


async def test_deactivated_accounts_do_not_refresh(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    user = await make_user()
    token = (await sign_in(user))["refreshToken"]
    await fetch("UPDATE users SET status = 'deactivated' WHERE id = $1", UUID(str(user.id)))
    assert (await client.post(REFRESH, json={"refreshToken": token})).status == 401


async def test_a_browser_refreshes_by_cookie(browser: Any, client: Any, make_user: Any, sign_in: Any) -> None:
    token = (await sign_in(await make_user(), "web"))["refreshToken"]
    answer = await client.post(REFRESH, headers=browser.send(token))
    assert answer.status == 200
    cookie = browser.take(answer)
    assert cookie.value != token
    assert (cookie["path"], cookie["samesite"]) == ("/", "Strict")
    assert cookie["secure"] and cookie["httponly"]
    assert "refreshToken" not in await answer.json()


async def test_other_sites_cannot_refresh(
    browser: Any, client: Any, service: Any, make_user: Any, sign_in: Any
) -> None:
    token = (await sign_in(await make_user(), "web"))["refreshToken"]
    headers = browser.send(token)
    bare = {"Cookie": headers["Cookie"]}
    for refused in (bare, {**headers, "Origin": "https://evil.example"}, {**headers, "Origin": "null"}):
        answer = await client.post(REFRESH, headers=refused)
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers
    assert (await client.post(REFRESH, headers={**headers, "Origin": service.url})).status == 200


async def test_a_refused_cookie_is_cleared(browser: Any, client: Any) -> None:
    nothing: dict[str, str] = {}
    for headers in (browser.send("nonsense"), nothing):
        answer = await client.post(REFRESH, headers=headers)
        assert answer.status == 401
        cookie = browser.take(answer)
        assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/")
        assert cookie["secure"] and cookie["httponly"]


async def test_platforms_are_kept_apart(browser: Any, client: Any, make_user: Any, sign_in: Any) -> None:
    user = await make_user()
    web, cli = [(await sign_in(user, platform))["refreshToken"] for platform in ("web", "cli")]
    assert (await client.post(REFRESH, json={"refreshToken": web})).status == 401
    assert (await client.post(REFRESH, headers=browser.send(cli))).status == 401
    # Neither attempt used a token up.
    assert (await client.post(REFRESH, headers=browser.send(web))).status == 200
    assert (await client.post(REFRESH, json={"refreshToken": cli})).status == 200


async def test_forged_tokens(client: Any, make_user: Any, sign_in: Any) -> None:
    user = await make_user()
    signed_in = await sign_in(user)
    sid, counter, mac = signed_in["refreshToken"].split(".")
    flipped = ("B" if mac[0] == "A" else "A") + mac[1:]
    forged = [
        "x",
        "..",
        f"{sid}.{counter}",
        f"{sid}.{counter}.",
        f"{sid}.{counter}.{flipped}",
        f"{sid}.2.{mac}",
        f"{sid}.0.{mac}",
        f"{sid}.01.{mac}",
        f"{sid}.99999999999.{mac}",
        f"{sid}.\u0661.{mac}",
        f"{sid}.{counter}.{mac}\n",
        f"{sid.upper()}.{counter}.{mac}",
        f"{UUID(int=1).hex}.{counter}.{mac}",
        make_token(secrets_of("z" * 40), UUID(sid), 1),
        signed_in["accessToken"][:200],
    ]
    for text in forged:
        answer = await client.post(REFRESH, json={"refreshToken": text})
        assert answer.status == 401, text
    for wrong in (
        {"refreshToken": "nul\u0000"},
        {"refreshToken": 1},
        {"token": "x"},
        {"refreshToken": "x" * 201},
    ):
        assert (await client.post(REFRESH, json=wrong)).status == 422
    assert (await client.post(REFRESH, json={"refreshToken": signed_in["refreshToken"]})).status == 200


def secrets_of(secret: str, previous: str = "") -> Secrets:
    """The keys of a service with these secrets."""
    return Secrets.from_config(Config(jwt_secret=secret, jwt_secret_previous=previous))


def test_a_rotated_secret_still_reads_old_tokens() -> None:
    session_id = UUID(int=1)
    token = make_token(secrets_of("a" * 40), session_id, 7)
    assert read_token(secrets_of("b" * 40, "a" * 40), token) == RefreshToken(session_id, 7)
    with pytest.raises(Unauthorized):
        read_token(secrets_of("b" * 40), token)
