"""The permissions of every route, for every role, key and visibility, and for anonymous callers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.api import API, create, fetch_value, get_json, outbox_empty, publish, refused, walk
from tests.conftest import wait_until
from tests.features.projects.helpers import ROLES, found, join

pytestmark = pytest.mark.shared

# Status by role: for what members see, for what owners may do; and who else may read.
SEES = {"owner": 200, "editor": 200, "viewer": 200, "manager": 200}
OWNS = {"owner": 200, "editor": 403, "viewer": 403, "manager": 200}
READERS = {"private": {}, "internal": {"stranger"}, "public": {"stranger", "anonymous"}}
ROUTES: list[tuple[str, str, Any, str]] = [
    ("GET", "", None, "read"),
    ("GET", "/members", None, "people"),
    ("GET", "/activity", None, "member"),
    ("GET", "/board", None, "tasks"),
    ("PATCH", "", {"description": "Other"}, "own"),
    ("PUT", "/members/{other}", {"role": "viewer"}, "own"),
    ("DELETE", "/members/{other}", None, "own"),
    ("DELETE", "", None, "own"),
    ("POST", "/restore", None, "restore"),
    ("DELETE", "/purge", None, "purge"),
]
# API keys: (owner, scopes). A key acts as its owner does, as far as its scopes allow.
KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "full key": ("owner", ("project:read", "project:create", "task:read")),
    "reading key": ("owner", ("project:read",)),
    "creating key": ("owner", ("project:create",)),
    "blind key": ("owner", ("post:read",)),
    "managing key": (
        "manager",
        ("project:read", "project:create", "project:manage", "task:read", "task:manage"),
    ),
    # A manager of all projects, member of none: without project:manage the key reads like a stranger.
    "held key": ("manager", ("project:read", "project:create", "task:read")),
}
# A change also needs project:read, since the answer shows the project.
SCOPES = {
    "read": ("project:read",),
    "people": ("project:read",),
    "member": ("project:read",),
    "tasks": ("task:read",),
    "own": ("project:read", "project:create"),
    "restore": ("project:read", "project:create"),
    "purge": ("project:purge",),
}


def expect(need: str, actor: str, visibility: str) -> int:
    """The status that `actor` gets on a route that needs `need`."""
    if actor in KEYS:
        person, scopes = KEYS[actor]
        if not set(SCOPES[need]) <= set(scopes):
            return 403
        actor = "stranger" if actor == "held key" else person
    if actor == "anonymous":
        return (200 if visibility == "public" else 404) if need == "read" else 401
    if need == "purge":
        return 403
    if need == "restore":
        return 200 if actor in ("owner", "manager") else 404
    if need == "tasks":
        return SEES.get(actor, 404)
    reads = actor in READERS[visibility]
    if need in ("read", "people"):
        return SEES.get(actor, 200 if reads else 404)
    return (SEES if need == "member" else OWNS).get(actor, 403 if reads else 404)


@pytest.mark.parametrize("visibility", READERS)
async def test_every_route(make_user: Any, client: Any, service: Any, visibility: str) -> None:
    people = {role: await make_user() for role in (*ROLES, "stranger", "other")}
    people["manager"] = await make_user(role="manager")
    clients = {name: person.client for name, person in people.items() if name != "other"}
    clients["anonymous"] = client
    for name, (person, scopes) in KEYS.items():
        key = await create(people[person], "/auth/api-keys", name=name, scopes=scopes)
        clients[name] = client.as_user({"Authorization": f"Bearer {key['key']}"})
    project = await found(people["owner"], visibility, editor=people["editor"], viewer=people["viewer"])
    wrong = []
    for (method, path, body, need), (actor, caller) in itertools.product(ROUTES, clients.items()):
        if need == "own":
            await join(people["owner"], project, people["other"], "viewer")
        if need in ("restore", "purge"):
            await people["manager"].client.delete(f"{API}/projects/{project}")
        target = f"{API}/projects/{project}{path.format(other=people['other'].id)}"
        answer = await caller.call(method, target, json=body)
        wanted = expect(need, actor, visibility)
        if answer.status not in ((200, 204) if wanted == 200 else (wanted,)):
            wrong.append((method, path, actor, answer.status, wanted))
        await people["manager"].client.post(f"{API}/projects/{project}/restore")
    assert wrong == []
    assert await fetch_value(service, "SELECT deleted_at IS NULL FROM projects WHERE id = $1", project)


async def test_what_hangs_on_a_project_obeys_the_same_rule(make_user: Any) -> None:
    """Readers of an open project see no tasks, labels, views or statistics of it, and write nowhere there."""
    owner, editor, viewer, reader, eve = [await make_user() for _ in range(5)]
    project = await found(owner, "internal", editor=editor, viewer=viewer)
    private = await found(owner)
    await create(owner, "/tasks", title="Ours", projectId=project)
    await create(editor, "/labels", name="bug", color="#ff0000", projectId=project)
    await create(owner, "/task-views", name="Mine", query={"due": "overdue"}, projectId=project, shared=True)
    for person, status in ((viewer, 200), (reader, 404)):
        for path in (f"/labels?project={project}", f"/tasks/stats?project={project}"):
            assert (await person.client.get(API + path)).status == status, path
        for path in (f"/tasks?project={project}", f"/task-views?project={project}"):
            assert len((await get_json(person.client, path))["data"]) == (status == 200), path
        task = {"title": "Theirs", "projectId": project}
        await refused(person.client.post(f"{API}/tasks", json=task), 403, "not_your_project")
        link = {"type": "project", "body": "Who joins?", "projectId": project}
        await refused(person.client.post(f"{API}/posts", json=link), 403, "not_your_project")
    for path, body in (("/tasks", {"title": "Theirs"}), ("/posts", {"type": "project", "body": "Who?"})):
        error = await refused(eve.client.post(API + path, json={**body, "projectId": private}), 422)
        assert list(error["errors"]) == ["projectId"]
    await publish(owner, type="project", projectId=private)


async def test_lists_hold_what_one_may_see(make_user: Any, client: Any) -> None:
    ada, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    before = {row["id"] for [row] in await walk(ada.client, "/projects", 1)}
    mine, open_, hidden = await found(ada), await found(bob, "internal"), await found(bob)
    joined, gone = await found(bob, "public", viewer=ada), await found(ada)
    await ada.client.delete(f"{API}/projects/{gone}")

    async def read(query: str, person: Any = ada, limit: int = 1) -> list[str]:
        pages = await walk(person.client, f"/projects?{query}", limit)
        return [row["id"] for page in pages for row in page if row["id"] not in before]

    assert await read("") == [joined, open_, mine]
    assert await read("visibility=private") == [mine]
    assert await read("role=mine") == [joined, mine]
    assert await read("role=owner") == [mine] and await read("role=editor") == []
    assert await read("visibility=public", limit=9) == [joined]
    assert set(await read("", boss, 50)) >= {mine, open_, hidden, joined}
    assert gone not in await read("", boss, 50)
    name = {"name": "Größe 100 %"}
    assert (await ada.client.patch(f"{API}/projects/{mine}", json=name)).status == 200
    assert await read("q=grosse") == [mine] or await read("q=gr%C3%B6%C3%9Fe") == [mine]
    assert await read("q=100%20%25") == [mine] and await read("q=1%25%25") == []
    rows = {row["id"]: row["role"] for row in (await get_json(ada.client, "/projects?limit=9"))["data"]}
    assert [rows[one] for one in (joined, open_, mine)] == ["viewer", "reader", "owner"]
    await refused(client.get(f"{API}/projects"), 401)
    for query in ("visibility=secret", "role=reader", "limit=0", "cursor=x"):
        await refused(ada.client.get(f"{API}/projects?{query}"), 422)


async def test_search_finds_what_one_may_see(make_user: Any, service: Any) -> None:
    ada, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    projects = {}
    for visibility in READERS:
        body = {"name": f"Zeppelin {visibility}", "description": "Airworthy", "visibility": visibility}
        projects[visibility] = (await create(ada, "/projects", **body))["id"]

    async def search(person: Any, words: str) -> set[str]:
        rows = (await get_json(person.client, f"/search?kind=project&q={words}"))["data"]
        return {row["title"].split()[-1] for row in rows}

    for indexed in (False, True):
        assert await search(ada, "zeppelin") == await search(boss, "airworthy") == set(READERS), indexed
        assert await search(bob, "zeppelin") == {"internal", "public"}
        await wait_until(lambda: outbox_empty(service))
    await ada.client.patch(f"{API}/projects/{projects['public']}", json={"description": None})
    await ada.client.delete(f"{API}/projects/{projects['internal']}")
    await wait_until(lambda: outbox_empty(service))
    assert await search(bob, "airworthy") == set() and await search(ada, "airworthy") == {"private"}
    assert await search(ada, "zeppelin") == {"private", "public"}
