"""Reminders: people are notified a day before a task is due, and when it is due."""

from __future__ import annotations

from datetime import datetime

from nexcorp.db import sql
from nexcorp.delivery.events import Audience, Event, EventType, Notice, NoticeType


def list_reminded(event: Event) -> Audience:
    """Return the assignee, else the creator, if the task is still open and has this date when it is told."""
    return Audience(
        sql.task_reminders.find_reminded,
        task_id=event.entity_id,
        due_at=datetime.fromisoformat(event.payload["dueAt"]),
    )


def name_reminder(event: Event) -> str:
    """Build the reminder's once-key: another date reminds again, the same date never does."""
    return f"due:{event.entity_id}:{event.payload['dueAt']}:{event.payload['hours']}"


def remind(title: str, hours: int, variant: str = "") -> Notice:
    """Make the notice of a reminder, `hours` before the task is due."""
    return Notice(
        "task_due",
        title,
        variant=variant,
        receivers=lambda event: list_reminded(event) if event.payload["hours"] == hours else (),
        once_key=name_reminder,
        why="assignee",
    )


EVENTS = {
    "task.due": EventType(
        (remind("A task of yours is due within a day", 24, "soon"), remind("A task of yours is due", 0)),
        public=True,
    )
}
NOTICE_TYPES = (NoticeType("task_due"),)
