"""Identity: register, sign in and stay signed in, sign out, devices, one-time tickets.

Answers that hold a secret (login, refresh, ticket) are never stored for an Idempotency-Key: a retry
gets a new secret, and nothing in the database opens anything.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import Contention, NotFound, Unauthorized
from nexcorp.features.auth.passwords import hash_password, needs_upgrade, verify_password
from nexcorp.features.auth.sessions import schemas, service
from nexcorp.features.auth.sessions.errors import InvalidCredentials
from nexcorp.features.auth.sessions.jwks import JwksOut, show_jwks
from nexcorp.features.auth.sessions.proofs import WEB, end_shown_sessions, read_proof
from nexcorp.features.auth.sessions.refresh import RefreshToken, make_token
from nexcorp.security.access import ACCOUNT, PUBLIC, Access, allow
from nexcorp.security.app_keys import CONTEXT, SECRETS, TOKENS, caller, database, principal, user_id
from nexcorp.security.cookies import CrossSite, clear_cookie, set_cookie
from nexcorp.security.limits import LIMITS
from nexcorp.security.throttle import attempt, forgive, withdraw
from nexcorp.security.tickets import make_ticket
from nexcorp.security.tokens import ACCESS_SECONDS
from nexcorp.web.errors import reply_error
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import Route, delete, get, post

LOGIN_ATTEMPTS = 3
READ_NOTIFICATIONS = "notification:read"
TAG = "Identity"
OWN = Access(whose="your own only")
SHOWN = Access(signed_in=False, bearer=True, whose="ends the session of the access or refresh token")


def reply_signed_in(
    request: web.Request, account: Any, *, session_id: UUID, platform: str, counter: int, seconds: int
) -> web.Response:
    """Return the tokens of a session: both in the body, but for browsers the refresh token in a cookie."""
    access = request.app[TOKENS].sign(
        user_id=account["id"],
        session_id=session_id,
        role=account["role"],
        role_version=account["_roleVersion"],
        platform=platform,
        verified=account["emailVerified"],
    )
    refresh = make_token(request.app[SECRETS], session_id, counter)
    data = {
        "accessToken": access,
        "tokenType": "Bearer",
        "expiresIn": ACCESS_SECONDS,
        "user": service.show_account(account),
    }
    if platform not in WEB:
        return reply({**data, "refreshToken": refresh})
    response = reply(data)
    set_cookie(response, refresh, seconds)
    return response


async def login(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/login"""
    email = body["email"]
    await attempt(request, "login", email)
    try:
        signed_in = await sign_in(request, body)
    except Unauthorized:
        raise
    except BaseException:
        # Overload, a deadline, a client that left: nothing was learnt about the password.
        await asyncio.shield(withdraw(request, "login", email))
        raise
    await forgive(request, "login", email)
    # The account is counted instead, so that many sign-ins from one office lock out nobody there.
    request.app[LIMITS].give_back(request[CONTEXT].ip)
    session = signed_in.session
    return reply_signed_in(
        request,
        signed_in.account,
        session_id=session["id"],
        platform=session["platform"],
        counter=session["refresh_counter"],
        seconds=session["refresh_seconds"],
    )


async def sign_in(request: web.Request, body: dict[str, Any]) -> service.SignIn:
    """Check the password and sign in; raises InvalidCredentials, or Contention if the hash keeps changing."""
    for _ in range(LOGIN_ATTEMPTS):
        signed_in = await try_login(request, body)
        # None: the hash has changed meanwhile, by another sign-in's upgrade or a change of the password.
        if signed_in is not None:
            return signed_in
    raise Contention()


async def try_login(request: web.Request, body: dict[str, Any]) -> service.SignIn | None:
    """Check the password without holding a connection, then sign in; None if the hash changed in between.

    Raises InvalidCredentials.
    """
    email, password, platform = body["email"], body["password"], body["platform"]
    async with database(request).connection() as conn:
        account = await sql.auth.get_credentials(conn, email=email)
    known_hash: str | None = account["password_hash"] if account is not None else None
    good = await verify_password(known_hash, password)
    if account is None or known_hash is None or not good or account["status"] != "active":
        async with database(request).transaction() as conn:
            await service.record_failed_login(
                conn, account, email, platform, request.app[SECRETS].fingerprint
            )
        raise InvalidCredentials()
    await request.app[LIMITS].take_user(request, account["id"])
    new_hash = await hash_password(password) if needs_upgrade(known_hash) else None
    async with database(request).transaction() as conn:
        return await service.open_session(
            conn,
            account_id=account["id"],
            verified_hash=known_hash,
            new_hash=new_hash,
            platform=platform,
            device=body.get("device"),
        )


async def refresh(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/refresh"""
    try:
        return await exchange(request, *await read_proof(request, body))
    except Unauthorized as error:
        if "refreshToken" in body:
            raise
        response = reply_error(request, error)
        clear_cookie(response)
        return response


async def exchange(request: web.Request, token: RefreshToken, platforms: list[str]) -> web.Response:
    """Exchange a refresh token of these platforms for new tokens; raises Unauthorized if it is not valid."""
    async with database(request).transaction() as conn:
        row = await service.rotate_refresh(conn, token, platforms)
    # The transaction has committed: a revocation must stand although the answer is a refusal.
    if row is None:
        raise Unauthorized()
    return reply_signed_in(
        request,
        row,
        session_id=row["_sessionId"],
        platform=row["_platform"],
        counter=row["_counter"],
        seconds=row["_refreshSeconds"],
    )


async def logout(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/logout"""
    try:
        await end_shown_sessions(request, body)
        response: web.Response = no_content()
    except Unauthorized as error:
        response = reply_error(request, error)
    # Scripts cannot delete the cookie, and a cookie that proves nothing is of no use to its browser.
    clear_cookie(response)
    return response


async def me(request: web.Request) -> web.Response:
    """GET /auth/me"""
    async with database(request).connection() as conn:
        account = await sql.auth.get_account(conn, user_id=user_id(request))
    if account is None:
        raise Unauthorized()
    permissions = caller(request).permissions
    unread = account["_unread"] if READ_NOTIFICATIONS in permissions else None
    return reply({**service.show_account(account), "permissions": permissions, "unread": unread})


async def list_sessions(request: web.Request) -> web.Response:
    """GET /auth/sessions"""
    who = principal(request)
    async with database(request).connection() as conn:
        rows = await sql.auth.list_sessions(conn, user_id=who.user_id, session_id=who.session_id)
    return reply({"data": rows, "nextCursor": None})


async def revoke_session(request: web.Request) -> web.Response:
    """DELETE /auth/sessions/{id}"""
    who, session_id = principal(request), path_id(request)
    async with database(request).transaction() as conn:
        await service.revoke_session(conn, user_id=who.user_id, session_id=session_id)
    response = no_content()
    if session_id == who.session_id:
        clear_cookie(response)
    return response


async def revoke_sessions(request: web.Request, *, query: dict[str, Any]) -> web.Response:
    """DELETE /auth/sessions"""
    who = principal(request)
    kept = None if query["includeCurrent"] else who.session_id
    async with database(request).transaction() as conn:
        rows = await service.revoke_sessions(conn, user_id=who.user_id, kept=kept)
    response = reply({"revoked": sum(row["live"] for row in rows)})
    if kept is None:
        clear_cookie(response)
    return response


async def issue_ticket(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/ticket"""
    who = principal(request)
    ticket = make_ticket(request.app[SECRETS], who.user_id)
    async with database(request).transaction() as conn:
        issued = await service.issue_ticket(
            conn, session_id=who.session_id, ticket=ticket, purpose=body["purpose"]
        )
    return reply(issued, 201)


ROUTES: list[Route] = [
    get(
        "/auth/jwks",
        show_jwks,
        "The public keys of access tokens",
        JwksOut(),
        tag=TAG,
        access=PUBLIC,
        description="The current and the previous keys; cache them for five minutes at most.",
    ),
    post(
        "/auth/login",
        login,
        "Sign in",
        schemas.SignedInOut(),
        status=200,
        tag=TAG,
        access=PUBLIC,
        body=schemas.LoginBody(),
        errors=(InvalidCredentials,),
        idempotent=False,
        description="An unknown address, a wrong password and a deactivated account are answered alike.",
    ),
    post(
        "/auth/refresh",
        refresh,
        "Exchange a refresh token",
        schemas.SignedInOut(),
        status=200,
        tag=TAG,
        access=PUBLIC,
        body=schemas.RefreshBody(),
        errors=(Unauthorized, CrossSite),
        idempotent=False,
        counts_itself=True,
        description="Browsers send their cookie and `X-Requested-With`; mobile and cli send "
        "`refreshToken`. A token works once. If the answer was lost, sending the token again gets "
        "the same new token, until that one is used; after that it ends the session. Valid tokens "
        "count towards the rate limit of their session, others towards that of the IP address.",
    ),
    post(
        "/auth/logout",
        logout,
        "Sign out",
        None,
        status=204,
        tag=TAG,
        access=SHOWN,
        body=schemas.RefreshBody(),
        errors=(Unauthorized, CrossSite),
        idempotent=False,
        counts_itself=True,
        description="Works without a valid access token: the refresh token is enough, in the cookie of a "
        "browser (with `X-Requested-With`) or as `refreshToken` of mobile and cli. Clears the "
        "cookie.",
    ),
    get("/auth/me", me, "My account and permissions", schemas.MeOut(), tag=TAG, access=allow("profile:read")),
    get("/auth/sessions", list_sessions, "My devices", schemas.SessionListOut(), tag=TAG, access=ACCOUNT),
    delete(
        "/auth/sessions/{id}", revoke_session, "Sign out a device", tag=TAG, access=OWN, errors=(NotFound,)
    ),
    delete(
        "/auth/sessions",
        revoke_sessions,
        "Sign out all other devices, or all",
        schemas.RevokedOut(),
        status=200,
        tag=TAG,
        access=ACCOUNT,
        query=schemas.RevokeQuery(),
    ),
    post(
        "/auth/ticket",
        issue_ticket,
        "Get a one-time ticket",
        schemas.TicketOut(),
        tag=TAG,
        access=ACCOUNT,
        body=schemas.TicketBody(),
        idempotent=False,
        description="For requests that cannot send a header: a browser's socket (`/ws?ticket=`) or download.",
    ),
]
