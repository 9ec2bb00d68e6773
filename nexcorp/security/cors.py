"""Which pages may call with credentials, and by which names the service may be called."""

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
    """The Host header names no host of ours: behind it may be a page whose name was made to lead here."""

    code, message = "host_not_allowed", "This host is not served here."
    meaning = "The Host header names a host other than those of `PUBLIC_URL` and `ALLOWED_HOSTS`."


def read_origin(address: str) -> str:
    """`scheme://host[:port]` of an http(s) address, in its shortest form; raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("no origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    return f"{parts.scheme}://{host}" + (
        f":{port}" if port not in (None, DEFAULT_PORTS[parts.scheme]) else ""
    )


def shorten_origin(text: str) -> str:
    """An origin of the settings as browsers write it; as it stands where it is none."""
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
        """Whether pages of `origin` may call: those of PUBLIC_URL, of CORS_ORIGINS and, in development, local
        ones. What the Host header says does not count: a page chooses the name that it calls by."""
        if origin in self.origins:
            return True
        try:
            return self.development and urlsplit(origin).hostname in LOCAL
        except ValueError:
            return False

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

    def describe(self, origin: str) -> dict[str, str]:
        """The headers for pages of an origin; caches must keep origins apart whether it is allowed or not."""
        headers = {"Vary": "Origin"}
        if self.allows(origin):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = EXPOSED
        return headers

    def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Name the origin of a request where it is allowed."""
        headers = self.describe(request.headers["Origin"])
        response.headers.add("Vary", headers.pop("Vary"))
        response.headers.update(headers)


class Hosts:
    """The names by which one application may be called: all of them in development, or without a setting."""

    def __init__(self, config: Config) -> None:
        own = urlsplit(config.public_url).hostname if config.public_url else None
        names = {name.lower().rstrip(".") for name in (*config.allowed_hosts, own or "") if name}
        self.names = frozenset() if config.development else frozenset(names)

    def check(self, request: web.Request) -> None:
        """Raises HostNotAllowed for a name that is not listed. Ports do not matter: proxies change them."""
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
