"""Check where a sign-in may lead: pages of the service and allowed addresses."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from aiohttp import web

from nexcorp.config import Config
from nexcorp.errors import NotConfigured
from nexcorp.features.auth.oauth.errors import ReturnToRefused
from nexcorp.security.app_keys import CONFIG
from nexcorp.security.cors import read_origin

MAX_CHARS = 2000
DEFAULT = "/"
# Browsers take `\` for `/`, and drop tabs and line breaks.
PLAIN = re.compile(r"[!-\[\]-~]+\Z")
# `.` and `..` as segments, plain or encoded, and encoded separators.
TRAVERSAL = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)|%2f|%5c|%00", re.IGNORECASE)


def own_address(request: web.Request) -> str | None:
    """Return PUBLIC_URL without a slash at its end.

    Without PUBLIC_URL return the request's host in development, None in production: a client can forge the
    host.
    """
    config = request.app[CONFIG]
    if config.public_url or not config.development:
        return config.public_url.rstrip("/") or None
    return f"{request.scheme}://{request.host}"


def find_public_address(request: web.Request) -> str:
    """Return own_address(); raises NotConfigured if it is None."""
    address = own_address(request)
    if address is None:
        raise NotConfigured(message="Sign-in with other providers needs PUBLIC_URL.")
    return address


def is_listed(config: Config, own: str | None, address: str) -> bool:
    """Return whether an address is the service's own, of an origin of CORS_ORIGINS, or in OAUTH_RETURN_TO."""
    origin, path = read_origin(address), urlsplit(address).path or "/"
    for listed in (own or "", *config.cors_origins):
        try:
            if origin == read_origin(listed):
                return True
        except ValueError:
            continue
    for listed in config.oauth_return_to:
        below = urlsplit(listed).path.rstrip("/")
        if origin == read_origin(listed) and (path == below or path.startswith(f"{below}/")):
            return True
    return False


def check_return_to(request: web.Request, text: str | None) -> str:
    """Return `text` if a sign-in may lead there, `/` if it is absent; raises ReturnToRefused."""
    if not text:
        return DEFAULT
    try:
        if PLAIN.match(text) and len(text) <= MAX_CHARS and not TRAVERSAL.search(urlsplit(text).path):
            if text.startswith("/"):
                if not text.startswith("//"):
                    return text
            elif is_listed(request.app[CONFIG], own_address(request), text):
                return text
    except ValueError:
        pass
    raise ReturnToRefused()
