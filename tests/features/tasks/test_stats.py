"""Statistics equal a recount, whatever happened concurrently."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from typing import Any

import pytest

from nexcorp.db import sql
from tests.api import API, create, fetch, fetch_value, get_json, refused
from tests.features.tasks.conftest import MakeProject

WRONG = """
WITH scopes AS (
    SELECT t.*, s.scope
    FROM tasks AS t
    CROSS JOIN LATERAL unnest(
        ARRAY[
            '00000000-0000-0000-0000-000000000000'::uuid, t.project_id, coalesce(t.assignee_id, t.creator_id)
        ]
    ) AS s (scope)
    WHERE t.deleted_at IS NULL AND s.scope IS NOT NULL
),
counted AS (
    SELECT scope, kind || ' ' || status || ' ' || priority AS what, count(*) AS n FROM scopes GROUP BY 1, 2
    UNION ALL
    SELECT coalesce(assignee_id, creator_id), 'open', count(*)
    FROM tasks WHERE deleted_at IS NULL AND status NOT IN ('done', 'cancelled') GROUP BY 1
    UNION ALL
    SELECT scope, 'created ' || (created_at AT TIME ZONE 'UTC')::date, count(*) FROM scopes GROUP BY 1, 2
    UNION ALL
    SELECT scope, 'completed ' || (completed_at AT TIME ZONE 'UTC')::date, count(*)
    FROM scopes WHERE status = 'done' GROUP BY 1, 2
    UNION ALL
    SELECT scope, 'cancelled ' || (cancelled_at AT TIME ZONE 'UTC')::date, count(*)
    FROM scopes WHERE status = 'cancelled' GROUP BY 1, 2
    UNION ALL
    SELECT
        scope, 'seconds ' || (completed_at AT TIME ZONE 'UTC')::date,
        sum(extract(epoch FROM completed_at - coalesce(started_at, created_at))::bigint)
    FROM scopes WHERE status = 'done' GROUP BY 1, 2
),
kept AS (
    SELECT scope, kind || ' ' || status || ' ' || priority AS what, sum(n) AS n
    FROM task_tallies GROUP BY 1, 2
    UNION ALL
    SELECT person_id, 'open', sum(open) FROM task_loads GROUP BY 1
    UNION ALL
    SELECT d.scope, v.what || ' ' || d.day, sum(v.n)
    FROM task_days AS d
    CROSS JOIN LATERAL (VALUES
        ('created', d.created), ('completed', d.completed), ('cancelled', d.cancelled),
        ('seconds', d.cycle_seconds)
    ) AS v (what, n)
    GROUP BY 1, 2
)
SELECT scope, what, k.n AS kept, c.n AS counted
FROM kept AS k
FULL JOIN counted AS c USING (scope, what)
WHERE coalesce(k.n, 0) <> coalesce(c.n, 0)
"""
CHANGES = (
    "UPDATE tasks SET status = ('{todo,review,done,cancelled}'::text[])[1 + $1::integer % 4] WHERE id = $2",
    "UPDATE tasks SET status = 'in_progress' WHERE id = $2 AND $1::integer > 0",
    "UPDATE tasks SET priority = 1 + $1::integer % 4, kind = 'issue' WHERE id = $2",
    "UPDATE tasks SET deleted_at = CASE WHEN $1::integer % 2 = 0 THEN now() END WHERE id = $2",
    "UPDATE tasks SET assignee_id = CASE WHEN $1::integer % 2 = 0 THEN creator_id END WHERE id = $2",
    "UPDATE tasks SET started_at = now() - $1::integer * interval '3 hours' WHERE id = $2",
    "UPDATE tasks SET completed_at = completed_at - $1::integer * interval '9 hours' WHERE id = $2",
    "UPDATE tasks SET project_id = NULL, number = NULL WHERE id = $2 AND $1::integer % 7 = 0",
    "UPDATE tasks SET rank = $1::integer WHERE id = $2",
    "DELETE FROM tasks WHERE id = $2 AND $1::integer % 9 = 0",
)


@pytest.mark.shared
async def test_counters_equal_a_recount(make_user: Any, make_project: MakeProject, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    project = await make_project(owner=[ada, bob])
    rows = await fetch(
        service,
        "INSERT INTO tasks (title, creator_id, assignee_id, project_id, number, created_at) "
        "SELECT 'Task', $1, CASE WHEN n % 3 = 0 THEN $2::uuid END, $3, n, now() - n * interval '1 day' "
        "FROM generate_series(1, 40) AS n RETURNING id",
        ada.id,
        bob.id,
        project,
    )
    ids = [row["id"] for row in rows]

    async def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(12):
            async with service.db.transaction(wait=20) as conn:
                # In one order, like everything that locks several tasks.
                for task_id in sorted(dice.sample(ids, 4)):
                    undo = conn.transaction()
                    await undo.start()
                    await conn.execute(dice.choice(CHANGES), dice.randrange(1, 30), task_id)
                    await (undo.rollback() if dice.random() < 0.2 else undo.commit())

    # Twelve concurrent connections, each changing several tasks per transaction.
    await asyncio.gather(*(work(seed) for seed in range(12)))
    assert await fetch(service, WRONG) == []
    assert await fetch_value(service, "SELECT count(*) FROM tasks WHERE project_id = $1", project) > 0
    # After a bulk load, for which no trigger fires, tasks are recounted.
    async with service.db.transaction() as conn:
        await conn.execute("TRUNCATE task_tallies, task_loads, task_days")
        await sql.task_stats.fill_tallies(conn)
    assert await fetch(service, WRONG) == []
    await fetch(service, "DELETE FROM projects WHERE id = $1", project)
    async with service.db.connection() as conn:
        await sql.task_stats.forget_projects(conn)
    assert await fetch(service, WRONG) == []
    left = "SELECT count(*) FROM task_tallies WHERE scope = $1"
    assert await fetch_value(service, left, project) == 0
    assert await fetch_value(service, left, ada.id) > 0


async def test_statistics_of_your_own_of_a_project_of_all(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    project = str(await make_project(owner=ada, viewer=bob))
    for priority in ("urgent", "low"):
        await create(ada, "/tasks", title="Ours", projectId=project, priority=priority)
    late = await create(
        ada,
        "/tasks",
        title="Late",
        kind="issue",
        projectId=project,
        dueDate="2020-01-01",
        assigneeId=str(bob.id),
    )
    await create(boss, "/tasks", title="Alone")
    of_project = await get_json(bob.client, f"/tasks/stats?project={project}&weeks=2")
    assert (of_project["total"], of_project["open"], of_project["overdue"]) == (3, 3, 1)
    assert of_project["byPriority"] == {"low": 1, "medium": 1, "high": 0, "urgent": 1}
    assert of_project["byKind"] == {"task": 2, "issue": 1}
    loads = [(load["user"]["id"], load["open"]) for load in of_project["byAssignee"]]
    assert loads == [(str(ada.id), 2), (str(bob.id), 1)]
    assert [week["created"] for week in of_project["throughput"]] == [0, 3]
    mine = await get_json(bob.client, "/tasks/stats")
    assert (mine["total"], mine["overdue"], mine["byAssignee"]) == (1, 1, [])

    path = f"{API}/tasks/{late['id']}"
    assert (await bob.client.patch(path, json={"status": "done"})).status == 200
    await fetch(
        service,
        "UPDATE tasks SET created_at = completed_at - interval '90 seconds' WHERE id = $1",
        late["id"],
    )
    done = await get_json(bob.client, "/tasks/stats")
    assert (done["open"], done["overdue"], done["byStatus"]["done"]) == (0, 0, 1)
    assert done["throughput"][-1]["completed"] == 1
    assert done["cycleSeconds"] == done["throughput"][-1]["cycleSeconds"] == 90
    everything = await get_json(boss.client, "/tasks/stats?scope=all")
    assert (everything["total"], everything["open"]) == (4, 3)
    assert len(everything["byAssignee"]) == 2
    # A reopened task no longer counts as completed; one in the trash does not count at all.
    assert (await bob.client.patch(path, json={"status": "review"})).status == 200
    assert (await get_json(bob.client, "/tasks/stats"))["throughput"][-1]["completed"] == 0
    assert (await ada.client.delete(path)).status == 204
    assert (await get_json(bob.client, "/tasks/stats"))["total"] == 0
    assert (await get_json(ada.client, f"/tasks/stats?scope=project&project={project}"))["total"] == 2
    assert await fetch(service, WRONG) == []

    await refused(bob.client.get(f"{API}/tasks/stats?scope=all"), 403, "permission_required")
    eve = await make_user()
    await refused(eve.client.get(f"{API}/tasks/stats?project={project}"), 404, "project_not_found")
    await refused(eve.client.get(f"{API}/tasks/stats?scope=project"), 422)
    await refused(eve.client.get(f"{API}/tasks/stats?scope=me&project={project}"), 422)

    # Later changes do not alter the number that was open when a day ended.
    for _ in range(2):
        async with service.db.connection() as conn:
            await sql.task_stats.close_day(conn)
        await fetch(service, "UPDATE tasks SET status = 'done' WHERE project_id = $1", project)
    ended = await get_json(ada.client, f"/tasks/stats?project={project}")
    assert ended["open"] == 0
    [point] = ended["burndown"]
    assert point["open"] == 2 and date.fromisoformat(point["day"]) < date.fromisoformat(
        ended["countedAt"][:10]
    )
    assert (await get_json(bob.client, "/tasks/stats"))["burndown"] == [point | {"open": 0}]
