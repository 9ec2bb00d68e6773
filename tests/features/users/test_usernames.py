"""A given-up username is reserved for a year, for its last holder alone, and stored nowhere in plain text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, refused
from tests.traces import find_traces

ME, REGISTER = f"{API}/users/me", f"{API}/auth/register"


async def rename(user: Any, name: str) -> int:
    answer = await user.client.patch(ME, json={"username": name})
    return int(answer.status)


async def test_a_name_given_up_is_nobody_elses_for_a_year(
    service: Any, make_user: Any, client: Any, fetch: Any
) -> None:
    ann, bob = await make_user("annabel"), await make_user()
    assert await rename(ann, "ANNABEL") == 200
    assert await fetch("SELECT FROM freed_usernames") == []
    assert await rename(ann, "annabella") == 200
    body = {"email": "eve@example.com", "password": "a good long password", "username": "Annabel"}
    await refused(client.post(REGISTER, json=body), 409, "username_taken")
    await refused(bob.client.patch(ME, json={"username": "annabel"}), 409, "username_taken")
    # A name made from the address is another one.
    made = await client.post(REGISTER, json={**body, "email": "annabel@example.org", "username": None})
    assert made.status == 422
    del body["username"]
    made = await client.post(REGISTER, json={**body, "email": "annabel@example.org"})
    assert (await made.json())["user"]["username"].startswith("annabel_")
    # The last holder may take it again.
    assert await rename(ann, "annabel") == 200
    assert await rename(ann, "ann") == 200
    await fetch("UPDATE freed_usernames SET freed_at = now() - interval '366 days'")
    assert await rename(bob, "annabel") == 200


async def test_what_is_kept_of_a_name_does_not_say_it(
    service: Any, make_user: Any, client: Any, fetch: Any
) -> None:
    body = {"email": "zebulonius@example.com", "password": "a good long password"}
    made = await client.post(REGISTER, json=body, headers={"Idempotency-Key": "zeb"})
    assert made.status == 201
    answer = await client.post(f"{API}/auth/login", json={**body, "platform": "cli"})
    zeb = client.as_user({"Authorization": f"Bearer {(await answer.json())['accessToken']}"})
    assert (await zeb.patch(ME, json={"username": "quartermain"})).status == 200
    assert (await zeb.delete(ME, json={"currentPassword": body["password"]})).status == 204
    async with service.db.connection(wait=5) as conn:
        found = {place for place, _ in await find_traces(conn, ["zebulonius", "quartermain"])}
    # A worker removes the words of search a moment later.
    assert found <= {"search_doubts.word", "search_words.word"}
    rows = await fetch("SELECT user_id FROM freed_usernames")
    assert [row["user_id"] for row in rows] == [None, None]
    bob = await make_user()
    for name in ("zebulonius", "quartermain"):
        await refused(bob.client.patch(ME, json={"username": name}), 409, "username_taken")
    # Their address is free: whoever registers it gets another name.
    again = await client.post(REGISTER, json=body)
    assert again.status == 201, await again.text()
    assert (await again.json())["user"]["username"].startswith("zebulonius_")


@pytest.mark.shared
async def test_one_account_reserves_ten_names_at_most(make_user: Any, service: Any) -> None:
    ann, bob = await make_user("squirrel"), await make_user()
    for number in range(11):
        assert await rename(ann, f"squirrel_{number}") == 200
    assert await rename(bob, "squirrel_1") == 409
    assert await rename(bob, "squirrel") == 200
