"""Profiles: who sees which members, and changing one's own."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api import API, NOBODY, fetch, get_json

EVERYBODY = {
    "id",
    "username",
    "firstName",
    "lastName",
    "jobTitle",
    "department",
    "location",
    "bio",
    "avatarUrl",
    "role",
    "createdAt",
    "followed",
    "version",
    "followerCount",
    "followingCount",
    "postCount",
}
CONTACT = {"email", "phone"}
MANAGE = {"status", "emailVerified", "lastSeenAt"}
ME = f"{API}/users/me"
FULL = {
    "firstName": "Ann",
    "lastName": "Onymous",
    "jobTitle": "Engineer",
    "department": "R&D",
    "location": "Zürich",
    "bio": "Likes trains.",
    "phone": "+41 (44) 123-45-67",
    "avatarUrl": "https://example.com/ann.png",
}


async def test_a_username_leads_to_the_person(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    seen = await get_json(ann.client, f"/users/{bob.id}")
    for name in (bob.username, bob.username.upper(), f"@{bob.username}", f"%40{bob.username}"):
        answer = await ann.client.get(f"{API}/users/by-username/{name}")
        assert (answer.status, await answer.json()) == (200, seen), name
        assert answer.headers["ETag"]
    assert "email" in await get_json(ann.client, f"/users/by-username/{ann.username}")
    for name in ("nobody_here", "a", "x" * 31, "a%00b", "é%20", "%ff"):
        answer = await ann.client.get(f"{API}/users/by-username/{name}")
        assert (answer.status, (await answer.json())["code"]) == (404, "user_not_found"), name


async def test_fields_by_role(make_user: Any) -> None:
    ann = await make_user()
    member, manager, boss = [await make_user(role=role) for role in ("member", "manager", "admin")]
    for viewer, seen in (
        (member, EVERYBODY),
        (manager, EVERYBODY | CONTACT),
        (boss, EVERYBODY | CONTACT | MANAGE),
        (ann, EVERYBODY | CONTACT | MANAGE),
    ):
        assert (await get_json(viewer.client, f"/users/{ann.id}")).keys() == seen
    own = await get_json(ann.client, "/users/me")
    assert own == await get_json(ann.client, f"/users/{ann.id}")
    assert (own["email"], own["status"], own["emailVerified"], own["role"]) == (
        ann.email,
        "active",
        True,
        "member",
    )
    assert own["lastSeenAt"] is not None


async def test_followed_is_the_viewers(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    assert (await ann.client.put(f"{API}/users/{bob.id}/follow")).status == 200
    assert (await get_json(ann.client, f"/users/{bob.id}"))["followed"] is True
    assert (await get_json(bob.client, f"/users/{ann.id}"))["followed"] is False


async def test_nobody_and_no_id(make_user: Any) -> None:
    ann = await make_user()
    assert (await ann.client.get(f"{API}/users/{NOBODY}")).status == 404
    assert (await ann.client.get(f"{API}/users/you")).status == 422


async def test_a_patch_changes_what_is_sent_and_null_clears(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    answer = await ann.client.patch(ME, json=FULL)
    assert answer.status == 200
    shown = await answer.json()
    assert {name: shown[name] for name in FULL} == FULL
    assert shown["version"] == 2
    answer = await ann.client.patch(ME, json={"bio": None, "username": "Ann_2"})
    shown = await answer.json()
    assert {name: shown[name] for name in FULL} == {**FULL, "bio": None}
    assert shown["username"] == "Ann_2"
    seen = await get_json(bob.client, f"/users/{ann.id}")
    assert (seen["username"], seen["jobTitle"]) == ("Ann_2", "Engineer")
    assert [row["username"] for row in (await get_json(bob.client, "/users?q=onym"))["data"]] == ["Ann_2"]


async def test_the_same_values_are_no_change(make_user: Any, service: Any) -> None:
    ann = await make_user()
    before = await (await ann.client.patch(ME, json=FULL)).json()
    for body in (FULL, {**FULL, "version": 2}, {"username": ann.username, "bio": FULL["bio"]}):
        answer = await ann.client.patch(ME, json=body)
        assert (answer.status, await answer.json()) == (200, before), body
        assert answer.headers["ETag"]
    # An old version is refused all the same.
    assert (await ann.client.patch(ME, json={**FULL, "version": 1})).status == 409
    assert (await ann.client.patch(ME, json=FULL, headers={"If-Match": '"1"'})).status == 412
    body = {**FULL, "bio": None, "username": ann.username.upper()}
    after = await (await ann.client.patch(ME, json=body)).json()
    assert (after["version"], after["bio"], after["username"]) == (3, None, ann.username.upper())
    rows = await fetch(service, "SELECT payload FROM events WHERE type = 'user.updated' ORDER BY id")
    assert [row["payload"]["fields"] for row in rows] == [sorted(FULL), ["bio", "username"]]
    # Of several at once each changes what the one before left.
    names = ("bio", "department", "location")
    calls = [ann.client.patch(ME, json={name: "At once"}) for name in (*names, *names)]
    assert [answer.status for answer in await asyncio.gather(*calls)] == [200] * 6
    after = await get_json(ann.client, "/users/me")
    assert (after["version"], after["bio"], after["department"], after["location"]) == (6, *["At once"] * 3)


async def test_a_taken_username(make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    answer = await ann.client.patch(ME, json={"username": bob.username.upper()})
    assert (answer.status, (await answer.json())["code"]) == (409, "username_taken")
    # One's own name in another spelling is not taken.
    assert (await ann.client.patch(ME, json={"username": ann.username.upper()})).status == 200


async def test_versions_and_etags(make_user: Any) -> None:
    ann = await make_user()
    answer = await ann.client.get(ME)
    etag = answer.headers["ETag"]
    assert (await ann.client.get(ME, headers={"If-None-Match": etag})).status == 304
    assert (await ann.client.patch(ME, json={"bio": "one", "version": 1})).status == 200
    answer = await ann.client.patch(ME, json={"bio": "two", "version": 1})
    assert answer.status == 409
    body = await answer.json()
    assert (body["code"], body["current"]["bio"], body["current"]["version"]) == ("stale_version", "one", 2)
    assert (await ann.client.patch(ME, json={"bio": "two"}, headers={"If-Match": etag})).status == 412
    answers = await asyncio.gather(
        *(ann.client.patch(ME, json={"bio": f"race {n}", "version": 2}) for n in range(8))
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7


BAD_CHANGES: list[dict[str, Any]] = [
    {},
    {"version": 1},
    {"email": "new@example.com"},
    {"role": "admin"},
    {"status": "active"},
    {"emailVerified": True},
    {"username": None},
    {"username": "no spaces"},
    {"username": "former_0123456789ab"},
    {"username": "Former_0123456789AB"},
    {"firstName": ""},
    {"firstName": "x" * 101},
    {"bio": "x" * 2001},
    {"bio": 1},
    {"phone": "call me"},
    {"phone": "１２３４"},
    {"avatarUrl": "javascript:alert(1)"},
    {"avatarUrl": "https://"},
    {"avatarUrl": "https://[bad"},
    {"avatarUrl": "https://user:pass@example.com/x"},
    {"avatarUrl": "https://example.com/a b"},
    {"version": 0, "bio": "x"},
]


async def test_bad_changes_are_refused(make_user: Any) -> None:
    ann = await make_user()
    before = await get_json(ann.client, "/users/me")
    for body in BAD_CHANGES:
        assert (await ann.client.patch(ME, json=body)).status == 422, body
    assert await get_json(ann.client, "/users/me") == before


async def test_registering_takes_the_profile(client: Any, make_user: Any) -> None:
    body = {"email": "new@example.com", "password": "a long enough secret", "profile": FULL}
    answer = await client.post(f"{API}/auth/register", json=body)
    assert answer.status == 201
    person = (await answer.json())["user"]["id"]
    manager = await make_user(role="manager")
    shown = await get_json(manager.client, f"/users/{person}")
    assert {name: shown[name] for name in FULL} == FULL
    for address in ("former_0123456789ab@example.com", "FORMER_0123456789AB@example.org"):
        answer = await client.post(f"{API}/auth/register", json={**body, "email": address})
        assert answer.status == 201
        assert (await answer.json())["user"]["username"].startswith("user_")


async def test_the_trail_says_which_fields_and_not_what(make_user: Any, service: Any) -> None:
    ann = await make_user()
    await ann.client.patch(ME, json={"phone": "0123456", "bio": "Here.", "location": None})
    async with service.db.connection() as conn:
        payload = await conn.fetchval("SELECT payload FROM events WHERE type = 'user.updated'")
    assert payload == {"userId": str(ann.id), "fields": ["bio", "phone"]}
