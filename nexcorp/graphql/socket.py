"""Subscriptions over WebSockets: the subprotocol graphql-transport-ws, with the limits of /ws.

The socket is in the hub like one of /ws: it counts among its user's sockets, is pinged, and ends with its
token or its session. Its close codes are those of /ws, except for those that the subprotocol defines.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import msgspec
import structlog
from aiohttp import web
from graphql import GraphQLError, OperationType

from nexcorp.background import end_tasks
from nexcorp.db.encoding import decode, encode
from nexcorp.errors import AppError, Forbidden, Unauthorized
from nexcorp.graphql.context import Context
from nexcorp.graphql.errors import GraphqlInvalid, Refused, TooManySubscriptions, refuse
from nexcorp.graphql.execution import ENGINE, Operation, show_refusal
from nexcorp.realtime import protocol
from nexcorp.realtime.commands import MAX_ID_CHARS, show_expiry
from nexcorp.realtime.hub import MAX_SOCKETS_PER_USER
from nexcorp.realtime.inbound import CountedSocket
from nexcorp.realtime.node import NODE
from nexcorp.realtime.routes import (
    admit_handshake,
    check_handshake,
    check_session_token,
    open_socket,
    read_socket,
    read_token,
    stays,
    take_in,
)
from nexcorp.realtime.socket import Socket
from nexcorp.security.app_keys import CONTEXT, REQUEST_ID
from nexcorp.security.authentication import renew
from nexcorp.security.limits import LIMITS
from nexcorp.security.tokens import Principal

log = structlog.get_logger("nexcorp.graphql")

SPOKEN = ("graphql-transport-ws",)
MAX_SUBSCRIPTIONS = 10
INIT_SECONDS = 10.0
# Parsing and validating a document costs as much as this many messages more.
NEW_DOCUMENT_FRAMES = 4

INVALID_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_INITS = 4429
# Close codes of the hub -> codes of this subprotocol.
CODES = {
    protocol.TOKEN_EXPIRED: UNAUTHORIZED,
    protocol.BAD_TOKEN: UNAUTHORIZED,
    protocol.SESSION_REVOKED: UNAUTHORIZED,
}
# Before connection_init a socket has no user and is in no hub.
NOBODY = Principal(UUID(int=0), UUID(int=0), "", 0, "", 0.0)


class GraphqlSocket(Socket):
    """A socket that sends the messages of this subprotocol, and no frames of /ws."""

    __slots__ = ()

    def send(self, event: str, data: Any, **more: Any) -> None:
        """Do nothing: events of /ws have no message here."""

    def explain(self, code: int, reason: str) -> None:
        """Do nothing: the close code tells the reason."""

    def close(self, code: int, reason: str) -> None:
        """See Socket.close()."""
        super().close(CODES.get(code, code), reason)

    def say(self, kind: str, **more: Any) -> None:
        """Write one message."""
        self.write(protocol.wrap(encode({"type": kind, **more})))


def find_token(payload: dict[str, Any]) -> str | None:
    """Return the access token in the payload of connection_init, or None; Unauthorized if it is malformed."""
    headers = {name.lower(): value for name, value in payload.items() if name != "token"}
    given = headers.get("authorization", payload.get("token"))
    if given is None:
        return None
    if not isinstance(given, str):
        raise Unauthorized()
    if "authorization" in headers:
        scheme, _, given = given.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized()
    return given.strip()


class Conversation:
    """The messages of one socket. `early`: the caller, if the handshake named one."""

    def __init__(self, request: web.Request, socket: GraphqlSocket, early: Principal | None) -> None:
        self.request, self.socket, self.early = request, socket, early
        self.node, self.engine = request.app[NODE], request.app[ENGINE]
        self.begun = self.acknowledged = False
        self.running: dict[str, asyncio.Task[None]] = {}

    async def take(self, text: str) -> None:
        """Carry out one message; a message that is not of the subprotocol closes the socket."""
        try:
            message = decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        payload = message.get("payload") if isinstance(message, dict) else None
        if payload is None:
            payload = {}
        if not isinstance(kind, str) or not isinstance(payload, dict):
            self.socket.close(INVALID_MESSAGE, "not a message of this subprotocol")
        elif kind == "connection_init":
            await self.begin(payload)
        elif kind == "ping":
            self.socket.say("pong", **({"payload": payload} if payload else {}))
        elif kind == "subscribe":
            self.subscribe(message.get("id"), payload)
        elif kind == "complete":
            self.complete(message.get("id"))
        elif kind != "pong":
            self.socket.close(INVALID_MESSAGE, "unknown type of message")

    def refuse_binary(self, socket: Socket) -> None:
        """Close the socket."""
        socket.close(INVALID_MESSAGE, "messages are text")

    async def begin(self, payload: dict[str, Any]) -> None:
        """Handle connection_init: add the socket to the hub, and tell the client when its token expires."""
        if self.begun:
            self.socket.close(TOO_MANY_INITS, "too many initialisation requests")
            return
        self.begun = True
        try:
            who = await self.sign_in(payload)
        except Unauthorized:
            self.socket.close(UNAUTHORIZED, "unauthorized")
            return
        except Forbidden as error:
            self.socket.close(FORBIDDEN, error.message)
            return
        context = self.request[CONTEXT]
        context.user_id, context.session_id = who.user_id, who.session_id
        self.socket.renew(who)
        if not await take_in(self.node.hub, self.socket):
            self.socket.close(protocol.TOO_MANY_SOCKETS, f"more than {MAX_SOCKETS_PER_USER} sockets")
        elif stays(self.node, self.socket):
            self.acknowledged = True
            about = {"epoch": self.node.positions.epoch, "expiresAt": show_expiry(who)}
            self.socket.say("connection_ack", payload=about)

    async def sign_in(self, payload: dict[str, Any]) -> Principal:
        """Return the caller by the token in the payload, or else by the handshake.

        Raises Unauthorized, KeyNotAccepted for an API key, and the errors of the rate limit.
        """
        token = find_token(payload)
        if token is None:
            if self.early is None:
                raise Unauthorized()
            return self.early
        who = check_session_token(self.request, token)
        if self.early is None:
            # The handshake was counted for the client's address: count it for the caller instead.
            limits, address = self.request.app[LIMITS], self.request[CONTEXT].ip
            limits.give_back(address)
            await limits.take_caller(self.request, who, address)
        return await renew(self.request, who)

    def subscribe(self, name: Any, payload: dict[str, Any]) -> None:
        """Start an operation; its answers carry its id."""
        text, variables, operation = (payload.get(key) for key in ("query", "variables", "operationName"))
        if not self.acknowledged:
            self.socket.close(UNAUTHORIZED, "unauthorized")
        elif (
            not (isinstance(name, str) and 0 < len(name) <= MAX_ID_CHARS)
            or not isinstance(text, str)
            or not isinstance(variables, dict | None)
            or not isinstance(operation, str | None)
        ):
            self.socket.close(INVALID_MESSAGE, "not a message of this subprotocol")
        elif name in self.running:
            self.socket.close(SUBSCRIBER_EXISTS, "this id has a subscriber already")
        elif not self.engine.knows(text) and not self.socket.ws.inbound.charge(NEW_DOCUMENT_FRAMES):
            self.socket.close(protocol.TOO_MANY_MESSAGES, "too many messages")
        elif len(self.running) >= MAX_SUBSCRIPTIONS:
            self.fail(name, refuse(TooManySubscriptions()))
        else:
            try:
                prepared = self.engine.prepare(text, variables, operation)
                if prepared.type is not OperationType.SUBSCRIPTION:
                    raise refuse(GraphqlInvalid(message="Send queries and mutations by POST."))
            except Refused as refused:
                self.fail(name, refused)
            else:
                self.running[name] = asyncio.create_task(self.run(name, prepared))

    def complete(self, name: Any) -> None:
        """End a subscription that the client does not want any more."""
        task = self.running.pop(name, None) if isinstance(name, str) else None
        if task is not None:
            task.cancel()

    def fail(self, name: str, refused: Refused) -> None:
        """Send the errors that ended an operation."""
        self.socket.say("error", id=name, payload=show_refusal(refused, self.request[REQUEST_ID]))

    async def run(self, name: str, operation: Operation) -> None:
        """Send a subscription's answers, at the client's pace, until it ends or is cancelled."""
        context = Context(self.request, self.socket.principal, self.socket)
        task = asyncio.current_task()
        try:
            async with contextlib.aclosing(self.engine.stream(operation, context)) as answers:
                async for shown in answers:
                    self.socket.say("next", id=name, payload=shown)
                    await self.socket.let_drain()
            last = None
        except Refused as refused:
            last = refused
        except Exception as error:
            last = Refused(GraphQLError("", original_error=error))
        # Another operation may have the name by now.
        if self.running.get(name) is task:
            del self.running[name]
            if last is not None:
                self.fail(name, last)
            else:
                self.socket.say("complete", id=name)


async def admit_early(request: web.Request) -> Principal | None:
    """Return the caller if the handshake names one; else None, and the handshake counts for the address.

    Raises the error that refuses the handshake.
    """
    by_token = "Authorization" in request.headers or read_token(request) is not None
    if by_token or request.query.get("ticket"):
        return await admit_handshake(request, SPOKEN)
    await request.app[LIMITS].take_address(request, request[CONTEXT].ip)
    check_handshake(request, SPOKEN)
    return None


async def serve_graphql(request: web.Request) -> web.StreamResponse:
    """Upgrade and serve one client until either side ends it."""
    node = request.app[NODE]
    early = await admit_early(request)
    ws: CountedSocket = await open_socket(request, node, SPOKEN)
    socket = GraphqlSocket(ws, request.transport, NOBODY)
    conversation = Conversation(request, socket, early)

    def miss_init() -> None:
        if not conversation.begun:
            socket.close(INIT_TIMEOUT, "connection initialisation timeout")

    timer = asyncio.get_running_loop().call_later(INIT_SECONDS, miss_init)
    try:
        await read_socket(socket, conversation.take, conversation.refuse_binary)
    except AppError:
        # The sign-in failed (database or limit), too late for a status: come back later.
        node.send_away(socket)
        await read_socket(socket, conversation.take, conversation.refuse_binary)
    except Exception:
        log.exception("socket crashed")
        node.send_away(socket)
        await read_socket(socket, conversation.take, conversation.refuse_binary)
    finally:
        timer.cancel()
        node.hub.remove(socket)
        await end_tasks(conversation.running.values())
    return ws
