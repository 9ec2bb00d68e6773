"""Rows of tasks with a limited time are deleted when it is over, not before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.workers.test_reminders import run
from workers.jobs.cleanup import delete_rows, purge_trash
from workers.jobs.tasks import close_day


async def test_old_trash_is_purged_and_old_imports_are_forgotten(database: Any, people: Any) -> None:
    ada, bob = await people(2)

    async def add(days: float | None, creator: UUID = ada) -> UUID:
        made: UUID = await run(
            database,
            "INSERT INTO tasks (title, description, creator_id, deleted_at) "
            "VALUES ('Secret plans', 'More of them', $1, now() - $2::float * interval '1 day') RETURNING id",
            creator,
            days,
        )
        return made

    alive, fresh, old, older = await add(None), await add(29.9), await add(30.1), await add(99, bob)
    await run(
        database,
        "INSERT INTO task_revisions (task_id, version, field, old_text) VALUES ($1, 2, 'title', 'Secret')",
        old,
    )
    imported = (
        "INSERT INTO imports (owner_id, kind, options, finished_at) "
        "VALUES ($1, 'tasks', '{}', now() - $2 * interval '1 day')"
    )
    for days in (6.9, 7.1):
        await run(database, imported, ada, days)
    ctx = {"database": database}
    for step in (purge_trash, delete_rows, close_day, close_day):
        await step(ctx)
    left = "SELECT array_agg(id ORDER BY id) FROM tasks"
    assert set(await run(database, left)) == {alive, fresh}
    assert await run(database, "SELECT count(*) FROM task_revisions") == 0
    assert await run(database, "SELECT count(*) FROM imports") == 1
    purged = (
        "SELECT array_agg(entity_id ORDER BY id) FROM events WHERE type = 'task.purged' AND actor_id IS NULL"
    )
    assert set(await run(database, purged)) == {old, older}
    assert await run(database, "SELECT count(*) FROM events WHERE payload::text ~ 'ecret'") == 0
    assert await run(database, "SELECT sum(open_at_end) FROM task_days WHERE scope = $1", ada) == 1
