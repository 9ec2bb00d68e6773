"""The browser's refresh token: a cookie that scripts cannot read and other sites cannot send."""

from __future__ import annotations

from aiohttp import web

from nexcorp.errors import Forbidden
from nexcorp.security.app_keys import CONFIG
from nexcorp.security.cors import Cors

# With __Host- browsers refuse the cookie unless it is Secure, for / and for this host alone.
NAME = "__Host-refresh"


class CrossSite(Forbidden):
    """A request with the cookie may come from another site."""

    code, message = "csrf", "This origin may not call."
    meaning = "The cookie came without `X-Requested-With`, or from a page of another origin."


def set_cookie(response: web.StreamResponse, token: str, seconds: int) -> None:
    """Give the browser a refresh token for `seconds`."""
    response.set_cookie(NAME, token, max_age=seconds, path="/", secure=True, httponly=True, samesite="Strict")


def clear_cookie(response: web.StreamResponse) -> None:
    """Delete the browser's refresh token; needs the attributes with which it was set."""
    response.del_cookie(NAME, path="/", secure=True, httponly=True, samesite="Strict")


def read_cookie(request: web.Request) -> str | None:
    """Return the browser's refresh token, or None.

    Raises CrossSite if another site may be behind the request: it lacks X-Requested-With, which a form
    cannot set, or comes from an origin that may not call.
    """
    token = request.cookies.get(NAME)
    if token is None:
        return None
    origin = request.headers.get("Origin")
    if "X-Requested-With" not in request.headers:
        raise CrossSite(message="Send the header X-Requested-With along with the cookie.")
    if origin is not None and not Cors(request.app[CONFIG]).allows(origin):
        raise CrossSite()
    return token
