"""Registering: names, what is refused, and retries with a key."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import idna
import pytest

REGISTER = "/api/v1/auth/register"
PASSWORD = "nobody has thought of this"


def body(**more: Any) -> dict[str, Any]:
    """A registration body with a new address."""
    return {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, **more}


async def test_register_answers_with_the_user(client: Any, service: Any) -> None:
    name = f"ann_{uuid4().hex[:8]}"
    sent = body(username=name, profile={"firstName": " Ann ", "lastName": None})
    answer = await client.post(REGISTER, json=sent)
    assert answer.status == 201
    user = (await answer.json())["user"]
    assert user.keys() == {
        "id", "email", "username", "firstName", "lastName", "avatarUrl", "role", "status", "emailVerified",
        "createdAt", "updatedAt",
    }  # fmt: skip
    assert (user["email"], user["username"], user["firstName"], user["lastName"]) == (
        sent["email"], name, "Ann", None,
    )  # fmt: skip
    assert (user["role"], user["status"]) == ("member", "active")
    assert answer.headers["Location"] == f"/api/v1/users/{user['id']}"
    async with service.db.connection() as conn:
        row = await conn.fetchrow(
            "SELECT type, actor_id, payload FROM events WHERE entity_type = 'user' AND entity_id = $1",
            user["id"],
        )
        stored = await conn.fetchval("SELECT password_hash FROM users WHERE id = $1", user["id"])
    assert row["type"] == "user.registered"
    assert row["payload"] == {"userId": user["id"], "role": "member", "method": "password"}
    assert stored.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("local", "expected"),
    [("jo.doe+work", "jo_doe_work"), ("x", "user_x"), ("ab", "user_ab"), ("-", "user"), ("a" * 60, "a" * 30)],
)
async def test_username_from_the_address(client: Any, local: str, expected: str) -> None:
    first = await client.post(REGISTER, json=body(email=f"{local}@{uuid4().hex[:10]}.example"))
    second = await client.post(REGISTER, json=body(email=f"{local}@{uuid4().hex[:10]}.example"))
    names = [(await answer.json())["user"]["username"] for answer in (first, second)]
    assert all(name.startswith(expected[:24]) and 3 <= len(name) <= 30 for name in names)
    assert names[0] != names[1]


async def test_one_local_part_ten_at_once(client: Any) -> None:
    local = f"same{uuid4().hex[:8]}"
    answers = await asyncio.gather(
        *(client.post(REGISTER, json=body(email=f"{local}@d{number}.example")) for number in range(10))
    )
    assert [answer.status for answer in answers] == [201] * 10
    assert len({(await answer.json())["user"]["username"] for answer in answers}) == 10


async def test_one_address_five_at_once(client: Any) -> None:
    sent = body()
    answers = await asyncio.gather(*(client.post(REGISTER, json=sent) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]


async def test_names_are_taken_whatever_their_case(client: Any) -> None:
    name = f"bea_{uuid4().hex[:8]}"
    sent = body(username=name)
    assert (await client.post(REGISTER, json=sent)).status == 201
    again = await client.post(REGISTER, json=body(email=sent["email"].upper()))
    assert (again.status, (await again.json())["code"]) == (409, "email_taken")
    again = await client.post(REGISTER, json=body(username=name.upper()))
    assert (again.status, (await again.json())["code"]) == (409, "username_taken")
    again = await client.post(REGISTER, json=sent)
    assert (again.status, (await again.json())["code"]) == (409, "email_taken")


async def test_a_retry_with_its_key_replays(client: Any, service: Any) -> None:
    sent, headers = body(), {"Idempotency-Key": uuid4().hex}
    first = await client.post(REGISTER, json=sent, headers=headers)
    second = await client.post(REGISTER, json=sent, headers=headers)
    assert (first.status, second.status) == (201, 201)
    assert await first.json() == await second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    other = await client.post(REGISTER, json=body(), headers=headers)
    assert other.status == 422
    async with service.db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM users WHERE email = $1", sent["email"]) == 1


async def test_one_key_five_at_once(client: Any) -> None:
    sent, headers = body(), {"Idempotency-Key": uuid4().hex}
    answers = await asyncio.gather(*(client.post(REGISTER, json=sent, headers=headers) for _ in range(5)))
    assert [answer.status for answer in answers] == [201] * 5
    assert len({(await answer.json())["user"]["id"] for answer in answers}) == 1


REFUSED = [
    ({"email": "nobody"}, "email"),
    ({"email": "a@b"}, "email"),
    ({"email": "a b@example.com"}, "email"),
    ({"email": '"quoted part"@example.com'}, "email"),
    ({"email": "a@[127.0.0.1]"}, "email"),
    ({"email": "a\u0000b@example.com"}, "email"),
    ({"email": "a" * 250 + "@example.com"}, "email"),
    ({"email": "a." * 50_000 + "@example.com"}, "email"),
    ({"email": "b\u00fccher@example.com"}, "email"),
    ({"email": "a@\u00fc..example"}, "email"),
    ({"email": "a@xn--a.example"}, "email"),
    ({"email": "a@" + "\u00fc" * 240 + ".example"}, "email"),
    ({"email": None}, "email"),
    ({"email": 1}, "email"),
    ({"password": "short12"}, "password"),
    ({"password": "x" * 129}, "password"),
    ({"password": "Password123"}, "password"),
    ({"password": "nul\u0000 in the middle"}, "password"),
    ({"username": "ab"}, "username"),
    ({"username": "a" * 31}, "username"),
    ({"username": "with space"}, "username"),
    ({"username": "line\nbreak"}, "username"),
    ({"username": "dash-ed"}, "username"),
    ({"username": "nul\u0000"}, "username"),
    ({"profile": {"firstName": "nul\u0000"}}, "profile.firstName"),
    ({"profile": {"firstName": "x" * 101}}, "profile.firstName"),
    ({"profile": {"role": "admin"}}, "profile.role"),
    ({"profile": []}, "profile._schema"),
]


@pytest.mark.shared
async def test_addresses_with_international_domains(client: Any, service: Any) -> None:
    """Stored in ASCII, shown in their own script, one account for all spellings."""
    local, host = uuid4().hex, uuid4().hex[:8]
    shown = f"{local}@b\u00fccher-{host}.example"
    stored = f"{local}@{idna.encode(shown.partition('@')[2]).decode()}"
    answer = await client.post(REGISTER, json=body(email=f" {shown.upper()} "))
    assert answer.status == 201
    user = (await answer.json())["user"]
    assert user["email"].lower() == shown and user["emailVerified"] is False
    async with service.db.connection() as conn:
        found = await conn.fetchval("SELECT email::text FROM users WHERE id = $1", user["id"])
    assert found.lower() == stored and "xn--bcher" in found
    # With a combining diaeresis, an ideographic full stop, in A-labels.
    for form in (shown.replace("\u00fc", "u\u0308"), shown.replace(".", "\u3002"), stored.upper()):
        taken = await client.post(REGISTER, json=body(email=form))
        assert (taken.status, (await taken.json())["code"]) == (409, "email_taken"), form
        login = {"email": form, "password": PASSWORD, "platform": "cli"}
        answer = await client.post("/api/v1/auth/login", json=login)
        assert answer.status == 200
    data = await answer.json()
    headers = {"Authorization": f"Bearer {data['accessToken']}"}
    profile = await (await client.get("/api/v1/users/me", headers=headers)).json()
    assert profile["email"] == data["user"]["email"] == user["email"]


@pytest.mark.parametrize(("wrong", "field"), REFUSED)
@pytest.mark.shared
async def test_refused_values(client: Any, wrong: dict[str, Any], field: str) -> None:
    answer = await client.post(REGISTER, json=body(**wrong))
    assert answer.status == 422
    assert list((await answer.json())["errors"]) == [field]


COLUMNS = [
    "id",
    "role",
    "status",
    "role_version",
    "roleVersion",
    "password_hash",
    "createdAt",
    "first_name",
    "isAdmin",
]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.shared
async def test_unknown_fields_are_refused_by_name(client: Any, column: str) -> None:
    answer = await client.post(REGISTER, json=body(**{column: "admin"}))
    assert answer.status == 422
    assert column in (await answer.json())["errors"]


async def test_passwords_are_not_trimmed(client: Any) -> None:
    sent = body(password="  with blanks around it  ")
    assert (await client.post(REGISTER, json=sent)).status == 201
    login = {"email": f" {sent['email']} ", "password": sent["password"]}
    assert (await client.post("/api/v1/auth/login", json=login)).status == 200
    login["password"] = login["password"].strip()
    assert (await client.post("/api/v1/auth/login", json=login)).status == 401


async def test_admins_are_created_not_registered(service: Any) -> None:
    from nexcorp.features.auth.admin import create_admin

    async with service.db.transaction() as conn:
        row = await create_admin(conn, f"{uuid4().hex}@example.com", "$argon2id$none", None)
    assert row["role"] == "admin"
