"""Tasks in GraphQL: the same data, for the same people, as over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, create, fetch_value, get_json
from tests.features.tasks.conftest import MakeProject, leave
from tests.graphql.helpers import execute, fail, fetch, settle

pytestmark = pytest.mark.shared
TASK = """{
  id number kind title description status priority creator { id username } assignee { id } projectId parentId
  rank dueDate dueAt dueAllDay labels { id name color } blocked checklist { total done } subtasks { total }
  repeat { frequency every until timezone } uploads { id } watching commentCount version createdAt
}"""
ONE = f"query ($id: ID!) {{ getTask(id: $id) {TASK} }}"
PAGE = """query ($in: String, $assignee: ID, $project: ID, $cursor: String) {
  getTasks(limit: 2, status: $in, assignee: $assignee, project: $project, cursor: $cursor) { title cursor }
}"""
TOLD = "{ getNotifications { message relatedTask { id title watching } } }"


def cut(shown: Any, whole: Any) -> Any:
    """`whole`, reduced to the members that `shown` has."""
    if isinstance(shown, dict) and isinstance(whole, dict):
        return {name: cut(value, whole[name]) for name, value in shown.items()}
    return whole


async def ask_in_vain(user: Any, task: Any) -> str:
    """Ask for a task that is an error; return the error's code."""
    found = await execute(user, ONE, id=task["id"])
    assert found["data"] == {"getTask": None}
    code: str = found["errors"][0]["extensions"]["code"]
    return code


async def test_a_task_and_a_page_are_those_of_rest(
    service: Any, make_user: Any, make_project: MakeProject
) -> None:
    ada, bob = await make_user(), await make_user()
    project = str(await make_project(owner=ada))
    label = await create(ada, "/labels", name="bug", color="#ff0000", projectId=project)
    made = [
        await create(
            ada,
            "/tasks",
            title=f"Task {number}",
            projectId=project,
            assigneeId=str(bob.id) if number else None,
            labelIds=[label["id"]],
            dueDate="2031-01-31",
            repeat={"frequency": "monthly", "until": "2032-01-01"},
        )
        for number in range(4)
    ]
    # A rank too large for GraphQL's Int.
    await fetch_value(
        service, "UPDATE tasks SET rank = $1 WHERE id::text = $2 RETURNING rank", 2**52 - 1, made[0]["id"]
    )
    rest = await get_json(ada.client, f"/tasks/{made[0]['id']}")
    shown = (await fetch(ada, ONE, id=made[0]["id"]))["getTask"]
    assert shown == cut(shown, rest) and shown["rank"] == 2**52 - 1
    assert (await ada.client.patch(f"{API}/tasks/{made[3]['id']}", json={"status": "review"})).status == 200

    first = (await fetch(ada, PAGE, project=project))["getTasks"]
    rest_page = await get_json(ada.client, f"/tasks?project={project}&limit=2")
    assert [row["title"] for row in first] == ["Task 3", "Task 2"]
    assert first[-1]["cursor"] == rest_page["nextCursor"]
    last = (await fetch(ada, PAGE, project=project, cursor=first[-1]["cursor"]))["getTasks"]
    assert [row["title"] for row in last] == ["Task 1", "Task 0"]
    for asked, titles in (
        ({"in": "todo,done", "assignee": "me"}, ["Task 2", "Task 1"]),
        ({"in": "review", "project": project}, ["Task 3"]),
        # Bob is no member: in this project he sees only tasks assigned to him.
        ({"project": project, "assignee": "none"}, []),
    ):
        assert [row["title"] for row in (await fetch(bob, PAGE, **asked))["getTasks"]] == titles, asked
    for asked in ({"in": "begun"}, {"assignee": "you"}, {"project": "x"}, {"cursor": "forged"}):
        error = await fail(bob, PAGE, **asked)
        assert (error["code"], error["statusCode"]) == ("validation_failed", 422), asked


async def test_what_one_does_not_see_is_not_there(
    service: Any, make_user: Any, make_project: MakeProject
) -> None:
    ada, bob = await make_user(), await make_user()
    boss = await make_user(role="manager")
    project = await make_project(owner=ada, viewer=bob)
    task = await create(ada, "/tasks", title="Ours", projectId=str(project))
    assert (await bob.client.put(f"{API}/tasks/{task['id']}/watch")).status == 200
    first = await create(bob, "/comments", taskId=task["id"], body="Is it?")
    await create(ada, "/comments", taskId=task["id"], body="It is.", parentId=first["id"])
    assert (await ada.client.patch(f"{API}/tasks/{task['id']}", json={"status": "done"})).status == 200
    await settle(service)
    # One notification of the comment, one of the task itself.
    told = (await fetch(bob, TOLD))["getNotifications"]
    ours = {"id": task["id"], "title": "Ours", "watching": True}
    assert len(told) == 2 and [row["relatedTask"] for row in told] == [ours, ours]

    await leave(service, project, bob)
    assert [row["relatedTask"] for row in (await fetch(bob, TOLD))["getNotifications"]] == [None, None]
    assert await ask_in_vain(bob, task) == "task_not_found"
    assert (await fetch(bob, PAGE))["getTasks"] == []
    assert (await fetch(boss, ONE, id=task["id"]))["getTask"]["title"] == "Ours"
    # A key has only the rights it names, and one document may ask for no more rows than any other.
    key = await create(boss, "/auth/api-keys", name="robot", scopes=["task:read", "notification:read"])
    robot = boss.client.as_user({"Authorization": f"Bearer {key['key']}"})
    assert await ask_in_vain(robot, task) == "task_not_found"
    many = "{ a: getTasks(limit: 100) { id } b: getTasks(limit: 100) { id } c: getTasks(limit: 1) { id } }"
    assert (await fail(ada, many))["code"] == "graphql_too_complex"
