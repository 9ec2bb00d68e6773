"""The rows of the written policy about many tasks at once: statistics, changes, saved views."""

from __future__ import annotations

from tests.policy import work_makers as makers
from tests.policy.rules import Rule

OWN = "your own only"
SHARED = "your own views, and views shared in projects that you may see"
WORK_MANY: list[Rule] = [
    Rule(
        "GET /tasks/stats",
        "task:read",
        200,
        whose="your own tasks, and tasks of your projects; all tasks for holders of task:manage",
    ),
    Rule(
        "PATCH /tasks",
        "task:create",
        200,
        whose="tasks that you created or are assigned to, and tasks of projects that you edit; all tasks "
        "for holders of task:manage; needs task:read, too",
        make=makers.a_task,
        body=lambda made: {"items": [{"id": made["id"], "status": "done"}]},
        others={"key_with": 403},
    ),
    Rule("GET /task-views", "task:read", 200, whose=SHARED),
    Rule("POST /task-views", "task:read", 201, whose=OWN, body={"name": "Late", "query": {"due": "overdue"}}),
    Rule("GET /task-views/{id}", "task:read", 200, stranger=404, whose=SHARED, make=makers.a_view),
    Rule(
        "PATCH /task-views/{id}",
        "task:read",
        200,
        stranger=404,
        whose=OWN,
        make=makers.a_view,
        body={"name": "Later"},
    ),
    Rule("DELETE /task-views/{id}", "task:read", 204, stranger=404, whose=OWN, make=makers.a_view),
]
