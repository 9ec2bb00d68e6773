"""Devices: the list, signing out one, the others or oneself, and one-time tickets."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest

from nexcorp.db import sql

pytestmark = pytest.mark.shared

SESSIONS = "/api/v1/auth/sessions"
LOGOUT = "/api/v1/auth/logout"
REFRESH = "/api/v1/auth/refresh"
TICKET = "/api/v1/auth/ticket"
ME = "/api/v1/auth/me"


async def list_sessions(client: Any, headers: dict[str, str]) -> list[dict[str, Any]]:
    """The `data` of GET /auth/sessions."""
    answer = await client.get(SESSIONS, headers=headers)
    assert answer.status == 200
    body = await answer.json()
    assert body["nextCursor"] is None
    data: list[dict[str, Any]] = body["data"]
    return data


async def test_the_list(client: Any, make_user: Any, sign_in: Any) -> None:
    user = await make_user()
    mobile = await sign_in(user, "mobile", device="Ann's phone")
    rows = await list_sessions(client, mobile["headers"])
    keys = {"id", "platform", "device", "ip", "userAgent", "createdAt", "lastUsedAt", "expiresAt", "current"}
    assert all(row.keys() == keys for row in rows)
    assert (rows[0]["device"], rows[0]["platform"], rows[0]["ip"]) == ("Ann's phone", "mobile", "127.0.0.1")
    assert [row["current"] for row in rows] == [True] + [False] * (len(rows) - 1)


async def test_sign_out_one(browser: Any, client: Any, make_user: Any, sign_in: Any, fetch: Any) -> None:
    user = await make_user()
    one, two = await sign_in(user, device="one"), await sign_in(user, device="two")
    ids = {row["device"]: row["id"] for row in await list_sessions(client, two["headers"])}
    assert (await client.delete(f"{SESSIONS}/{ids['one']}", headers=two["headers"])).status == 204
    assert (await client.get(ME, headers=one["headers"])).status == 401
    assert (await client.get(ME, headers=two["headers"])).status == 200
    assert (await client.delete(f"{SESSIONS}/{ids['one']}", headers=two["headers"])).status == 404
    [row] = await fetch("SELECT type, actor_id, payload FROM events WHERE entity_id = $1", UUID(ids["one"]))
    assert (row["type"], str(row["actor_id"]), row["payload"]["reason"]) == (
        "session.revoked", str(user.id), "user",
    )  # fmt: skip
    answer = await client.delete(f"{SESSIONS}/{ids['two']}", headers=two["headers"])
    assert answer.status == 204
    assert browser.take(answer).value == ""
    assert (await client.get(ME, headers=two["headers"])).status == 401


async def test_sessions_of_others_are_not_there(client: Any, make_user: Any) -> None:
    ann, bea = await make_user(), await make_user()
    [*_, foreign] = await list_sessions(client, bea.headers)
    for session_id in (foreign["id"], uuid4()):
        assert (await client.delete(f"{SESSIONS}/{session_id}", headers=ann.headers)).status == 404
    assert (await client.delete(f"{SESSIONS}/nonsense", headers=ann.headers)).status == 422
    assert (await client.get(ME, headers=bea.headers)).status == 200


async def test_sign_out_all_others(client: Any, make_user: Any, sign_in: Any) -> None:
    user = await make_user()
    others = [await sign_in(user, device=f"d{number}") for number in range(3)]
    mine = await sign_in(user)
    before = len(await list_sessions(client, mine["headers"]))
    answer = await client.delete(SESSIONS, headers=mine["headers"])
    assert (answer.status, await answer.json()) == (200, {"revoked": before - 1})
    assert {(await client.get(ME, headers=other["headers"])).status for other in others} == {401}
    assert len(await list_sessions(client, mine["headers"])) == 1
    assert await (await client.delete(SESSIONS, headers=mine["headers"])).json() == {"revoked": 0}


async def test_logout(browser: Any, client: Any, make_user: Any, sign_in: Any, fetch: Any) -> None:
    user = await make_user()
    web = await sign_in(user, "web")
    answer = await client.post(LOGOUT, headers=web["headers"])
    assert answer.status == 204
    assert browser.take(answer).value == ""
    assert (await client.get(ME, headers=web["headers"])).status == 401
    assert (await client.post(LOGOUT, headers=web["headers"])).status == 401
    rows = await fetch(
        "SELECT payload FROM events WHERE entity_id = $1 AND type = 'user.logged_out'", UUID(str(user.id))
    )
    assert rows[-1]["payload"]["userId"] == str(user.id)


async def test_logout_of_a_session_that_another_node_ended(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    signed_in = await sign_in(await make_user())
    session_id = UUID(signed_in["refreshToken"].partition(".")[0])
    await fetch("UPDATE sessions SET revoked_at = now() WHERE id = $1", session_id)
    assert (await client.post(LOGOUT, headers=signed_in["headers"])).status == 401
    assert (await client.post(TICKET, json={"purpose": "ws"}, headers=signed_in["headers"])).status == 401


@pytest.mark.parametrize("bearer", ["", "Bearer x"])
async def test_a_browser_signs_out_by_its_cookie_alone(
    browser: Any, client: Any, make_user: Any, sign_in: Any, bearer: str
) -> None:
    user = await make_user()
    web = await sign_in(user, "web")
    sent = browser.send(web["refreshToken"]) | ({"Authorization": bearer} if bearer else {})
    # Like refreshing, signing out is refused to other sites.
    assert (await client.post(LOGOUT, headers={"Cookie": sent["Cookie"]})).status == 403
    assert (await client.post(LOGOUT, headers=sent | {"Origin": "https://evil.example"})).status == 403
    assert (await client.get(ME, headers=web["headers"])).status == 200
    # Twice is no mistake.
    for _ in range(2):
        answer = await client.post(LOGOUT, headers=sent)
        assert answer.status == 204
        assert (browser.take(answer).value, browser.take(answer)["max-age"]) == ("", "0")
    assert (await client.post(REFRESH, headers=sent)).status == 401
    assert (await client.get(ME, headers=web["headers"])).status == 401
    # The user's other session is not touched.
    assert (await client.get(ME, headers=user.headers)).status == 200


async def test_an_app_signs_out_by_its_refresh_token_current_or_not(
    client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    user = await make_user()
    for rotations in range(3):
        current = first = (await sign_in(user, "mobile"))["refreshToken"]
        for _ in range(rotations):
            answer = await client.post(REFRESH, json={"refreshToken": current})
            current = (await answer.json())["refreshToken"]
        assert (await client.post(LOGOUT, json={"refreshToken": first})).status == 204
        assert (await client.post(REFRESH, json={"refreshToken": current})).status == 401
        [row] = await fetch(
            "SELECT revoked_reason FROM sessions WHERE id = $1", UUID(first.partition(".")[0])
        )
        assert row["revoked_reason"] == "logout"


async def test_a_token_that_proves_nothing_signs_out_nobody(
    browser: Any, client: Any, make_user: Any, sign_in: Any
) -> None:
    web = await sign_in(await make_user(), "web")
    # Neither a browser's token sent by an app nor a forged token ends a session.
    assert (await client.post(LOGOUT, json={"refreshToken": web["refreshToken"]})).status == 204
    sid, counter, mac = web["refreshToken"].split(".")
    forged = f"{sid}.{counter}.{'B' if mac[0] == 'A' else 'A'}{mac[1:]}"
    nothing: dict[str, str] = {}
    for sent in (browser.send(forged), nothing):
        answer = await client.post(LOGOUT, headers=sent)
        assert answer.status == 401
        assert browser.take(answer).value == ""
    assert (await client.post(LOGOUT, json={"refreshToken": forged})).status == 401
    assert (await client.get(ME, headers=web["headers"])).status == 200


async def test_signing_out_ends_the_session_of_the_cookie_as_well(
    browser: Any, client: Any, make_user: Any, sign_in: Any
) -> None:
    user = await make_user()
    older, newer = await sign_in(user, "web"), await sign_in(user, "web")
    answer = await client.post(LOGOUT, headers=older["headers"] | browser.send(newer["refreshToken"]))
    assert answer.status == 204
    for web in (older, newer):
        assert (await client.get(ME, headers=web["headers"])).status == 401


async def test_revocations_are_listed_for_other_nodes(
    service: Any, client: Any, sign_in: Any, make_user: Any
) -> None:
    signed_in = await sign_in(await make_user())
    session_id = UUID(signed_in["refreshToken"].partition(".")[0])
    async with service.db.connection() as conn:
        assert (await sql.auth.get_session_principal(conn, session_id=session_id))["platform"] == "cli"
        await client.post(LOGOUT, headers=signed_in["headers"])
        assert session_id in {row["id"] for row in await sql.auth.list_revoked_sessions(conn)}
        assert await sql.auth.get_session_principal(conn, session_id=session_id) is None


@pytest.mark.parametrize("path", [ME, SESSIONS])
async def test_nobody_is_told_to_sign_in(client: Any, path: str) -> None:
    assert (await client.get(path)).status == 401


async def make_ticket(client: Any, headers: dict[str, str], purpose: str = "ws") -> bytes:
    """Make a ticket; return its hash."""
    answer = await client.post(TICKET, json={"purpose": purpose}, headers=headers)
    assert answer.status == 201
    body = await answer.json()
    assert body.keys() == {"ticket", "expiresIn"}
    assert body["expiresIn"] == 60
    return sha256(body["ticket"].encode()).digest()


async def test_a_ticket_opens_once(service: Any, client: Any, make_user: Any) -> None:
    user = await make_user()
    token_hash = await make_ticket(client, user.headers)

    async def consume(purpose: str) -> Any:
        async with service.db.connection(wait=5) as conn:
            return await sql.auth.consume_ticket(conn, token_hash=token_hash, purpose=purpose)

    assert await consume("download") is None
    rows = [row for row in await asyncio.gather(*(consume("ws") for _ in range(10))) if row is not None]
    assert len(rows) == 1
    assert dict(rows[0]).keys() == {
        "session_id", "user_id", "role", "role_version", "platform", "verified",
    }  # fmt: skip
    assert str(rows[0]["user_id"]) == str(user.id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tickets SET expires_at = now() - interval '1 second' WHERE token_hash = $1",
        "UPDATE sessions SET revoked_at = now() "
        "WHERE id = (SELECT session_id FROM tickets WHERE token_hash = $1)",
        "UPDATE users SET status = 'deactivated' WHERE id = (SELECT user_id FROM sessions WHERE id = "
        "(SELECT session_id FROM tickets WHERE token_hash = $1))",
    ],
)
async def test_tickets_end(service: Any, client: Any, make_user: Any, fetch: Any, change: str) -> None:
    token_hash = await make_ticket(client, (await make_user()).headers)
    await fetch(change, token_hash)
    async with service.db.connection() as conn:
        assert await sql.auth.consume_ticket(conn, token_hash=token_hash, purpose="ws") is None


async def test_ticket_purposes(client: Any, make_user: Any) -> None:
    headers = (await make_user()).headers
    await make_ticket(client, headers, "download")
    for wrong in ({}, {"purpose": "admin"}, {"purpose": None}, {"purpose": "ws", "sessionId": str(uuid4())}):
        assert (await client.post(TICKET, json=wrong, headers=headers)).status == 422


async def test_sweeping(service: Any, client: Any, make_user: Any, fetch: Any) -> None:
    token_hash = await make_ticket(client, (await make_user()).headers)
    await fetch(
        "UPDATE tickets SET expires_at = now() - interval '1 second' WHERE token_hash = $1", token_hash
    )
    gone = await make_user()
    await fetch(
        "UPDATE sessions SET revoked_at = now() - interval '31 days' WHERE user_id = $1", UUID(str(gone.id))
    )
    async with service.db.connection() as conn:
        await sql.auth.delete_old_tickets(conn)
        await sql.auth.delete_old_sessions(conn)
    assert await fetch("SELECT 1 FROM tickets WHERE token_hash = $1", token_hash) == []
    assert await fetch("SELECT 1 FROM sessions WHERE user_id = $1", UUID(str(gone.id))) == []


async def test_sign_out_everywhere(
    browser: Any, client: Any, make_user: Any, sign_in: Any, fetch: Any
) -> None:
    user, other = await make_user(), await make_user()
    phone, web = await sign_in(user, "mobile"), await sign_in(user, "web")
    before = len(await list_sessions(client, web["headers"]))
    for wrong in ("?includeCurrent=maybe", "?everything=true"):
        assert (await client.delete(SESSIONS + wrong, headers=web["headers"])).status == 422
    answer = await client.delete(SESSIONS + "?includeCurrent=true", headers=web["headers"])
    assert (answer.status, await answer.json()) == (200, {"revoked": before})
    assert browser.take(answer).value == ""
    for signed_in in (phone, web, {"headers": user.headers}):
        assert (await client.get(ME, headers=signed_in["headers"])).status == 401
    by_cookie = {"headers": browser.send(web["refreshToken"])}
    for options in (by_cookie, {"json": {"refreshToken": phone["refreshToken"]}}):
        assert (await client.post("/api/v1/auth/refresh", **options)).status == 401
    assert (await client.get(ME, headers=other.headers)).status == 200
    rows = await fetch(
        "SELECT payload FROM events WHERE type = 'session.revoked' AND actor_id = $1", UUID(str(user.id))
    )
    assert [row["payload"]["reason"] for row in rows] == ["user"] * before


async def test_false_keeps_the_current_one(browser: Any, client: Any, make_user: Any, sign_in: Any) -> None:
    user = await make_user()
    mine = await sign_in(user, "web")
    answer = await client.delete(SESSIONS + "?includeCurrent=false", headers=mine["headers"])
    assert await answer.json() == {"revoked": 1}
    assert "Set-Cookie" not in answer.headers
    assert (await client.get(ME, headers=mine["headers"])).status == 200
