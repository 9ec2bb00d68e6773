"""The service's own paths, outside /api/v1."""

from __future__ import annotations

from aiohttp import web

from nexcorp.errors import NotFound, TooManyRequests, Unauthorized
from nexcorp.features.service import health, pages
from nexcorp.features.service.schemas import Document, Health, Readiness
from nexcorp.features.service.shared import METRICS, READINESS, Shared
from nexcorp.security.access import PUBLIC
from nexcorp.web.routing import Handler, Route, get

TAG = "Service"


def own(path: str, handler: object, summary: str, returns: object, **more: object) -> Route:
    """Make the route of a public GET outside /api/v1."""
    return get(path, handler, summary, returns, prefix="", access=PUBLIC, tag=TAG, **more)  # type: ignore[arg-type]


def document(path: str, handler: Handler, summary: str) -> Route:
    """Make the route of an API document, which is constant while the process runs."""
    returns = {200: Document(), 304: None}
    return Route("GET", path, handler, summary, PUBLIC, TAG, returns=returns, prefix="")


def set_up(app: web.Application) -> None:
    """Create the answers that an application's requests share."""
    app[READINESS], app[METRICS] = Shared(health.check_all), Shared(pages.collect_metrics)


ROUTES = [
    own("/", pages.show_landing, "The landing page", None, hidden=True),
    own("/health", health.show_health, "Check that the process is alive", Health(), vital=True),
    Route(
        "GET",
        "/ready",
        health.show_readiness,
        "Check that every dependency works",
        PUBLIC,
        TAG,
        returns={200: Readiness(), 503: Readiness()},
        prefix="",
        vital=True,
        description="A 503 names each dependency that fails; its body is not an `Error`.",
    ),
    own(
        "/metrics",
        pages.show_metrics,
        "Prometheus metrics",
        None,
        vital=True,
        content_type="text/plain",
        errors=(Unauthorized, NotFound, TooManyRequests),
        description="If `METRICS_TOKEN` is set, send it as bearer token. Otherwise 404 in production, "
        "unless `METRICS_OPEN` is set.",
    ),
    document("/api/openapi.json", pages.show_openapi, "This document"),
    document("/api/asyncapi.json", pages.show_asyncapi, "The AsyncAPI document of the live interface"),
    own("/api/docs", pages.show_docs, "The documentation, to read and to try", None, hidden=True),
    own("/api/docs/{name}", pages.show_asset, "Files of the documentation", None, hidden=True),
]
