"""Folders over REST: a folder is a common prefix of paths."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import ProjectNotFound
from nexcorp.features.files import service
from nexcorp.features.files.access import OF_PROJECT, OPEN, TAG, WRITE
from nexcorp.features.files.errors import FolderNotFound, FolderTooLarge, PathTaken
from nexcorp.features.files.routes import folder_of
from nexcorp.features.files.schemas import (
    Changed,
    DeleteFolderQuery,
    FolderPage,
    FolderPageQuery,
    MoveFolder,
)
from nexcorp.security.app_keys import caller, database, find_caller
from nexcorp.web.paging import Cursor, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import delete, get, patch
from nexcorp.web.transactions import transaction

BY_PATH: Cursor[tuple[str]] = Cursor("folders", tuple[str], ("",), after="path")


async def list_folders(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        await service.require_reader(conn, find_caller(request), path_id(request))
        rows = await BY_PATH.fetch(
            request,
            conn,
            query,
            sql.files.list_folders,
            project_id=path_id(request),
            folder=folder_of(query),
        )
    return reply_page(request, rows, query["limit"], BY_PATH)


async def move_folder(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        count = await service.move_folder(
            tx.conn, caller(request), path_id(request), body["from"], body["to"]
        )
    return reply({"files": count})


async def delete_folder(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        count = await service.delete_folder(tx.conn, caller(request), path_id(request), query["path"])
    return reply({"files": count})


ROUTES = [
    get(
        "/projects/{id}/folders",
        list_folders,
        "The folders in a folder",
        FolderPage,
        query=FolderPageQuery(),
        errors=(ProjectNotFound,),
        access=OPEN,
        tag=TAG,
    ),
    patch(
        "/projects/{id}/folders",
        move_folder,
        "Rename or move a folder",
        Changed(),
        body=MoveFolder(),
        errors=(*OF_PROJECT, FolderNotFound, FolderTooLarge, PathTaken),
        access=WRITE,
        tag=TAG,
        description="Either all of its files move, or the request fails.",
    ),
    delete(
        "/projects/{id}/folders",
        delete_folder,
        "Put all files of a folder into the trash",
        Changed(),
        200,
        query=DeleteFolderQuery(),
        errors=(*OF_PROJECT, FolderNotFound, FolderTooLarge),
        access=WRITE,
        tag=TAG,
    ),
]
