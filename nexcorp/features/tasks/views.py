"""Saved views: filters of the list of tasks under a name, private or shared with a project."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields, post_load, validates_schema

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.fields import Body, Flag, Out, PatchBody, Text
from nexcorp.domain.shapes import Person, page_of
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import Invalid, PreconditionFailed
from nexcorp.features.tasks.access import TAG
from nexcorp.features.tasks.errors import NotYourView, TooManyViews, ViewNotFound
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import TaskFilters
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.paging import LAST_ID, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply_row
from nexcorp.web.routing import API_PREFIX, delete, get, patch, post
from nexcorp.web.transactions import transaction

MAX_VIEWS = 100
BY_NEWEST: Cursor[tuple[UUID]] = Cursor("task-views", tuple[UUID], (LAST_ID,), before="id")
# Fields of a view that can change.
MEMBERS = ("name", "query", "projectId", "shared")


class SavedFilters(TaskFilters):
    """Parameters of GET /tasks without those of a page; they are checked, and kept as they were sent."""

    @post_load(pass_original=True)
    def keep(self, data: dict[str, Any], original: dict[str, Any], **more: object) -> dict[str, str]:
        """Return the filters as they stand in a query string."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in original.items()
        }


def filters(**more: Any) -> fields.Nested:
    """Make the field of a view's filters and order."""
    about = "Filters and order, as parameters of `GET /tasks`."
    return fields.Nested(SavedFilters, metadata={"description": about}, **more)


class CreateView(Body):
    """A new view."""

    name = Text(least=1, most=100, required=True)
    query = filters(required=True)
    projectId = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "The project in which the view is shown and may be shared."},
    )
    shared = Flag(
        load_default=False,
        metadata={"description": "Whether everybody who may see the project sees the view."},
    )


class UpdateView(PatchBody):
    """Fields to change; a field that is absent stays as it is."""

    name = Text(least=1, most=100)
    query = filters()
    projectId = fields.UUID(allow_none=True)
    shared = Flag()

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH that changes nothing."""
        if not data.keys() - {"version"}:
            raise ValidationError("Send what is to change.")


class View(Out):
    """A saved view as one viewer sees it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    projectId = fields.UUID(required=True, allow_none=True)
    query = fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.String(required=True),
        metadata={"description": "Parameters of `GET /tasks`."},
    )
    shared = fields.Boolean(required=True)
    owner = fields.Nested(Person, required=True)
    mine = fields.Boolean(required=True, metadata={"description": "Whether you may change the view."})
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class ViewQuery(PageQuery):
    """Filters of views."""

    project = fields.UUID(metadata={"description": "Only views of this project."})


async def get_view(conn: Any, who: Caller, view_id: UUID) -> Any:
    """Return a view that the caller may see; raise ViewNotFound."""
    view = await sql.task_views.get_view(conn, view_id=view_id, viewer_id=who.id, sees_all=who.may(MANAGE))
    if view is None:
        raise ViewNotFound()
    return view


async def lock_own_view(
    conn: Any, who: Caller, view_id: UUID, versions: Versions | None, by_etag: bool
) -> Any:
    """Lock and return a view of the caller; raise ViewNotFound, NotYourView, and as check_version() does."""
    await sql.task_views.lock_view(conn, view_id=view_id)
    view = await get_view(conn, who, view_id)
    if not view["mine"]:
        raise NotYourView()
    check_version(view, versions, by_etag=by_etag)
    return view


async def check_project(conn: Any, who: Caller, wanted: dict[str, Any]) -> None:
    """Raise Invalid for a project that the caller does not see, and for sharing without a project."""
    if wanted["projectId"] is None:
        if wanted["shared"]:
            raise Invalid(errors={"shared": ["Wants a projectId: it is shared with who sees the project."]})
        return
    if not await sql.projects.is_member(
        conn, project_id=wanted["projectId"], user_id=who.id, manages=who.may(MANAGE)
    ):
        raise Invalid(errors={"projectId": ["There is no such project."]})


async def tell(conn: Any, who: Caller, what: str, view: Any, **more: Any) -> None:
    """Emit an event about a view."""
    payload = {"projectId": view["projectId"], "shared": view["shared"], "version": view["version"], **more}
    await emit(conn, f"view.{what}", actor_id=who.id, entity=("view", view["id"]), payload=payload)


async def create_view(conn: Any, who: Caller, data: dict[str, Any]) -> Any:
    """Create a view of the caller; return it. Raises Invalid, TooManyViews."""
    await sql.task_views.lock_views(conn, owner_id=who.id)
    if await sql.task_views.count_views(conn, owner_id=who.id) >= MAX_VIEWS:
        raise TooManyViews()
    await check_project(conn, who, data)
    view_id = await sql.task_views.insert_view(
        conn,
        owner_id=who.id,
        project_id=data["projectId"],
        name=data["name"],
        query=data["query"],
        shared=data["shared"],
    )
    view = await get_view(conn, who, view_id)
    await tell(conn, who, "created", view)
    return view


async def update_view(
    conn: Any, who: Caller, view_id: UUID, data: dict[str, Any], versions: Versions | None, by_etag: bool
) -> Any:
    """Change a view of the caller; return it. Raises as lock_own_view() does, and Invalid."""
    view = await lock_own_view(conn, who, view_id, versions, by_etag)
    wanted = {name: data.get(name, view[name]) for name in MEMBERS}
    changed = [name for name in MEMBERS if wanted[name] != view[name]]
    if not changed:
        return view
    # A caller who has left the project cannot share in it, but may change a private view.
    if wanted["shared"] or "projectId" in changed:
        await check_project(conn, who, wanted)
    await sql.task_views.update_view(
        conn,
        view_id=view_id,
        project_id=wanted["projectId"],
        name=wanted["name"],
        query=wanted["query"],
        shared=wanted["shared"],
    )
    view = await get_view(conn, who, view_id)
    await tell(conn, who, "updated", view, changed=changed)
    return view


async def create(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row = await create_view(tx.conn, caller(request), body)
        location = f"{API_PREFIX}/task-views/{row['id']}"
        return await tx.reply(row, 201, location=location, version=row["version"])


async def list_views(request: web.Request, query: dict[str, Any]) -> web.Response:
    who = caller(request)
    async with database(request).connection() as conn:
        rows = await BY_NEWEST.fetch(
            request,
            conn,
            query,
            sql.task_views.list_views,
            viewer_id=who.id,
            sees_all=who.may(MANAGE),
            project_id=query.get("project"),
        )
    return reply_page(request, rows, query["limit"], BY_NEWEST)


async def get_one(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await get_view(conn, caller(request), path_id(request)))


async def update(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await update_view(tx.conn, caller(request), path_id(request), body, versions, by_etag)
        return await tx.reply(row, version=row["version"])


async def remove(request: web.Request) -> web.Response:
    versions, by_etag = expected_versions(request, {})
    async with transaction(request) as tx:
        who = caller(request)
        view = await lock_own_view(tx.conn, who, path_id(request), versions, by_etag)
        await sql.task_views.delete_view(tx.conn, view_id=view["id"])
        await tell(tx.conn, who, "deleted", view)
    return no_content()


READ = allow("task:read", whose="your own views, and views shared in projects that you may see")
WRITE = allow("task:read", whose="your own only")
OWN = (ViewNotFound, NotYourView)
ROUTES = [
    post(
        "/task-views",
        create,
        "Save a view of tasks",
        View(),
        body=CreateView(),
        errors=(TooManyViews,),
        access=WRITE,
        tag=TAG,
    ),
    get(
        "/task-views",
        list_views,
        "Saved views, the newest first",
        page_of(View),
        query=ViewQuery(),
        access=READ,
        tag=TAG,
    ),
    get("/task-views/{id}", get_one, "One saved view", View(), errors=(ViewNotFound,), access=READ, tag=TAG),
    patch(
        "/task-views/{id}",
        update,
        "Change a saved view",
        View(),
        body=UpdateView(),
        errors=OWN,
        access=WRITE,
        tag=TAG,
    ),
    delete(
        "/task-views/{id}",
        remove,
        "Delete a saved view",
        errors=(*OWN, PreconditionFailed),
        access=WRITE,
        tag=TAG,
    ),
]
