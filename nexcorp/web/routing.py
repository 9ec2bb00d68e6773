"""The route table: one row per operation, from which the router and the OpenAPI document are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from aiohttp import HttpVersion11, web
from marshmallow import Schema, fields

from nexcorp.domain.fields import load
from nexcorp.errors import AppError, Invalid
from nexcorp.security.access import Access
from nexcorp.security.app_keys import CALLER, CONTEXT, RIGHTS
from nexcorp.security.authentication import authenticate, authenticate_ticket
from nexcorp.security.caller import Caller
from nexcorp.security.limits import LIMITS
from nexcorp.security.reauthentication import require_fresh
from nexcorp.web.forms import Form, Received, is_form, receive
from nexcorp.web.parsing import read_json, read_query
from nexcorp.web.reading import READS, Reads
from nexcorp.web.transactions import persist

API_PREFIX = "/api/v1"

Handler = Callable[..., Awaitable[web.StreamResponse]]


def wants_socket(request: web.Request) -> bool:
    """Return whether a request is a WebSocket handshake."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `access` says who may call it; there is no default, so that nobody forgets it. The handler gets the
    checked body and query as keyword arguments `body` and `query`. `returns` maps each status of success to
    the schema of its body (None for no body); `errors` are the errors beyond those that every route of its
    kind has.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    access: Access
    tag: str = ""
    body: Schema | None = None
    # Read as multipart/form-data: the handler also gets `files`, a list of nexcorp.web.forms.File.
    form: Form | None = None
    query: Schema | None = None
    # The type of a body that the handler reads itself; whether that body may be large and arrive slowly.
    raw: str | None = None
    large: bool = False
    returns: Mapping[int, Schema | None] = field(default_factory=dict)
    errors: Sequence[type[AppError]] = ()
    description: str = ""
    prefix: str = API_PREFIX
    # A route that stays open (a socket) has no deadline and no place at the gate.
    long_lived: bool = False
    # Returns another handler for some requests to the same address, before any check: for a WebSocket
    # handshake, which then stays open, or for a browser that wants a page.
    instead: Callable[[web.Request], Handler | None] | None = None
    # Whether a particular request stays open, on a route whose requests usually do not.
    lingers: Callable[[web.Request], bool] | None = None
    hidden: bool = False
    # The handler chooses whom a request counts for. A request refused before that counts for the address.
    counts_itself: bool = False
    # Answered even when the service is full: a probe must not be told to come back later.
    vital: bool = False
    # False for POSTs that hand out secrets: their answers are not stored for replay.
    idempotent: bool = True
    content_type: str = "application/json"
    # Callers can make its statements slow: they have a short time limit, and all heavy requests together have
    # a limited share of the pool.
    heavy: bool = False
    # The time limit of each of its statements; None for the pool's.
    statement_seconds: float | None = None
    # Whether a GET may be answered from a replica, seconds old: it takes no lock and changes nothing, and its
    # answer has no position in a room. It still contains the caller's own earlier writes.
    stale: bool = False
    # Whether a GET also answers HEAD. False if it uses something up: link checkers send HEAD first.
    head: bool = True

    def stays_open(self, request: web.Request) -> bool:
        """Return whether a request becomes a socket or a stream of events."""
        return (
            self.long_lived
            or (self.instead is not None and wants_socket(request))
            or (self.lingers is not None and self.lingers(request))
        )

    def takes_form(self, request: web.Request) -> bool:
        """Return whether a request may arrive slowly: it is read as a form, or as a large body."""
        return self.large or (self.form is not None and is_form(request))

    @property
    def limited(self) -> bool:
        """Whether requests are counted: all but probes, which proxies send and which cost little."""
        return not self.vital

    @property
    def full_path(self) -> str:
        """The path as clients call it, with `{id}`."""
        return self.prefix + self.path


def get(
    path: str, handler: Handler, summary: str, returns: Schema | None, *, access: Access, **more: Any
) -> Route:
    """Return a GET that answers 200."""
    return Route("GET", path, handler, summary, access, returns={200: returns}, **more)


def post(
    path: str,
    handler: Handler,
    summary: str,
    returns: Schema | None,
    status: int = 201,
    *,
    access: Access,
    **more: Any,
) -> Route:
    """Return a POST, which answers 201 by default."""
    return Route("POST", path, handler, summary, access, returns={status: returns}, **more)


def put(
    path: str, handler: Handler, summary: str, returns: Schema | None, *, access: Access, **more: Any
) -> Route:
    """Return a PUT that answers 200."""
    return Route("PUT", path, handler, summary, access, returns={200: returns}, **more)


def patch(
    path: str, handler: Handler, summary: str, returns: Schema | None, *, access: Access, **more: Any
) -> Route:
    """Return a PATCH that answers 200."""
    return Route("PATCH", path, handler, summary, access, returns={200: returns}, **more)


def delete(
    path: str,
    handler: Handler,
    summary: str,
    returns: Schema | None = None,
    status: int = 204,
    *,
    access: Access,
    **more: Any,
) -> Route:
    """Return a DELETE, which by default answers 204 without a body."""
    return Route("DELETE", path, handler, summary, access, returns={status: returns}, **more)


async def count(request: web.Request, inside: bool) -> None:
    """Count a request against its client's address, `inside` the API or outside; raises TooManyRequests."""
    limits, address = request.app[LIMITS], request[CONTEXT].ip
    await (limits.take_address if inside else limits.take_file)(request, address)


def shows_who(request: web.Request, access: Access) -> bool:
    """Return whether a caller authenticates on a route that allows anonymous calls, but has a permission."""
    return access.permission is not None and (
        "Authorization" in request.headers or (access.ticket and "ticket" in request.query)
    )


def make_endpoint(
    route: Route, reads: Reads | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the route's handler behind its checks: who calls, how often, and the values sent."""
    handler, access, body, query = route.handler, route.access, route.body, route.query
    # A socket authenticates in several ways, and counts itself.
    limited, inside = route.limited and not route.long_lived, route.prefix != ""
    form, counts_itself, instead = route.form, route.counts_itself, route.instead
    takes = body.fields if body is not None else {}
    work: Callable[..., Awaitable[web.StreamResponse]] = persist
    if reads is not None and (route.stale or route.method != "GET"):
        work = reads.read if route.stale else reads.write
    lists = frozenset(name for name, value in takes.items() if isinstance(value, fields.List))

    async def endpoint(request: web.Request) -> web.StreamResponse:
        context = request[CONTEXT]
        if instead is not None and (other := instead(request)) is not None:
            return await other(request)
        if access.signed_in or shows_who(request, access):
            who = await (authenticate_ticket if access.ticket else authenticate)(request)
            rights = request.app[RIGHTS]
            rights.check(who, access)
            request[CALLER] = Caller(who, rights)
            context.user_id, context.session_id = who.user_id, who.session_id
        elif limited and not counts_itself:
            await count(request, inside)
        context.heavy, context.statement_seconds = route.heavy, route.statement_seconds
        if form is not None and (is_form(request) or not form.optional):
            async with receive(request, form, lists) as received:
                return await work(request, partial(handle_form, request, received))
        return await work(request, partial(handle, request))

    async def handle_form(request: web.Request, received: Received) -> web.StreamResponse:
        if body is None:
            if received.values:
                raise Invalid(errors={name: ["Unknown field."] for name in received.values})
            return await handler(request, files=received.files)
        return await handler(request, body=load(body, received.values), files=received.files)

    async def handle(request: web.Request) -> web.StreamResponse:
        if body is not None:
            try:
                data = load(body, await read_json(request))
            except AppError:
                if counts_itself:
                    await request.app[LIMITS].take_address(request, request[CONTEXT].ip)
                raise
            if access.fresh:
                await require_fresh(request, access, data)
            if query is not None:
                return await handler(request, body=data, query=read_query(request, query))
            return await handler(request, body=data)
        if access.fresh:
            await require_fresh(request, access)
        if query is not None:
            return await handler(request, query=read_query(request, query))
        return await handler(request)

    endpoint.route = route  # type: ignore[attr-defined]
    return endpoint


async def expect_body(request: web.Request) -> None:
    """Send 100 Continue to a client that waits for it; other expectations are ignored (RFC 9110)."""
    if request.headers["Expect"].lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # These bytes are no part of the answer yet.
        request.writer.output_size = 0


def add_routes(app: web.Application, routes: Sequence[Route]) -> None:
    """Register a route table with the application."""
    for route in routes:
        endpoint = make_endpoint(route, app.get(READS))
        if route.method == "GET" and not route.long_lived:
            app.router.add_get(route.full_path, endpoint, allow_head=route.head, expect_handler=expect_body)
        else:
            app.router.add_route(route.method, route.full_path, endpoint, expect_handler=expect_body)
    refuse_other_methods(app.router)


def refuse_other_methods(router: web.UrlDispatcher) -> None:
    """Answer 405 at each path without parameters: PATCH /tasks/trash changes no task called `trash`."""
    allowed = defaultdict[str, set[str]](set)
    for route in router.routes():
        if isinstance(route.resource, web.PlainResource):
            allowed[route.resource.canonical].add(route.method)
    for path, methods in allowed.items():
        router.add_route("*", path, partial(refuse_method, methods))


async def refuse_method(allowed: Collection[str], request: web.Request) -> NoReturn:
    """Raise HTTPMethodNotAllowed."""
    raise web.HTTPMethodNotAllowed(request.method, allowed)
