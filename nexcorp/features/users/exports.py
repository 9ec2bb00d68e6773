"""The export of one's own data: asked for once, made by a worker, fetched with a ticket."""

from __future__ import annotations

import asyncio
import gzip

from aiohttp import web

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.wake import BUILD_EXPORTS
from nexcorp.errors import NotFound
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.replies import JSON_HEADERS, reply, takes_gzip
from nexcorp.web.routing import API_PREFIX
from nexcorp.web.transactions import transaction

FILE_NAME = "nexcorp-export.json"
PATH = f"{API_PREFIX}/users/me/export"


async def get_export(request: web.Request, query: dict[str, str]) -> web.Response:
    if "ticket" in query:
        return await download_export(request)
    who = user_id(request)
    async with database(request).transaction() as conn:
        row = await sql.exports.get_export(conn, user_id=who)
        # Asked first: an INSERT would wait for whoever is making it.
        if (row is None or row["_over"]) and await sql.exports.request_export(conn, user_id=who):
            payload = {"userId": who}
            await emit(conn, "user.export_requested", actor_id=who, entity=("user", who), payload=payload)
        if row is None or row["_over"]:
            row = await sql.exports.get_export(conn, user_id=who)
        if row is None or not row["ready"]:
            # Each time, not only the first: a wake may have been lost.
            conn.ask_for_job(BUILD_EXPORTS)
    if row is not None and row["ready"]:
        state = {"status": "ready", "downloadUrl": PATH, "expiresAt": row["expiresAt"], "bytes": row["bytes"]}
        return reply(state)
    return reply({"status": "preparing"}, 202)


async def download_export(request: web.Request) -> web.Response:
    """The file, compressed where the client takes that; raises NotFound while there is none."""
    who = user_id(request)
    async with transaction(request) as tx:
        body = await sql.exports.get_export_body(tx.conn, user_id=who)
        if body is None:
            raise NotFound("export_not_ready", "There is no export to download; ask for one first.")
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
