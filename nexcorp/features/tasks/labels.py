"""Labels of projects, and labels for tasks without a project."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.fields import NOBODY, Body, IdOrWord, Text
from nexcorp.domain.shapes import page_of
from nexcorp.domain.tasks import forget_kept
from nexcorp.errors import Invalid, ProjectNotFound, on_constraint
from nexcorp.features.tasks.access import TAG
from nexcorp.features.tasks.errors import LabelNotFound, LabelTaken, NotYourLabel, TooManyLabels
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import Label
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.paging import FIRST_ID, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content
from nexcorp.web.routing import delete, get, patch, post
from nexcorp.web.transactions import transaction

MAX_LABELS = 200
BY_NAME: Cursor[tuple[str, UUID]] = Cursor(
    "labels", tuple[str, UUID], ("", FIRST_ID), after_name="_name", after="id"
)


def name_field(**more: Any) -> Text:
    """Make the field of a label's name."""
    return Text(
        least=1, most=50, metadata={"description": "Unique in its project; case does not count."}, **more
    )


class Color(Text):
    """A colour, converted to lower case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return super()._deserialize(value, attr, data, **more).lower()


def color_field(**more: Any) -> Color:
    """Make the field of a label's colour."""
    form = validate.Regexp(r"^#[0-9a-fA-F]{6}\Z", error="Not a colour such as #3366ff.")
    return Color(most=7, checks=[form], **more)


class CreateLabel(Body):
    """A new label; without `projectId`, for tasks without a project."""

    name = name_field(required=True)
    color = color_field(required=True)
    projectId = fields.UUID(load_default=None, allow_none=True)


class UpdateLabel(Body):
    """Fields to change; a field that is absent stays as it is."""

    name = name_field()
    color = color_field()

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH that changes nothing."""
        if not data:
            raise ValidationError("Send name or color.")


class LabelQuery(PageQuery):
    """The project whose labels to list."""

    project = IdOrWord(NOBODY, about="A project, or `none`: labels without a project.", required=True)


async def find_rights(conn: Any, caller: Caller, project_id: UUID | None) -> bool | None:
    """Return whether the caller may change labels of a project (or of none); None if they cannot see it."""
    found = await sql.labels.get_label_rights(
        conn, user_id=caller.id, sees_all=caller.may(MANAGE), project_id=project_id
    )
    return found["writes"] if found is not None else None


async def lock_label(conn: Any, caller: Caller, label_id: UUID) -> Any:
    """Lock and return a label that the caller may change; raise LabelNotFound, NotYourLabel."""
    await sql.labels.lock_label(conn, label_id=label_id)
    label = await sql.labels.get_label(conn, label_id=label_id)
    writes = await find_rights(conn, caller, label["projectId"]) if label is not None else None
    if writes is None:
        raise LabelNotFound()
    if not writes:
        raise NotYourLabel()
    return label


async def tell(conn: Any, event: str, caller: Caller, label: Any) -> None:
    """Emit an event about a label, and drop cached lists of its project."""
    forget_kept(conn, [{"projectId": label["projectId"]}])
    await emit(
        conn,
        event,
        actor_id=caller.id,
        entity=("label", label["id"]),
        payload={"projectId": label["projectId"]},
        root=label["projectId"],
    )


async def add_label(conn: Any, caller: Caller, data: dict[str, Any]) -> Any:
    """Create a label; return it. Raises Invalid, NotYourLabel, LabelTaken, TooManyLabels."""
    writes = await find_rights(conn, caller, data["projectId"])
    if writes is None:
        raise Invalid(errors={"projectId": ["There is no such project."]})
    if not writes:
        raise NotYourLabel()
    await sql.labels.lock_labels(conn, project_id=data["projectId"])
    if await sql.labels.count_labels(conn, project_id=data["projectId"]) >= MAX_LABELS:
        raise TooManyLabels()
    with on_constraint("labels_name_idx", LabelTaken()):
        label_id = await sql.labels.insert_label(
            conn, project_id=data["projectId"], name=data["name"], color=data["color"]
        )
    label = await sql.labels.get_label(conn, label_id=label_id)
    await tell(conn, "label.created", caller, label)
    return label


async def change_label(conn: Any, caller: Caller, label_id: UUID, data: dict[str, Any]) -> Any:
    """Change the name or colour of a label; return it. Raises LabelNotFound, NotYourLabel, LabelTaken."""
    before = await lock_label(conn, caller, label_id)
    if all(before[name] == value for name, value in data.items()):
        return before
    with on_constraint("labels_name_idx", LabelTaken()):
        await sql.labels.update_label(conn, label_id=label_id, name=data.get("name"), color=data.get("color"))
    label = await sql.labels.get_label(conn, label_id=label_id)
    await tell(conn, "label.updated", caller, label)
    return label


async def remove_label(conn: Any, caller: Caller, label_id: UUID) -> None:
    """Delete a label, also from tasks. Raises LabelNotFound, NotYourLabel."""
    label = await lock_label(conn, caller, label_id)
    await sql.labels.delete_label(conn, label_id=label_id)
    await tell(conn, "label.deleted", caller, label)


async def create_label(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        return await tx.reply(await add_label(tx.conn, caller(request), body), 201)


async def list_labels(request: web.Request, query: dict[str, Any]) -> web.Response:
    project_id = query["project"] if query["project"] != FIRST_ID else None
    async with database(request).connection() as conn:
        if await find_rights(conn, caller(request), project_id) is None:
            raise ProjectNotFound()
        rows = await BY_NAME.fetch(request, conn, query, sql.labels.list_labels, project_id=project_id)
    return reply_page(request, rows, query["limit"], BY_NAME)


async def update_label(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        label = await change_label(tx.conn, caller(request), path_id(request), body)
        return await tx.reply(label, shows=label["id"])


async def delete_label(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await remove_label(tx.conn, caller(request), path_id(request))
    return no_content()


READ = allow("task:read", whose="labels of your projects, and labels without a project")
WRITE = allow(
    "task:create",
    whose="owners and editors of the project, and holders of task:manage, who alone may without a project",
)
OWN = (LabelNotFound, NotYourLabel)
ROUTES = [
    post(
        "/labels",
        create_label,
        "Create a label",
        Label(),
        body=CreateLabel(),
        errors=(NotYourLabel, LabelTaken, TooManyLabels),
        access=WRITE,
        tag=TAG,
    ),
    get(
        "/labels",
        list_labels,
        "The labels of a project, by name",
        page_of(Label),
        query=LabelQuery(),
        errors=(ProjectNotFound,),
        access=READ,
        tag=TAG,
    ),
    patch(
        "/labels/{id}",
        update_label,
        "Change a label",
        Label(),
        body=UpdateLabel(),
        errors=(*OWN, LabelTaken),
        access=WRITE,
        tag=TAG,
    ),
    delete("/labels/{id}", delete_label, "Delete a label", errors=OWN, access=WRITE, tag=TAG),
]
