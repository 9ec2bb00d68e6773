"""Lists of tasks: their filters, orders and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.fields import ME
from nexcorp.domain.searching import escape_like
from nexcorp.features.tasks.kept import read_list
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import CLOSED, KINDS, MAX_TOTAL, PRIORITIES, STATUSES
from nexcorp.security.app_keys import CONTEXT, caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.paging import DEFAULT_LIMIT, FIRST_ID, LAST_ID, LAST_TIME, Cursor, Statement, cut_page
from nexcorp.web.replies import reply

FIRST_TIME = datetime.min.replace(tzinfo=UTC)
# Filters with an index, the most selective first.
SOURCES = ("parent", "label", "assignee", "creator", "project")


@dataclass(frozen=True, slots=True)
class Sort:
    """An order: its cursor and its statement."""

    cursor: Cursor[Any]
    list: Statement


SORTS = {
    "created": Sort(
        Cursor("tasks", tuple[UUID], (LAST_ID,), before="id"),
        sql.task_lists.list_by_created,
    ),
    "updated": Sort(
        Cursor(
            "tasks-updated",
            tuple[datetime, UUID],
            (LAST_TIME, LAST_ID),
            before_time="updatedAt",
            before="id",
        ),
        sql.task_lists.list_by_updated,
    ),
    "due": Sort(
        Cursor("tasks-due", tuple[datetime, UUID], (FIRST_TIME, FIRST_ID), after_time="_due", after="id"),
        sql.task_lists.list_by_due,
    ),
    "priority": Sort(
        Cursor(
            "tasks-priority",
            tuple[int, UUID],
            (len(PRIORITIES) + 1, LAST_ID),
            before_priority="_priority",
            before="id",
        ),
        sql.task_lists.list_by_priority,
    ),
}


async def make_filters(conn: Any, who: Caller, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of find_tasks() for the filters of TaskQuery, without its order and page.

    `due` selects open tasks only: closed ones are not due any more.
    """
    due_from, due_before = None, None
    statuses = query.get("status", STATUSES)
    if "due" in query:
        statuses = [status for status in statuses if status not in CLOSED]
        days = await sql.task_lists.get_days(conn, user_id=who.id)
        due_from = None if query["due"] == "overdue" else days["today"]
        due_before = {
            "overdue": datetime.now(UTC),
            "today": days["tomorrow"],
            "week": days["week"],
        }[query["due"]]
    words = " ".join(query["q"].split()) if "q" in query else None
    return {
        "viewer_id": who.id,
        "sees_all": who.may(MANAGE),
        "statuses": list(statuses),
        "priorities": [PRIORITIES.index(name) + 1 for name in query.get("priority", PRIORITIES)],
        "kinds": [query["kind"]] if "kind" in query else list(KINDS),
        "assignee": who.id if query.get("assignee") == ME else query.get("assignee"),
        "creator": who.id if query.get("creator") == ME else query.get("creator"),
        "project": query.get("project"),
        "label": query.get("label"),
        "parent": query.get("parent"),
        "blocked": query.get("blocked"),
        "words": escape_like(words) if words is not None else None,
        "due_from": due_from,
        "due_before": due_before,
    }


def find_source(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the source of tasks: an indexed filter, or else all tasks or those that the viewer sees."""
    for name in SOURCES:
        if filters[name] not in (None, FIRST_ID):
            return {"source": name, "source_id": filters[name]}
    if filters["sees_all"]:
        return {"source": "all", "source_id": None}
    return {"source": "own" if filters["project"] is None else "mine", "source_id": None}


async def fetch_tasks(
    request: web.Request,
    conn: Any,
    who: Caller,
    query: Mapping[str, Any],
    *,
    most: int,
    skip: int = 0,
    place: Sequence[Any] | None = None,
) -> list[Any]:
    """Return up to `most` tasks that `who` sees, after the query's cursor or `place`, skipping `skip`."""
    sort = SORTS[query["sort"]]
    filters = await make_filters(conn, who, query)
    key = sort.cursor.read(request, dict(query)) if place is None else place
    if query["sort"] == "due" and filters["due_from"] is not None:
        # Start at due_from: earlier tasks do not match.
        key = max(tuple(key), (filters["due_from"], FIRST_ID))
    behind = dict(zip(sort.cursor.arguments, key, strict=True))
    return await sort.list(conn, **filters, **find_source(filters), **behind, most=most, skip=skip)


async def count_tasks(conn: Any, who: Caller, query: Mapping[str, Any]) -> int:
    """Count the tasks of a TaskQuery, up to MAX_TOTAL + 1."""
    filters = await make_filters(conn, who, query)
    return await sql.task_lists.count_tasks(conn, **filters, **find_source(filters), most=MAX_TOTAL + 1)


async def list_tasks(request: web.Request, query: dict[str, Any]) -> web.Response:
    """Handle GET /tasks."""
    numbered = "page" in query or "pageSize" in query
    request[CONTEXT].heavy = numbered or "q" in query
    make = make_numbered if numbered else make_page
    return reply(await read_list(request, lambda: make(request, query)))


async def make_page(request: web.Request, query: dict[str, Any]) -> dict[str, Any]:
    """Read one page by cursor."""
    async with database(request).connection() as conn:
        rows = await fetch_tasks(request, conn, caller(request), query, most=query["limit"] + 1)
    page, cursor = cut_page(request, rows, query["limit"], SORTS[query["sort"]].cursor)
    return {"data": page, "nextCursor": cursor}


async def make_numbered(request: web.Request, query: dict[str, Any]) -> dict[str, Any]:
    """Read one page by number (`?page=&pageSize=`), with the number of all tasks in the same snapshot."""
    most = query.get("pageSize", DEFAULT_LIMIT)
    skip = (query.get("page", 1) - 1) * most
    async with database(request).transaction(isolation="repeatable_read", readonly=True) as conn:
        rows = await fetch_tasks(request, conn, caller(request), query, most=most, skip=skip)
        total = await count_tasks(conn, caller(request), query)
    more = {"total": min(total, MAX_TOTAL), "totalCapped": total > MAX_TOTAL}
    return {"data": rows, "nextCursor": None, **more}
