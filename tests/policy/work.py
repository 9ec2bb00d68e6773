"""The rows of the written policy about work."""

from __future__ import annotations

from tests.policy import work_makers as makers
from tests.policy.rules import Room, Rule

SEERS = "those that you created or are assigned to, and of your projects; holders of task:manage all"
CREATORS = "in projects their owners and editors, and holders of task:manage"
CHANGERS = "creator, assignee, owners and editors of the project, and holders of task:manage"
REMOVERS = "the creator, and holders of task:manage"

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
    Rule("GET /tasks", "task:read", 200, whose=SEERS),
    Rule(
        "GET /tasks/stats",
        "task:read",
        200,
        whose="your own, and of your projects; holders of task:manage all",
    ),
    Rule("GET /tasks/{id}", "task:read", 200, stranger=404, manager=200, whose=SEERS, make=makers.a_task),
    Rule(
        "PATCH /tasks/{id}",
        "task:create",
        200,
        stranger=404,
        manager=200,
        whose=CHANGERS,
        make=makers.a_task,
        body={"status": "done"},
    ),
    Rule(
        "PATCH /tasks",
        "task:create",
        200,
        whose="those that you created or are assigned to, of projects that you edit; holders of "
        "task:manage all",
        make=makers.a_task,
        body=lambda made: {"items": [{"id": made["id"], "status": "done"}]},
    ),
    Rule(
        "PUT /tasks/{id}/assignee",
        "task:create",
        200,
        stranger=404,
        manager=200,
        whose=CHANGERS,
        make=makers.a_task,
        body={"userId": None},
    ),
    Rule(
        "DELETE /tasks/{id}",
        "task:create",
        204,
        stranger=404,
        manager=204,
        whose=REMOVERS,
        make=makers.a_task,
    ),
]

WORK_ROOMS: list[Room] = [
    Room("task", "task:read", makers.task_id, owner=True, stranger=False, manager=True, admin=True),
    Room("project", "task:read", makers.workplace_id, owner=True, stranger=False, manager=True, admin=True),
]
