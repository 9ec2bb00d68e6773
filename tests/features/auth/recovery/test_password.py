"""Changing a password: the current one is needed, other devices are signed out, the owner is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import wait_until

CHANGE, LOGIN, ME = "/api/v1/auth/password", "/api/v1/auth/login", "/api/v1/auth/me"
NEW = "an entirely new password"


async def change(client: Any, current: str, new: str = NEW) -> tuple[int, str]:
    answer = await client.post(CHANGE, json={"currentPassword": current, "newPassword": new})
    return answer.status, "" if answer.status == 204 else (await answer.json())["code"]


async def test_other_devices_end_and_this_one_stays(
    client: Any, make_user: Any, sign_in: Any, connect: Any, second_node: str, mail_to: Any
) -> None:
    user = await make_user()
    other = await sign_in(user)
    mine = await connect(user)
    assert await change(user.client, user.password) == (204, "")
    assert (await user.client.get(ME)).status == 200
    assert (await client.get(ME, headers=other["headers"])).status == 401

    async def refused() -> bool:
        async with client.session.get(second_node + ME, headers=other["headers"]) as answer:
            return bool(answer.status == 401)

    await wait_until(refused)
    login = {"email": user.email, "platform": "cli"}
    assert (await client.post(LOGIN, json={**login, "password": user.password})).status == 401
    assert (await client.post(LOGIN, json={**login, "password": NEW})).status == 200
    frame = await mine.next("notification:created")
    assert (frame["data"]["type"], frame["data"]["title"]) == ("security", "Your password was changed")
    assert "{" not in frame["data"]["title"] + frame["data"]["message"]
    listed = await (await user.client.get("/api/v1/notifications?type=security")).json()
    assert [row["title"] for row in listed["data"]] == ["Your password was changed"]
    assert await mail_to(user.email, "was changed")


async def test_wrong_passwords_are_noted_and_run_out_for_this_session_alone(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    user = await make_user()
    other = client.as_user((await sign_in(user))["headers"])
    for _ in range(5):
        assert await change(other, "not it") == (403, "wrong_password")
    assert await change(other, user.password) == (429, "too_many_attempts")
    rows = await fetch("SELECT payload ->> 'reason' AS reason FROM events WHERE type = 'user.login_failed'")
    assert [row["reason"] for row in rows] == ["wrong_password"] * 5
    assert await change(user.client, user.password) == (204, "")


async def test_of_two_at_once_one_wins(client: Any, make_user: Any, sign_in: Any) -> None:
    user = await make_user()
    other = client.as_user((await sign_in(user))["headers"])
    answers = await asyncio.gather(
        change(user.client, user.password, NEW + " 1"), change(other, user.password, NEW + " 2")
    )
    assert [status for status, _ in answers].count(204) == 1
    winner = 1 + [status for status, _ in answers].index(204)
    body = {"email": user.email, "platform": "cli", "password": f"{NEW} {winner}"}
    assert (await client.post(LOGIN, json=body)).status == 200
    # The loser's session has ended with the winner's change.
    loser = other if winner == 1 else user.client
    assert (await loser.get(ME)).status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"currentPassword": "x", "newPassword": "short"}, "newPassword"),
        ({"currentPassword": "x", "newPassword": "Password123"}, "newPassword"),
        ({"newPassword": NEW}, "currentPassword"),
        ({"currentPassword": "x", "newPassword": NEW, "userId": "x"}, "userId"),
    ],
)
async def test_refused_values(make_user: Any, body: dict[str, Any], field: str) -> None:
    answer = await (await make_user()).client.post(CHANGE, json=body)
    assert (answer.status, list((await answer.json())["errors"])) == (422, [field])


async def test_account_without_password(make_user: Any, fetch: Any) -> None:
    user = await make_user()
    await fetch("UPDATE users SET password_hash = NULL WHERE id = $1", user.id)
    assert await change(user.client, "anything") == (409, "no_password")


async def test_pending_links_end_with_the_old_password(
    client: Any, make_user: Any, token_to: Any, fetch: Any
) -> None:
    """A thief who asked for another address must not get the account after its owner took it back."""
    user = await make_user()
    body = {"email": "thief@example.com", "currentPassword": user.password}
    assert (await user.client.post("/api/v1/auth/email", json=body)).status == 202
    token = await token_to("thief@example.com")
    assert await change(user.client, user.password) == (204, "")
    answer = await client.post("/api/v1/auth/email/verify", json={"token": token})
    assert answer.status == 400
    assert await fetch("SELECT 1 FROM account_tokens") == []


async def test_reuse_of_a_refresh_token_is_told(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    user = await make_user()
    first = (await sign_in(user))["refreshToken"]
    second = await client.post("/api/v1/auth/refresh", json={"refreshToken": first})
    assert second.status == 200
    child = {"refreshToken": (await second.json())["refreshToken"]}
    assert (await client.post("/api/v1/auth/refresh", json=child)).status == 200
    assert (await client.post("/api/v1/auth/refresh", json={"refreshToken": first})).status == 401

    async def told() -> Any:
        listed = await (await user.client.get("/api/v1/notifications?type=security")).json()
        return listed["data"]

    rows = await wait_until(told)
    assert (rows[0]["title"], rows[0]["actor"]) == ("A device was signed out for your safety", None)


async def test_guesses_that_come_at_once_are_no_more_than_five(make_user: Any) -> None:
    user = await make_user()
    body = {"currentPassword": "not the password", "newPassword": "another good phrase"}
    answers = await asyncio.gather(*(user.client.post("/api/v1/auth/password", json=body) for _ in range(18)))
    statuses = [answer.status for answer in answers]
    # No more passwords are hashed at once than the machine can take.
    assert set(statuses) <= {403, 429, 503}
    assert 1 <= statuses.count(403) <= 5
