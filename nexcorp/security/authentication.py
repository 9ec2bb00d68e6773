"""Who is asking: from the Authorization header to a Principal."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import BadRequest, DatabaseUnavailable, Forbidden, PermissionRequired, Unauthorized
from nexcorp.security.api_keys import PREFIX
from nexcorp.security.app_keys import API_KEYS, CALLER, CONTEXT, REVOCATIONS, TOKENS, database
from nexcorp.security.limits import LIMITS
from nexcorp.security.tokens import ACCESS_SECONDS, Principal


def check_standing(app: web.Application, who: Principal) -> Principal:
    """`who`, whose session, key, role and status still stand; raises Unauthorized, or Unavailable
    before this node knows what has ended."""
    revocations = app[REVOCATIONS]
    if not revocations.loaded:
        raise DatabaseUnavailable()
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


async def consume_ticket(request: web.Request, ticket: str, purpose: str) -> Principal:
    """The principal of a one-time ticket for the purpose `ws` or `download`; raises Unauthorized."""
    digest = hashlib.sha256(ticket.encode("utf-8", "surrogateescape")).digest()
    async with database(request).connection() as conn:
        row = await sql.auth.consume_ticket(conn, token_hash=digest, purpose=purpose)
    if row is None:
        raise Unauthorized()
    who = Principal(
        user_id=row["user_id"],
        session_id=row["session_id"],
        role=row["role"],
        role_version=row["role_version"],
        platform=row["platform"],
        expires_at=time.time() + ACCESS_SECONDS,
    )
    return check_standing(request.app, who)


async def authenticate(request: web.Request) -> Principal:
    """The principal of a request, by access token or API key; raises Unauthorized without a good one.

    The request counts for the account, a failed one for the client's address; over either limit it
    raises TooManyRequests.
    """
    limits, address = request.app[LIMITS], request[CONTEXT].ip
    counted = False
    try:
        token = read_bearer(request)
        if token.startswith(PREFIX):
            keys = request.app[API_KEYS]
            # Before PostgreSQL is asked: guessed keys must not become its load.
            if not keys.remembers(token):
                await limits.take_address(request, address)
                counted = True
            who = check_standing(request.app, await keys.verify(token))
        else:
            who = check_token(request.app, token)
    except Unauthorized:
        if not counted:
            await limits.take_address(request, address)
        raise
    if counted:
        limits.give_back(address)
    await limits.take_user(request, who.user_id)
    return who


async def admit(request: web.Request, find: Callable[[], Awaitable[Principal]], *, guess: bool) -> Principal:
    """Who `find` says is asking; their account is charged, or the client's address where it refuses.

    `guess`: it asks PostgreSQL, whose load guesses must not become; the address is charged before.
    """
    limits, address = request.app[LIMITS], request[CONTEXT].ip
    if guess:
        await limits.take_address(request, address)
    try:
        who = await find()
    except (BadRequest, Forbidden, Unauthorized):
        if not guess:
            await limits.take_address(request, address)
        raise
    if guess:
        limits.give_back(address)
    await limits.take_user(request, who.user_id)
    return who


async def authenticate_ticket(request: web.Request) -> Principal:
    """As authenticate(), but a one-time ticket for downloads (`?ticket=`) will do as well."""
    if "ticket" not in request.query:
        return await authenticate(request)
    ticket = request.query["ticket"]
    return await admit(request, lambda: consume_ticket(request, ticket, "download"), guess=True)


def allows(request: web.Request, permission: str) -> bool:
    """Whether the caller has a permission beyond the one their route wants."""
    return request[CALLER].may(permission)


def require(request: web.Request, permission: str) -> None:
    """Raises Forbidden where the caller has not: for what depends on the body and not on the route."""
    if not allows(request, permission):
        raise PermissionRequired(permission)
