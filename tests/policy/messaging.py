"""The rows of the written policy about conversations: no role opens those of other people."""

from __future__ import annotations

from typing import Any

from tests.api import create
from tests.policy.rules import Made, Room, Rule
from tests.policy.world import API, Person, World


async def a_group(world: World, owner: Person) -> Made:
    """A group of the owner."""
    return {"id": (await create(owner, "/conversations", title="A group"))["id"]}


async def group_id(world: World, owner: Person) -> Any:
    """Create a group of the owner; return its id."""
    return (await a_group(world, owner))["id"]


async def a_group_with_another(world: World, owner: Person) -> Made:
    """Create a group of the owner with another member."""
    group, other = await a_group(world, owner), await world.person()
    answer = await owner.client.put(f"{API}/conversations/{group['id']}/members/{other.id}", json={})
    assert answer.status == 200
    return {**group, "userId": other.id}


async def a_message(world: World, owner: Person) -> Made:
    """A message of the owner."""
    group = await a_group(world, owner)
    message = await create(owner, f"/conversations/{group['id']}/messages", body="Hello.")
    return {"id": message["id"], "emoji": "⭐"}


async def a_group_with_a_message(world: World, owner: Person) -> Made:
    """A group with a message."""
    group = await a_group(world, owner)
    await create(owner, f"/conversations/{group['id']}/messages", body="Hello.")
    return group


async def somebody(world: World, owner: Person) -> Made:
    """Create another person."""
    return {"id": (await world.person()).id}


def with_somebody(made: Made) -> Made:
    """Return the body that opens a conversation with the person."""
    return {"userId": str(made["id"])}


MEMBERS = "members of the conversation only, whatever their role in the company"
# An answer to a change shows the row, so it needs message:read as well.
ANSWERED = ("PATCH", "PUT")
MESSAGING: list[Rule] = [
    Rule("POST /conversations", "message:create", 201, make=somebody, body=with_somebody),
    Rule("GET /conversations", "message:read", 200),
    Rule("GET /conversations/unread", "message:read", 200),
    Rule("GET /messages/search", "message:read", 200, query="?q=hello"),
    *(
        Rule(f"{method} /users/{{id}}/block", permission, 200, make=somebody)
        for method, permission in (
            ("GET", "message:read"),
            ("PUT", "message:create"),
            ("DELETE", "message:create"),
        )
    ),
    *(
        Rule(
            f"{method} /conversations/{{id}}{path}",
            permission,
            status,
            stranger=404,
            whose=whose,
            make=make,
            body=body,
            query=query,
            also="message:read" if permission == "message:create" and method in ANSWERED else None,
        )
        for method, path, permission, status, whose, make, body, query in (
            ("GET", "", "message:read", 200, MEMBERS, a_group, None, ""),
            ("PATCH", "", "message:create", 200, "owners of the group", a_group, {"title": "Other"}, ""),
            ("DELETE", "", "message:create", 204, "owners of the group", a_group, None, ""),
            ("GET", "/members", "message:read", 200, MEMBERS, a_group, None, ""),
            (
                "PUT",
                "/members/{userId}",
                "message:create",
                200,
                "any member may add people; only owners give roles",
                a_group_with_another,
                {"role": "owner"},
                "",
            ),
            (
                "DELETE",
                "/members/{userId}",
                "message:create",
                204,
                "any member may leave; only owners remove others",
                a_group_with_another,
                None,
                "",
            ),
            ("GET", "/messages", "message:read", 200, MEMBERS, a_group, None, ""),
            ("POST", "/messages", "message:create", 201, MEMBERS, a_group, {"body": "Hello."}, ""),
            ("PUT", "/read", "message:read", 200, MEMBERS, a_group, {"n": 1}, ""),
            ("PUT", "/delivered", "message:read", 200, MEMBERS, a_group, {"n": 1}, ""),
            ("GET", "/receipts", "message:read", 200, MEMBERS, a_group_with_a_message, None, "?n=1"),
            ("PUT", "/settings", "message:read", 200, MEMBERS, a_group, {"level": "none"}, ""),
        )
    ),
    *(
        Rule(
            f"{method} /messages/{{id}}{path}",
            permission,
            status,
            stranger=404,
            whose=whose,
            make=a_message,
            body=body,
            also="message:read"
            if permission == "message:create" and (method, path) != ("DELETE", "")
            else None,
        )
        for method, path, permission, status, whose, body in (
            ("GET", "", "message:read", 200, MEMBERS, None),
            ("PATCH", "", "message:create", 200, "the author only", {"body": "Other."}),
            ("DELETE", "", "message:create", 204, "the author, and owners of the group", None),
            ("PUT", "/reactions/{emoji}", "message:create", 200, MEMBERS, None),
            ("DELETE", "/reactions/{emoji}", "message:create", 200, MEMBERS, None),
        )
    ),
]
MESSAGING_ROOMS = [
    Room("conversation", "message:read", group_id, owner=True, stranger=False, manager=False, admin=False)
]
