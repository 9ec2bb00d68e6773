"""Accounts made with another person's address: the first proof by link removes all their maker left."""

from __future__ import annotations

from typing import Any

from tests.api import API, fetch_value, refused

REGISTER, LOGIN, ME = f"{API}/auth/register", f"{API}/auth/login", f"{API}/auth/me"
VERIFY, CHANGE = f"{API}/auth/email/verify", f"{API}/auth/email"
PASSWORD = "a good long password"
# Rows that an older release let an account have without a proved address.
LEAVE_BEHIND = """
WITH key AS (
    INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes)
    SELECT id, 'k', 'nxk_', 'hash', '{post:read}' FROM users
)
INSERT INTO identities (provider, subject, user_id, email_verified, tokens)
SELECT 'github', '1', id, true, 'sealed' FROM users
"""
LEFT = """
SELECT jsonb_build_object(
    'keys', (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL),
    'identities', (SELECT count(*) FROM identities),
    'sessions', (SELECT count(*) FROM sessions WHERE revoked_at IS NULL),
    'tokens', (SELECT count(*) FROM account_tokens),
    'mails', (SELECT count(*) FROM mails WHERE sent_at IS NULL AND failed_at IS NULL)
)
"""


async def squat(client: Any, fetch: Any) -> Any:
    """Register another person's address and sign in; return a client with the token."""
    body = {"email": "victim@example.com", "password": PASSWORD}
    assert (await client.post(REGISTER, json=body)).status == 201
    answer = await client.post(LOGIN, json={**body, "platform": "web"})
    token = (await answer.json())["accessToken"]
    await fetch(LEAVE_BEHIND)
    return client.as_user({"Authorization": f"Bearer {token}"})


async def test_the_link_ends_what_was_there_before(
    service: Any, client: Any, fetch: Any, token_to: Any
) -> None:
    squatter = await squat(client, fetch)
    for path, sent in (
        ("/auth/api-keys", {"name": "k", "scopes": ["post:read"], "currentPassword": PASSWORD}),
        ("/auth/email", {"email": "evil@example.com", "currentPassword": PASSWORD}),
    ):
        answer = await squatter.post(API + path, json=sent)
        assert answer.status == (202 if path == "/auth/email" else 403)
    evil = await token_to("evil@example.com")
    token = await token_to("victim@example.com", "Confirm")
    # No note to an address that nobody proved.
    assert await fetch("SELECT FROM mails WHERE kind = 'email_change_requested'") == []
    assert (await client.post(VERIFY, json={"token": token})).status == 204
    assert (await squatter.get(ME)).status == 401
    await refused(client.post(VERIFY, json={"token": evil}), 400, "invalid_token")
    assert await fetch_value(service, LEFT) == {
        "keys": 0,
        "identities": 0,
        "sessions": 0,
        "tokens": 0,
        "mails": 0,
    }


async def test_whoever_shows_a_session_of_the_account_keeps_it(
    service: Any, client: Any, fetch: Any, token_to: Any, make_user: Any
) -> None:
    owner, stranger = await squat(client, fetch), await make_user()
    again = {"email": "victim@example.com", "password": PASSWORD, "platform": "cli"}
    other = (await (await client.post(LOGIN, json=again)).json())["accessToken"]
    token = await token_to("victim@example.com", "Confirm")
    assert (await owner.post(VERIFY, json={"token": token})).status == 204
    me = await (await owner.get(ME)).json()
    assert me["emailVerified"] is True
    assert (await client.get(ME, headers={"Authorization": f"Bearer {other}"})).status == 401
    left = await fetch_value(service, LEFT)
    # The second session is the stranger's.
    assert (left["identities"], left["keys"], left["sessions"]) == (1, 0, 2)
    # A proof sent by another account's session spares no session of this one.
    await fetch("UPDATE users SET email_verified_at = NULL WHERE id = $1", me["id"])
    await fetch("UPDATE mails SET created_at = now() - interval '2 hours'")
    assert (await owner.post(f"{API}/auth/email/resend")).status == 202
    token = await token_to("victim@example.com", "Confirm", count=2)
    assert (await stranger.client.post(VERIFY, json={"token": token})).status == 204
    assert (await owner.get(ME)).status == 401
    assert (await stranger.client.get(ME)).status == 200


async def test_a_reset_counts_the_sessions_that_it_ends(client: Any, fetch: Any, token_to: Any) -> None:
    await squat(client, fetch)
    sent = {"email": "victim@example.com"}
    assert (await client.post(f"{API}/auth/password/forgot", json=sent)).status == 202
    body = {"token": await token_to("victim@example.com", "Reset"), "password": "another good password"}
    assert (await client.post(f"{API}/auth/password/reset", json=body)).status == 204
    open_keys = await fetch("SELECT FROM api_keys WHERE revoked_at IS NULL")
    [row] = await fetch("SELECT payload FROM events WHERE type = 'password.reset'")
    assert (row["payload"]["sessionsEnded"], open_keys) == (1, [])
