"""Registration: by invitation, for nobody, or for everybody who then proves their address."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from nexcorp.config import Config
from tests.api import API, fetch_value, get_json, refused
from tests.conftest import start_web
from tests.traces import find_traces

REGISTER, INVITATIONS = f"{API}/auth/register", f"{API}/admin/invitations"
PASSWORD = "a good long password"


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a service where people register by invitation."""
    return replace(config, registration="invite")


async def invite(boss: Any, email: str) -> dict[str, Any]:
    """Invite an address; return the invitation, as the admin sees it."""
    answer = await boss.client.post(INVITATIONS, json={"email": email})
    assert answer.status == 201, await answer.text()
    made: dict[str, Any] = await answer.json()
    return made


async def test_an_invitation_makes_one_verified_account(
    service: Any, client: Any, make_user: Any, token_to: Any, mail_to: Any
) -> None:
    boss = await make_user("boss", role="admin")
    body = {"email": "new@example.com", "password": PASSWORD}
    await refused(client.post(REGISTER, json=body), 403, "invitation_required")
    made = await invite(boss, "New@Example.com")
    assert (made["status"], made["invitedBy"]["username"], made["userId"]) == ("pending", "boss", None)
    mail = await mail_to("New@Example.com", "invited")
    assert "boss invites you" in mail.get_body(("plain",)).get_content()
    body["invitation"] = await token_to("New@Example.com", "invited")
    wrong = await refused(client.post(REGISTER, json={**body, "email": "evil@example.com"}), 422)
    assert list(wrong["errors"]) == ["email"]
    await refused(client.post(REGISTER, json={**body, "invitation": "x" * 43}), 400, "invalid_token")
    # Of concurrent registrations one gets the account; the token then opens nothing else.
    answers = await asyncio.gather(*(client.post(REGISTER, json=body) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 400, 400, 400]
    [user] = [(await answer.json())["user"] for answer in answers if answer.status == 201]
    assert (user["emailVerified"], user["role"]) == (True, "member")
    listed = await get_json(boss.client, "/admin/invitations")
    assert [(row["status"], row["userId"]) for row in listed["data"]] == [("accepted", user["id"])]
    await refused(boss.client.post(INVITATIONS, json={"email": "NEW@example.com"}), 409, "email_taken")
    # After the user has left, the invitation does not name the address either.
    login = {"email": "new@example.com", "password": PASSWORD, "platform": "cli"}
    token = (await (await client.post(f"{API}/auth/login", json=login)).json())["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    sent = {"currentPassword": PASSWORD}
    assert (await client.delete(f"{API}/users/me", json=sent, headers=headers)).status == 204
    async with service.db.connection(wait=5) as conn:
        assert await find_traces(conn, ["new@example.com"]) == set()


async def test_revoked_replaced_and_late_invitations_open_nothing(
    service: Any, client: Any, make_user: Any, token_to: Any, fetch: Any
) -> None:
    boss, other = await make_user(role="admin"), await make_user(role="admin")
    tokens = []
    ids = []
    for count, user in enumerate((boss, other), 1):
        made = await invite(user, "new@example.com")
        ids.append(made["id"])
        tokens.append(await token_to("new@example.com", "invited", count=count))
    body = {"email": "new@example.com", "password": PASSWORD}
    await refused(client.post(REGISTER, json={**body, "invitation": tokens[0]}), 400, "invalid_token")
    assert (await boss.client.delete(f"{INVITATIONS}/{made['id']}")).status == 204
    await refused(boss.client.delete(f"{INVITATIONS}/{made['id']}"), 404, "invitation_not_found")
    await refused(client.post(REGISTER, json={**body, "invitation": tokens[1]}), 400, "invalid_token")
    revoked = "SELECT entity_id, actor_id FROM events WHERE type = 'invitation.revoked' ORDER BY id"
    told = [(str(row["entity_id"]), row["actor_id"]) for row in await fetch(revoked)]
    assert told == [(ids[0], other.id), (ids[1], boss.id)]
    expired = await invite(boss, "late@example.com")
    late = await token_to("late@example.com", "invited")
    await fetch("UPDATE invitations SET expires_at = now() WHERE email = 'late@example.com'")
    body = {"email": "late@example.com", "password": PASSWORD, "invitation": late}
    await refused(client.post(REGISTER, json=body), 400, "invalid_token")
    await refused(boss.client.delete(f"{INVITATIONS}/{expired['id']}"), 404, "invitation_not_found")
    # Another one does not revoke it, either.
    await fetch("UPDATE mails SET created_at = now() - interval '2 hours'")
    await invite(boss, "late@example.com")
    rows = (await get_json(boss.client, "/admin/invitations"))["data"]
    assert [row["status"] for row in rows] == ["pending", "expired", "revoked", "revoked"]
    assert len(await fetch(revoked)) == 2
    assert await fetch_value(service, "SELECT count(*) FROM users") == 2


async def test_closed_is_closed_and_unverified_is_held_back(
    service: Any, client: Any, make_user: Any, config: Config, token_to: Any, sign_in: Any
) -> None:
    boss = await make_user(role="admin")
    await invite(boss, "new@example.com")
    token = await token_to("new@example.com", "invited")
    body = {"email": "new@example.com", "password": PASSWORD}
    runner, _, url = await start_web(replace(config, registration="closed"))
    async with client.session.post(url + REGISTER, json={**body, "invitation": token}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (403, "registration_closed")
    await runner.cleanup()

    runner, _, url = await start_web(replace(config, registration="verified"))

    async def call(method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with client.session.request(method, url + API + path, **options) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    body["email"] = "plain@example.com"
    assert (await call("POST", "/auth/register", json=body))[0] == 201
    status, signed_in = await call("POST", "/auth/login", json={**body, "platform": "cli"})
    assert status == 200
    headers = {"Authorization": f"Bearer {signed_in['accessToken']}"}
    status, ticket = await call("POST", "/auth/ticket", json={"purpose": "ws"}, headers=headers)
    assert status == 201
    # Without a proved address, the account may only read and edit itself; its socket joins no room.
    assert (await call("GET", "/users/me", headers=headers))[0] == 200
    assert (await call("PATCH", "/users/me", json={"bio": "Here."}, headers=headers))[0] == 200
    assert (await call("GET", "/auth/sessions", headers=headers))[0] == 200
    for method, path, sent in (
        ("GET", "/posts", None),
        ("POST", "/posts", {"body": "Hello."}),
        ("GET", "/notifications", None),
        ("GET", f"/users/{boss.id}", None),
        ("POST", "/auth/api-keys", {"name": "k", "scopes": ["profile:read"], "currentPassword": PASSWORD}),
    ):
        status, refusal = await call(method, path, json=sent, headers=headers)
        assert (status, refusal["code"]) == (403, "email_unverified"), path
    me = (await call("GET", "/auth/me", headers=headers))[1]
    assert (me["permissions"], me["unread"]) == (["profile:read", "profile:update"], None)
    async with client.session.ws_connect(f"{url}/ws?ticket={ticket['ticket']}") as ws:

        async def say(event: str, **data: Any) -> Any:
            await ws.send_json({"event": event, "data": data, "id": "c1"})
            return await ws.receive_json(timeout=20)

        await ws.receive_json(timeout=20)
        room = f"profile:{boss.id}"
        assert (await say("subscribe", room=room))["data"]["code"] == "email_unverified"
        # Once the address is proved, the same token opens everything, on the socket, too.
        sent = {"token": await token_to("plain@example.com", "Confirm")}
        assert (await call("POST", "/auth/email/verify", json=sent, headers=headers))[0] == 204
        assert (await call("GET", "/posts", headers=headers))[0] == 200
        assert (await say("auth", token=signed_in["accessToken"]))["event"] == "authenticated"
        assert (await say("subscribe", room=room))["event"] == "subscribed"
    assert "post:create" in (await call("GET", "/auth/me", headers=headers))[1]["permissions"]
    await runner.cleanup()
