"""Access to fields: every root field against the written table, for every kind of caller."""

from __future__ import annotations

from typing import Any

import pytest

from nexcorp.features import PRODUCT
from nexcorp.graphql.routes import make_schema
from tests.graphql.helpers import PATH, open_talk
from tests.policy.conftest import world as world
from tests.policy.makers import a_notification
from tests.policy.work import SEERS
from tests.policy.work_makers import a_task
from tests.policy.world import Person, World

# By field: the permission it requires, and a document. A row of another user is not found.
WRITTEN = {
    "Query.getNotifications": ("notification:read", "{ getNotifications { id } }"),
    "Query.notificationFeed": ("notification:read", "{ notificationFeed { seq } }"),
    "Query.getUnreadCount": ("notification:read", "{ getUnreadCount }"),
    "Query.getLead": ("lead:read", "query ($id: ID!) { getLead(id: $id) { id } }"),
    "Query.getLeads": ("lead:read", "{ getLeads { id cursor } }"),
    "Query.getTask": ("task:read", "query ($id: ID!) { getTask(id: $id) { id } }"),
    "Query.getTasks": ("task:read", "{ getTasks { id cursor } }"),
    "Mutation.markAsRead": (
        "notification:update",
        "mutation ($id: String!) { markAsRead(id: $id) { id } }",
    ),
    "Mutation.markAllAsRead": ("notification:update", "mutation { markAllAsRead }"),
    "Mutation.deleteNotification": (
        "notification:update",
        "mutation ($id: String!) { deleteNotification(id: $id) }",
    ),
    "Subscription.notificationCreated": (
        "notification:read",
        "subscription { notificationCreated { id } }",
    ),
    "Subscription.notificationChanged": (
        "notification:read",
        "subscription { notificationChanged { seq } }",
    ),
}
OUTSIDERS = ("anonymous", "revoked", "deactivated")
OTHERS = ("stranger", "manager", "admin")
# The callers in OTHERS that hold a permission which members lack.
HOLDERS = {"lead:read": ("manager", "admin")}
# By permission: the maker of the row that is asked for (else a notification), and who in OTHERS sees it.
MADE = {"task:read": a_task}
SEE_IT = {"task:read": ("manager", "admin")}
WHOSE = {"notification:read": "your own only", "notification:update": "your own only", "task:read": SEERS}
CALLERS = ("owner", *OTHERS, *OUTSIDERS, "key_with", "key_without")


def expect(caller: str, permission: str, document: str) -> str | int | None:
    """Return None if the caller gets the value, else the HTTP status or the error code."""
    if caller in OUTSIDERS:
        return 401
    if caller == "key_without":
        return "permission_required"
    if permission in HOLDERS:
        if caller not in HOLDERS[permission]:
            return "permission_required"
        return "lead_not_found" if "$id" in document else None
    if caller in OTHERS and caller not in SEE_IT.get(permission, ()) and "$id" in document:
        return f"{permission.partition(':')[0]}_not_found"
    return None


async def call_as(world: World, caller: str, owner: Person, permission: str) -> Any:
    """Return a client of the caller; `owner` owns the row that the document asks for."""
    if caller == "anonymous":
        return world.anonymous
    if caller == "owner":
        return owner.client
    if caller.startswith("key"):
        codes = [row["code"] for row in await world.fetch("SELECT code FROM permissions")]
        held = [permission] if caller == "key_with" else [code for code in codes if code != permission]
        return await world.key(owner, held)
    other = await world.person({"stranger": "member"}.get(caller, caller) if caller in OTHERS else "admin")
    if caller == "revoked":
        await world.end_session(other)
    if caller == "deactivated":
        await world.deactivate(other)
    return other.client


def test_every_field_is_written_and_wants_what_is_written() -> None:
    declared = make_schema(PRODUCT).list_access()
    assert {name: access.permission for name, access in declared.items()} == {
        name: permission for name, (permission, _) in WRITTEN.items()
    }
    for access in declared.values():
        assert access.whose == WHOSE.get(access.permission, access.whose)


@pytest.mark.asyncio(loop_scope="module")
async def test_every_caller_gets_what_is_written(world: World) -> None:
    wrong = {}
    for name, (permission, document) in WRITTEN.items():
        if name.startswith("Subscription"):
            continue
        for caller in CALLERS:
            owner = await world.person()
            made = await MADE.get(permission, a_notification)(world, owner)
            client = await call_as(world, caller, owner, permission)
            answer = await client.post(PATH, json={"query": document, "variables": {"id": str(made["id"])}})
            body = await answer.json()
            got: Any = None if "errors" not in body else answer.status
            if answer.status == 200 and "errors" in body:
                got = body["errors"][0]["extensions"]["code"]
            if got != expect(caller, permission, document):
                wrong[name, caller] = got
    assert wrong == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_every_caller_hears_what_is_written(world: World) -> None:
    for name, (permission, document) in WRITTEN.items():
        if not name.startswith("Subscription"):
            continue
        for caller in CALLERS:
            owner = await world.person()
            client = await call_as(world, caller, owner, permission)
            talk = await open_talk(client)
            token = client.headers.get("Authorization", "").removeprefix("Bearer ")
            await talk.say("connection_init", payload={"token": token} if token else {})
            if caller in OUTSIDERS or caller.startswith("key"):
                assert await talk.closed() == (4403 if caller.startswith("key") else 4401), (name, caller)
                continue
            await talk.hear("connection_ack")
            await talk.subscribe(document)
            # A refusal would arrive before the answer to this message.
            await talk.subscribe("subscription { nope }", "last")
            assert await talk.refused("last") == ("graphql_invalid", 400), (name, caller)
            await talk.ws.close()
