"""`/ws`: the handshake, and the loop that reads one client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from nexcorp.errors import (
    AppError,
    BadRequest,
    DatabaseUnavailable,
    Forbidden,
    SessionRequired,
    Unauthorized,
    Unavailable,
)
from nexcorp.logs import seldom
from nexcorp.realtime import protocol
from nexcorp.realtime.batches import BatchedSocket
from nexcorp.realtime.commands import Client, greet, obey
from nexcorp.realtime.errors import TextOnly
from nexcorp.realtime.hub import MAX_SOCKETS_PER_USER, Hub
from nexcorp.realtime.inbound import Allowance, CountedSocket, Flooded, Misframed, Oversized
from nexcorp.realtime.node import NODE, Node
from nexcorp.realtime.socket import Socket
from nexcorp.security.access import PUBLIC
from nexcorp.security.api_keys import PREFIX
from nexcorp.security.app_keys import CONFIG
from nexcorp.security.authentication import admit, check_token, consume_ticket, read_bearer, renew
from nexcorp.security.cors import Cors
from nexcorp.security.tokens import Principal
from nexcorp.web.routing import Route

log = structlog.get_logger("nexcorp.realtime")

BEARER_PREFIX = "bearer."
SPOKEN = (protocol.SUBPROTOCOL, protocol.BATCHED)
# How long a user's other sockets have to show that they live when an eleventh comes.
PROBE_SECONDS = 1.5
# Whoever is not greeted by then, as PostgreSQL hangs, is told to come back: another node may do it.
GREET_SECONDS = 1.5


class SubprotocolRequired(BadRequest):
    """Subprotocols are offered, and the one that is spoken here is not among them."""

    code, message = "subprotocol_required", "Offer the subprotocol that is spoken here."
    meaning = "The client offers subprotocols, but not the required one, which the message names."


class UpgradeRequired(BadRequest):
    """The request is not a WebSocket handshake."""

    code, message = "upgrade_required", "Open this address as a WebSocket."
    meaning = "The request is not a WebSocket handshake."


class OriginNotAllowed(Forbidden):
    """Browsers let any page open a socket, so the service itself must look at the origin."""

    code, message = "origin_not_allowed", "This origin may not open a socket."
    meaning = "Pages of this origin may not open a socket."


class KeyNotAccepted(SessionRequired):
    """API keys open no sockets."""

    message = "API keys open no sockets: sign in, and send the access token or a ticket."


class Draining(Unavailable):
    """This node takes no new sockets."""

    code, message = "draining", "This node is stopping; connect again."
    meaning = "This node is stopping; connect again."


def offered_protocols(request: web.Request) -> list[str]:
    """What the client names in Sec-WebSocket-Protocol."""
    header = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return [part.strip() for part in header.split(",") if part.strip()]


def check_handshake(request: web.Request, spoken: Sequence[str] = SPOKEN) -> None:
    """Raises SubprotocolRequired or UpgradeRequired, or OriginNotAllowed for a page of another origin.

    `spoken` are the subprotocols of the address.
    """
    protocols = offered_protocols(request)
    if protocols and not set(spoken) & set(protocols):
        # Before aiohttp looks at it, which would log what is offered: an access token may be among it.
        raise SubprotocolRequired(message=f"Offer the subprotocol {' or '.join(spoken)}.")
    if not web.WebSocketResponse(protocols=spoken).can_prepare(request).ok:
        raise UpgradeRequired()
    origin = request.headers.get("Origin")
    if origin is not None and not Cors(request.app[CONFIG]).allows(origin):
        raise OriginNotAllowed()


def read_token(request: web.Request) -> str | None:
    """The token in the header or the subprotocol entry, if any; raises Unauthorized for an odd header."""
    if "Authorization" in request.headers:
        return read_bearer(request)
    for offered in offered_protocols(request):
        if offered.startswith(BEARER_PREFIX):
            return offered.removeprefix(BEARER_PREFIX)
    return None


def check_session_token(request: web.Request, token: str) -> Principal:
    """Who opens a socket with this token; raises Unauthorized, and KeyNotAccepted for an API key."""
    if token.startswith(PREFIX):
        raise KeyNotAccepted()
    return check_token(request.app, token)


async def authenticate_handshake(request: web.Request, spoken: Sequence[str] = SPOKEN) -> Principal:
    """Who opens the socket: by header, by subprotocol entry or by ticket.

    Raises Unauthorized, KeyNotAccepted, and what check_handshake() raises.
    """
    check_handshake(request, spoken)
    token = read_token(request)
    if token is not None:
        return check_session_token(request, token)
    ticket = request.query.get("ticket")
    if ticket:
        return await consume_ticket(request, ticket, "ws")
    raise Unauthorized()


async def admit_handshake(request: web.Request, spoken: Sequence[str] = SPOKEN) -> Principal:
    """As authenticate_handshake(), and count the handshake; raises TooManyRequests as well."""
    by_token = "Authorization" in request.headers or read_token(request) is not None
    ticket = None if by_token else request.query.get("ticket")
    return await admit(request, lambda: authenticate_handshake(request, spoken), ticket=ticket or None)


async def take_in(hub: Hub, socket: Socket) -> bool:
    """Give a socket its place; False where its user has ten that live already.

    One that does not answer within PROBE_SECONDS, as a phone leaves behind that changes networks, makes room.
    """
    if hub.add(socket):
        return True
    began = time.monotonic()
    others = [other for other in hub.by_user.get(socket.user_id, ()) if not other.closing]
    for other in others:
        other.probe()
    while time.monotonic() - began < PROBE_SECONDS:
        await asyncio.sleep(PROBE_SECONDS / 30)
        if hub.add(socket):
            return True
        silent = [other for other in others if other.last_seen < began]
        if not silent:
            return False
    oldest = min(silent, key=lambda other: other.last_seen)
    oldest.close(protocol.NO_PONG, "no pong")
    return hub.add(socket)


def read_resume(request: web.Request) -> tuple[str | None, int | None]:
    """`?epoch=&seq=` of a returning client; anything unreadable counts as new."""
    epoch, seq = request.query.get("epoch"), request.query.get("seq", "")
    if epoch is None or not (seq.isascii() and seq.isdigit()) or len(seq) > 18:
        return None, None
    return epoch, int(seq)


async def open_socket(
    request: web.Request, node: Node, spoken: Sequence[str], allowance: Allowance | None = None
) -> CountedSocket:
    """Answer the handshake; raises Draining, or DatabaseUnavailable where rooms are not known yet."""
    ws = CountedSocket(spoken, allowance)
    if node.draining:
        raise Draining()
    if node.positions.epoch is None:
        raise DatabaseUnavailable()
    try:
        await ws.prepare(request)
    except ConnectionResetError:
        # It has left while it was let in: nobody reads this, and nothing has crashed.
        raise BadRequest() from None
    return ws


async def serve_socket(request: web.Request) -> web.StreamResponse:
    """Upgrade and serve one client until either side ends it."""
    node = request.app[NODE]
    who = await admit_handshake(request)
    ws = await open_socket(request, node, SPOKEN)
    socket = (
        BatchedSocket(ws, request.transport, who, node.batches)
        if ws.ws_protocol == protocol.BATCHED
        else Socket(ws, request.transport, who)
    )

    async def check(token: str) -> Principal:
        return await renew(request, check_token(request.app, token))

    client = Client(node, socket, check)
    if not await take_in(node.hub, socket):
        reason = f"more than {MAX_SOCKETS_PER_USER} sockets"
        socket.explain(protocol.TOO_MANY_SOCKETS, reason)
        await ws.close(code=protocol.TOO_MANY_SOCKETS, message=reason.encode())
        return ws
    try:
        if stays(node, socket):
            await greet_in_time(client, *read_resume(request))
        await read_client(client)
    except AppError as error:
        # The handshake is over, so the reason can only be a close code: come back later.
        if seldom(f"greet {error.code}"):
            log.warning("socket could not be greeted", reason=error.code)
        node.send_away(socket)
        await read_client(client)
    except Exception:
        # Not for the gateway: its answer would be HTTP in the middle of a WebSocket.
        log.exception("socket crashed")
        node.send_away(socket)
        await read_client(client)
    finally:
        node.hub.remove(socket)
    return ws


async def greet_in_time(client: Client, epoch: str | None, seq: int | None) -> None:
    """As greet(), but a client that still waits after GREET_SECONDS is sent away."""

    def give_up() -> None:
        if not client.socket.greeted:
            client.node.send_away(client.socket)

    timer = asyncio.get_running_loop().call_later(GREET_SECONDS, give_up)
    try:
        await greet(client, epoch, seq)
    finally:
        timer.cancel()


def stays(node: Node, socket: Socket) -> bool:
    """Whether a socket that was taken in may stay: it is closed where, since its token was looked at, its
    session has ended, or this node has begun to stop."""
    who = socket.principal
    if node.revocations.ended(who):
        socket.close(protocol.SESSION_REVOKED, "session revoked")
    elif node.revocations.outdated(who):
        socket.close(protocol.TOKEN_EXPIRED, "role changed")
    elif node.draining:
        node.send_away(socket)
    return not socket.closing


def refuse_binary(socket: Socket) -> None:
    """Say that frames are text."""
    socket.send("error", {"code": TextOnly.code, "message": TextOnly.message})


async def read_client(client: Client) -> None:
    """Obey a client's frames until it is gone."""
    await read_socket(client.socket, lambda text: obey(client, text), refuse_binary)


async def read_socket(
    socket: Socket,
    take: Callable[[Any], Awaitable[None]],
    refuse: Callable[[Socket], None],
    kind: WSMsgType = WSMsgType.TEXT,
) -> None:
    """Call `take` with each message of this kind that a client sends, and `refuse` for one of the other kind,
    until it is gone."""
    async for message in socket.ws:
        # What is in the queue already is had without waiting: the others get their turn in between.
        await asyncio.sleep(0)
        socket.last_seen = time.monotonic()
        if message.type is WSMsgType.ERROR and isinstance(message.data, Flooded):
            socket.close(protocol.TOO_MANY_MESSAGES, "too many messages")
        elif message.type is WSMsgType.ERROR and isinstance(message.data, Oversized):
            socket.close(WSCloseCode.MESSAGE_TOO_BIG, "message too large")
        elif message.type is WSMsgType.ERROR and isinstance(message.data, Misframed):
            socket.close(WSCloseCode.PROTOCOL_ERROR, "not framed as it should be")
        elif message.type is WSMsgType.ERROR:
            # aiohttp has sent the close frame: no UTF-8, or no WebSocket. Nothing may follow it.
            return
        elif message.type is WSMsgType.PONG or socket.closing:
            continue
        elif message.type is WSMsgType.PING:
            socket.write(protocol.wrap(message.data, protocol.PONG))
        elif message.type is kind:
            await take(message.data)
        else:
            refuse(socket)


ROUTES = [
    Route(
        "GET",
        "/ws",
        serve_socket,
        "The live connection; see /api/asyncapi.json",
        tag="Live",
        prefix="",
        access=PUBLIC,
        long_lived=True,
        returns={101: None},
        errors=(
            SubprotocolRequired,
            UpgradeRequired,
            Unauthorized,
            OriginNotAllowed,
            SessionRequired,
            Draining,
        ),
    )
]
