"""The span of each request. Without OTEL_EXPORTER_OTLP_ENDPOINT this middleware is not installed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from nexcorp.context import traceparent
from nexcorp.security.app_keys import REQUEST_ID
from nexcorp.web.gateway import route_of

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_tracing(tracer: Tracer) -> Any:
    """Return the middleware around the gateway. Probes, sockets, streams and unknown paths have no span."""
    from nexcorp.tracing import note_failure, write_parent

    @web.middleware
    async def trace_request(request: web.Request, handler: Endpoint) -> web.StreamResponse:
        route = route_of(request)
        if route is None or route.vital or route.stays_open(request):
            return await handler(request)
        about = {"http.request.method": request.method, "http.route": route.full_path}
        caller = request.headers.get("traceparent")
        with tracer.serve(f"{request.method} {route.full_path}", caller, about) as span:
            # aiohttp serves all requests of a connection in one task: the variable must be reset.
            token = traceparent.set(write_parent(span))
            try:
                response = await handler(request)
            finally:
                traceparent.reset(token)
            span.set_attribute("http.response.status_code", response.status)
            span.set_attribute("nexcorp.request_id", request[REQUEST_ID])
            if response.status >= 500:
                note_failure(span, str(response.status))
            return response

    return trace_request
