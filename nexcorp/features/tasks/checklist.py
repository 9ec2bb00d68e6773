"""The checklist of a task. Changing it leaves the task's version alone, so nobody who edits the task gets a
conflict."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields, validates_schema

from nexcorp.db import sql
from nexcorp.domain.fields import Body, Flag, Out, Text
from nexcorp.domain.tasks import tell
from nexcorp.errors import Invalid, TaskNotFound
from nexcorp.features.tasks import service
from nexcorp.features.tasks.access import CHANGE, OWN, READ, TAG
from nexcorp.features.tasks.errors import ItemNotFound, TooManyItems
from nexcorp.features.tasks.schemas import Place
from nexcorp.security.app_keys import caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import delete, get, patch, post
from nexcorp.web.transactions import transaction

MAX_ITEMS = 100


class CreateItem(Body):
    """A new item; without `place` it goes to the end."""

    text = Text(least=1, most=500, required=True)
    isDone = Flag(load_default=False)
    place = fields.Nested(Place())


class UpdateItem(Body):
    """Fields to change; a field that is absent stays as it is."""

    text = Text(least=1, most=500)
    isDone = Flag()
    place = fields.Nested(Place())

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH that changes nothing."""
        if not data:
            raise ValidationError("Send text, isDone or place.")


class Item(Out):
    """An item of a checklist."""

    id = fields.UUID(required=True)
    text = fields.String(required=True)
    isDone = fields.Boolean(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class Checklist(Out):
    """The whole list, in order."""

    data = fields.List(fields.Nested(Item), required=True)


async def read_items(conn: Any, task_id: UUID) -> dict[str, Any]:
    """Return the checklist of a task."""
    return {"data": await sql.checklists.list_items(conn, task_id=task_id)}


async def put_at(conn: Any, task_id: UUID, item_id: UUID, place: dict[str, UUID]) -> None:
    """Move an item before or after another one; raise Invalid if that is not on the list."""
    ids = [row["id"] for row in await sql.checklists.list_items(conn, task_id=task_id)]
    [(word, other)] = place.items()
    ids.remove(item_id)
    if other not in ids:
        raise Invalid(errors={"place": ["There is no such other item on this list."]})
    ids.insert(ids.index(other) + (word == "after"), item_id)
    await sql.checklists.order_items(conn, task_id=task_id, ids=ids)


async def add_item(conn: Any, caller: Caller, task_id: UUID, data: dict[str, Any]) -> UUID:
    """Add an item; return its id. Raises TaskNotFound, NotYourTask, TooManyItems, Invalid."""
    task = await service.lock_own_task(conn, caller, task_id)
    if len(await sql.checklists.list_items(conn, task_id=task_id)) >= MAX_ITEMS:
        raise TooManyItems()
    item_id: UUID = await sql.checklists.insert_item(
        conn, task_id=task_id, text=data["text"], is_done=data["isDone"]
    )
    if "place" in data:
        await put_at(conn, task_id, item_id, data["place"])
    await tell_of_list(conn, caller, task)
    return item_id


async def change_item(conn: Any, caller: Caller, task_id: UUID, item_id: UUID, data: dict[str, Any]) -> None:
    """Change, tick or move an item. Raises TaskNotFound, NotYourTask, ItemNotFound, Invalid."""
    task = await service.lock_own_task(conn, caller, task_id)
    found = await sql.checklists.update_item(
        conn, task_id=task_id, item_id=item_id, text=data.get("text"), is_done=data.get("isDone")
    )
    if found is None:
        raise ItemNotFound()
    if "place" in data:
        await put_at(conn, task_id, item_id, data["place"])
    await tell_of_list(conn, caller, task)


async def remove_item(conn: Any, caller: Caller, task_id: UUID, item_id: UUID) -> None:
    """Remove an item. Raises TaskNotFound, NotYourTask, ItemNotFound."""
    task = await service.lock_own_task(conn, caller, task_id)
    if await sql.checklists.delete_item(conn, task_id=task_id, item_id=item_id) is None:
        raise ItemNotFound()
    await tell_of_list(conn, caller, task)


async def tell_of_list(conn: Any, caller: Caller, task: Any) -> None:
    """Emit that the checklist changed; the event contains no texts."""
    await tell(conn, "task.updated", caller.id, task, changed=["checklist"])


async def list_items(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        task = await service.get_task(conn, caller(request), path_id(request))
        return reply(await read_items(conn, task["id"]))


async def create_item(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        item_id = await add_item(tx.conn, caller(request), path_id(request), body)
        return await tx.reply(await read_items(tx.conn, path_id(request)), 201, shows=item_id)


async def update_item(request: web.Request, body: dict[str, Any]) -> web.Response:
    task_id, item_id = path_id(request), path_id(request, "itemId")
    async with transaction(request) as tx:
        await change_item(tx.conn, caller(request), task_id, item_id, body)
        return await tx.reply(await read_items(tx.conn, task_id), shows=item_id)


async def delete_item(request: web.Request) -> web.Response:
    task_id = path_id(request)
    async with transaction(request) as tx:
        await remove_item(tx.conn, caller(request), task_id, path_id(request, "itemId"))
        return await tx.reply(await read_items(tx.conn, task_id))


ROUTES = [
    get(
        "/tasks/{id}/checklist",
        list_items,
        "The checklist of a task",
        Checklist(),
        errors=(TaskNotFound,),
        access=READ,
        tag=TAG,
    ),
    post(
        "/tasks/{id}/checklist",
        create_item,
        "Add a step; answered with the whole list",
        Checklist(),
        body=CreateItem(),
        errors=(*OWN, TooManyItems),
        access=CHANGE,
        tag=TAG,
    ),
    patch(
        "/tasks/{id}/checklist/{itemId}",
        update_item,
        "Change, tick or move a step; answered with the whole list",
        Checklist(),
        body=UpdateItem(),
        errors=(*OWN, ItemNotFound),
        access=CHANGE,
        tag=TAG,
    ),
    delete(
        "/tasks/{id}/checklist/{itemId}",
        delete_item,
        "Remove a step; answered with the whole list",
        Checklist(),
        200,
        errors=(*OWN, ItemNotFound),
        access=CHANGE,
        tag=TAG,
    ),
]
