"""Permissions for files, sessions and /collab: every route, for every role, key and visibility."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.api import API, create
from tests.features.files.helpers import make
from tests.features.projects.helpers import found

pytestmark = pytest.mark.shared

OPEN_TO = {"private": (), "internal": ("reader",), "public": ("reader", "anonymous")}
MEMBERS = ("owner", "editor", "viewer", "manager")
# Method, path, body, and the need; {p}, {f}, {t} and {s} are a project, a file in it, a deleted file
# and a session that its owner holds.
ROUTES: list[tuple[str, str, Any, str]] = [
    ("GET", "/projects/{p}/files", None, "read"),
    ("POST", "/projects/{p}/files", "a new path", "add"),
    ("GET", "/projects/{p}/files/trash", None, "write"),
    ("DELETE", "/projects/{p}/files/trash", None, "own"),
    ("GET", "/projects/{p}/folders", None, "read"),
    ("PATCH", "/projects/{p}/folders", {"from": "a", "to": "b"}, "write"),
    ("DELETE", "/projects/{p}/folders?path=a", None, "write"),
    ("GET", "/projects/{p}/archive", None, "read"),
    ("GET", "/files/{f}", None, "read"),
    ("PATCH", "/files/{f}", "a new path", "write"),
    ("DELETE", "/files/{f}", None, "write"),
    ("POST", "/files/{t}/restore", None, "write"),
    ("GET", "/files/{f}/content", None, "read"),
    ("PUT", "/files/{f}/content", "a new text", "write"),
    ("GET", "/files/{f}/versions", None, "read"),
    ("GET", "/files/{f}/versions/1", None, "read"),
    ("GET", "/files/{f}/versions/1/content", None, "read"),
    ("POST", "/files/{f}/versions/1/restore", None, "write"),
    ("GET", "/projects/{p}/sessions", None, "member"),
    ("POST", "/projects/{p}/sessions", {"title": "Now"}, "add"),
    ("GET", "/projects/{p}/presence", None, "member"),
    ("GET", "/sessions/{s}", None, "member"),
    ("GET", "/sessions/{s}/participants", None, "member"),
    ("POST", "/sessions/{s}/join", None, "member"),
    ("POST", "/sessions/{s}/leave", None, "member"),
    ("DELETE", "/sessions/{s}", None, "own"),
    ("GET", "/collab/{f}", None, "edit"),
]
CAN = {
    "read": MEMBERS,
    "member": MEMBERS,
    "edit": MEMBERS,
    # "write" also needs to read, since the answer shows the change; "add" only adds something.
    "write": ("owner", "editor", "manager"),
    "add": ("owner", "editor", "manager"),
    "own": ("owner", "manager"),
}


def expect(need: str, actor: str, visibility: str) -> tuple[int, ...]:
    """The statuses that `actor` may get on a route that needs `need`; 101 opens a socket."""
    is_key, role = actor.endswith(" key"), actor.partition(" ")[0]
    if is_key and (
        need == "edit"
        or role == "blind"
        or (role == "reading" and need in ("write", "add", "own"))
        or (role == "creating" and need != "add")
    ):
        # A key lacks the scope, or opens an editor's socket, which needs a session.
        return (403,)
    if is_key:
        role = "editor"
    if role == "anonymous" and need != "read":
        return (401,)
    if role in CAN[need]:
        return (101,) if need == "edit" else (200, 201, 204)
    if role in MEMBERS:
        return (403,)
    if role not in OPEN_TO[visibility]:
        return (404,)
    return {"read": (200,), "edit": (101,)}.get(need, (403,))


@pytest.mark.parametrize("visibility", OPEN_TO)
async def test_every_route(make_user: Any, client: Any, visibility: str) -> None:
    people = {name: await make_user() for name in ("owner", "editor", "viewer", "reader")}
    people["manager"] = await make_user(role="manager")
    callers = {name: person.client for name, person in people.items()}
    callers["anonymous"] = client
    scopes = {
        "writing": ["project:read", "project:create"],
        "reading": ["project:read"],
        "creating": ["project:create"],
        "blind": ["task:read"],
    }
    for name, wanted in scopes.items():
        key = (await create(people["editor"], "/auth/api-keys", name=name, scopes=wanted))["key"]
        callers[f"{name} key"] = client.as_user({"Authorization": f"Bearer {key}"})
    owner = people["owner"]
    project = await found(owner, visibility, editor=people["editor"], viewer=people["viewer"])
    wrong = []
    for (method, path, body, need), (actor, caller) in itertools.product(ROUTES, callers.items()):
        file = (await make(owner, project, f"a/{uuid4()}.md", "Text"))["id"]
        names = {"p": project, "f": file}
        if "{t}" in path:
            names["t"] = file
            assert (await owner.client.delete(f"{API}/files/{file}")).status == 204
        if "{s}" in path:
            names["s"] = (await create(owner, f"/projects/{project}/sessions", title="Ours"))["id"]
            if path.endswith("/leave"):
                await caller.post(f"{API}/sessions/{names['s']}/join")
        wanted = expect(need, actor, visibility)
        if need == "edit":
            status = await shake_hands(caller, path.format(**names))
        else:
            sent: dict[str, Any] = {"json": body}
            if body == "a new path":
                sent = {"json": {"path": f"b/{uuid4()}.md"}}
            elif body == "a new text":
                sent = {"data": "Other"}
            status = (await caller.call(method, API + path.format(**names), **sent)).status
        if status not in wanted:
            wrong.append((method, path, actor, status, wanted))
    assert wrong == []


async def shake_hands(caller: Any, path: str) -> int:
    """Open a socket; return the status of the handshake."""
    try:
        async with caller.session.ws_connect(caller.url + path, headers=caller.headers):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status
