"""Reminders: who is told that a task is due, a day before and then."""

from __future__ import annotations

from datetime import datetime

from nexcorp.db import sql
from nexcorp.delivery.events import Audience, Event, EventType, Notice, NoticeType


def list_reminded(event: Event) -> Audience:
    """The assignee, else the creator, if it is still to be done by then when they are told."""
    return Audience(
        sql.task_reminders.find_reminded,
        task_id=event.entity_id,
        due_at=datetime.fromisoformat(event.payload["dueAt"]),
    )


def name_reminder(event: Event) -> str:
    """Another date reminds again, the same one never does."""
    return f"due:{event.entity_id}:{event.payload['dueAt']}:{event.payload['hours']}"


def remind(title: str, hours: int, variant: str = "") -> Notice:
    """What is told so many hours before."""
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
