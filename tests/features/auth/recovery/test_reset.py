"""A forgotten password: the same answer for everybody, tokens for one use, and an end to all sessions."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from nexcorp.features.auth import passwords
from tests.conftest import wait_until
from tests.features.auth.test_login import same

FORGOT, RESET, LOGIN = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset", "/api/v1/auth/login"
ME = "/api/v1/auth/me"
NEW = "an entirely new password"


async def forget(client: Any, email: str) -> None:
    answer = await client.post(FORGOT, json={"email": email})
    assert (answer.status, await answer.json()) == (202, {"status": "accepted"})


async def test_a_mail_with_a_link_resets_the_password(
    client: Any, make_user: Any, mail_to: Any, token_to: Any, fetch: Any
) -> None:
    user = await make_user()
    await forget(client, user.email.upper())
    mail = await mail_to(user.email, "Reset")
    assert mail["To"] == user.email
    assert mail["From"] == "NexCorp <connect@example.com>"
    assert mail["Date"] and mail["Message-ID"].endswith("@example.com>")
    assert mail.get_content_type() == "multipart/alternative"
    assert "https://connect.example.com/reset-password#token=" in mail.get_body(("plain",)).get_content()
    token = await token_to(user.email, "Reset")
    assert (await client.post(RESET, json={"token": token, "password": NEW})).status == 204
    login = {"email": user.email, "platform": "cli"}
    assert (await client.post(LOGIN, json={**login, "password": user.password})).status == 401
    answer = await client.post(LOGIN, json={**login, "password": NEW})
    assert (answer.status, (await answer.json())["user"]["emailVerified"]) == (200, True)
    notice = await mail_to(user.email, "was reset")
    assert "All devices were signed out" in notice.get_body(("plain",)).get_content()
    rows = await fetch("SELECT payload FROM events WHERE type = 'password.reset'")
    assert rows[0]["payload"] == {"userId": str(user.id), "sessionsEnded": 1}
    again = await client.post(RESET, json={"token": token, "password": NEW})
    assert (again.status, (await again.json())["code"]) == (400, "invalid_token")


async def test_whatever_is_wrong_with_a_token_is_one_answer(
    client: Any, make_user: Any, token_to: Any, fetch: Any
) -> None:
    late, gone, moved = await make_user(), await make_user(), await make_user()
    tokens = ["x", uuid4().hex]
    for user in (late, gone, moved):
        await forget(client, user.email)
        tokens.append(await token_to(user.email))
    await fetch("UPDATE account_tokens SET expires_at = now() WHERE user_id = $1", late.id)
    await fetch("UPDATE users SET status = 'deactivated' WHERE id = $1", gone.id)
    await fetch("UPDATE users SET email = 'moved@example.com' WHERE id = $1", moved.id)
    bodies = []
    for token in tokens:
        answer = await client.post(RESET, json={"token": token, "password": NEW})
        assert answer.status == 400
        bodies.append(same(await answer.json()))
    assert all(body == bodies[0] for body in bodies)


async def test_common_password_is_refused_and_the_token_stays(
    client: Any, make_user: Any, token_to: Any
) -> None:
    user = await make_user()
    await forget(client, user.email)
    token = await token_to(user.email)
    answer = await client.post(RESET, json={"token": token, "password": "password123"})
    assert (answer.status, list((await answer.json())["errors"])) == (422, ["password"])
    key = {"Idempotency-Key": uuid4().hex}
    for replayed in (None, "true"):
        answer = await client.post(RESET, json={"token": token, "password": NEW}, headers=key)
        assert (answer.status, answer.headers.get("Idempotent-Replayed")) == (204, replayed)


async def test_fifty_at_once_with_one_token(
    client: Any, make_user: Any, token_to: Any, monkeypatch: Any
) -> None:
    # A long queue, since this test is not about the limit of hashing.
    monkeypatch.setattr(passwords, "POOL", passwords.HashingPool(waiting=100))
    user = await make_user()
    await forget(client, user.email)
    token = await token_to(user.email)
    answers = await asyncio.gather(
        *(client.post(RESET, json={"token": token, "password": f"{NEW} {n}"}) for n in range(50))
    )
    statuses = [answer.status for answer in answers]
    assert statuses.count(204) == 1
    # A request may be turned away for want of a connection; none of those has an effect.
    assert set(statuses) <= {204, 400, 503}
    winner = statuses.index(204)
    body = {"email": user.email, "platform": "cli", "password": f"{NEW} {winner}"}
    assert (await client.post(LOGIN, json=body)).status == 200


async def test_two_tokens_at_once(client: Any, make_user: Any, token_to: Any, fetch: Any) -> None:
    """Each use deletes the other token: they take turns, and the second one finds its token gone."""
    user = await make_user()
    tokens = []
    for count in (1, 2):
        await forget(client, user.email)
        tokens.append(await token_to(user.email, count=count))
        await fetch("UPDATE mails SET created_at = now() - interval '2 minutes'")
    assert len(set(tokens)) == 2
    answers = await asyncio.gather(
        *(client.post(RESET, json={"token": token, "password": NEW}) for token in tokens)
    )
    assert sorted(answer.status for answer in answers) == [204, 400]
    assert await fetch("SELECT 1 FROM account_tokens") == []


async def test_limits_are_silent_and_exact(client: Any, make_user: Any, fetch: Any) -> None:
    user = await make_user()
    await asyncio.gather(*(forget(client, user.email) for _ in range(10)))
    assert len(await fetch("SELECT 1 FROM mails WHERE kind = 'reset_password'")) == 1
    for _ in range(6):
        await fetch("UPDATE mails SET created_at = created_at - interval '2 minutes'")
        await forget(client, user.email)
    assert len(await fetch("SELECT 1 FROM mails WHERE kind = 'reset_password'")) == 5


async def test_nothing_tells_who_has_an_account(client: Any, make_user: Any, fetch: Any) -> None:
    known = [await make_user() for _ in range(3)]
    times: dict[bool, list[float]] = {True: [], False: []}
    # Compare the quickest of each: the machine's other work only adds time.
    apart = 1.0
    while apart > 0.005 and len(times[True]) < 600:
        for turn in range(100):
            for is_known in (True, False):
                email = known[turn % 3].email if is_known else f"{uuid4().hex}@example.com"
                began = time.perf_counter()
                await forget(client, email)
                times[is_known].append(time.perf_counter() - began)
        apart = abs(min(times[True]) - min(times[False]))
    assert apart < 0.005
    asked = await fetch("SELECT 1 FROM events WHERE type = 'password.reset_requested'")
    assert len(asked) == 2 * len(times[True])


async def test_every_session_ends_everywhere(
    client: Any, make_user: Any, sign_in: Any, connect: Any, second_node: str, token_to: Any
) -> None:
    user = await make_user()
    other = await sign_in(user)
    here, there = await connect(user), await connect(user, url=second_node)
    await forget(client, user.email)
    token = await token_to(user.email)
    assert (await client.post(RESET, json={"token": token, "password": NEW})).status == 204
    for live in (here, there):
        message = await live.ws.receive(timeout=20)
        while message.type is aiohttp.WSMsgType.TEXT:
            message = await live.ws.receive(timeout=20)
        assert live.ws.close_code is not None and live.ws.close_code >= 4000
    for headers in (user.headers, other["headers"]):
        assert (await client.get(ME, headers=headers)).status == 401

        async def refused(headers: Any = headers) -> bool:
            async with client.session.get(second_node + ME, headers=headers) as answer:
                return bool(answer.status == 401)

        await wait_until(refused)
    refresh = await client.post("/api/v1/auth/refresh", json={"refreshToken": other["refreshToken"]})
    assert refresh.status == 401


async def test_token_is_in_no_log_no_event_and_no_table(
    client: Any, make_user: Any, token_to: Any, fetch: Any, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    # The log of the mail server, which is not the service's.
    caplog.set_level(logging.WARNING, "mail.log")
    user = await make_user()
    await forget(client, user.email)
    token = await token_to(user.email)
    await client.post(RESET, json={"token": token + "x", "password": NEW})
    await client.post(RESET, json={"token": token, "password": NEW})
    assert token not in caplog.text
    printed = capsys.readouterr()
    assert token not in printed.out + printed.err
    tables = await fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    assert len(tables) > 20
    for table in tables:
        rows = await fetch(f"SELECT t::text AS row FROM {table['relname']} AS t")  # noqa: S608
        assert not [row for row in rows if token in row["row"]], table


async def test_without_mail_production_says_so(web_only: Any, client: Any) -> None:
    runner, _, url = await web_only(env="production", smtp_url="", allowed_hosts=("127.0.0.1",))
    try:
        plain = type(client)(client.session, url, {})
        for path, body in (
            ("password/forgot", {"email": "a@example.com"}),
            ("password/reset", {"token": "x", "password": NEW}),
            ("email/verify", {"token": "x"}),
        ):
            answer = await plain.post(f"/api/v1/auth/{path}", json=body)
            assert (answer.status, (await answer.json())["code"]) == (503, "not_configured")
        body = {"email": "new@example.com", "password": NEW}
        assert (await plain.post("/api/v1/auth/register", json=body)).status == 201
    finally:
        await runner.cleanup()
