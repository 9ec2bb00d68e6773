"""Every route and every kind of room against the written policy (tests/policy/table.py)."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from nexcorp.features import PRODUCT
from nexcorp.realtime.rooms import Rooms
from nexcorp.security.access import Rights
from nexcorp.web.routing import API_PREFIX, Route
from tests.clients import PATIENCE
from tests.conftest import Client
from tests.contract import ROUTES, check_frame
from tests.policy.rules import A_CALLER, A_PERSON, ANYBODY, Room, Rule
from tests.policy.table import POLICY, ROOMS
from tests.policy.world import API, Person, World

in_one_world = pytest.mark.asyncio(loop_scope="module")


def name_operation(route: Route) -> str:
    """Return `METHOD /path` without the prefix, and without the patterns of parameters."""
    path = re.sub(r":[^{}]+}", "}", route.full_path.removeprefix(API_PREFIX))
    return f"{route.method} {path}"


def describe_access(route: Route) -> tuple[str | None, ...]:
    """Return a route's access in the terms of the policy."""
    access = route.access
    signed_in = access.permission or (A_CALLER if access.keys else A_PERSON)
    who = signed_in if access.signed_in else ANYBODY
    return who, access.also, access.whose, access.otherwise


def test_every_route_has_one_rule() -> None:
    routes, written = {name_operation(route) for route in ROUTES}, [rule.operation for rule in POLICY]
    assert routes - set(written) == set(), "add these to tests/policy/table.py"
    assert set(written) - routes == set(), "there are no such routes any more"
    assert len(written) == len(set(written))


def test_every_route_declares_what_is_written() -> None:
    written = {rule.operation: (rule.who, rule.also, rule.whose, rule.otherwise) for rule in POLICY}
    declared = {name_operation(route): describe_access(route) for route in ROUTES}
    wrong = {
        name: (access, written[name]) for name, access in declared.items() if access != written.get(name)
    }
    assert wrong == {}, "declared and written differ"


def test_what_wants_a_fresh_proof_is_written() -> None:
    declared = {name_operation(route) for route in ROUTES if route.access.fresh}
    assert declared == {rule.operation for rule in POLICY if rule.fresh}


@in_one_world
async def test_a_token_alone_gets_no_further_where_a_fresh_proof_is_wanted(world: World) -> None:
    """An admin's role does not help long after the sign-in, nor does a wrong password in the body."""
    found = {}
    for rule in (rule for rule in POLICY if rule.fresh):
        admin = await world.person("admin")
        made = await rule.make(world, admin)
        body = dict(rule.body(made) if callable(rule.body) else rule.body or {})
        body.pop("currentPassword", None)
        method, _, path = rule.operation.partition(" ")
        for sent in (body, {**body, "currentPassword": "not the password"}):
            await world.fetch(
                "UPDATE sessions SET proved_at = now() - interval '11 minutes', "
                "created_at = now() - interval '11 minutes' WHERE id = $1",
                admin.session_id,
            )
            answer = await admin.client.call(method, API + path.format(**made), json=sent)
            assert answer.status == 403, rule.operation
            found.setdefault(rule.operation, []).append((await answer.json())["code"])
    unlink = found.pop("DELETE /auth/identities/{provider}")
    # This DELETE ignores a body, so the password in it is not read.
    assert unlink == 2 * ["reauthentication_required"]
    assert {tuple(codes) for codes in found.values()} == {("reauthentication_required", "wrong_password")}


async def call_as(world: World, rule: Rule, actor: str, owner: Person) -> Client:
    """Return the client of an actor; `owner` owns the row."""
    if actor == "anonymous":
        return world.anonymous
    if actor == "owner":
        return owner.client
    if actor in ("stranger", "manager", "admin"):
        return (await world.person("member" if actor == "stranger" else actor)).client
    # These two have an admin's role, so that only their state can be the reason of a refusal.
    if actor == "revoked":
        other = await world.person("admin")
        await world.end_session(other)
        return other.client
    if actor == "deactivated":
        other = await world.person("admin")
        await world.deactivate(other)
        return other.client
    holder = owner if rule.holder == "owner" else await world.person(rule.holder)
    codes = [row["code"] for row in await world.fetch("SELECT code FROM permissions")]
    if rule.who in (ANYBODY, A_PERSON, A_CALLER):
        return await world.key(holder, codes)
    if actor == "key_with":
        return await world.key(holder, [rule.who, rule.also] if rule.also else [rule.who])
    return await world.key(holder, [code for code in codes if code != rule.who])


async def try_rule(world: World, rule: Rule, actor: str) -> tuple[int, str | None]:
    """Create a row and call the route as `actor`; return (status, error code or None)."""
    owner = await world.person()
    made = await rule.make(world, owner)
    client = await call_as(world, rule, actor, owner)
    method, _, path = rule.operation.partition(" ")
    path = path.format(**made) + rule.query
    if rule.operation in WITH_PREFIX:
        path = API + path
    options: dict[str, Any] = {"allow_redirects": False}
    if rule.body is not None:
        body = rule.body(made) if callable(rule.body) else rule.body
        options["data" if isinstance(body, aiohttp.FormData) else "json"] = body
    answer = await client.call(method, path, **options)
    if answer.status < 400 or answer.content_type != "application/json":
        return answer.status, None
    return answer.status, (await answer.json()).get("code")


WITH_PREFIX = {name_operation(route) for route in ROUTES if route.prefix == API_PREFIX}


def expect_code(rule: Rule, actor: str, status: int) -> str | None:
    """Return the error code of a refusal before the handler; None if the handler decides."""
    if rule.who == ANYBODY or (rule.who == A_CALLER and status < 400):
        return None
    if status == 401:
        return "unauthorized"
    if rule.who == A_PERSON and actor.startswith("key"):
        return "session_required"
    return "permission_required" if actor == "key_without" else None


@pytest.mark.parametrize("rule", POLICY, ids=lambda rule: rule.operation)
@in_one_world
async def test_the_service_keeps_the_rule(world: World, rule: Rule) -> None:
    wrong = []
    for actor, status in rule.expect().items():
        expected = status, expect_code(rule, actor, status)
        found = await try_rule(world, rule, actor)
        if found[0] != status or expected[1] not in (None, found[1]):
            wrong.append(f"{actor}: {found}, written is {expected}")
    assert wrong == []


def test_every_kind_of_room_has_one_rule() -> None:
    kinds = {name: kind.permission for name, kind in Rooms(PRODUCT.rooms, Rights()).kinds.items()}
    assert {room.kind: room.permission for room in ROOMS} == kinds
    assert len(ROOMS) == len(kinds)


async def subscribe(client: Client, room: str) -> str:
    """Try to join a room; return `subscribed`, the error code, or the status of a refused handshake."""
    try:
        ws = await client.session.ws_connect(
            client.url + "/ws", protocols=("nexcorp.v1",), headers=client.headers
        )
    except aiohttp.WSServerHandshakeError as refusal:
        return str(refusal.status)
    async with ws:
        await ws.send_json({"event": "subscribe", "data": {"room": room}, "id": "c1"})
        while True:
            frame = await ws.receive_json(timeout=20)
            check_frame(frame)
            if frame.get("id") == "c1":
                return str(frame["data"].get("code") or frame["event"])


async def list_holders(world: World, room: Room) -> set[str]:
    """Return the roles that hold the permission for a kind of room."""
    rows = await world.fetch("SELECT role FROM role_permissions WHERE permission = $1", room.permission)
    return {row["role"] for row in rows}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.kind)
@in_one_world
async def test_the_rooms_keep_the_rule(world: World, room: Room) -> None:
    people = {name: getattr(room, name) for name in ("owner", "stranger", "manager", "admin")}
    roles = {name: name if name in ("manager", "admin") else "member" for name in people}
    holders = await list_holders(world, room)
    refusals = {
        name: "room_not_found" if role in holders else "permission_required" for name, role in roles.items()
    }
    expected = {name: "subscribed" if joins else refusals[name] for name, joins in people.items()}
    expected |= dict.fromkeys(("anonymous", "revoked", "deactivated"), "401")
    expected["key_with"] = "403"
    rule = Rule("GET /ws", ANYBODY, 400, key_of="owner")
    found, elsewhere = {}, {}
    for actor in expected:
        owner = await world.person()
        name = await room.name(world, owner)
        client = await call_as(world, rule, actor, owner)
        found[actor] = await subscribe(client, name)
        elsewhere[actor] = await subscribe(client, f"{room.kind}:{uuid4()}")
    assert found == expected
    # A missing room is refused like a forbidden one.
    assert {elsewhere[name] for name in people} == {"room_not_found"}


async def hear(ws: aiohttp.ClientWebSocketResponse, wanted: str) -> list[Any]:
    """Return the frames up to the first whose event or id is `wanted`; raises TimeoutError."""
    heard = []
    async with asyncio.timeout(PATIENCE):
        while True:
            heard.append(await ws.receive_json())
            check_frame(heard[-1])
            if wanted in (heard[-1]["event"], heard[-1].get("id")):
                return heard


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.kind)
@in_one_world
async def test_the_rooms_keep_the_permissions_of_roles(world: World, room: Room) -> None:
    """Permissions count at joining, on open sockets, and for missed frames; returned, they count again."""
    holders = await list_holders(world, room)
    role = next(role for role in ("member", "manager", "admin") if role in holders)
    admin, owner = await world.person("admin"), await world.person(role)
    name = await room.name(world, owner)
    keeps_past = not Rooms(PRODUCT.rooms, Rights()).gathers(name)
    await world.fetch("INSERT INTO rooms (name, last_seq) VALUES ($1, 1)", name)
    await world.fetch(
        """INSERT INTO room_frames (room, seq, event_id, event, entity_type, entity_id, data, members)
        VALUES ($1, 1, uuidv7(), 'post:deleted', 'post', $2, jsonb_build_object('id', $2::uuid), '{}')""",
        name,
        owner.id,
    )
    rights = f"{API}/roles/{role}/permissions"
    before = (await (await admin.client.get(rights)).json())["permissions"]
    client, command = owner.client, {"event": "subscribe", "data": {"room": name}}

    async def connect(**past: Any) -> aiohttp.ClientWebSocketResponse:
        return await client.session.ws_connect(client.url + "/ws", headers=client.headers, params=past)

    async with await connect() as ws:
        (connected,) = await hear(ws, "connected")
        past = {"epoch": connected["data"]["epoch"], "seq": 0}
        again = {**command, "data": {**command["data"], **past}}
        await ws.send_json({**again, "id": "c1"})
        assert (await hear(ws, "c1"))[-1]["event"] == "subscribed"
        if keeps_past:
            assert (await hear(ws, "post:deleted"))[-1]["seq"] == 1
        try:
            fewer = [code for code in before if code != room.permission]
            assert (await admin.client.put(rights, json={"permissions": fewer})).status == 200
            left = [frame["data"] for frame in await hear(ws, "unsubscribed")]
            assert left[-1] == {"room": name}
            async with await connect(**past) as fresh:
                for open_one in (ws, fresh):
                    await open_one.send_json({**again, "id": "c2"})
                    heard = await hear(open_one, "c2")
                    assert heard[-1]["data"]["code"] == "permission_required"
                    await open_one.send_json({"event": "ping", "id": "c3"})
                    heard += await hear(open_one, "c3")
                    assert [frame for frame in heard if frame.get("room") == name] == []
                    if room.kind == "user":
                        assert "unread-count" not in {frame["event"] for frame in heard}
        finally:
            assert (await admin.client.put(rights, json={"permissions": before})).status == 200
        async with asyncio.timeout(20):
            while True:
                await ws.send_json({**again, "id": "c4"})
                if (await hear(ws, "c4"))[-1]["event"] == "subscribed":
                    break
                await asyncio.sleep(0.1)
        if keeps_past:
            assert (await hear(ws, "post:deleted"))[-1]["seq"] == 1
