"""Tasks of the demo company: a project, its labels, and fourteen tasks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.documents.examples import EXAMPLE_ID, PROJECT_ID
from nexcorp.domain.demo import ADA, BARBARA, DOROTHY, EDSGER, FLORENCE, GRACE, LINUS
from nexcorp.domain.mentions import find_mentions
from nexcorp.domain.projects import tell_member
from nexcorp.domain.tasks import describe_states, tell
from nexcorp.features.tasks.due import split_due
from nexcorp.features.tasks.references import take_number
from nexcorp.features.tasks.service import number_of, update_task
from nexcorp.manifest import Demo

# Title, status, priority, kind, creator and assignee (indexes of people), whether it is in the project,
# days until it is due or SOON, label.
# SOON: the next run of the job reminds of it, a day before it is due.
SOON = timedelta(days=1, seconds=1)
TASKS: tuple[tuple[str, str, str, str, int, int | None, bool, int | timedelta | None, str | None], ...] = (
    ("Read the first chapter", "in_progress", "high", "task", ADA, GRACE, True, -3, None),
    ("Write the grammar down", "done", "medium", "task", GRACE, GRACE, True, None, "design"),
    ("A lexer for numbers and names", "in_progress", "high", "task", GRACE, ADA, True, 2, None),
    ("A parser for expressions", "todo", "high", "task", GRACE, ADA, True, 5, None),
    ("Comments are read as division", "in_progress", "urgent", "issue", ADA, GRACE, True, -1, "bug"),
    ("Print a line number with each error", "todo", "medium", "task", ADA, None, True, None, "design"),
    ("Stack machine or registers?", "todo", "low", "task", GRACE, EDSGER, True, 12, "design"),
    ("Empty input ends in a crash", "todo", "urgent", "issue", GRACE, ADA, True, SOON, "bug"),
    ("Try it on Windows", "cancelled", "low", "task", ADA, None, True, None, None),
    ("Tests for the lexer", "todo", "medium", "task", BARBARA, BARBARA, True, 4, None),
    ("Order coffee beans", "todo", "high", "task", LINUS, LINUS, False, -2, None),
    ("Book a room for the reading", "in_progress", "medium", "task", GRACE, DOROTHY, False, 3, None),
    ("Renew the library card", "todo", "low", "task", LINUS, LINUS, False, 20, None),
    ("Talk about the spring offsite", "review", "medium", "task", ADA, FLORENCE, False, 8, None),
)
LABELS = (("bug", "#d73a4a"), ("design", "#5319e7"))
# The project's members besides its owner.
MEMBERS = ((ADA, "editor"), (BARBARA, "editor"), (EDSGER, "viewer"), (LINUS, "viewer"))
# Task, the person who moves it, new status.
MOVES = ((0, GRACE, "done"), (4, GRACE, "review"))
# Task, author, text.
COMMENTS = (
    (2, GRACE, "Numbers and names work. What do we do about strings?"),
    (2, ADA, "Later: the grammar has none yet."),
    (4, GRACE, "Fixed, and there is a test for it. Would you look at it, @ada?"),
    (12, LINUS, "It expired in spring."),
)


async def insert_demo_tasks(conn: Any, demo: Demo) -> None:
    """Insert the project and its tasks; the API documents use the project and the first task as examples."""
    await sql.projects.import_project(
        conn,
        project_id=PROJECT_ID,
        name="A compiler in an afternoon",
        description="From the grammar to a program that runs. Whoever is curious may look on.",
        visibility="internal",
        owner_id=demo.people[GRACE],
    )
    for person, role in MEMBERS:
        user_id = demo.people[person]
        await sql.projects.save_member(conn, project_id=PROJECT_ID, user_id=user_id, role=role)
        await tell_member(conn, PROJECT_ID, user_id, demo.people[GRACE], before=None, after=role)
    labels = {
        name: await sql.labels.insert_label(conn, project_id=PROJECT_ID, name=name, color=color)
        for name, color in LABELS
    }
    today = datetime.now(UTC).date()
    made: list[UUID] = []
    for task in TASKS:
        made.append(await insert_task(conn, demo, task, EXAMPLE_ID if not made else None, labels, today))
    await sql.task_links.add_link(conn, blocker_id=made[2], blocked_id=made[3])
    for text, is_done in (("numbers", True), ("names", True), ("strings", False)):
        await sql.checklists.insert_item(conn, task_id=made[2], text=text, is_done=is_done)
    for number, person, status in MOVES:
        await update_task(conn, demo.callers[person], made[number], {"status": status}, None, False)
    for number, person, body in COMMENTS:
        await sql.comments.create_task_comment(
            conn,
            task_id=made[number],
            author_id=demo.people[person],
            sees_all=False,
            parent_id=None,
            body=body,
            usernames=find_mentions(body),
            context=describe_context(),
        )


async def insert_task(
    conn: Any, demo: Demo, task: tuple[Any, ...], task_id: UUID | None, labels: dict[str, UUID], today: date
) -> UUID:
    """Insert one of TASKS; return its id."""
    title, status, priority, kind, creator, assignee, in_project, days, label = task
    project_id = PROJECT_ID if in_project else None
    due: date | None = today + timedelta(days=days) if isinstance(days, int) else None
    if isinstance(days, timedelta):
        due = datetime.now(UTC) + days
    new_id: UUID = await sql.tasks.insert_task(
        conn,
        task_id=task_id,
        kind=kind,
        title=title,
        description=None,
        status=status,
        priority=number_of(priority),
        creator_id=demo.people[creator],
        assignee_id=demo.people[assignee] if assignee is not None else None,
        project_id=project_id,
        number=await take_number(conn, project_id),
        lead_id=None,
        parent_id=None,
        external_ref=None,
        **split_due(due),
    )
    if label is not None:
        await sql.tasks.set_labels(conn, task_id=new_id, label_ids=[labels[label]])
    row = await sql.tasks.get_changed_task(conn, task_id=new_id, viewer_id=None)
    await tell(conn, "task.created", demo.people[creator], row, after=describe_states(row))
    return new_id
