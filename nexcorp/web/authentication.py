"""Who is asking: from the Authorization header to a Principal."""

from __future__ import annotations

from aiohttp import web

from nexcorp.errors import Forbidden, Unauthorized, Unavailable
from nexcorp.web.api_keys import PREFIX
from nexcorp.web.keys import API_KEYS, PRINCIPAL, REVOCATIONS, RIGHTS, TOKENS
from nexcorp.web.tokens import Principal


def check_standing(app: web.Application, who: Principal) -> Principal:
    """`who`, whose session, key, role and status still stand; raises Unauthorized, or Unavailable
    before this node knows what has ended."""
    revocations = app[REVOCATIONS]
    if not revocations.loaded:
        raise Unavailable("database_unavailable", "The database is not reachable.")
    if revocations.ended(who) or revocations.outdated(who):
        raise Unauthorized()
    return who


def check_token(app: web.Application, token: str) -> Principal:
    """The principal of an access token; raises as check_standing() does."""
    return check_standing(app, app[TOKENS].verify(token))


def read_bearer(request: web.Request) -> str:
    """What stands behind `Authorization: Bearer`; raises Unauthorized where that is nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized()
    return token


async def authenticate(request: web.Request) -> Principal:
    """The principal of a request, by access token or API key; raises Unauthorized without a good one."""
    token = read_bearer(request)
    if token.startswith(PREFIX):
        return check_standing(request.app, await request.app[API_KEYS].verify(token))
    return check_token(request.app, token)


def allows(request: web.Request, permission: str) -> bool:
    """Whether who asks has a permission beyond the one their route wants."""
    return request.app[RIGHTS].has(request[PRINCIPAL], permission)


def require(request: web.Request, permission: str) -> None:
    """Raises Forbidden where they have not: for what depends on the body and not on the route."""
    if not allows(request, permission):
        raise Forbidden("permission_required", f"This needs the permission {permission}.")
