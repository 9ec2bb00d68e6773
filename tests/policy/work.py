"""The rows of the written policy about work."""

from __future__ import annotations

from typing import Any

from tests.policy import work_makers as makers
from tests.policy.rules import A_CALLER, Room, Rule

SEERS = (
    "tasks that you created or are assigned to, and tasks of your projects; all tasks for holders of "
    "task:manage"
)
CREATORS = "in a project its owners and editors, and holders of task:manage"
CHANGERS = (
    "creator, assignee, owners and editors of the project, and holders of task:manage; needs task:read, too"
)
REMOVERS = "the creator, and holders of task:manage; needs task:read, too"

LABELS = "labels of your projects, and labels without a project"
LABELLERS = "owners and editors of the project, and holders of task:manage, who alone may without a project"


def on_task(operation: str, permission: str, status: int, whose: str, **more: Any) -> Rule:
    """A rule for a task of the owner, which a stranger does not see.

    An answer to a change shows the task, so it needs task:read, which a key of task:create alone lacks.
    """
    if permission == "task:create" and "/tasks/" in operation:
        more["others"] = {"key_with": 403}
    return Rule(
        operation,
        permission,
        status,
        stranger=404,
        manager=more.pop("manager", status),
        whose=whose,
        make=more.pop("make", makers.a_task),
        **more,
    )


WORK: list[Rule] = [
    Rule(
        "GET /projects/{id}/board",
        "task:read",
        200,
        stranger=404,
        manager=200,
        whose="its members, and holders of task:manage",
        make=makers.a_workplace,
    ),
    Rule("POST /tasks", "task:create", 201, whose=CREATORS, body={"title": "To be done"}),
    Rule("POST /tasks/import", "task:create", 202, whose=CREATORS, make=makers.a_table, body=makers.as_form),
    Rule("GET /tasks/export.csv", "task:read", 200, whose=SEERS),
    Rule(
        "GET /imports/{id}",
        A_CALLER,
        200,
        stranger=404,
        whose="your own only",
        make=makers.an_import,
    ),
    Rule("GET /tasks", "task:read", 200, whose=SEERS),
    on_task("GET /tasks/{id}", "task:read", 200, SEERS),
    on_task("PATCH /tasks/{id}", "task:create", 200, CHANGERS, body={"status": "done"}),
    on_task("PUT /tasks/{id}/assignee", "task:create", 200, CHANGERS, body={"userId": None}),
    on_task("DELETE /tasks/{id}", "task:create", 204, REMOVERS),
    on_task("GET /tasks/{id}/history", "task:read", 200, SEERS),
    on_task("GET /comments/task/{id}", "task:read", 200, "only for tasks that you may see"),
    on_task("GET /comments/task/{id}/read", "task:read", 200, "only for tasks that you may see"),
    on_task(
        "PUT /comments/task/{id}/read",
        "task:read",
        200,
        "only for tasks that you may see",
        body=lambda made: {"upTo": str(made["id"])},
    ),
    on_task("GET /tasks/{id}/subtasks", "task:read", 200, SEERS),
    on_task("PUT /tasks/{id}/watch", "task:read", 200, SEERS),
    on_task("DELETE /tasks/{id}/watch", "task:read", 200, SEERS),
    on_task("GET /tasks/{id}/watchers", "task:read", 200, SEERS),
    on_task("GET /tasks/{id}/blockers", "task:read", 200, SEERS),
    on_task("PUT /tasks/{id}/blockers/{blockerId}", "task:create", 200, CHANGERS, make=makers.two_tasks),
    on_task("DELETE /tasks/{id}/blockers/{blockerId}", "task:create", 200, CHANGERS, make=makers.two_tasks),
    on_task("GET /tasks/{id}/checklist", "task:read", 200, SEERS),
    on_task("POST /tasks/{id}/checklist", "task:create", 201, CHANGERS, body={"text": "A step"}),
    on_task(
        "PATCH /tasks/{id}/checklist/{itemId}",
        "task:create",
        200,
        CHANGERS,
        make=makers.a_step,
        body={"isDone": True},
    ),
    on_task("DELETE /tasks/{id}/checklist/{itemId}", "task:create", 200, CHANGERS, make=makers.a_step),
    Rule("GET /tasks/trash", "task:read", 200, whose=SEERS),
    Rule("DELETE /tasks/trash", "task:create", 200, whose="tasks that you created"),
    on_task("POST /tasks/{id}/restore", "task:create", 200, REMOVERS, make=makers.a_trashed_task),
    Rule("DELETE /tasks/{id}/purge", "task:purge", 403, admin=204, make=makers.a_trashed_task),
    Rule(
        "POST /labels",
        "task:create",
        201,
        stranger=422,
        manager=201,
        whose=LABELLERS,
        make=makers.a_workplace,
        body=lambda made: {"name": "bug", "color": "#ff0000", "projectId": str(made["id"])},
    ),
    Rule("GET /labels", "task:read", 200, whose=LABELS, query="?project=none"),
    on_task(
        "PATCH /labels/{id}", "task:create", 200, LABELLERS, make=makers.a_label, body={"name": "defect"}
    ),
    on_task("DELETE /labels/{id}", "task:create", 204, LABELLERS, make=makers.a_label),
]

WORK_ROOMS: list[Room] = [
    Room("task", "task:read", makers.task_id, owner=True, stranger=False, manager=True, admin=True),
    Room("project", "task:read", makers.workplace_id, owner=True, stranger=False, manager=True, admin=True),
]
