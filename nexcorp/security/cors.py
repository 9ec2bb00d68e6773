"""The origins that may call with credentials, and the host names of the service."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from nexcorp.config import Config
from nexcorp.errors import BadRequest

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


DEFAULT_PORTS = {"http": 80, "https": 443}
LOCAL = ("localhost", "127.0.0.1", "::1")


class HostNotAllowed(BadRequest):
    """The Host header names none of our hosts: a page may have pointed its own name at this service."""

    code, message = "host_not_allowed", "This host is not served here."
    meaning = "The Host header names a host other than those of `PUBLIC_URL` and `ALLOWED_HOSTS`."


def read_origin(address: str) -> str:
    """Return `scheme://host[:port]` of an http(s) address, in its shortest form; raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("no origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    return f"{parts.scheme}://{host}" + (
        f":{port}" if port not in (None, DEFAULT_PORTS[parts.scheme]) else ""
    )


def shorten_origin(text: str) -> str:
    """Return an origin of the settings as browsers write it; unchanged if it is no http(s) origin."""
    try:
        return read_origin(text)
    except ValueError:
        return text


class Cors:
    """The CORS rules of one application."""

    def __init__(self, config: Config) -> None:
        self.development = config.development
        own = (config.public_url,) if config.public_url else ()
        self.origins = frozenset(shorten_origin(text) for text in (*own, *config.cors_origins))

    def allows(self, origin: str) -> bool:
        """Return whether pages of `origin` may call: those of PUBLIC_URL, of CORS_ORIGINS and, in
        development, local ones. The Host header does not count: a page chooses the name by which it calls."""
        if origin in self.origins:
            return True
        try:
            return self.development and urlsplit(origin).hostname in LOCAL
        except ValueError:
            return False

    def is_preflight(self, request: web.Request) -> bool:
        """Return whether the request is a preflight of a browser."""
        return "Origin" in request.headers and "Access-Control-Request-Method" in request.headers

    def reply_preflight(self, request: web.Request) -> web.Response:
        """Reply 204 with the allowed methods and headers; add_headers() checks the origin."""
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": ALLOWED_METHODS,
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": "600",
            },
        )

    def describe(self, origin: str) -> dict[str, str]:
        """Return the headers for pages of an origin; they always vary by origin, for caches."""
        headers = {"Vary": "Origin"}
        if self.allows(origin):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = EXPOSED
        return headers

    def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the CORS headers for the origin of a request."""
        headers = self.describe(request.headers["Origin"])
        response.headers.add("Vary", headers.pop("Vary"))
        response.headers.update(headers)


class Hosts:
    """The host names of one application: any name in development, or if no setting lists any."""

    def __init__(self, config: Config) -> None:
        own = urlsplit(config.public_url).hostname if config.public_url else None
        names = {name.lower().rstrip(".") for name in (*config.allowed_hosts, own or "") if name}
        self.names = frozenset() if config.development else frozenset(names)

    def check(self, request: web.Request) -> None:
        """Raise HostNotAllowed for an unknown name. Ports do not matter: proxies change them."""
        if not self.names:
            return
        try:
            name = (urlsplit(f"//{request.headers.get('Host', '')}").hostname or "").rstrip(".")
        except ValueError:
            name = ""
        # ".example.com" stands for every name below it.
        if name not in self.names and not any(
            listed.startswith(".") and name.endswith(listed) for listed in self.names
        ):
            raise HostNotAllowed()
