"""A project from its creation to its purge, and its members."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexcorp.features import PRODUCT
from nexcorp.security.app_keys import REVOCATIONS
from tests.api import API, NOBODY, create, fetch, fetch_value, get_json, outbox_empty, publish, refused, walk
from tests.conftest import wait_until
from tests.features.projects.helpers import found, join, put, remove
from tests.features.tasks.test_live import read_all
from tests.leaving import leave
from tests.realtime.helpers import ask, subscribe
from workers.jobs.projects import purge_projects

pytestmark = pytest.mark.shared


async def told(person: Any) -> list[tuple[str, str]]:
    """(title, message) of a person's notifications of memberships."""
    rows = (await get_json(person.client, "/notifications?type=member_added"))["data"]
    return [(row["title"], row["message"]) for row in rows]


async def test_a_change_names_the_version_that_it_is_based_on(make_user: Any) -> None:
    ada = await make_user()
    answer = await ada.client.post(f"{API}/projects", json={"name": "  Compiler "})
    made, path = await answer.json(), f"{API}/projects/{(await answer.json())['id']}"
    assert answer.headers["Location"] == path
    assert made["name"] == "Compiler" and (made["visibility"], made["role"]) == ("private", "owner")
    assert (made["memberCount"], made["storage"]) == (1, {"bytes": 0, "limit": 2**30})
    etag = answer.headers["ETag"]
    assert (await ada.client.get(path, headers={"If-None-Match": etag})).status == 304
    changed = await ada.client.patch(path, json={"description": "Of C", "version": 1})
    assert (await changed.json())["version"] == 2
    again = await ada.client.patch(path, json={"description": "Of C"})
    assert (await again.json())["version"] == 2
    stale = await refused(ada.client.patch(path, json={"name": "B", "version": 1}), 409, "stale_version")
    assert stale["current"]["description"] == "Of C"
    await refused(ada.client.patch(path, json={"name": "B"}, headers={"If-Match": etag}), 412)
    await refused(ada.client.delete(path, headers={"If-Match": etag}), 412)
    for body in ({}, {"version": 2}, {"name": ""}, {"name": "x" * 121}, {"visibility": "open"}, {"x": 1}):
        await refused(ada.client.patch(path, json=body), 422)
    assert (await (await ada.client.patch(path, json={"description": None})).json())["description"] is None


async def test_members_come_change_and_go(make_user: Any, service: Any, connect: Any) -> None:
    ada, bob, cyd = await make_user(), await make_user(), await make_user()
    revoked: list[UUID] = []
    service.app[REVOCATIONS].on_projects = revoked.extend
    project = await found(ada, editor=bob, viewer=cyd)
    live = await connect(cyd)
    place = await subscribe(live, f"project:{project}")
    await read_all(live, service)
    await join(ada, project, cyd, "editor")
    await join(ada, project, cyd, "editor")
    [frame] = [one for one in await read_all(live, service) if one["room"] == f"project:{project}"]
    assert frame["event"] == "project:updated" and frame["data"]["changed"] == ["members"]
    assert frame["data"]["memberCount"] == 3 and "role" not in frame["data"]
    assert await told(cyd) == [
        (f"{ada.username} changed your role in a project", "A project: editor"),
        (f"{ada.username} added you to a project", "A project: viewer"),
    ]
    await refused(remove(ada, project, ada), 409, "last_owner")
    await refused(put(ada, project, ada, "viewer"), 409, "last_owner")
    await refused(remove(bob, project, cyd), 403, "not_your_project")
    await refused(put(ada, project, type("Nobody", (), {"id": NOBODY}), "viewer"), 404, "user_not_found")
    members = await walk(ada.client, f"/projects/{project}/members", 2)
    assert [[row["role"] for row in page] for page in members] == [["owner", "editor"], ["editor"]]

    revoked.clear()
    assert (await remove(ada, project, cyd)).status == 204
    assert [frame["event"] for frame in await read_all(live, service)] == ["unsubscribed"]
    await wait_until(lambda: asyncio.sleep(0, UUID(project) in revoked))
    again = await ask(live, "subscribe", {"room": f"project:{project}", **place})
    assert again["data"]["code"] == "room_not_found"
    await refused(remove(ada, project, cyd), 404, "member_not_found")
    await refused(cyd.client.get(f"{API}/projects/{project}"), 404)
    # A removed member no longer sees the project's name in old notifications.
    assert not any("A project" in message for _, message in await told(cyd))
    # Any member may leave.
    assert (await remove(bob, project, bob)).status == 204
    await refused(remove(bob, project, bob), 404, "project_not_found")


async def test_of_two_owners_who_leave_at_once_one_stays(make_user: Any, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    for number in range(12):
        project = await found(ada, owner=bob)
        if number % 2:
            calls = [remove(ada, project, ada), remove(bob, project, bob)]
        else:
            calls = [put(ada, project, bob, "viewer"), put(bob, project, ada, "viewer")]
        statuses = sorted(answer.status for answer in await asyncio.gather(*calls))
        # The second request comes from the last owner (409), or from a former owner (403).
        assert statuses in ([204, 409], [200, 403]), statuses
        owners = "SELECT count(*) FROM project_members WHERE project_id = $1 AND role = 'owner'"
        assert await fetch_value(service, owners, project) == 1


async def test_the_trash_hides_all_and_gives_all_back(make_user: Any, service: Any, connect: Any) -> None:
    ada, bob, admin = await make_user(), await make_user(), await make_user(role="admin")
    project = await found(ada, "public", editor=bob)
    task = await create(bob, "/tasks", title="Findable", projectId=project, assigneeId=str(bob.id))
    gone = await create(bob, "/tasks", title="Gone before", projectId=project)
    await bob.client.delete(f"{API}/tasks/{gone['id']}")
    live = await connect(bob)
    await subscribe(live, f"project:{project}")
    await read_all(live, service)
    paths = (f"/projects/{project}", f"/tasks/{task['id']}", f"/labels?project={project}")
    assert (await ada.client.delete(f"{API}/projects/{project}")).status == 204
    frames = await read_all(live, service)
    assert [(frame["event"], frame["data"]) for frame in frames] == [("project:deleted", {"id": project})]
    for person in (ada, bob, admin):
        for path in paths:
            await refused(person.client.get(API + path), 404)
        assert task["id"] not in {row["id"] for row in (await get_json(person.client, "/tasks"))["data"]}
        found_now = (await get_json(person.client, "/search?q=findable&kind=task"))["data"]
        assert task["id"] not in {row["id"] for row in found_now}
    await refused(bob.client.post(f"{API}/tasks/{gone['id']}/restore"), 409, "project_deleted")
    refusal = await ask(await connect(bob), "subscribe", {"room": f"project:{project}"})
    assert refusal["data"]["code"] == "room_not_found"
    assert (await get_json(bob.client, "/projects/trash"))["data"] == []
    [row] = (await get_json(ada.client, "/projects/trash"))["data"]
    assert row["id"] == project and row["deletedBy"]["id"] == str(ada.id)
    await refused(bob.client.post(f"{API}/projects/{project}/restore"), 404)
    assert (await ada.client.post(f"{API}/projects/{project}/restore")).status == 200
    assert [frame["event"] for frame in await read_all(live, service)] == ["project:restored"]
    for path in paths:
        assert (await bob.client.get(API + path)).status == 200
    await refused(admin.client.delete(f"{API}/projects/{project}/purge"), 404)


async def test_what_is_purged_goes_for_good_in_parts(make_user: Any, service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("workers.jobs.projects.TASKS_AT_ONCE", 2)
    monkeypatch.setattr("workers.jobs.projects.FILES_AT_ONCE", 2)
    ada, admin = await make_user(), await make_user(role="admin")
    project, young = await found(ada), await found(ada)
    post = await publish(ada, type="project", projectId=project)
    for number in range(3):
        await create(ada, "/tasks", title=f"Task {number}", projectId=project)
        await fetch(
            service,
            "INSERT INTO files (project_id, path, kind, type) VALUES ($1, $2, 'text', 'text/plain')",
            project,
            f"{number}.txt",
        )
    for one in (project, young):
        assert (await ada.client.delete(f"{API}/projects/{one}")).status == 204
    assert (await admin.client.delete(f"{API}/projects/{project}/purge")).status == 204
    assert [row["id"] for row in (await get_json(ada.client, "/projects/trash"))["data"]] == [young]
    await refused(ada.client.post(f"{API}/projects/{project}/restore"), 404)
    # The job runs already on request; this second run takes the parts it leaves.
    await purge_projects({"database": service.db})

    async def is_gone() -> bool:
        return not await fetch(service, "SELECT FROM projects WHERE id = $1", project)

    await wait_until(is_gone)
    kinds = "SELECT type FROM events WHERE project_id = $1 AND type LIKE '%.purged' ORDER BY type"
    purged = [row["type"] for row in await fetch(service, kinds, project)]
    assert purged == ["project.purged", *3 * ["task.purged"]]
    assert (await get_json(ada.client, f"/posts/{post['id']}"))["projectId"] is None
    assert (await ada.client.post(f"{API}/projects/{young}/restore")).status == 200


async def test_who_leaves_the_company_is_followed(make_user: Any, service: Any) -> None:
    ada, bob, cyd, dan = [await make_user() for _ in range(4)]
    led = await found(ada, viewer=dan)
    await join(ada, led, bob, "editor")
    await join(ada, led, cyd, "editor")
    await fetch(
        service, "UPDATE project_members SET created_at = now() - interval '1 day' WHERE user_id = $1", cyd.id
    )
    watched, lonely, shared = await found(ada, viewer=dan), await found(ada), await found(ada, owner=bob)
    async with service.db.transaction(wait=5) as conn:
        await leave(conn, ada.id)
    # Once more, as the job does for rows added meanwhile.
    async with service.db.transaction(wait=5) as conn:
        await PRODUCT.leave(conn, ada.id)
    owners: dict[str, set[UUID]] = {}
    for row in await fetch(service, "SELECT project_id, user_id FROM project_members WHERE role = 'owner'"):
        owners.setdefault(str(row["project_id"]), set()).add(row["user_id"])
    assert (owners[led], owners[watched], owners[shared]) == ({cyd.id}, {dan.id}, {bob.id})
    assert lonely not in owners
    assert await fetch_value(service, "SELECT deleted_at IS NOT NULL FROM projects WHERE id = $1", lonely)
    await wait_until(lambda: outbox_empty(service))
    assert (await told(cyd))[0][0] == "You are an owner of a project now: its last one has left"
    assert (await get_json(cyd.client, f"/projects/{led}"))["role"] == "owner"


async def test_activity_is_told_by_reference(make_user: Any, service: Any) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    project = await found(ada, "internal", viewer=bob)
    task = await create(ada, "/tasks", title="Old title", description="Secret words", projectId=project)
    body = {"taskId": task["id"], "body": "Said in confidence"}
    assert (await ada.client.post(f"{API}/comments", json=body)).status == 201
    await ada.client.patch(f"{API}/tasks/{task['id']}", json={"title": "New title", "status": "done"})
    await ada.client.patch(f"{API}/projects/{project}", json={"visibility": "private"})
    await create(ada, "/task-views", name="My own", query={"due": "overdue"}, projectId=project, shared=False)
    pages = await walk(bob.client, f"/projects/{project}/activity", 2)
    rows = [row for page in pages for row in page]
    assert [row["type"] for row in rows] == [
        "project.updated",
        "task.updated",
        "comment.created",
        "task.created",
        "member.added",
        "project.created",
    ]
    assert [rows[0]["before"], rows[0]["after"]] == [{"visibility": "internal"}, {"visibility": "private"}]
    assert (rows[1]["entityName"], sorted(rows[1]["changed"])) == ("New title", ["status", "title"])
    assert rows[4]["user"]["id"] == str(bob.id) and rows[4]["after"] == {"role": "viewer"}
    assert all(row["actor"]["id"] == str(ada.id) and "ip" not in row for row in rows)
    assert "Old title" not in str(rows) and "Secret" not in str(rows)
    await refused(eve.client.get(f"{API}/projects/{project}/activity"), 404)


async def test_whoever_is_assigned_becomes_an_editor(make_user: Any, service: Any) -> None:
    ada, bob, cyd, boss = (
        await make_user(),
        await make_user(),
        await make_user(),
        await make_user(role="manager"),
    )
    project, other = await found(ada), await found(bob)
    post = await publish(ada, type="project", projectId=project)
    path = f"{API}/posts/{post['id']}"
    assert post["projectId"] == project
    # Only members see a post's project; frames of a room show it to nobody.
    assert (await get_json(bob.client, f"/posts/{post['id']}"))["projectId"] is None
    await refused(ada.client.patch(path, json={"projectId": other}), 422)
    plain = await publish(ada)
    await refused(ada.client.patch(f"{API}/posts/{plain['id']}", json={"projectId": project}), 422)
    await refused(ada.client.post(f"{API}/posts", json={"body": "x", "projectId": project}), 422)
    for person in (bob, cyd):
        assert (await person.client.put(f"{path}/interest")).status == 200
    assert (await ada.client.put(f"{path}/assignee", json={"userId": str(bob.id)})).status == 200
    assert (await get_json(bob.client, f"/posts/{post['id']}"))["projectId"] == project
    assert (await get_json(bob.client, f"/projects/{project}"))["role"] == "editor"
    await wait_until(lambda: outbox_empty(service))
    assert [row[1] for row in await told(bob)] == ["A project: editor"]
    # Unassigning removes no member, and assigning does not demote an owner.
    await join(ada, project, bob, "owner")
    for body in ({"userId": str(cyd.id)}, {"userId": str(bob.id)}, {"userId": None}):
        assert (await boss.client.put(f"{path}/assignee", json=body)).status == 200
    roles = {
        row["user"]["id"]: row["role"]
        for row in (await get_json(bob.client, f"/projects/{project}/members"))["data"]
    }
    assert roles == {str(ada.id): "owner", str(bob.id): "owner", str(cyd.id): "editor"}
    # An author who may no longer write to the project cannot let anybody in.
    assert (await remove(bob, project, ada)).status == 204
    assert (await remove(bob, project, cyd)).status == 204
    assignment = {"userId": str(cyd.id)}
    await refused(ada.client.put(f"{path}/assignee", json=assignment), 403, "not_your_project")
    unlinked = await ada.client.patch(path, json={"projectId": None})
    assert (await unlinked.json())["projectId"] is None
    assert (await ada.client.put(f"{path}/assignee", json=assignment)).status == 200
    await refused(cyd.client.get(f"{API}/projects/{project}"), 404)
