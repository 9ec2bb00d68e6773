"""The export of the caller's own data: requested here, built by a worker, downloaded with a ticket."""

from __future__ import annotations

import asyncio
import gzip

from aiohttp import web

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Job
from nexcorp.errors import NotFound
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.replies import JSON_HEADERS, reply, takes_gzip
from nexcorp.web.routing import API_PREFIX
from nexcorp.web.transactions import transaction

BUILD_EXPORTS = Job("build_exports")
FILE_NAME = "nexcorp-export.json"
PATH = f"{API_PREFIX}/users/me/export"


class ExportNotReady(NotFound):
    """The export was never asked for, is being made, or has expired."""

    code, message = "export_not_ready", "There is no export to download; ask for one first."
    meaning = "There is no export to download; ask for one first."


async def get_export(request: web.Request, query: dict[str, str]) -> web.Response:
    if "ticket" in query:
        return await download_export(request)
    who = user_id(request)
    # HEAD looks, and asks for nothing.
    asks = request.method == "GET"
    async with database(request).transaction() as conn:
        row = await sql.exports.get_export(conn, user_id=who)
        # Read it first: an INSERT would wait for the worker that builds it.
        over = asks and (row is None or row["_over"])
        if over and await sql.exports.request_export(conn, user_id=who):
            payload = {"userId": who}
            await emit(conn, "user.export_requested", actor_id=who, entity=("user", who), payload=payload)
        if over:
            # A retry beside this one may have asked before.
            row = await sql.exports.get_export(conn, user_id=who)
        if asks and (row is None or not row["ready"]):
            # Each time, not only the first: a wake may have been lost.
            conn.after(BUILD_EXPORTS)
    if row is not None and row["ready"]:
        state = {"status": "ready", "downloadUrl": PATH, "expiresAt": row["expiresAt"], "bytes": row["bytes"]}
        return reply(state)
    return reply({"status": "preparing"}, 202)


async def download_export(request: web.Request) -> web.Response:
    """The file, compressed if the client accepts gzip; raises ExportNotReady."""
    who = user_id(request)
    async with transaction(request) as tx:
        body = await sql.exports.get_export_body(tx.conn, user_id=who)
        if body is None:
            raise ExportNotReady()
        if request.method == "GET":
            payload = {"userId": who}
            await emit(tx.conn, "user.export_downloaded", actor_id=who, entity=("user", who), payload=payload)
    response = web.Response(headers=JSON_HEADERS)
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    response.headers["Vary"] = "Accept-Encoding"
    if takes_gzip(request):
        response.headers["Content-Encoding"] = "gzip"
    else:
        body = await asyncio.to_thread(gzip.decompress, body)
    response.body = body
    return response
