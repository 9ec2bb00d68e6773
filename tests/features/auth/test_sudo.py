"""Proving one's identity again: a token alone, however new, makes nothing that lasts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, fetch, refused

SUDO, KEYS, ME = f"{API}/auth/sudo", f"{API}/auth/api-keys", f"{API}/users/me"
KEY = {"name": "robot", "scopes": ["post:read"]}
STALE = "reauthentication_required"


@pytest.mark.shared
async def test_a_sign_in_is_no_proof_and_a_password_is_for_ten_minutes(
    service: Any, make_user: Any, sign_in: Any, client: Any
) -> None:
    user = await make_user()
    one, other = [client.as_user((await sign_in(user))["headers"]) for _ in range(2)]
    await refused(one.post(KEYS, json=KEY), 403, STALE)
    await refused(one.delete(ME), 403, STALE)
    answer = await one.post(SUDO, json={"currentPassword": user.password})
    assert (answer.status, await answer.json()) == (200, {"expiresIn": 600})
    assert (await one.post(KEYS, json=KEY)).status == 201
    # The proof counts for this session only, and not for long.
    await refused(other.post(KEYS, json=KEY), 403, STALE)
    rows = await fetch(
        service,
        """
        UPDATE sessions SET proved_at = now() - interval '10 minutes'
        WHERE user_id = $1 AND proved_at IS NOT NULL
        RETURNING id
        """,
        user.id,
    )
    await refused(one.post(KEYS, json=KEY), 403, STALE)
    # A password in the request proves that request alone.
    assert (await one.post(KEYS, json={**KEY, "currentPassword": user.password})).status == 201
    await refused(one.post(KEYS, json={**KEY, "currentPassword": "wrong"}), 403, "wrong_password")
    await refused(one.post(KEYS, json=KEY), 403, STALE)
    proofs = await fetch(service, "SELECT entity_id, payload FROM events WHERE type = 'session.proved'")
    assert [
        (row["entity_id"] in {row["id"] for row in rows}, row["payload"]["method"]) for row in proofs
    ] == [(True, "password")]
    assert (await other.delete(ME, json={"currentPassword": user.password})).status == 204


@pytest.mark.shared
async def test_guesses_at_the_password_end_after_five(make_user: Any, client: Any, sign_in: Any) -> None:
    user = await make_user()
    thief = client.as_user((await sign_in(user))["headers"])
    for _ in range(4):
        await refused(thief.post(SUDO, json={"currentPassword": "wrong"}), 403, "wrong_password")
    await refused(thief.delete(ME, json={"currentPassword": "wrong"}), 403, "wrong_password")
    for path, sent in ((SUDO, {}), (KEYS, KEY), (f"{API}/auth/email", {"email": "x@example.com"})):
        await refused(thief.post(path, json={**sent, "currentPassword": user.password}), 429)


@pytest.mark.shared
async def test_roles_want_a_sign_in_at_least_and_power_a_proof(
    service: Any, make_user: Any, sign_in: Any, client: Any
) -> None:
    boss, member = await make_user(role="admin"), await make_user()
    new = client.as_user((await sign_in(boss))["headers"])
    role, rights = f"{API}/users/{member.id}/role", f"{API}/roles/manager/permissions"
    assert (await new.put(role, json={"role": "manager"})).status == 200
    await refused(new.put(role, json={"role": "admin"}), 403, STALE)
    before = {"permissions": (await (await new.get(rights)).json())["permissions"]}
    assert (await new.put(rights, json=before)).status == 200
    more = {"permissions": [*before["permissions"], "user:manage"]}
    await refused(new.put(rights, json=more), 403, STALE)
    await fetch(
        service,
        "UPDATE sessions SET created_at = now() - interval '11 minutes' WHERE user_id = $1 RETURNING id",
        boss.id,
    )
    await refused(new.put(rights, json=before), 403, STALE)
    await refused(new.put(role, json={"role": "member"}), 403, STALE)
    sent = {"role": "admin", "currentPassword": boss.password}
    assert (await new.put(role, json=sent)).status == 200
