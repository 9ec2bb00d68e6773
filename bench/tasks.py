"""Lists, boards, statistics and changes of 1,000,000 tasks, for users who see many of them and few."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import uvloop

from bench.load import Load, build_request, fetch, run_load
from bench.remote import Remote, remote
from bench.stage import QUICK, REST, SERVED, Stage, read_cpu_seconds, read_family_cpu_seconds
from bench.table import Figure, median, median_ratio, percentile
from bench.tasks_fill import BOARD, EDITOR, PEOPLE, WIDE, fill
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.features.tasks.lists import SORTS, find_source
from nexcorp.features.tasks.schemas import CLOSED, KINDS, STATUSES
from nexcorp.web.paging import FIRST_ID

API = "/api/v1"
PAGE = 21
TIMES, QUICK_TIMES, WARM_TIMES = 20, 5, 2
# A slower case is not repeated.
SLOW_MS = 100.0
CHANGES, QUICK_CHANGES = 20, 5
BULK = 100
LINES, QUICK_LINES = 5_000, 500
WRITERS, CONNECTIONS = 16, 16
PATIENCE_SECONDS = 60.0
AIM_LIST_MS, AIM_BOARD_MS, AIM_STATS_MS, AIM_BULK_MS, AIM_IMPORT_SECONDS = 1.0, 2.0, 10.0, 150.0, 10.0
AIM_WRITES = 1_000
OPEN = [status for status in STATUSES if status not in CLOSED]

Ask = Callable[[], Awaitable[Any]]


def make_filters(who: UUID, project: UUID, label: UUID) -> dict[str, dict[str, Any]]:
    """The filters of the measured lists, as arguments of find_tasks()."""
    now = datetime.now(UTC)
    return {
        "all": {},
        "status=todo": {"statuses": ["todo"]},
        "status=review": {"statuses": ["review"]},
        "status=cancelled": {"statuses": ["cancelled"]},
        "the open ones": {"statuses": OPEN},
        "priority=urgent": {"priorities": [4]},
        "status=review&priority=urgent": {"statuses": ["review"], "priorities": [4]},
        "kind=issue": {"kinds": ["issue"]},
        "assignee=me": {"assignee": who},
        "assignee=me, the open ones": {"assignee": who, "statuses": OPEN},
        "assignee=none": {"assignee": FIRST_ID},
        "creator=me": {"creator": who},
        "project=": {"project": project},
        "project=&status=todo": {"project": project, "statuses": ["todo"]},
        "project=&priority=urgent": {"project": project, "priorities": [4]},
        "project=none": {"project": FIRST_ID},
        "label=": {"label": label},
        "blocked=true": {"blocked": True},
        "due=overdue": {"statuses": OPEN, "due_before": now},
        "due=week": {"statuses": OPEN, "due_from": now, "due_before": now + timedelta(days=7)},
        "q= a common word": {"words": "invoice"},
        "q= a rare one": {"words": "task 4711"},
    }


async def take_time(ask: Ask, times: int) -> float:
    """Median milliseconds of up to `times` runs of a statement, with its round trip."""
    took: list[float] = []
    for number in range(WARM_TIMES + times):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
        if number and took[-1] > SLOW_MS:
            break
    return median(took[WARM_TIMES:] or took[1:])


def time_lists(config: Config, people: dict[str, UUID], scope: dict[str, UUID], times: int) -> list[Any]:
    """(kind of user, filter, order, ms of the list, ms of rendering the same tasks by id) for every list."""
    return uvloop.run(_time_lists(config, people, scope, times))


async def _time_lists(
    config: Config, people: dict[str, UUID], scope: dict[str, UUID], times: int
) -> list[Any]:
    found = []
    database = Database(config)
    await database.open()
    async with database.connection() as conn:
        # The migrations set this for the database; set it here too, so that figures do not depend on that.
        await conn.execute("SET plan_cache_mode = force_generic_plan")
        for kind, who in people.items():
            usual: dict[str, Any] = {
                "viewer_id": who,
                "sees_all": kind == "manager",
                "statuses": list(STATUSES),
                "priorities": [1, 2, 3, 4],
                "kinds": list(KINDS),
                **dict.fromkeys(("assignee", "creator", "project", "label", "parent", "blocked", "words")),
                "due_from": None,
                "due_before": None,
            }
            for name, asked in make_filters(who, scope["project"], scope["label"]).items():
                filters = {**usual, **asked}
                for order, sort in SORTS.items():
                    start = sort.cursor.start
                    if order == "due" and filters["due_from"] is not None:
                        start = (filters["due_from"], FIRST_ID)
                    behind = dict(zip(sort.cursor.arguments, start, strict=True))
                    given = {**filters, **find_source(filters), **behind, "most": PAGE, "skip": 0}
                    ids = [row["id"] for row in await sort.list(conn, **given)]
                    took = await take_time(partial(sort.list, conn, **given), times)
                    floor = await take_time(partial(sql.tasks.render_tasks, conn, ids=ids), min(times, 5))
                    found.append((kind, name, order, took, floor))
    await database.close()
    return found


def measure_lists(stage: Stage, client: Remote, board: UUID) -> Iterator[Figure]:
    """The lists by kind of user, and the slowest of each filter."""
    times = QUICK_TIMES if stage.size is QUICK else TIMES
    cases: list[Any] = []
    for kind, number in PEOPLE.items():
        ((who,),) = stage.query("SELECT id FROM bench_users WHERE n = %s", number)
        joined = stage.query(
            "SELECT project_id FROM project_members WHERE user_id = %s ORDER BY 1 LIMIT 1", who
        )
        project = joined[0][0] if joined else board
        ((label,),) = stage.query("SELECT id FROM labels WHERE project_id = %s ORDER BY id LIMIT 1", project)
        scope = {"project": project, "label": label}
        cases += client.call(time_lists, stage.config(database_pool=(1, 1)), {kind: who}, scope, times)
    for kind in PEOPLE:
        rows = [case for case in cases if case[0] == kind]
        yield Figure(
            f"lists of the {kind}, p50 of {len(rows)} filters and orders",
            median([row[3] for row in rows]),
            "ms",
            ratio=median_ratio([row[4] for row in rows], [row[3] for row in rows]),
            floor="the same tasks, by their ids",
            aim=AIM_LIST_MS,
            aim_is_value=True,
            detail={
                "within": sum(row[3] <= AIM_LIST_MS for row in rows),
                "of": len(rows),
                "ms": {f"{name}, {order}": round(took, 2) for _, name, order, took, _ in rows},
            },
        )
    for name in dict.fromkeys(case[1] for case in cases):
        kind, _, order, took, floor = max(
            (case for case in cases if case[1] == name), key=lambda case: case[3]
        )
        yield Figure(
            f"{name}: the slowest, {kind}, {order}",
            took,
            "ms",
            ratio=floor / took,
            floor="the same tasks, by their ids",
            aim=AIM_LIST_MS,
            aim_is_value=True,
        )


def time_others(config: Config, who: UUID, project: UUID, times: int) -> dict[str, float]:
    """Milliseconds of a board and of statistics, by name."""
    return uvloop.run(_time_others(config, who, project, times))


async def _time_others(config: Config, who: UUID, project: UUID, times: int) -> dict[str, float]:
    database = Database(config)
    await database.open()
    async with database.connection() as conn:
        await conn.execute("SET plan_cache_mode = force_generic_plan")

        async def board() -> None:
            await sql.task_board.count_columns(conn, project_id=project)
            await sql.task_board.list_columns(
                conn,
                viewer_id=who,
                sees_all=False,
                project_id=project,
                statuses=list(STATUSES),
                after_rank=-(2**63),
                after=FIRST_ID,
                most=PAGE,
            )

        def count(source: str, scope: UUID) -> Ask:
            return lambda: sql.task_stats.get_stats(conn, source=source, scope=scope, weeks=12)

        took = {
            "the board of a large project": await take_time(board, times),
            "statistics of a person": await take_time(count("person", who), times),
            "statistics of a large project": await take_time(count("project", project), times),
            "statistics of all": await take_time(count("all", FIRST_ID), times),
        }
    await database.close()
    return took


def write_together(config: Config, ids: list[UUID], seconds: float) -> Load:
    """The rate of WRITERS writers, each with its own tasks and connection, who change statuses."""
    return uvloop.run(_write_together(config, ids, seconds))


async def _write_together(config: Config, ids: list[UUID], seconds: float) -> Load:
    database = Database(config)
    await database.open()
    done, began = 0, 0.0

    async def write(conn: Any, own: list[UUID]) -> None:
        nonlocal done
        turn = 0
        while time.perf_counter() < began + seconds:
            turn += 1
            await conn.execute(CHANGE_STATUS, own[turn % len(own)])
            done += 1

    conns = [await database.pool.acquire() for _ in range(WRITERS)]
    began = time.perf_counter()
    await asyncio.gather(*(write(conn, ids[number::WRITERS]) for number, conn in enumerate(conns)))
    elapsed = time.perf_counter() - began
    for conn in conns:
        await database.pool.release(conn)
    await database.close()
    return Load(done, elapsed, 0)


CHANGE_STATUS = """
UPDATE tasks
SET
    status = CASE status WHEN 'todo' THEN 'in_progress' ELSE 'todo' END,
    version = version + 1,
    updated_at = now()
WHERE id = $1
"""


def load(stage: Stage, web: tuple[int, int], client: Remote, requests: list[bytes]) -> tuple[float, float]:
    """(requests per second, microseconds of CPU of web and PostgreSQL per request)."""
    pid, port = web
    assert stage.postgres.process is not None
    before = read_cpu_seconds(pid) + read_family_cpu_seconds(stage.postgres.process.pid)
    done: Load = client.call(run_load, port, requests, CONNECTIONS, stage.size.seconds * 2)
    assert not done.failures, f"{done.failures} not 2xx"
    after = read_cpu_seconds(pid) + read_family_cpu_seconds(stage.postgres.process.pid)
    return done.rate, (after - before) / done.answers * 1e6


def measure_requests(stage: Stage, client: Remote, ids: list[UUID], project: UUID) -> Iterator[Figure]:
    """Reads with and without CACHE, single changes, and bulk changes."""
    tokens = [token for _, token in stage.sign_tokens(EDITOR)]
    wide, editor = tokens[WIDE - 1], tokens[EDITOR - 1]
    reads = {
        "GET /tasks": [build_request("GET", f"{API}/tasks", wide)],
        "GET /tasks?q=": [build_request("GET", f"{API}/tasks?q=invoice", wide)],
        "GET /projects/{id}/board": [build_request("GET", f"{API}/projects/{project}/board", editor)],
        "GET /tasks/stats": [build_request("GET", f"{API}/tasks/stats?project={project}", editor)],
    }
    for kept in ("off", "on"):
        with stage.web(CACHE=kept) as (web, port):
            for name, requests in reads.items():
                load(stage, (web.pid, port), client, requests)
                rate, cost = load(stage, (web.pid, port), client, requests)
                yield Figure(f"{name}, CACHE={kept}, CPU", cost, "us a request", detail={"rate": round(rate)})
            if kept == "on":
                continue
            changes = [
                build_request("PATCH", f"{API}/tasks/{task}", editor, {"status": status})
                for status in ("in_progress", "review", "todo")
                for task in ids
            ]
            load(stage, (web.pid, port), client, changes)
            rate, cost = load(stage, (web.pid, port), client, changes)
            yield Figure(
                f"PATCH of a status, {CONNECTIONS} at once, CPU",
                cost,
                "us a request",
                detail={"rate": round(rate)},
            )
            took = []
            for number in range(QUICK_CHANGES if stage.size is QUICK else CHANGES):
                items = [{"id": str(one), "status": OPEN[number % len(OPEN)]} for one in ids[:BULK]]
                request = build_request("PATCH", f"{API}/tasks", editor, {"items": items})
                began = time.perf_counter()
                _, body = fetch(port, request)
                took.append((time.perf_counter() - began) * 1000)
                assert all(one["status"] == 200 for one in json.loads(body)["data"]), body[:500]
            yield Figure(
                f"a change of {BULK} tasks, p50",
                median(took),
                "ms",
                aim=AIM_BULK_MS,
                aim_is_value=True,
                detail={"p99": round(percentile(took, 0.99), 1)},
            )


def measure_import(stage: Stage, project: UUID) -> Figure:
    """The time from sending a file to the end of its import."""
    lines = QUICK_LINES if stage.size is QUICK else LINES
    rows = [f"ref-{number},Task {number} of a file,todo,high" for number in range(lines)]
    token = stage.sign_tokens(EDITOR)[EDITOR - 1][1]
    with stage.unpinned(), stage.web() as (_, port), stage.worker():
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
        path = f"http://127.0.0.1:{port}{API}/tasks/import?projectId={project}"
        text = "\n".join(["externalRef,title,status,priority", *rows]).encode()
        began = time.perf_counter()
        request = urllib.request.Request(path, text, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            import_id = json.loads(answer.read())["id"]
        while True:
            ((counts, finished),) = stage.query(
                "SELECT counts, finished_at FROM imports WHERE id = %s", import_id
            )
            if finished is not None:
                break
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise RuntimeError("the import does not end")
            time.sleep(0.05)
        seconds = time.perf_counter() - began
    assert counts["created"] == lines, counts
    return Figure(f"an import of {lines:,} rows", seconds, "s", aim=AIM_IMPORT_SECONDS, aim_is_value=True)


def measure(stage: Stage) -> list[Figure]:
    """Measure everything in turn; changes come last."""
    rows = fill(stage)
    ((project,),) = stage.query("SELECT id FROM bench_projects WHERE n = %s", BOARD)
    ((editor,),) = stage.query("SELECT id FROM bench_users WHERE n = %s", EDITOR)
    ids = [
        row[0]
        for row in stage.query(
            "SELECT id FROM tasks WHERE project_id = %s AND deleted_at IS NULL AND status = ANY(%s) "
            "AND NOT EXISTS (SELECT FROM task_links AS l WHERE l.blocker_id = tasks.id) LIMIT 800",
            project,
            OPEN,
        )
    ]
    times = QUICK_TIMES if stage.size is QUICK else TIMES
    with remote(SERVED) as client:
        figures = [*measure_lists(stage, client, project)]
        others = client.call(time_others, stage.config(database_pool=(1, 1)), editor, project, times)
        for name, took in others.items():
            aim = AIM_BOARD_MS if "board" in name else AIM_STATS_MS
            figures.append(Figure(f"{name}, p50", took, "ms", aim=aim, aim_is_value=True))
    with remote(REST) as client:
        pool = stage.config(database_pool=(WRITERS + 2, WRITERS + 2))
        rates = [
            client.call(write_together, pool, ids, stage.size.seconds).rate for _ in range(stage.size.rounds)
        ]
        figures.append(
            Figure(
                f"{WRITERS} writers in one project",
                median(rates),
                "changes/s",
                ratio=median(rates) / AIM_WRITES,
                floor=f"the aim, {AIM_WRITES:,}/s",
                aim=1.0,
            )
        )
        figures += measure_requests(stage, client, ids, project)
    figures.append(measure_import(stage, project))
    for figure in figures:
        figure.detail["tasks"] = rows
    return figures
