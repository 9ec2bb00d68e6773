"""Addresses: verified by a link, sent again, changed to another one that is verified first."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from tests.mailserver import find_token

REGISTER, ME = "/api/v1/auth/register", "/api/v1/auth/me"
VERIFY, RESEND, CHANGE = "/api/v1/auth/email/verify", "/api/v1/auth/email/resend", "/api/v1/auth/email"


async def verify(client: Any, token: str) -> tuple[int, str]:
    answer = await client.post(VERIFY, json={"token": token})
    return answer.status, "" if answer.status == 204 else (await answer.json())["code"]


async def change(user: Any, email: str, **more: Any) -> tuple[int, str]:
    body = {"email": email, "currentPassword": user.password, **more}
    answer = await user.client.post(CHANGE, json=body)
    return answer.status, (await answer.json()).get("code", "")


async def test_registering_sends_the_link_that_verifies(client: Any, token_to: Any, fetch: Any) -> None:
    body = {"email": "ada@example.com", "password": "a good long password"}
    answer = await client.post(REGISTER, json=body)
    assert (answer.status, (await answer.json())["user"]["emailVerified"]) == (201, False)
    token = await token_to("ada@example.com", "Confirm")
    assert await verify(client, token) == (204, "")
    rows = await fetch("SELECT email_verified_at IS NOT NULL AS verified FROM users")
    assert rows[0]["verified"]
    assert await verify(client, token) == (400, "invalid_token")


async def test_what_strangers_choose_is_not_in_the_mail(client: Any, mail_to: Any) -> None:
    profile = {"firstName": "<script>alert(1)</script>\r\nBcc: all@example.com", "lastName": "{base} {0}"}
    body = {"email": "eve@example.com", "password": "a good long password", "profile": profile}
    assert (await client.post(REGISTER, json=body)).status == 201
    mail = await mail_to("eve@example.com")
    assert mail["Bcc"] is None
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        assert "Hello eve," in text and "script" not in text and "base" not in text


async def test_resent_mail_and_the_first_one_both_work(
    client: Any, make_user: Any, token_to: Any, fetch: Any
) -> None:
    for used in (0, 1):
        user, tokens = await make_user(verified=False), []
        for count in (1, 2):
            assert (await user.client.post(RESEND)).status == 202
            tokens.append(await token_to(user.email, count=count))
            again = await user.client.post(RESEND)
            assert (again.status, (await again.json())["code"]) == (429, "too_many_mails")
            await fetch("UPDATE mails SET created_at = now() - interval '2 minutes'")
        assert await verify(user.client, tokens[used]) == (204, "")
        assert await verify(client, tokens[1 - used]) == (400, "invalid_token")
        assert (await (await user.client.get(ME)).json())["emailVerified"] is True
        again = await user.client.post(RESEND)
        assert (again.status, (await again.json())["code"]) == (409, "already_verified")


async def test_address_changes_once_the_new_one_is_verified(
    client: Any, make_user: Any, token_to: Any, mail_to: Any
) -> None:
    user = await make_user()
    assert await change(user, "new@example.com") == (202, "")
    note = await mail_to(user.email, "about to change")
    assert "new@example.com" in note.get_body(("plain",)).get_content()
    assert "#token=" not in note.as_string()
    assert (await (await user.client.get(ME)).json())["email"] == user.email
    # A reader of the old mailbox has no way back in.
    await client.post("/api/v1/auth/password/forgot", json={"email": user.email})
    reset = await token_to(user.email, "Reset")
    assert await verify(client, await token_to("new@example.com")) == (204, "")
    me = await (await user.client.get(ME)).json()
    assert (me["email"], me["emailVerified"]) == ("new@example.com", True)
    assert await mail_to(user.email, "was changed")
    body = {"token": reset, "password": "an entirely new password"}
    assert (await client.post("/api/v1/auth/password/reset", json=body)).status == 400


async def test_only_the_last_address_asked_for_counts(client: Any, make_user: Any, token_to: Any) -> None:
    user = await make_user()
    assert await change(user, "typo@example.com") == (202, "")
    typo = await token_to("typo@example.com")
    assert await change(user, "right@example.com") == (202, "")
    assert await verify(client, typo) == (400, "invalid_token")
    assert await verify(client, await token_to("right@example.com")) == (204, "")


async def test_what_is_taken_or_wrong(client: Any, make_user: Any, fetch: Any) -> None:
    user, other = await make_user(), await make_user()
    assert await change(user, other.email.upper()) == (409, "email_taken")
    assert await change(user, user.email.upper()) == (409, "email_unchanged")
    assert await change(user, "x@example.com", currentPassword="no") == (403, "wrong_password")
    # Without a password in the request the session must be fresh, which it is at first.
    answer = await user.client.post(CHANGE, json={"email": "x@example.com"})
    assert answer.status == 202
    await fetch("UPDATE sessions SET proved_at = NULL")
    answer = await user.client.post(CHANGE, json={"email": "y@example.com"})
    assert (answer.status, (await answer.json())["code"]) == (403, "reauthentication_required")
    await fetch("UPDATE users SET password_hash = NULL WHERE id = $1", user.id)
    assert await change(user, "y@example.com") == (409, "no_password")


async def test_two_accounts_want_one_address(client: Any, make_user: Any, smtp: Any, token_to: Any) -> None:
    users, address = [await make_user(), await make_user()], f"{uuid4().hex}@example.com"
    for user in users:
        assert await change(user, address) == (202, "")
    await token_to(address, count=2)
    tokens = [find_token(mail) for mail in smtp.sent_to(address)]
    results = await asyncio.gather(*(verify(client, token) for token in tokens))
    assert sorted(results) == [(204, ""), (409, "email_taken")]


async def test_pages_load_nothing_from_elsewhere(client: Any) -> None:
    for path in ("/verify-email", "/reset-password"):
        page = await client.get(path)
        assert (page.status, page.content_type) == (200, "text/html")
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert '<script src="/account.js">' in await page.text()
    script = await client.get("/account.js")
    assert (script.status, script.content_type) == (200, "text/javascript")
