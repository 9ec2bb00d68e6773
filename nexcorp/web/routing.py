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
    """Whether a request says that it is a WebSocket handshake."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `access` says who may call it; there is no default, so that nobody forgets.
    `body` and `query` are what the handler is called with, checked, as keyword arguments of those
    names. `returns` maps each status of success to the schema of its body (None for no body);
    `errors` are the errors it can answer with beyond those that every route of its kind has.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    access: Access
    tag: str = ""
    body: Schema | None = None
    # Taken as multipart/form-data: the handler gets `files`, a list of nexcorp.web.forms.File, as well.
    form: Form | None = None
    query: Schema | None = None
    # A type of body that the handler reads by itself; and whether that may be large, and come slowly.
    raw: str | None = None
    large: bool = False
    returns: Mapping[int, Schema | None] = field(default_factory=dict)
    errors: Sequence[type[AppError]] = ()
    description: str = ""
    prefix: str = API_PREFIX
    # A route that stays open (a socket) has no deadline and no place in the in-flight count.
    long_lived: bool = False
    # Gives the handler that takes a request of another kind at the same address, before any check: one that
    # is to become a socket, which then stays open as well, or a browser's that wants a page.
    instead: Callable[[web.Request], Handler | None] | None = None
    # Whether a request stays open that is answered otherwise most often.
    lingers: Callable[[web.Request], bool] | None = None
    hidden: bool = False
    # The handler decides whom a request counts for. What the handler never sees, counts for the address.
    counts_itself: bool = False
    # Answered even when the service is full: a probe must not be told to come back later.
    vital: bool = False
    # POSTs that hand out secrets keep no answer that could be replayed.
    idempotent: bool = True
    content_type: str = "application/json"
    # What callers ask for may make its statements slow: they are cut off early, and all such requests
    # together have a share of the pool.
    heavy: bool = False
    # How long each of its statements may take; None: as long as the pool allows.
    statement_seconds: float | None = None
    # Whether a GET may be answered from a replica, seconds old: it takes no lock, changes nothing, and its
    # answer has no place in a room. What the caller wrote before is in it.
    stale: bool = False
    # Whether a GET answers HEAD, too. Not where it uses something up: link checkers send HEAD first.
    head: bool = True

    def stays_open(self, request: web.Request) -> bool:
        """Whether a request is to become a socket, or a stream of events."""
        return (
            self.long_lived
            or (self.instead is not None and wants_socket(request))
            or (self.lingers is not None and self.lingers(request))
        )

    def takes_form(self, request: web.Request) -> bool:
        """Whether a request is read as a form, whose files may come slowly, or is as large as one."""
        return self.large or (self.form is not None and is_form(request))

    @property
    def limited(self) -> bool:
        """Whether requests are counted: all but probes, which proxies send and which cost little."""
        return not self.vital

    @property
    def full_path(self) -> str:
        """The path as clients call it, `{id}` and all."""
        return self.prefix + self.path


def get(
    path: str, handler: Handler, summary: str, returns: Schema | None, *, access: Access, **more: Any
) -> Route:
    """A GET that answers 200."""
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
    """A POST, 201 unless told otherwise."""
    return Route("POST", path, handler, summary, access, returns={status: returns}, **more)


def put(
    path: str, handler: Handler, summary: str, returns: Schema | None, *, access: Access, **more: Any
) -> Route:
    """A PUT that answers 200."""
    return Route("PUT", path, handler, summary, access, returns={200: returns}, **more)


def patch(
    path: str, handler: Handler, summary: str, returns: Schema | None, *, access: Access, **more: Any
) -> Route:
    """A PATCH that answers 200."""
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
    """A DELETE, 204 without a body unless told otherwise."""
    return Route("DELETE", path, handler, summary, access, returns={status: returns}, **more)


async def count(request: web.Request, inside: bool) -> None:
    """Count a request against its client's address, `inside` the API or beside it; raises TooManyRequests."""
    limits, address = request.app[LIMITS], request[CONTEXT].ip
    await (limits.take_address if inside else limits.take_file)(request, address)


def shows_who(request: web.Request, access: Access) -> bool:
    """Whether somebody who would not have to says who they are, at a route where that matters."""
    return access.permission is not None and (
        "Authorization" in request.headers or (access.ticket and "ticket" in request.query)
    )


def make_endpoint(
    route: Route, reads: Reads | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route's handler behind its checks: who asks, how often, then what they send."""
    handler, access, body, query = route.handler, route.access, route.body, route.query
    # A socket shows who opens it in several ways, and counts itself.
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
    """Tell a client that waits for it to send its body; what else it expects is passed over (RFC 9110)."""
    if request.headers["Expect"].lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What was written does not yet belong to the answer.
        request.writer.output_size = 0


def add_routes(app: web.Application, routes: Sequence[Route]) -> None:
    """Register a feature's route table."""
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
    """Raises HTTPMethodNotAllowed."""
    raise web.HTTPMethodNotAllowed(request.method, allowed)
