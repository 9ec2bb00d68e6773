"""Access to tasks, for routes and the API documents."""

from __future__ import annotations

from nexcorp.errors import TaskNotFound
from nexcorp.features.tasks.errors import NotYourTask
from nexcorp.security.access import allow

TAG = "Work"
SEEN = (
    "tasks that you created or are assigned to, and tasks of your projects; all tasks for holders of "
    "task:manage"
)
READ = allow("task:read", whose=SEEN)
CREATE = allow("task:create", whose="in a project its owners and editors, and holders of task:manage")
CHANGE = allow(
    "task:create",
    whose="creator, assignee, owners and editors of the project, and holders of task:manage; needs "
    "task:read, too",
)
REMOVE = allow("task:create", whose="the creator, and holders of task:manage; needs task:read, too")
OWN = (TaskNotFound, NotYourTask)
