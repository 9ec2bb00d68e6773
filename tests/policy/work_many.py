"""The rows of the written policy about many tasks at once: statistics, changes, saved views."""

from __future__ import annotations

from tests.policy import work_makers as makers
from tests.policy.rules import Rule

OWN = "your own only"
SHARED = "your own, and those shared in projects that you see"
WORK_MANY: list[Rule] = [
    Rule(
        "GET /tasks/stats",
        "task:read",
        200,
        whose="your own, and of your projects; holders of task:manage all",
    ),
    Rule(
        "PATCH /tasks",
        "task:create",
        200,
        whose="those that you created or are assigned to, of projects that you edit; holders of "
        "task:manage all; with task:read",
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
