"""What can go wrong with tasks."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden, NotFound


class TaskNotFound(NotFound):
    """The task does not exist, is in the trash, or the viewer may not see it."""

    code, message = "task_not_found", "There is no such task."
    meaning = "The task does not exist, is in the trash, or the viewer may not see it."


class NotYourTask(Forbidden):
    """The caller sees the task, and may not do this; the message says who may."""

    code = "not_your_task"
    message = "Only its creator, its assignee and editors of its project may change a task."
    meaning = "The caller sees the task, and may not do this; the message says who may."


class NotYourProject(Forbidden):
    """The caller only reads the project."""

    code, message = "not_your_project", "You may only read this project."
    meaning = "The caller only reads the project; its owners and editors may do this."


class HasSubtasks(Conflict):
    """A task with subtasks stays in its project, and is no subtask itself."""

    code, message = "has_subtasks", "The task has subtasks: it stays in its project, and below no other."
    meaning = "The task has subtasks, which keeps it in its project and from being one itself."
