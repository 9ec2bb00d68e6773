"""The outermost middleware of every request: id, deadline, overload, errors, headers, metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from nexcorp.context import RequestContext, current
from nexcorp.errors import AppError, Overloaded, TimedOut, TooManyRequests, Unavailable
from nexcorp.security.addresses import came_by_tls, client_address
from nexcorp.security.app_keys import CONTEXT, REQUEST_ID
from nexcorp.security.cors import Cors, HostNotAllowed, Hosts
from nexcorp.security.limits import LIMIT
from nexcorp.web.bodies import leave_unread
from nexcorp.web.errors import reply_crash, reply_error, reply_http_error, translate
from nexcorp.web.forms import FORM_SECONDS
from nexcorp.web.gate import GATE
from nexcorp.web.metrics import IN_FLIGHT, observe_request
from nexcorp.web.refusals import choose_request_id, note_unavailable
from nexcorp.web.replies import SECURITY_HEADERS
from nexcorp.web.routing import API_PREFIX, Route, count
from nexcorp.web.streams import ADD_HEADERS
from nexcorp.web.transactions import Replay
from nexcorp.web.unread import LARGE_BYTES, OWNER, size_of

log = structlog.get_logger("nexcorp.web")

REQUEST_SECONDS = 15.0
SLOW_SECONDS = 1.0
MAX_AGENT_CHARS = 512

STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def clean_agent(text: str | None) -> str | None:
    """Return a User-Agent that can be stored: headers may hold invalid UTF-8, and be too long."""
    if text is None or text.isascii():
        return text and text[:MAX_AGENT_CHARS]
    return text.encode("utf-8", "replace").decode()[:MAX_AGENT_CHARS]


def route_of(request: web.Request) -> Route | None:
    """Return the row of the route table that matches, None for unknown paths and wrong methods."""
    return getattr(request.match_info.handler, "route", None)


async def answer(request: web.Request, handler: Endpoint) -> web.StreamResponse:
    """Run the handler; turn its exceptions into error envelopes."""
    try:
        if route_of(request) is None:
            await count(request, request.path.startswith(API_PREFIX))
        return await handler(request)
    except Replay as replay:
        return replay.response
    except AppError as error:
        if isinstance(error, Unavailable):
            note_unavailable(error.code)
        return reply_error(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return reply_http_error(request, error)
    except Exception as error:
        known = translate(error)
        if known is not None:
            note_unavailable(known.code)
            return reply_error(request, known)
        log.exception("request crashed", path=request.path, method=request.method)
        return reply_crash(request)


def make_gateway(config: Any) -> Any:
    """Return the middleware of one application."""
    cors, hosts = Cors(config), Hosts(config)

    def refuse_host(request: web.Request) -> web.Response | None:
        try:
            hosts.check(request)
        except HostNotAllowed as error:
            return reply_error(request, error)
        return None

    def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that every answer has."""
        out = response.headers
        out["X-Request-Id"] = request[REQUEST_ID]
        # JSON answers already have them.
        if "Server" not in out:
            for name, value in SECURITY_HEADERS.items():
                out.setdefault(name, value)
        bucket = request.get(LIMIT)
        if bucket is not None:
            bucket.write_headers(out)
        if request.secure or came_by_tls(request, config):
            out["Strict-Transport-Security"] = STRICT_TRANSPORT
        if "Origin" in request.headers:
            cors.add_headers(request, response)

    async def answer_in_time(
        request: web.Request, route: Route | None, handler: Endpoint
    ) -> web.StreamResponse:
        seconds = FORM_SECONDS if route is not None and route.takes_form(request) else REQUEST_SECONDS
        try:
            async with asyncio.timeout(seconds):
                return await answer(request, handler)
        except TimeoutError:
            note_unavailable("timeout")
            return reply_error(request, TimedOut())

    @web.middleware
    async def gateway(request: web.Request, handler: Endpoint) -> web.StreamResponse:
        started = time.perf_counter()
        headers = request.headers
        request_id = choose_request_id(request)
        request[REQUEST_ID] = request_id
        agent = clean_agent(headers.get("User-Agent"))
        request[CONTEXT] = context = RequestContext(request_id, client_address(request, config), agent)
        current.set(context)
        route = route_of(request)
        gate, connection = request.app[GATE], request.protocol
        # Probes call by an IP address, which the check of Host would refuse.
        vital = route is not None and route.vital
        if not vital and (refusal := refuse_host(request)) is not None:
            response: web.StreamResponse = refusal
        elif request.method == "OPTIONS" and cors.is_preflight(request):
            response = cors.reply_preflight(request)
        elif route is not None and route.stays_open(request):
            gate.stand_up(connection)
            request[ADD_HEADERS] = add_headers
            response = await answer(request, handler)
        elif vital:
            response = await answer_in_time(request, route, handler)
        elif (place := gate.enter(connection)) is None:
            note_unavailable("overloaded")
            response = reply_error(request, Overloaded())
        else:
            context.place = place
            try:
                response = await answer_in_time(request, route, handler)
            finally:
                place.end()
                IN_FLIGHT.set(gate.begun)
        size = size_of(response)
        if size > LARGE_BYTES:
            owner = context.user_id or context.ip
            if request.method == "GET" and not gate.unread.has_room(owner, size):
                response = reply_error(request, TooManyRequests(retry_after=1))
            else:
                request[OWNER] = owner
        if response.status == 400 and request.content.exception() is not None:
            # After a body that cannot be read, the next request cannot be found: the client must reconnect.
            response.force_close()
        elif not request.content.is_eof():
            leave_unread(request, response)
        if not response.prepared:
            add_headers(request, response)
        elapsed = time.perf_counter() - started
        observe_request(request.method, route, response.status, elapsed)
        if elapsed > SLOW_SECONDS and not (
            route is not None and (route.stays_open(request) or route.takes_form(request))
        ):
            log.warning("slow request", path=request.path, seconds=round(elapsed, 3))
        return response

    return gateway
