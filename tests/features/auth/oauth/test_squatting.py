"""Accounts made with another person's address: whoever proves the address gets the account, alone."""

from __future__ import annotations

import hashlib
from typing import Any

from nexcorp.db import sql
from tests.features.auth.oauth.test_identities import confirm, link

API = "/api/v1"


async def put_token(service: Any, user_id: Any, purpose: str, email: str) -> str:
    """Store a token, as if it had come by mail; return it."""
    token = hashlib.sha256(f"{purpose}{email}".encode()).hexdigest()[:43]
    async with service.db.transaction() as conn:
        await sql.account_tokens.insert_token(
            conn,
            token_hash=hashlib.sha256(token.encode()).digest(),
            user_id=user_id,
            purpose=purpose,
            email=email,
        )
    return token


async def test_a_change_of_address_asked_for_before_is_worthless_after(
    service: Any, browse: Any, fake: Any, make_user: Any, fetch: Any, client: Any
) -> None:
    squatter = await make_user("victim", verified=False)
    token = await put_token(service, squatter.id, "change_email", "evil@evil.example")
    fake.person.email = "victim@example.com"
    assert (await browse().sign_in("google")).status == 302
    answer = await client.post(f"{API}/auth/email/verify", json={"token": token})
    assert answer.status == 400
    assert [row["email"] for row in await fetch("SELECT email FROM users")] == ["victim@example.com"]


async def test_a_reset_that_proves_the_address_ends_keys_and_identities(
    service: Any, browse: Any, fake: Any, make_user: Any, client: Any, fetch: Any
) -> None:
    squatter = await make_user("victim")
    body = {"name": "x", "scopes": ["profile:read"]}
    key = (await (await squatter.client.post(f"{API}/auth/api-keys", json=body)).json())["key"]
    fake.person.id, fake.person.email = 7, "evil@evil.example"
    assert (await link(browse(), squatter, "github")).status == 302
    # Older releases asked for no proved address, and could leave this state.
    await fetch("UPDATE users SET email_verified_at = NULL")
    token = await put_token(service, squatter.id, "reset_password", "victim@example.com")
    answer = await client.post(
        f"{API}/auth/password/reset", json={"token": token, "password": "the owner's own phrase"}
    )
    assert answer.status == 204
    bearer = {"Authorization": f"Bearer {key}"}
    assert (await client.get(f"{API}/auth/me", headers=bearer)).status == 401
    assert await fetch("SELECT FROM identities") == []


async def test_a_reset_of_a_confirmed_account_leaves_its_keys(
    service: Any, make_user: Any, client: Any
) -> None:
    owner = await make_user("owner")
    await confirm(service, owner)
    body = {"name": "x", "scopes": ["profile:read"]}
    key = (await (await owner.client.post(f"{API}/auth/api-keys", json=body)).json())["key"]
    token = await put_token(service, owner.id, "reset_password", owner.email)
    answer = await client.post(
        f"{API}/auth/password/reset", json={"token": token, "password": "the owner's own phrase"}
    )
    assert answer.status == 204
    assert (await client.get(f"{API}/auth/me", headers={"Authorization": f"Bearer {key}"})).status == 200


async def test_an_address_that_only_looks_alike_opens_nothing(
    service: Any, browse: Any, fake: Any, make_user: Any, fetch: Any, client: Any
) -> None:
    victim = await make_user("victim")
    await confirm(service, victim)
    fake.person.id, fake.person.email = 99, "v\u0130ctim@example.com"
    assert (await browse().sign_in("google")).status == 403
    assert await fetch("SELECT FROM identities") == []
    body = {"email": "v\u0130ctim@example.com", "password": victim.password, "platform": "cli"}
    assert (await client.post(f"{API}/auth/login", json=body)).status == 422


async def test_a_provider_makes_accounts_for_who_may_register(
    service: Any, web_only: Any, browse: Any, fake: Any, make_user: Any, fetch: Any
) -> None:
    boss = await make_user(role="admin")
    runner, _, url = await web_only(registration="invite")
    await fetch("INSERT INTO invitations (email, invited_by) VALUES ('new@example.com', $1)", boss.id)
    # Not invited, or the provider does not vouch for the address.
    for email, verified in (("other@example.com", True), ("new@example.com", False)):
        fake.person.email, fake.person.verified = email, verified
        answer = await browse(url).sign_in("google", accept="application/json")
        assert (answer.status, (await answer.json())["code"]) == (403, "invitation_required")
    fake.person.verified = True
    assert (await browse(url).sign_in("google")).status == 302
    [row] = await fetch("SELECT accepted_by FROM invitations WHERE accepted_at IS NOT NULL")
    assert await fetch("SELECT FROM identities WHERE user_id = $1", row["accepted_by"])
    await runner.cleanup()
    runner, _, url = await web_only(registration="closed")
    # People with an account can still sign in.
    assert (await browse(url).sign_in("google")).status == 302
    fake.person.id, fake.person.email = 5, "third@example.com"
    answer = await browse(url).sign_in("google", accept="application/json")
    assert (answer.status, (await answer.json())["code"]) == (403, "registration_closed")
    await runner.cleanup()
