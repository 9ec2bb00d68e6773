"""The person responsible for a task is reminded a day before and when it is due, once each, whatever dies."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from nexcorp.db import sql
from nexcorp.errors import DatabaseUnavailable
from nexcorp.features import PRODUCT
from nexcorp.features.notifications.service import list_notifications
from nexcorp.web.paging import LAST_ID
from workers.delivery import Delivery
from workers.jobs.tasks import remind_due

SOON, NOW = "A task of yours is due within a day", "A task of yours is due"


async def run(database: Any, text: str, *values: Any) -> Any:
    """Run a statement; return its first value, or None."""
    async with database.connection(wait=5) as conn:
        return await conn.fetchval(text, *values)


async def shown(database: Any, user: UUID) -> list[str]:
    """Return the titles of a person's notifications, newest first."""
    async with database.connection(wait=5) as conn:
        inbox = await list_notifications(conn, user, {"limit": 100}, LAST_ID)
    return [PRODUCT.sentences.show(row)["title"] for row in inbox.rows]


async def add_task(database: Any, creator: UUID, hours: float, **columns: Any) -> UUID:
    """Create a task that is due in `hours`; return its id."""
    task_id: UUID = await run(
        database,
        "INSERT INTO tasks (title, creator_id, assignee_id, due_at) "
        "VALUES ('Task', $1, $2, now() + $3 * interval '1 hour') RETURNING id",
        creator,
        columns.get("assignee_id"),
        float(hours),
    )
    return task_id


@pytest.fixture
def remind(database: Any, pushed: Any) -> Any:
    """`await remind()`: two workers remind at the same time, then deliver at the same time."""
    workers = [Delivery(database, pushed, PRODUCT) for _ in range(2)]

    async def work() -> None:
        await asyncio.gather(*(remind_due({"database": database}) for _ in workers))
        await asyncio.gather(*(worker.drain() for worker in workers))

    return work


async def pass_by(database: Any, task_id: UUID, hours: float) -> None:
    """Move the task's next reminder `hours` closer."""
    await run(
        database,
        "UPDATE tasks SET remind_at = remind_at - $2 * interval '1 hour' WHERE id = $1",
        task_id,
        float(hours),
    )


async def test_reminded_once_a_day_before_and_when_it_is_due(database: Any, people: Any, remind: Any) -> None:
    ada, bob, eve = await people(3)
    mine = await add_task(database, ada, 30)
    theirs = await add_task(database, ada, 30, assignee_id=bob)
    await remind()
    assert await shown(database, ada) == await shown(database, bob) == []
    for task in (mine, theirs):
        await pass_by(database, task, 7)
    # A worker that dies in its transaction leaves no reminder, and the tasks are reminded by another.
    dying = database.transaction(wait=5)
    conn = await dying.__aenter__()
    assert await sql.task_reminders.remind_due(conn, most=1) == 1
    assert await sql.task_reminders.remind_due(conn, most=1) == 1
    async with database.transaction(wait=5) as other:
        assert await sql.task_reminders.remind_due(other, most=9) == 0
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseUnavailable):
        await dying.__aexit__(None, None, None)
    for _ in range(3):
        await remind()
    assert await shown(database, ada) == await shown(database, bob) == [SOON]

    # Another due date reminds again; the earlier date, set once more, does not.
    due = await run(database, "SELECT due_at FROM tasks WHERE id = $1", mine)
    await run(database, "UPDATE tasks SET due_at = now() + interval '2 hours' WHERE id = $1", mine)
    assert await run(database, "SELECT remind_at = due_at FROM tasks WHERE id = $1", mine)
    await run(database, "UPDATE tasks SET due_at = now() + interval '40 hours' WHERE id = $1", mine)
    await pass_by(database, mine, 17)
    await remind()
    assert await shown(database, ada) == [SOON, SOON]
    await run(database, "UPDATE tasks SET due_at = $2 WHERE id = $1", mine, due)
    await pass_by(database, mine, 7)
    await remind()
    assert await shown(database, ada) == [SOON, SOON]

    # After a night without a worker, the reminder at the due date is sent, but not the one before.
    await run(
        database,
        "UPDATE tasks SET due_at = now() + interval '1 second' WHERE id = $1",
        mine,
    )
    await asyncio.sleep(1.1)
    await remind()
    assert await shown(database, ada) == [NOW, SOON, SOON]
    assert await run(database, "SELECT remind_at FROM tasks WHERE id = $1", mine) is None

    # The task was completed, deleted, postponed or unassigned: this is looked up at delivery.
    gone = [await add_task(database, eve, 30, assignee_id=bob) for _ in range(4)]
    for task in gone:
        await pass_by(database, task, 7)
    await remind_due({"database": database})
    changes = (
        "UPDATE tasks SET status = 'done' WHERE id = $1",
        "UPDATE tasks SET deleted_at = now() WHERE id = $1",
        "UPDATE tasks SET due_at = now() + interval '9 days' WHERE id = $1",
        "UPDATE tasks SET assignee_id = NULL WHERE id = $1",
    )
    for task, change in zip(gone, changes, strict=True):
        await run(database, change, task)
    await remind()
    assert await shown(database, bob) == [SOON]
    assert await shown(database, eve) == [SOON]
