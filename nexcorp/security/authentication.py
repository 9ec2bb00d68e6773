"""Authenticate a request: from the Authorization header, or a ticket, to a Principal."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import BadRequest, DatabaseUnavailable, Forbidden, Unauthorized
from nexcorp.security.api_keys import PREFIX
from nexcorp.security.app_keys import (
    API_KEYS,
    CALLER,
    CONTEXT,
    REVOCATIONS,
    RIGHTS,
    SECRETS,
    TOKENS,
    database,
)
from nexcorp.security.limits import LIMITS
from nexcorp.security.tickets import read_ticket
from nexcorp.security.tokens import ACCESS_SECONDS, Principal


def check_standing(app: web.Application, who: Principal) -> Principal:
    """Return `who` if their session or key has not ended and their role has not changed since.

    Raises Unauthorized, or DatabaseUnavailable before this node has read the revocations.
    """
    revocations = app[REVOCATIONS]
    if not revocations.loaded:
        raise DatabaseUnavailable()
    if revocations.ended(who) or revocations.outdated(who):
        raise Unauthorized()
    return who


def check_token(app: web.Application, token: str) -> Principal:
    """Return the principal of an access token; raises as check_standing() does."""
    return check_standing(app, app[TOKENS].verify(token))


def read_bearer(request: web.Request) -> str:
    """Return the token in `Authorization: Bearer`; raises Unauthorized if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized()
    return token


async def consume_ticket(request: web.Request, ticket: str, purpose: str) -> Principal:
    """Return the principal of a one-time ticket for the purpose `ws` or `download`; raises Unauthorized.

    HEAD does not use the ticket up.
    """
    digest = hashlib.sha256(ticket.encode("utf-8", "surrogateescape")).digest()
    async with database(request).connection() as conn:
        find = sql.auth.get_ticket if request.method == "HEAD" else sql.auth.consume_ticket
        row = await find(conn, token_hash=digest, purpose=purpose)
    if row is None:
        raise Unauthorized()
    who = Principal(
        user_id=row["user_id"],
        session_id=row["session_id"],
        role=row["role"],
        role_version=row["role_version"],
        platform=row["platform"],
        expires_at=time.time() + ACCESS_SECONDS,
        verified=row["verified"],
    )
    return check_standing(request.app, who)


async def authenticate(request: web.Request) -> Principal:
    """Return the principal of a request, by access token or API key; raises Unauthorized for a bad one or
    none.

    The request counts for the account, a failed one for the client's address; over either limit it raises
    TooManyRequests.
    """
    limits, address = request.app[LIMITS], request[CONTEXT].ip
    counted = False
    try:
        token = read_bearer(request)
        if token.startswith(PREFIX):
            keys = request.app[API_KEYS]
            # Count first: guessed keys must not load PostgreSQL.
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
    await limits.take_caller(request, who, address)
    return await renew(request, who)


async def renew(request: web.Request, who: Principal) -> Principal:
    """Return `who`, verified if their address is by now; PostgreSQL is asked only if that matters."""
    if who.verified or not request.app[RIGHTS].strict:
        return who
    async with database(request).connection() as conn:
        return replace(who, verified=bool(await sql.auth.is_verified(conn, user_id=who.user_id)))


async def admit(
    request: web.Request, find: Callable[[], Awaitable[Principal]], *, ticket: str | None = None
) -> Principal:
    """Return the principal that `find` returns; the request counts for their account, a refused one for the
    address.

    `ticket`: the ticket that `find` will look up in PostgreSQL. A genuine one counts for its account first;
    others are refused without asking PostgreSQL.
    """
    limits, address = request.app[LIMITS], request[CONTEXT].ip
    owner = None
    try:
        if ticket is not None:
            owner = read_ticket(request.app[SECRETS], ticket)
            await limits.take_user(request, owner)
        who = await find()
    except (BadRequest, Forbidden, Unauthorized):
        if owner is None:
            await limits.take_address(request, address)
        raise
    if owner is None:
        await limits.take_caller(request, who, address)
    return await renew(request, who)


async def authenticate_ticket(request: web.Request) -> Principal:
    """Authenticate as authenticate() does, or by a one-time ticket for downloads (`?ticket=`)."""
    if "ticket" not in request.query:
        return await authenticate(request)
    ticket = request.query["ticket"]
    return await admit(request, lambda: consume_ticket(request, ticket, "download"), ticket=ticket)


def require(request: web.Request, permission: str) -> None:
    """Raise PermissionRequired if the caller lacks `permission`: for rules that depend on the body."""
    request[CALLER].require(permission)
