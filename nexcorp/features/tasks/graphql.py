"""Tasks in GraphQL: one, a page of them, and the task that a notification leads to."""

from __future__ import annotations

from functools import partial
from typing import Any

import strawberry

from nexcorp.db import sql
from nexcorp.domain.fields import load
from nexcorp.features.tasks import service
from nexcorp.features.tasks.access import READ
from nexcorp.features.tasks.lists import SORTS, fetch_tasks
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import Task, TaskQuery
from nexcorp.graphql.parts import Info, Part, member, root
from nexcorp.graphql.shapes import list_of, maybe, read_id, shape_of
from nexcorp.web.parsing import parse_uuid

TASK = shape_of(Task)
# One object for each value of `sees_all`: the loader batches calls with the same object.
FIND = {sees_all: partial(sql.task_bulk.get_tasks, sees_all=sees_all) for sees_all in (False, True)}


@root(maybe(TASK), READ)
async def get_task(info: Info, id: strawberry.ID) -> Any:
    """One task."""
    task_id = parse_uuid(id, "id")
    async with info.context.connection() as conn:
        return await service.get_task(conn, info.context.caller, task_id)


@root(list_of(TASK), READ)
async def get_tasks(
    info: Info,
    limit: int | None = None,
    cursor: str | None = None,
    status: str | None = None,
    assignee: strawberry.ID | None = None,
    project: strawberry.ID | None = None,
) -> Any:
    """Tasks, newest first: 20, or up to 100. `cursor`: that of the last task you have.

    `status`: one or several, comma-separated. `assignee`: a user, `me` or `none`. `project`: one, or
    `none`."""
    asked = {"limit": limit, "cursor": cursor, "status": status, "assignee": assignee, "project": project}
    query = load(TaskQuery(), {name: value for name, value in asked.items() if value is not None})
    info.context.take_rows(query["limit"])
    async with info.context.connection() as conn:
        return await fetch_tasks(info.context.request, conn, info.context.caller, query, most=query["limit"])


@member(str)
def cursor(root: Any, info: Info) -> str:
    """The `cursor` of the page after this item."""
    return SORTS["created"].cursor.encode(info.context.request, root)


@member(maybe(TASK))
async def related_task(root: Any, info: Info) -> Any:
    """The task that the notification, or its comment, is about; null if none, or if you may not see it."""
    entity, caller = root["entity"], info.context.caller
    if entity is None or entity["type"] not in ("task", "comment") or not caller.may("task:read"):
        return None
    task_id = read_id(entity, "id")
    if entity["type"] == "comment":
        comment = await info.context.load(sql.comments.find_comments, task_id)
        task_id = comment["taskId"] if comment is not None else None
    return await info.context.load(FIND[caller.may(MANAGE)], task_id)


PART = Part({"Query": [get_task, get_tasks], "Task": [cursor], "Notification": [related_task]})
