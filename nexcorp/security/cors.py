"""The other origins that may call with credentials: those in CORS_ORIGINS."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from nexcorp.config import Config
from nexcorp.security.addresses import came_by_tls

EXPOSED = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Retry-After, X-Request-Id, "
    "Idempotent-Replayed, WWW-Authenticate, "
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, X-Request-Id, "
    "X-Requested-With"
)
ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


class Cors:
    """The CORS rules of one application."""

    def __init__(self, config: Config) -> None:
        self.config = config
        own = {f"{parts.scheme}://{parts.netloc}" for parts in [urlsplit(config.public_url)] if parts.netloc}
        self.origins = frozenset(config.cors_origins) | own

    def allows(self, request: web.Request, origin: str) -> bool:
        """Whether pages of `origin` may call: listed, the service's own, or (in development) local."""
        if origin in self.origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.netloc == request.host:
            # An attacker in the network can forge a page that came without TLS: it is another origin.
            return parts.scheme == "https" or not (request.secure or came_by_tls(request, self.config))
        return self.config.development and parts.hostname in ("localhost", "127.0.0.1", "::1")

    def is_preflight(self, request: web.Request) -> bool:
        """Whether the request is a preflight of a browser."""
        return "Origin" in request.headers and "Access-Control-Request-Method" in request.headers

    def reply_preflight(self, request: web.Request) -> web.Response:
        """204 with what is allowed; add_headers() decides whether this origin is."""
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": ALLOWED_METHODS,
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": "600",
            },
        )

    def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Name the origin where it is allowed; caches must keep origins apart either way."""
        origin = request.headers["Origin"]
        response.headers.add("Vary", "Origin")
        if self.allows(request, origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
