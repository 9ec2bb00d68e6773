"""Role and status: who may set them, how soon that takes effect, and the last administrator."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from nexcorp.db import sql
from nexcorp.embedded import ValkeyServer
from nexcorp.features.users import service as people
from nexcorp.realtime import protocol
from nexcorp.security.app_keys import RIGHTS, TOKENS
from nexcorp.security.caller import Caller
from tests.api import API, NOBODY, get_json
from tests.conftest import wait_until
from tests.leaving import leave
from tests.realtime.helpers import closed


async def put(user: Any, person: Any, what: str, value: str) -> Any:
    """PUT a user's role or status; return the answer."""
    return await user.client.put(f"{API}/users/{getattr(person, 'id', person)}/{what}", json={what: value})


async def test_a_role_is_given_once(make_user: Any, fetch: Any) -> None:
    boss, ann = await make_user(role="admin"), await make_user()
    for _ in range(2):
        answer = await put(boss, ann, "role", "manager")
        assert (answer.status, (await answer.json())["role"]) == (200, "manager")
    rows = await fetch("SELECT actor_id, entity_id, payload FROM events WHERE type = 'user.role_changed'")
    assert [tuple(row) for row in rows] == [
        (boss.id, ann.id, {"userId": str(ann.id), "old": "member", "new": "manager"})
    ]
    # The old token names another role.
    assert (await ann.client.get(f"{API}/users/me")).status == 401


async def test_only_those_who_manage_people(make_user: Any) -> None:
    boss, manager, ann = await make_user(role="admin"), await make_user(role="manager"), await make_user()
    for user in (manager, ann):
        assert (await put(user, ann, "role", "admin")).status == 403
        assert (await put(user, boss, "status", "deactivated")).status == 403
    assert (await put(boss, NOBODY, "role", "admin")).status == 404
    assert (await put(boss, NOBODY, "status", "active")).status == 404
    for what, value in (("role", "king"), ("status", "deleted"), ("role", "")):
        assert (await put(boss, ann, what, value)).status == 422


async def test_deactivating_ends_everything_and_activating_lets_in_again(
    make_user: Any, make_key: Any, fetch: Any, client: Any
) -> None:
    boss, ann = await make_user(role="admin"), await make_user()
    key = await make_key(ann, "post:read")
    assert (await client.get(f"{API}/posts", headers=key)).status == 200
    for _ in range(2):
        answer = await put(boss, ann, "status", "deactivated")
        assert (answer.status, (await answer.json())["status"]) == (200, "deactivated")
    assert (await client.get(f"{API}/posts", headers=key)).status == 401
    assert (await ann.client.get(f"{API}/posts")).status == 401
    login = {"email": ann.email, "password": ann.password, "platform": "cli"}
    assert (await client.post(f"{API}/auth/login", json=login)).status == 401
    rows = await fetch("SELECT revoked_reason FROM sessions WHERE user_id = $1", ann.id)
    assert {row[0] for row in rows} == {"deactivated"}
    assert (await put(boss, ann, "status", "active")).status == 200
    assert (await client.get(f"{API}/posts", headers=key)).status == 401
    assert (await ann.client.get(f"{API}/posts")).status == 401
    assert (await client.post(f"{API}/auth/login", json=login)).status == 200
    events = await fetch("SELECT payload->>'new' FROM events WHERE type = 'user.status_changed' ORDER BY id")
    assert [row[0] for row in events] == ["deactivated", "active"]


class TestWithoutRedis:
    """Without Redis, the nodes poll PostgreSQL."""

    @pytest.fixture
    def config(self, config: Any, own_valkey: ValkeyServer) -> Any:
        return replace(config, redis_url=own_valkey.url)

    async def test_deactivation_reaches_other_nodes(
        self, make_user: Any, make_key: Any, connect: Any, client: Any, second_node: str, own_valkey: Any
    ) -> None:
        boss = await make_user(role="admin")
        for redis_is_up in (True, False):
            ann = await make_user()
            key = await make_key(ann, "post:read")
            lives = [await connect(ann), await connect(ann, url=second_node)]
            calls = [(url, headers) for url in (client.url, second_node) for headers in (key, ann.headers)]
            for url, headers in calls:
                async with client.session.get(f"{url}{API}/posts", headers=headers) as answer:
                    assert answer.status == 200
            if not redis_is_up:
                own_valkey.kill()
            began = time.monotonic()
            assert (await put(boss, ann, "status", "deactivated")).status == 200
            for live in lives:
                code, _ = await closed(live)
                assert code in (protocol.SESSION_REVOKED, protocol.TOKEN_EXPIRED)

            async def shut_out(calls: Any = calls) -> bool:
                for url, headers in calls:
                    async with client.session.get(f"{url}{API}/posts", headers=headers) as answer:
                        if answer.status != 401:
                            return False
                return True

            await wait_until(shut_out, 10)
            assert time.monotonic() - began < (4 if redis_is_up else 10)

    async def test_permissions_reach_other_nodes(
        self, make_user: Any, client: Any, second_node: str, own_valkey: Any
    ) -> None:
        boss, ann = await make_user(role="admin"), await make_user()
        own_valkey.kill()
        role = await get_json(boss.client, "/roles/member/permissions")
        less = [code for code in role["permissions"] if code != "post:read"]
        answer = await boss.client.put(f"{API}/roles/member/permissions", json={"permissions": less})
        assert answer.status == 200

        async def refused() -> bool:
            async with client.session.get(f"{second_node}{API}/posts", headers=ann.headers) as answer:
                return bool(answer.status == 403)

        await wait_until(refused, 10)


async def test_the_last_administrator_stays(make_user: Any) -> None:
    boss = await make_user(role="admin")
    sleeper = await make_user(role="admin")
    assert (await put(boss, sleeper, "status", "deactivated")).status == 200
    for answer in (
        await put(boss, boss, "role", "member"),
        await put(boss, boss, "status", "deactivated"),
        await boss.client.delete(f"{API}/users/me"),
    ):
        assert (answer.status, (await answer.json())["code"]) == (409, "last_admin")
    # Setting the same role is allowed, and one of two administrators may step down.
    assert (await put(boss, boss, "role", "admin")).status == 200
    assert (await put(boss, sleeper, "role", "member")).status == 200
    await make_user(role="admin")
    assert (await put(boss, boss, "role", "member")).status == 200


def act_for(service: Any, user: Any) -> Caller:
    """The user as a Caller, for calls of services."""
    return Caller(service.app[TOKENS].verify(user.token), service.app[RIGHTS])


async def allow_member(service: Any, fetch: Any, *codes: str) -> None:
    """Give members more permissions, at once on this node."""
    await fetch("INSERT INTO role_permissions SELECT 'member', unnest($1::text[])", list(codes))
    async with service.db.connection() as conn:
        service.app[RIGHTS].load(await sql.roles.list_role_permissions(conn))


async def test_who_manages_people_raises_nobody_above_themselves(
    make_user: Any, service: Any, fetch: Any
) -> None:
    boss, manager, deputy, ann = [
        await make_user(role=role) for role in ("admin", "manager", "member", "member")
    ]
    await allow_member(service, fetch, "user:manage", "role:manage")

    async def refused(answer: Any, code: str = "rank_too_high") -> None:
        assert (answer.status, (await answer.json())["code"]) == (403, code)

    for person in (deputy, ann):
        await refused(await put(deputy, person, "role", "admin"))
        await refused(await put(deputy, person, "role", "manager"))
    for person in (boss, manager):
        await refused(await put(deputy, person, "role", "member"))
        await refused(await put(deputy, person, "status", "deactivated"))
    assert (await put(deputy, ann, "status", "deactivated")).status == 200
    # Nor by giving their own role more, or other roles fewer permissions.
    mine = (await get_json(boss.client, "/roles/member/permissions"))["permissions"]
    path = f"{API}/roles/member/permissions"
    answer = await deputy.client.put(path, json={"permissions": [*mine, "post:moderate"]})
    await refused(answer, "permission_required")
    for role in ("manager", "admin"):
        answer = await deputy.client.put(f"{API}/roles/{role}/permissions", json={"permissions": mine})
        await refused(answer)
    assert (await put(boss, deputy, "role", "admin")).status == 200
    # All of an administrator's permissions do not make an administrator.
    everything = [row["code"] for row in await fetch("SELECT code FROM permissions")]
    assert (await boss.client.put(path, json={"permissions": everything})).status == 200
    async with service.db.connection() as conn:
        service.app[RIGHTS].load(await sql.roles.list_role_permissions(conn))
    eve = await make_user()
    await refused(await put(eve, eve, "role", "admin"))
    assert (await put(eve, eve, "role", "manager")).status == 200


async def test_two_administrators_at_once_leave_one(make_user: Any, service: Any, fetch: Any) -> None:
    """Each demotes the other, in two transactions that are open at the same time."""
    for change in ("role", "status", "leave"):
        one, two = await make_user(role="admin"), await make_user(role="admin")

        both, ready = asyncio.Semaphore(0), asyncio.Event()

        async def go(
            actor: Any, other: Any, change: str = change, both: Any = both, ready: Any = ready
        ) -> str:
            try:
                async with service.db.transaction(wait=5) as conn:
                    await conn.execute("SELECT 1")
                    both.release()
                    await ready.wait()
                    if change == "role":
                        await people.set_role(conn, act_for(service, actor), other.id, "member")
                    elif change == "status":
                        await people.set_status(conn, act_for(service, actor), other.id, "deactivated")
                    else:
                        await leave(conn, other.id)
                    # Long enough for the other transaction to be open as well.
                    await asyncio.sleep(0.2)
            except people.LastAdmin:
                return "last_admin"
            return "done"

        tasks = [asyncio.create_task(go(one, two)), asyncio.create_task(go(two, one))]
        await both.acquire()
        await both.acquire()
        ready.set()
        assert sorted(await asyncio.gather(*tasks)) == ["done", "last_admin"], change
        rows = await fetch("SELECT id FROM users WHERE role = 'admin' AND status = 'active'")
        assert len(rows) == 1
        await fetch("UPDATE users SET role = 'member' WHERE role = 'admin'")
