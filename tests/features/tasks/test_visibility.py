"""Visibility of tasks: the SQL function against a model in plain Python."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexcorp.db import Database, sql
from nexcorp.features.tasks.lists import find_source
from nexcorp.features.tasks.schemas import KINDS, STATUSES

PEOPLE, PROJECTS = 5, 3
ROLES = (None, "viewer", "editor", "owner")
# The last person manages all tasks.
MANAGER = PEOPLE - 1
LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Task:
    """A generated task; people and projects by their index."""

    creator: int
    assignee: int | None
    project: int | None
    trashed: bool
    watchers: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Work:
    """Generated data: each person's role in each project, and the tasks."""

    roles: tuple[tuple[str | None, ...], ...]
    tasks: tuple[Task, ...]

    def sees(self, person: int, task: Task) -> bool:
        """Whether the person sees the task."""
        if task.trashed:
            return False
        if person == MANAGER or person in (task.creator, task.assignee):
            return True
        return task.project is not None and self.roles[task.project][person] is not None

    def changes(self, person: int, task: Task) -> bool:
        """Whether the person may change a task that they see."""
        if person == MANAGER or person in (task.creator, task.assignee):
            return True
        return task.project is not None and self.roles[task.project][person] in ("editor", "owner")


people = st.integers(0, PEOPLE - 1)
works = st.builds(
    Work,
    st.tuples(*(st.tuples(*(st.sampled_from(ROLES),) * PEOPLE),) * PROJECTS),
    st.lists(
        st.builds(
            Task,
            people,
            st.none() | people,
            st.none() | st.integers(0, PROJECTS - 1),
            st.booleans(),
            st.frozensets(people, max_size=2),
        ),
        min_size=1,
        max_size=8,
    ).map(tuple),
)


class Undone(Exception):
    """Rolls an example's transaction back."""


async def insert_people(conn: Any) -> list[UUID]:
    """Insert PEOPLE users, the last of them a manager; return their ids."""
    rows = await conn.fetch(
        "INSERT INTO users (email, username, role) "
        "SELECT name || '@example.com', name, role FROM unnest($1::text[], $2::text[]) AS u (name, role) "
        "RETURNING id",
        [f"p{uuid4().hex[:12]}" for _ in range(PEOPLE)],
        ["member"] * (PEOPLE - 1) + ["manager"],
    )
    return [row["id"] for row in rows]


async def insert_work(conn: Any, work: Work, ids: list[UUID]) -> tuple[list[UUID], list[UUID]]:
    """Insert the generated data; return the ids of its projects and of its tasks."""
    projects = [
        await conn.fetchval("INSERT INTO projects (name) VALUES ('p') RETURNING id") for _ in range(PROJECTS)
    ]
    members = [
        (projects[place], ids[person], role)
        for place, roles in enumerate(work.roles)
        for person, role in enumerate(roles)
        if role is not None
    ]
    await conn.executemany(
        "INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $2, $3)", members
    )
    tasks = []
    for number, task in enumerate(work.tasks, 1):
        tasks.append(
            await conn.fetchval(
                "INSERT INTO tasks (title, creator_id, assignee_id, project_id, number, deleted_at) "
                "VALUES ('t', $1, $2, $3, $4, $5) RETURNING id",
                ids[task.creator],
                ids[task.assignee] if task.assignee is not None else None,
                projects[task.project] if task.project is not None else None,
                number if task.project is not None else None,
                None if not task.trashed else await conn.fetchval("SELECT now()"),
            )
        )
        watching = [(tasks[-1], ids[person]) for person in task.watchers]
        await conn.executemany("INSERT INTO task_watchers (task_id, user_id) VALUES ($1, $2)", watching)
    return projects, tasks


async def check(conn: Any, work: Work) -> None:
    """Compare every way to read a task with the model, for every person."""
    ids = await insert_people(conn)
    projects, tasks = await insert_work(conn, work, ids)
    dealt = list(zip(tasks, work.tasks, strict=True))
    seen = {(task, ids[who]) for who in range(PEOPLE) for task, it in dealt if work.sees(who, it)}
    for who, user in enumerate(ids):
        sees_all = who == MANAGER
        mine = {task for task, person in seen if person == user}
        filters: dict[str, Any] = {
            "viewer_id": user,
            "sees_all": sees_all,
            "statuses": list(STATUSES),
            "priorities": [1, 2, 3, 4],
            "kinds": list(KINDS),
            **dict.fromkeys(("assignee", "creator", "project", "label", "parent", "blocked", "words")),
            "due_from": None,
            "due_before": None,
        }
        page = {"before": LAST, "most": 100, "skip": 0}
        source = find_source(filters)
        rows = await sql.task_lists.list_by_created(conn, **filters, **source, **page)
        assert {row["id"] for row in rows} == mine
        assert await sql.task_lists.count_tasks(conn, **filters, **source, most=100) == len(mine)
        narrow = {**filters, "project": projects[0]}
        rows = await sql.task_lists.list_by_created(conn, **narrow, **find_source(narrow), **page)
        assert {row["id"] for row in rows} == {task for task, it in dealt if task in mine and it.project == 0}
        may = {task: work.changes(who, it) for task, it in dealt if task in mine}
        for read in (sql.task_bulk.get_tasks, sql.task_bulk.read_tasks):
            rows = await read(conn, ids=tasks, viewer_id=user, sees_all=sees_all)
            assert {row["id"]: row["_mayChange"] for row in rows} == may
        for task in tasks:
            row = await sql.tasks.get_task(conn, task_id=task, viewer_id=user, sees_all=sees_all)
            assert (row is not None) == (task in mine)
            held = await sql.tasks.get_locked_task(conn, task_id=task, viewer_id=user, sees_all=sees_all)
            assert held is not None and (held["id"], held["_mayChange"]) == (
                (task, may[task]) if task in mine else (None, None)
            )
            # Access that depends on the role alone: rooms, notifications.
            assert await sql.tasks.may_watch_task(conn, task_id=task, user_id=user, covers_all=True) == (
                task in mine
            )
            described = await conn.fetch("SELECT FROM describe_entity('task', $1, $2)", task, user)
            assert len(described) == (task in mine)
    pairs = [(task, user) for task in tasks for user in ids]
    rows = await sql.tasks.list_seers(conn, ids=[task for task, _ in pairs], user_ids=[u for _, u in pairs])
    assert {(row["id"], row["user_id"]) for row in rows} == seen
    for task, it in dealt:
        rows = await sql.tasks.list_concerned_after(conn, task_id=task, after=UUID(int=0), most=100)
        concerned = {it.creator, it.assignee, *it.watchers} - {None}
        assert {row["receiver_id"] for row in rows} == {
            ids[who] for who in concerned if who is not None and (task, ids[who]) in seen
        }


def test_everybody_sees_what_the_model_says(config: Any) -> None:
    async def run(examples: list[Work]) -> None:
        database = Database(config)
        await database.open()
        for work in examples:
            with contextlib.suppress(Undone):
                async with database.transaction(wait=5) as conn:
                    await check(conn, work)
                    raise Undone
        await database.close()

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(works, min_size=1, max_size=3))
    def play(examples: list[Work]) -> None:
        asyncio.run(run(examples))

    play()
