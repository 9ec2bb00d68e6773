"""Who is asking: from the Authorization header to a Principal, without leaving the process."""

from __future__ import annotations

from aiohttp import web

from nexcorp.errors import Unauthorized, Unavailable
from nexcorp.web.keys import REVOCATIONS, TOKENS
from nexcorp.web.tokens import Principal


def check_token(app: web.Application, token: str) -> Principal:
    """The principal of an access token whose session still stands; raises Unauthorized, or
    Unavailable before this node knows which sessions have ended."""
    who = app[TOKENS].verify(token)
    if not app[REVOCATIONS].loaded:
        raise Unavailable("database_unavailable", "The database is not reachable.")
    if who.session_id in app[REVOCATIONS]:
        raise Unauthorized()
    return who


def authenticate(request: web.Request) -> Principal:
    """The principal of a request; raises Unauthorized without a good bearer token."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized()
    return check_token(request.app, token.strip())
