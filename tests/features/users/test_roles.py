"""Permissions of roles: shown, replaced as a whole, and never so that administrators lock themselves out."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api import API, get_json

PATH = f"{API}/roles/member/permissions"


async def test_the_list(make_user: Any, fetch: Any) -> None:
    boss = await make_user(role="admin")
    body = await get_json(boss.client, "/roles")
    assert [row["role"] for row in body["data"]] == ["admin", "manager", "member"]
    known = {row["code"] for row in body["permissions"]}
    assert known == {row[0] for row in await fetch("SELECT code FROM permissions")}
    assert set(body["data"][0]["permissions"]) == known
    assert all(row["description"] for row in body["permissions"])
    assert await get_json(boss.client, "/roles/member/permissions") == body["data"][2]


async def test_only_administrators(make_user: Any) -> None:
    for role in ("member", "manager"):
        user = await make_user(role=role)
        for path in ("/roles", "/roles/member/permissions"):
            assert (await user.client.get(API + path)).status == 403
        assert (await user.client.put(PATH, json={"permissions": []})).status == 403


async def test_a_set_is_replaced_at_once_and_recorded_once(make_user: Any, fetch: Any) -> None:
    boss, ann = await make_user(role="admin"), await make_user()
    wanted = ["audit:read", "post:read", "post:read"]
    for _ in range(2):
        answer = await boss.client.put(PATH, json={"permissions": wanted})
        assert answer.status == 200
        assert await answer.json() == {"role": "member", "permissions": ["audit:read", "post:read"]}
    for _ in range(100):
        if (await ann.client.get(f"{API}/users")).status == 403:
            break
        await asyncio.sleep(0.02)
    assert (await ann.client.get(f"{API}/users")).status == 403
    assert (await ann.client.get(f"{API}/posts")).status == 200
    (row,) = await fetch("SELECT entity_type, payload FROM events WHERE type = 'role.permissions_changed'")
    assert row["entity_type"] == "role"
    assert row["payload"]["added"] == ["audit:read"]
    assert "user:read" in row["payload"]["removed"]
    assert "post:read" not in row["payload"]["removed"]
    answer = await boss.client.put(PATH, json={"permissions": []})
    assert (await answer.json())["permissions"] == []
    assert (await get_json(boss.client, "/roles"))["data"][2] == {"role": "member", "permissions": []}


async def test_what_is_refused(make_user: Any) -> None:
    boss = await make_user(role="admin")
    before = await get_json(boss.client, "/roles")
    answer = await boss.client.put(PATH, json={"permissions": ["post:read", "post:burn"]})
    assert answer.status == 422
    assert "post:burn" in (await answer.json())["errors"]["permissions"][0]
    bad: list[Any] = [
        {},
        {"permissions": None},
        {"permissions": "post:read"},
        {"permissions": [1]},
        {"x": []},
    ]
    for body in bad:
        assert (await boss.client.put(PATH, json=body)).status == 422
    everything = [row["code"] for row in before["permissions"]]
    for missing in ("role:manage", "user:manage"):
        less = [code for code in everything if code != missing]
        answer = await boss.client.put(f"{API}/roles/admin/permissions", json={"permissions": less})
        assert (answer.status, (await answer.json())["code"]) == (409, "permission_indispensable")
    king = f"{API}/roles/king/permissions"
    assert (await boss.client.get(king)).status == 404
    assert (await boss.client.put(king, json={"permissions": []})).status == 404
    assert await get_json(boss.client, "/roles") == before


async def test_sets_at_the_same_time_do_not_mix(make_user: Any) -> None:
    boss = await make_user(role="admin")
    sets = [["post:read", "user:read"], ["audit:read", "post:like"]]
    for _ in range(5):
        answers = await asyncio.gather(
            *(boss.client.put(PATH, json={"permissions": wanted}) for wanted in sets * 3)
        )
        assert {answer.status for answer in answers} == {200}
        now = (await get_json(boss.client, "/roles/member/permissions"))["permissions"]
        assert now in [sorted(wanted) for wanted in sets]
