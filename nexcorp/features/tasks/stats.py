"""Statistics of tasks over REST: of the caller's own, of a project, or of all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.db import sql
from nexcorp.domain.fields import Out, Query
from nexcorp.domain.shapes import Person
from nexcorp.domain.tasks import ALL_KEPT, name_person, name_project
from nexcorp.errors import PermissionRequired, ProjectNotFound
from nexcorp.features.tasks.kept import read_kept
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import KINDS, PRIORITIES, STATUSES
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.replies import reply
from nexcorp.web.routing import get

EVERYTHING = UUID(int=0)


class StatsQuery(Query):
    """The tasks to count, and the number of weeks."""

    scope = fields.String(
        validate=validate.OneOf(("me", "project", "all")),
        metadata={
            "description": "`me` (unless you name a project): tasks that are assigned to you, and "
            "unassigned ones that you created; `project`: tasks of `project`; `all`: all tasks, for "
            "holders of task:manage."
        },
    )
    project = fields.UUID(metadata={"description": "The project whose tasks are counted."})
    weeks = fields.Integer(
        load_default=12,
        validate=validate.Range(1, 53),
        metadata={"description": "The number of weeks, including the current one."},
    )

    @validates_schema
    def require_project(self, data: dict[str, Any], **more: object) -> None:
        """Raise ValidationError unless a project comes with the scope `project`, and only with it."""
        if data.get("scope") == "project" and "project" not in data:
            raise ValidationError("Name the project.", "project")
        if data.get("scope", "project") != "project" and "project" in data:
            raise ValidationError("Goes with the scope `project` alone.", "project")


def counts(names: tuple[str, ...]) -> fields.Nested:
    """Make a field with the number of tasks for each of these names."""
    shape: dict[str, fields.Field[Any]] = {name: fields.Integer(required=True) for name in names}
    return fields.Nested(Out.from_dict(shape, name=f"Counts{names[0].capitalize()}"), required=True)


def seconds(about: str) -> fields.Integer:
    """Make a field with the average time from start to completion, in seconds."""
    return fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": f"Average seconds from start to completion of the tasks completed {about}. A "
            "task that was never in progress started when it was created."
        },
    )


class Load(Out):
    """The number of open tasks of a person."""

    user = fields.Nested(Person, required=True)
    open = fields.Integer(required=True)


class Week(Out):
    """The numbers of a week. A task that is reopened is not counted as completed any more."""

    week = fields.Date(
        required=True, metadata={"description": "The Monday on which the week begins, in UTC."}
    )
    created = fields.Integer(required=True)
    completed = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    cycleSeconds = seconds("in the week")


class OpenAtEnd(Out):
    """The number of open tasks at the end of a day, UTC."""

    day = fields.Date(required=True)
    open = fields.Integer(required=True)


class TaskStats(Out):
    """Statistics of tasks, without those in the trash."""

    total = fields.Integer(required=True)
    open = fields.Integer(
        required=True, metadata={"description": "Tasks that are neither done nor cancelled."}
    )
    overdue = fields.Integer(required=True, metadata={"description": "Open tasks past their due date."})
    byStatus = counts(STATUSES)
    byPriority = counts(PRIORITIES)
    byKind = counts(KINDS)
    byAssignee = fields.List(
        fields.Nested(Load),
        required=True,
        metadata={
            "description": "Open tasks of a project, or all open tasks, by assignee, or by creator if "
            "unassigned: highest number first, 50 people at most."
        },
    )
    throughput = fields.List(fields.Nested(Week), required=True)
    cycleSeconds = seconds("in these weeks")
    burndown = fields.List(
        fields.Nested(OpenAtEnd),
        required=True,
        metadata={"description": "Recorded when a day ends; later changes do not alter it."},
    )
    countedAt = fields.AwareDateTime(required=True)


async def choose_scope(conn: Any, who: Caller, query: dict[str, Any]) -> tuple[str, UUID]:
    """Return the scope of a query, as get_stats takes it: (source, scope).

    Raises PermissionRequired for `all`, ProjectNotFound for a project that the caller does not see.
    """
    if query.get("scope") == "all":
        who.require(MANAGE)
        return "all", EVERYTHING
    if "project" not in query:
        return "person", who.id
    project_id: UUID = query["project"]
    if not await sql.projects.is_member(conn, project_id=project_id, user_id=who.id, manages=who.may(MANAGE)):
        raise ProjectNotFound()
    return "project", project_id


async def get_stats(request: web.Request, query: dict[str, Any]) -> web.Response:
    who = caller(request)
    async with database(request).connection() as conn:
        source, scope = await choose_scope(conn, who, query)

    async def make() -> Any:
        async with database(request).connection() as conn:
            return await sql.task_stats.get_stats(conn, source=source, scope=scope, weeks=query["weeks"])

    groups = {"all": ALL_KEPT, "project": name_project(scope), "person": name_person(scope)}
    return reply(await read_kept(request, make, groups[source]))


ROUTES = [
    get(
        "/tasks/stats",
        get_stats,
        "Statistics of tasks",
        TaskStats(),
        query=StatsQuery(),
        errors=(ProjectNotFound, PermissionRequired),
        access=allow(
            "task:read",
            whose="your own tasks, and tasks of your projects; all tasks for holders of task:manage",
        ),
        stale=True,
        tag="Work",
        description="Counts your own tasks, those of a project that you are a member of, or all.",
    ),
]
