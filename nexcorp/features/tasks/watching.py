"""Watchers: people who are notified of a task's changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.domain.fields import Out
from nexcorp.domain.shapes import Person, page_of
from nexcorp.errors import TaskNotFound
from nexcorp.features.tasks import service
from nexcorp.features.tasks.access import READ, TAG
from nexcorp.features.tasks.errors import TooManyWatchers
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import FIRST_ID, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import delete, get, put
from nexcorp.web.transactions import transaction

# Limited, because every event of the task names all of them.
MAX_WATCHERS = 200
BY_ID: Cursor[tuple[UUID]] = Cursor("watchers", tuple[UUID], (FIRST_ID,), after="_userId")


class Watching(Out):
    """Whether the caller watches a task."""

    watching = fields.Boolean(required=True)


class Watcher(Out):
    """A person who watches a task."""

    user = fields.Nested(Person, required=True)
    createdAt = fields.AwareDateTime(required=True)


async def watch_task(request: web.Request) -> web.Response:
    who = caller(request)
    async with transaction(request) as tx:
        task = await service.lock_task(tx.conn, who, path_id(request))
        if not await sql.task_watchers.watch_task(
            tx.conn, task_id=task["id"], user_id=who.id, most=MAX_WATCHERS
        ):
            raise TooManyWatchers()
        return await tx.reply({"watching": True})


async def unwatch_task(request: web.Request) -> web.Response:
    who = caller(request)
    async with transaction(request) as tx:
        task = await service.get_task(tx.conn, who, path_id(request))
        await sql.task_watchers.unwatch_task(tx.conn, task_id=task["id"], user_id=who.id)
        return await tx.reply({"watching": False})


async def list_watchers(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        task = await service.get_task(conn, caller(request), path_id(request))
        rows = await BY_ID.fetch(request, conn, query, sql.task_watchers.list_watchers, task_id=task["id"])
    return reply_page(request, rows, query["limit"], BY_ID)


ROUTES = [
    put(
        "/tasks/{id}/watch",
        watch_task,
        "Watch a task",
        Watching(),
        errors=(TaskNotFound, TooManyWatchers),
        access=READ,
        tag=TAG,
        description="You are notified of changes for as long as you may see the task.",
    ),
    delete(
        "/tasks/{id}/watch",
        unwatch_task,
        "Stop watching a task",
        Watching(),
        200,
        errors=(TaskNotFound,),
        access=READ,
        tag=TAG,
    ),
    get(
        "/tasks/{id}/watchers",
        list_watchers,
        "Watchers of a task",
        page_of(Watcher),
        query=PageQuery(),
        errors=(TaskNotFound,),
        access=READ,
        tag=TAG,
    ),
]
