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
# A client not greeted within this time, as PostgreSQL hangs, is sent away: another node may greet it.
GREET_SECONDS = 1.5


class SubprotocolRequired(BadRequest):
    """The client offers subprotocols, but not the one of this address."""

    code, message = "subprotocol_required", "Offer the subprotocol that is spoken here."
    meaning = "The client offers subprotocols, but not the required one, which the message names."


class UpgradeRequired(BadRequest):
    """The request is not a WebSocket handshake."""

    code, message = "upgrade_required", "Open this address as a WebSocket."
    meaning = "The request is not a WebSocket handshake."


class OriginNotAllowed(Forbidden):
    """The page's origin is not allowed. Browsers let any page open a socket, so the service checks it."""

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
    """Return the names that the client lists in Sec-WebSocket-Protocol."""
    header = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return [part.strip() for part in header.split(",") if part.strip()]


def check_handshake(request: web.Request, spoken: Sequence[str] = SPOKEN) -> None:
    """Check a handshake: raises SubprotocolRequired, UpgradeRequired, or OriginNotAllowed for a foreign page.

    `spoken` are the subprotocols of the address.
    """
    protocols = offered_protocols(request)
    if protocols and not set(spoken) & set(protocols):
        # Before aiohttp, which would log the offered names: an access token may be among them.
        raise SubprotocolRequired(message=f"Offer the subprotocol {' or '.join(spoken)}.")
    if not web.WebSocketResponse(protocols=spoken).can_prepare(request).ok:
        raise UpgradeRequired()
    origin = request.headers.get("Origin")
    if origin is not None and not Cors(request.app[CONFIG]).allows(origin):
        raise OriginNotAllowed()


def read_token(request: web.Request) -> str | None:
    """Return the token of the header or subprotocol entry, or None; Unauthorized for a malformed header."""
    if "Authorization" in request.headers:
        return read_bearer(request)
    for offered in offered_protocols(request):
        if offered.startswith(BEARER_PREFIX):
            return offered.removeprefix(BEARER_PREFIX)
    return None


def check_session_token(request: web.Request, token: str) -> Principal:
    """Return the caller with this token; raises Unauthorized, and KeyNotAccepted for an API key."""
    if token.startswith(PREFIX):
        raise KeyNotAccepted()
    return check_token(request.app, token)


async def authenticate_handshake(request: web.Request, spoken: Sequence[str] = SPOKEN) -> Principal:
    """Return the caller, by header, by subprotocol entry or by ticket.

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
    """As authenticate_handshake(), but counted against the rate limit: raises TooManyRequests as well."""
    by_token = "Authorization" in request.headers or read_token(request) is not None
    ticket = None if by_token else request.query.get("ticket")
    return await admit(request, lambda: authenticate_handshake(request, spoken), ticket=ticket or None)


async def take_in(hub: Hub, socket: Socket) -> bool:
    """Add a socket to the hub; return False if its user has MAX_SOCKETS_PER_USER live ones.

    A socket that fails to answer a ping within PROBE_SECONDS, as after a change of networks, makes room.
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
    """Return `?epoch=&seq=` of a returning client; None, None if either is missing or invalid."""
    epoch, seq = request.query.get("epoch"), request.query.get("seq", "")
    if epoch is None or not (seq.isascii() and seq.isdigit()) or len(seq) > 18:
        return None, None
    return epoch, int(seq)


async def open_socket(
    request: web.Request, node: Node, spoken: Sequence[str], allowance: Allowance | None = None
) -> CountedSocket:
    """Answer the handshake; raises Draining, or DatabaseUnavailable before the first read of positions."""
    ws = CountedSocket(spoken, allowance)
    if node.draining:
        raise Draining()
    if node.positions.epoch is None:
        raise DatabaseUnavailable()
    try:
        await ws.prepare(request)
    except ConnectionResetError:
        # The client left during the handshake: nobody reads this answer, and nothing has crashed.
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
        # The handshake is done, so the only answer left is a close code: come back later.
        if seldom(f"greet {error.code}"):
            log.warning("socket could not be greeted", reason=error.code)
        node.send_away(socket)
        await read_client(client)
    except Exception:
        # Handled here: the gateway would write an HTTP answer into the WebSocket.
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
    """Whether a socket may stay. It is closed if, since its token was checked, its session has ended, its
    role has changed or this node has begun to stop."""
    who = socket.principal
    if node.revocations.ended(who):
        socket.close(protocol.SESSION_REVOKED, "session revoked")
    elif node.revocations.outdated(who):
        socket.close(protocol.TOKEN_EXPIRED, "role changed")
    elif node.draining:
        node.send_away(socket)
    return not socket.closing


def refuse_binary(socket: Socket) -> None:
    """Tell the client that frames are text."""
    socket.send("error", {"code": TextOnly.code, "message": TextOnly.message})


async def read_client(client: Client) -> None:
    """Carry out a client's frames until it has gone."""
    await read_socket(client.socket, lambda text: obey(client, text), refuse_binary)


async def read_socket(
    socket: Socket,
    take: Callable[[Any], Awaitable[None]],
    refuse: Callable[[Socket], None],
    kind: WSMsgType = WSMsgType.TEXT,
) -> None:
    """Call `take` for each message of this kind, and `refuse` for one of the other kind, until the client has
    gone."""
    async for message in socket.ws:
        # Queued messages are read without waiting: let other tasks run in between.
        await asyncio.sleep(0)
        socket.last_seen = time.monotonic()
        if message.type is WSMsgType.ERROR and isinstance(message.data, Flooded):
            socket.close(protocol.TOO_MANY_MESSAGES, "too many messages")
        elif message.type is WSMsgType.ERROR and isinstance(message.data, Oversized):
            socket.close(WSCloseCode.MESSAGE_TOO_BIG, "message too large")
        elif message.type is WSMsgType.ERROR and isinstance(message.data, Misframed):
            socket.close(WSCloseCode.PROTOCOL_ERROR, "not framed as it should be")
        elif message.type is WSMsgType.ERROR:
            # aiohttp has sent a close frame, for bad UTF-8 or a bad frame. Nothing may follow it.
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
