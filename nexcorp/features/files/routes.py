"""Files over REST: create, list, move, delete and restore them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.collab.versions import ProjectQuotaExceeded
from nexcorp.db import sql
from nexcorp.errors import FileNotFound, Invalid, PreconditionFailed, ProjectNotFound
from nexcorp.features.files import saving, service
from nexcorp.features.files.access import ADD, OF_FILE, OF_PROJECT, OPEN, OWN, TAG, WRITE
from nexcorp.features.files.contents import MAX_BINARY_BYTES
from nexcorp.features.files.errors import PathTaken, TooManyFilesInProject
from nexcorp.features.files.schemas import CreateFile, File, FilePage, FileQuery, FileTrashPage, UpdateFile
from nexcorp.security.app_keys import caller, database, find_caller
from nexcorp.web import forms
from nexcorp.web.paging import LAST_ID, LAST_TIME, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply_row
from nexcorp.web.routing import API_PREFIX, delete, get, patch, post
from nexcorp.web.transactions import transaction

BY_PATH: Cursor[tuple[str]] = Cursor("files", tuple[str], ("",), after="path")
BY_DELETION: Cursor[tuple[datetime, UUID]] = Cursor(
    "file-trash", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before_time="deletedAt", before="id"
)


def folder_of(query: dict[str, Any], name: str = "prefix") -> str:
    """Return the requested folder, with a slash at its end; empty for the whole project."""
    return f"{query[name]}/" if query.get(name) else ""


async def create_file(
    request: web.Request, body: dict[str, Any], files: list[forms.File] | None = None
) -> web.Response:
    content = body.get("content", "").encode()
    if files:
        if "content" in body:
            raise Invalid(errors={"content": ["Send it as the part `file`, or here."]})
        content = await asyncio.to_thread(files[0].path.read_bytes)
    async with transaction(request) as tx:
        row = await saving.create_file(
            tx.conn, caller(request), path_id(request), body["path"], content, body.get("type")
        )
        location = f"{API_PREFIX}/files/{row['id']}"
        return await tx.reply(row, 201, location=location, version=row["version"])


async def list_files(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        await service.require_reader(conn, find_caller(request), path_id(request))
        rows = await BY_PATH.fetch(
            request,
            conn,
            query,
            sql.files.list_files,
            project_id=path_id(request),
            folder=folder_of(query),
            deep=query["deep"],
        )
    return reply_page(request, rows, query["limit"], BY_PATH)


async def get_file(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_file(conn, find_caller(request), path_id(request)))


async def update_file(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await service.update_file(tx.conn, caller(request), path_id(request), body, versions, by_etag)
        return await tx.reply(row, version=row["version"])


async def delete_file(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.delete_file(tx.conn, caller(request), path_id(request), versions)
    return no_content()


async def restore_file(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await service.restore_file(tx.conn, caller(request), path_id(request))
        return await tx.reply(row, version=row["version"])


async def list_file_trash(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        await service.require_writer(conn, caller(request), path_id(request))
        rows = await BY_DELETION.fetch(
            request, conn, query, sql.files.list_trash, project_id=path_id(request)
        )
    return reply_page(request, rows, query["limit"], BY_DELETION)


async def empty_file_trash(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await service.empty_trash(tx.conn, caller(request), path_id(request))
    return no_content()


ROUTES = [
    get(
        "/projects/{id}/files/trash",
        list_file_trash,
        "Deleted files of a project, the last deleted first",
        FileTrashPage,
        query=PageQuery(),
        errors=OF_PROJECT,
        access=WRITE,
        tag=TAG,
        description="They are removed after 30 days, and count towards the storage of the project until "
        "then.",
    ),
    delete(
        "/projects/{id}/files/trash",
        empty_file_trash,
        "Remove all deleted files of a project for good",
        errors=OF_PROJECT,
        access=OWN,
        tag=TAG,
        description="They leave the trash at once; the hourly cleanup frees their storage.",
    ),
    post(
        "/projects/{id}/files",
        create_file,
        "Create a file",
        File(),
        body=CreateFile(),
        form=forms.Form(most_files=1, limit=lambda head: MAX_BINARY_BYTES, optional=True),
        errors=(*OF_PROJECT, PathTaken, TooManyFilesInProject, ProjectQuotaExceeded),
        access=ADD,
        tag=TAG,
        description="UTF-8 without NUL, of up to 2 MB, becomes a text, which several people can edit "
        "together; anything else, of up to 25 MB, becomes a binary. Send larger texts and binaries "
        "as a form, or by `PUT /files/{id}/content`.",
    ),
    get(
        "/projects/{id}/files",
        list_files,
        "Files of a project, in the order of their paths",
        FilePage,
        query=FileQuery(),
        errors=(ProjectNotFound,),
        access=OPEN,
        tag=TAG,
    ),
    get("/files/{id}", get_file, "One file", File(), errors=(FileNotFound,), access=OPEN, tag=TAG),
    patch(
        "/files/{id}",
        update_file,
        "Rename or move a file",
        File(),
        body=UpdateFile(),
        errors=(*OF_FILE, PathTaken),
        access=WRITE,
        tag=TAG,
    ),
    delete(
        "/files/{id}",
        delete_file,
        "Put a file into the trash",
        errors=(*OF_FILE, PreconditionFailed),
        access=WRITE,
        tag=TAG,
        description="Sockets that have it open are closed.",
    ),
    post(
        "/files/{id}/restore",
        restore_file,
        "Take a file out of the trash",
        File(),
        200,
        errors=(*OF_FILE, PathTaken),
        access=WRITE,
        tag=TAG,
    ),
]
