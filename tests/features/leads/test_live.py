"""Leads live: the room, notifications, and nothing for people who may not read leads."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import sql
from nexcorp.features import PRODUCT
from nexcorp.security.app_keys import RIGHTS
from tests.api import API, NOBODY, create, fetch, get_json, outbox_empty, refused
from tests.conftest import wait_until
from tests.realtime.helpers import ask, subscribe


async def replay(service: Any, room: str) -> list[dict[str, Any]]:
    """All frames of a room, as a returning client is sent them now."""
    async with service.db.connection(wait=5) as conn:
        rows = await sql.realtime.read_frames(conn, room=room, after=0, most=100)
        return [json.loads(text) for text in await PRODUCT.renderer.render(conn, rows)]


@pytest.mark.shared
async def test_leads_in_graphql(make_user: Any) -> None:
    boss = await make_user(role="manager")
    made = [await create(boss, "/leads", name=f"Graph {n}", ownerId=str(boss.id)) for n in range(3)]
    page = 'query ($me: ID, $cursor: String) { getLeads(owner: $me, stage: "new", limit: 2, cursor: $cursor) '
    page += "{ name cursor owner { id } createdAt } }"
    first = (await ask_graph(boss, page, me=str(boss.id)))["getLeads"]
    rest = (await ask_graph(boss, page, me=str(boss.id), cursor=first[-1]["cursor"]))["getLeads"]
    assert [row["name"] for row in (*first, *rest)] == ["Graph 2", "Graph 1", "Graph 0"]
    assert (first[0]["owner"], first[0]["createdAt"]) == ({"id": str(boss.id)}, made[2]["createdAt"])
    one = "query ($id: ID!) { getLead(id: $id) { id value score } }"
    found = await ask_graph(boss, one, id=made[0]["id"])
    assert found == {"getLead": {"id": made[0]["id"], "value": None, "score": 0}}
    for wrong, code in ((NOBODY, "lead_not_found"), ("x", "validation_failed")):
        answer = await boss.client.post("/api/graphql", json={"query": one, "variables": {"id": wrong}})
        assert (await answer.json())["errors"][0]["extensions"]["code"] == code


async def ask_graph(user: Any, query: str, **variables: Any) -> Any:
    answer = await user.client.post("/api/graphql", json={"query": query, "variables": variables})
    found = await answer.json()
    assert "errors" not in found, found
    return found["data"]


async def read_inbox(user: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await get_json(user.client, "/notifications"))["data"]
    return rows


async def test_the_room_shows_what_the_list_shows(service: Any, make_user: Any, connect: Any) -> None:
    boss, member = await make_user(role="manager"), await make_user()
    page = await get_json(boss.client, "/leads")
    live, outside = await connect(boss), await connect(member)
    await subscribe(live, "leads", epoch=page["epoch"], seq=page["seq"])
    refusal = await ask(outside, "subscribe", {"room": "leads"})
    assert refusal["event"] == "error"
    for name in ("leads:x", f"leads:{boss.id}", "lead"):
        assert (await ask(live, "subscribe", {"room": name}))["data"]["code"] == "room_not_found"

    one = await create(boss, "/leads", name="One")
    two = await create(boss, "/leads", name="Two")
    assert [(await live.next("lead:created"))["data"] for _ in range(2)] == [one, two]
    await boss.client.put(f"{API}/leads/{one['id']}/stage", json={"stage": "won"})
    assert (await live.next("lead:updated"))["data"]["stage"] == "won"
    await create(boss, f"/leads/{one['id']}/interactions", kind="call", text="Hello.")
    seen = (await live.next("lead:updated"))["data"]
    assert seen == await get_json(boss.client, f"/leads/{one['id']}")
    await boss.client.post(f"{API}/leads/{one['id']}/merge", json={"fromId": two["id"]})
    gone = (await live.next("lead:deleted"))["data"]
    assert gone == {"id": two["id"], "mergedInto": one["id"]}
    await wait_until(lambda: outbox_empty(service))
    state = {}
    for frame in await replay(service, "leads"):
        state.pop(frame["data"]["id"], None)
        if frame["event"] != "lead:deleted":
            state[frame["data"]["id"]] = frame["data"]
    assert list(state.values()) == (await get_json(boss.client, "/leads"))["data"]

    # When a role loses a permission, its sockets lose the frames.
    async with service.db.transaction(wait=5) as conn:
        await conn.execute("DELETE FROM role_permissions WHERE role = 'manager' AND permission = 'lead:read'")
        service.app[RIGHTS].load(await sql.roles.list_role_permissions(conn))
    admin = await make_user(role="admin")
    assert (await live.next("unsubscribed", 8))["data"] == {"room": "leads"}
    await create(admin, "/leads", name="Hidden")
    await live.nothing("lead:created", 0.3)
    # Changing a lead needs the permission to read it.
    refusal = await refused(boss.client.put(f"{API}/leads/{one['id']}/score", json={"score": 1}), 403)
    assert refusal["code"] == "permission_required"


@pytest.mark.shared
async def test_who_may_read_leads_is_told_until_the_lead_is_gone(
    service: Any, make_user: Any, connect: Any
) -> None:
    await wait_until(lambda: outbox_empty(service))
    ann, bob, member = await make_user(role="manager"), await make_user(role="admin"), await make_user()
    live = await connect(bob)
    lead = await create(ann, "/leads", name="Konrad Zuse")
    told = (await live.next("notification:created"))["data"]
    assert (told["type"], told["title"], told["message"]) == (
        "lead_created",
        f"{ann.username} added a lead",
        "Konrad Zuse",
    )
    assert (told["relatedLeadId"], told["entity"]) == (lead["id"], {"type": "lead", "id": lead["id"]})
    other = await create(ann, "/leads", name="Zuse, K.")
    for score in (30, 30, 50):
        answer = await ann.client.put(f"{API}/leads/{lead['id']}/score", json={"score": score})
        assert answer.status == 200
    await wait_until(lambda: outbox_empty(service))
    rows = await read_inbox(bob)
    assert [row["message"] for row in rows] == [
        "Konrad Zuse: 30 -> 50",
        "Konrad Zuse: 0 -> 30",
        "Zuse, K.",
        "Konrad Zuse",
    ]
    # All new leads are one group, and all scores of one lead are one.
    groups = await fetch(
        service, "SELECT key, size FROM notification_groups WHERE receiver_id = $1 ORDER BY key", bob.id
    )
    assert [tuple(row) for row in groups] == [
        ("lead_created:None:None", 2),
        (f"score_updated:lead:{lead['id']}", 2),
    ]
    assert await read_inbox(ann) == await read_inbox(member) == []
    trail = await get_json(bob.client, f"/events?entityType=lead&entityId={lead['id']}")
    assert {row["entityName"] for row in trail["data"]} == {"Konrad Zuse"}
    assert [row["type"] for row in trail["data"]] == 2 * ["lead.score_updated"] + ["lead.created"]

    # References follow a merge.
    await ann.client.post(f"{API}/leads/{other['id']}/merge", json={"fromId": lead["id"]})
    assert {(row["relatedLeadId"], row["entity"]["id"]) for row in await read_inbox(bob)} == {
        (other["id"], other["id"])
    }
    query = "{ getNotifications { relatedLeadId relatedLead { name owner { username } } } }"
    seen = [row["relatedLead"] for row in (await ask_graph(bob, query))["getNotifications"]]
    assert seen == 4 * [{"name": "Zuse, K.", "owner": None}]
    first = rows[-1]["id"]
    assert (await ann.client.delete(f"{API}/leads/{other['id']}")).status == 204
    await wait_until(lambda: outbox_empty(service))
    for row in (await ask_graph(bob, query))["getNotifications"]:
        assert row == {"relatedLeadId": None, "relatedLead": None}
    frames = [frame["data"] for frame in await replay(service, f"user:{bob.id}")]
    changed = await bob.client.patch(f"{API}/notifications/{first}", json={"isRead": True})
    for row in (*await read_inbox(bob), *frames, await changed.json()):
        assert (row["relatedLeadId"], row["entity"], row["message"]) == (None, None, "")
        assert row["title"].startswith(ann.username)
    assert "Zuse" not in json.dumps(await get_json(bob.client, "/events?type=lead."))


@pytest.mark.shared
async def test_without_the_permission_nothing_is_seen(service: Any, make_user: Any, connect: Any) -> None:
    # Late deliveries go to those who may read leads at that moment.
    await wait_until(lambda: outbox_empty(service))
    ann, bob = await make_user(role="manager"), await make_user(role="manager")
    lead = await create(ann, "/leads", name="Quux Unlimited", notes="Quux, again.")
    await wait_until(lambda: outbox_empty(service))
    [told] = await read_inbox(bob)
    assert told["message"] == "Quux Unlimited"
    # Bob is a member from now on; his old notification no longer names the lead.
    await fetch(service, "UPDATE users SET role = 'member' WHERE id = $1", bob.id)
    async with service.db.connection(wait=5) as conn:
        [row] = await sql.notifications.render_notifications(conn, ids=[UUID(told["id"])])
    assert (row["relatedLeadId"], row["_entityId"], row["_excerpt"]) == (None, None, None)
    member = await make_user()
    live = await connect(member)
    for path in ("", f"/{lead['id']}", f"/{lead['id']}/interactions", f"/{lead['id']}/stage-log"):
        await refused(member.client.get(f"{API}/leads{path}"), 403, "permission_required")
    for path in ("/search?q=Quux", "/explore", "/feed", "/events", "/notifications"):
        assert "Quux" not in json.dumps(await get_json(member.client, path))
    await live.nothing("notification:created", 0.2)
