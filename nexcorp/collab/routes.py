"""`/collab/{fileId}`: the handshake of an editor, and the loop that reads it."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from aiohttp import WSMsgType, web

from nexcorp.collab.checking import may_write
from nexcorp.collab.editor import Editor
from nexcorp.collab.errors import NotText, TooManyEditors
from nexcorp.collab.metrics import REFUSED
from nexcorp.collab.node import COLLAB, MAX_SOCKETS_PER_FILE, MAX_SOCKETS_PER_USER, Collab
from nexcorp.collab.protocol import ALLOWANCE, MALFORMED
from nexcorp.collab.socket import EditorSocket
from nexcorp.db import sql
from nexcorp.errors import (
    AppError,
    BadRequest,
    EmailUnverified,
    FileNotFound,
    Invalid,
    PermissionRequired,
    SessionRequired,
    Unauthorized,
)
from nexcorp.realtime import protocol
from nexcorp.realtime.inbound import CountedSocket
from nexcorp.realtime.routes import (
    Draining,
    OriginNotAllowed,
    SubprotocolRequired,
    UpgradeRequired,
    admit_handshake,
    open_socket,
    read_socket,
    take_in,
)
from nexcorp.security.access import PUBLIC
from nexcorp.security.app_keys import CONTEXT
from nexcorp.security.tokens import Principal
from nexcorp.web.errors import status_of
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import Route

PERMISSION = "project:read"
SPOKEN = (protocol.SUBPROTOCOL,)
# Close codes for refusals that are final; after limits and faults clients come back.
FINAL = {status: 4000 + status for status in (401, 403, 404, 409, 422)}
ABOUT = (
    "y-websocket's protocol: sync, awareness and auth in binary messages. The caller is known as at `/ws`. A "
    "client that cannot see why a handshake was refused adds `?refuse=close`: the socket is then opened, and "
    "closed with 4000 and the status. `/api/asyncapi.json` has the messages and the codes."
)


class Opened(NamedTuple):
    """A file that the caller may open; `writes`: whether they may change it."""

    file_id: UUID
    project_id: UUID
    writes: bool


async def check_file(collab: Collab, file_id: UUID, who: Principal) -> Opened:
    """Return what `who` may do with the file; raises NotText, or the error that denies reading it."""
    rights = collab.node.rights
    if not rights.has(who, PERMISSION):
        raise rights.explain(who, PERMISSION)
    async with collab.database.connection() as conn:
        (row,) = await sql.collab.read_rights(
            conn, file_ids=[file_id], user_ids=[who.user_id], session_ids=[who.session_id]
        )
    if not row["alive"]:
        raise Unauthorized()
    if row["kind"] is None or row["role"] is None:
        raise FileNotFound()
    if row["kind"] != "text":
        raise NotText()
    return Opened(file_id, row["project_id"], may_write(row))


async def admit(request: web.Request, collab: Collab) -> tuple[Principal, Opened]:
    """Return the caller and the file they may open; raises the error that refuses the handshake."""
    who = await admit_handshake(request, SPOKEN)
    context = request[CONTEXT]
    context.user_id, context.session_id = who.user_id, who.session_id
    file_id = path_id(request, "fileId")
    opened = await check_file(collab, file_id, who)
    if collab.is_full(file_id):
        raise TooManyEditors()
    if collab.node.draining:
        raise Draining()
    return who, opened


async def refuse(request: web.Request, error: AppError) -> web.StreamResponse:
    """Open a socket for a client that asked for it, and close it with the code of the error."""
    status = status_of(type(error))
    code = FINAL.get(status, protocol.TOO_MANY_MESSAGES if status == 429 else protocol.GOING_AWAY)
    REFUSED.labels(code).inc()
    ws = CountedSocket(SPOKEN, ALLOWANCE)
    await ws.prepare(request)
    await ws.close(code=code, message=error.code.encode())
    return ws


async def serve_editor(request: web.Request) -> web.StreamResponse:
    """Upgrade and serve one editor until either side ends it."""
    collab = request.app[COLLAB]
    try:
        who, opened = await admit(request, collab)
    except BadRequest:
        raise
    except AppError as error:
        if request.query.get("refuse") != "close":
            raise
        return await refuse(request, error)
    ws = await open_socket(request, collab.node, SPOKEN, ALLOWANCE)
    socket = EditorSocket(ws, request.transport, who)
    editor: Editor | None = None
    try:
        if await take_in(collab.hub, socket):
            channel = collab.find_channel(opened.file_id, opened.project_id)
            editor = Editor(socket, channel, collab.log, collab.node.send_away, writes=opened.writes)
            await begin(collab, editor)
        else:
            socket.close(protocol.TOO_MANY_MESSAGES, f"more than {MAX_SOCKETS_PER_USER} sockets")
        await read_editor(socket, editor)
    finally:
        if editor is not None:
            collab.leave(editor)
        collab.hub.remove(socket)
    return ws


async def begin(collab: Collab, editor: Editor) -> None:
    """Add an editor to its file, or close its socket."""
    socket, node = editor.socket, collab.node
    if not collab.enter(editor):
        socket.close(protocol.TOO_MANY_MESSAGES, f"more than {MAX_SOCKETS_PER_FILE} sockets in this file")
    elif node.revocations.ended(socket.principal):
        socket.close(protocol.SESSION_REVOKED, "session revoked")
    elif node.draining:
        node.send_away(socket)
    else:
        await editor.begin()


async def read_editor(socket: EditorSocket, editor: Editor | None) -> None:
    """Carry out an editor's messages until it has gone; without an editor, ignore them."""

    async def take(data: bytes) -> None:
        if editor is not None:
            await editor.take(data)

    def refuse_text(_: object) -> None:
        socket.close(MALFORMED, "messages are binary")

    await read_socket(socket, take, refuse_text, WSMsgType.BINARY)


ROUTES = [
    Route(
        "GET",
        "/collab/{fileId}",
        serve_editor,
        "Edit a text file together; see /api/asyncapi.json",
        tag="Live",
        prefix="",
        access=PUBLIC,
        long_lived=True,
        description=ABOUT,
        returns={101: None},
        errors=(
            SubprotocolRequired,
            UpgradeRequired,
            Unauthorized,
            OriginNotAllowed,
            SessionRequired,
            PermissionRequired,
            EmailUnverified,
            FileNotFound,
            NotText,
            Invalid,
            TooManyEditors,
            Draining,
        ),
    )
]
