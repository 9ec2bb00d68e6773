"""Prove again who you are: by password here, by a provider in nexcorp.features.auth.oauth."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.fields import Body, Out, Text
from nexcorp.errors import NoPassword, TooManyAttempts, Unauthorized, WrongPassword
from nexcorp.features.auth.passwords import MAX_CHARS, verify_password
from nexcorp.features.auth.sessions.service import record_failed_login
from nexcorp.security.access import ACCOUNT
from nexcorp.security.app_keys import SECRETS, database, principal
from nexcorp.security.reauthentication import CHECK_PASSWORD, FRESH_SECONDS
from nexcorp.security.throttle import attempt, forgive, withdraw
from nexcorp.web.replies import reply
from nexcorp.web.routing import Route, post

# Per session, in 15 minutes.
WRONG_PASSWORDS = 5


class SudoBody(Body):
    """The password of the account."""

    currentPassword = Text(
        least=1, most=MAX_CHARS, trim=False, required=True, metadata={"format": "password"}
    )


class SudoOut(Out):
    """A fresh session: how long it stays fresh."""

    expiresIn = fields.Integer(required=True, metadata={"description": "Lifetime in seconds."})


def set_up(app: web.Application) -> None:
    """Store check_password() in the application, for the routes of all features."""
    app[CHECK_PASSWORD] = check_password


async def check_password(request: web.Request, password: str) -> Any:
    """Check `password` and return the caller's credentials. Do not hold a connection when you call it.

    Raises WrongPassword, NoPassword, and TooManyAttempts after five wrong ones in 15 minutes. They count per
    session, so that the thief of a session can neither guess for long nor lock the owner out.
    """
    who = principal(request)
    async with database(request).connection() as conn:
        account = await sql.auth.get_own_credentials(conn, user_id=who.user_id)
        if account is None:
            raise Unauthorized()
        if account["password_hash"] is None:
            raise NoPassword()
        wrong = await sql.auth.count_wrong_passwords(conn, user_id=who.user_id, session_id=who.session_id)
    if wrong >= WRONG_PASSWORDS:
        raise TooManyAttempts(retry_after=900)
    # Reserve the attempt before the check, so that concurrent requests get no more guesses.
    named = ("password", str(who.session_id))
    await attempt(request, *named, free=WRONG_PASSWORDS)
    try:
        good = await verify_password(account["password_hash"], password)
    except BaseException:
        await asyncio.shield(withdraw(request, *named))
        raise
    if good:
        await forgive(request, *named)
    else:
        async with database(request).transaction() as conn:
            await record_failed_login(
                conn, account, account["email"], who.platform, request.app[SECRETS].fingerprint
            )
        raise WrongPassword()
    return account


async def prove_session(conn: Any, *, user_id: UUID, session_id: UUID, method: str) -> None:
    """Make a session fresh; `method` is "password" or a provider. Raises Unauthorized if it has ended."""
    if await sql.auth.prove_session(conn, session_id=session_id) != user_id:
        raise Unauthorized()
    await emit(
        conn,
        "session.proved",
        actor_id=user_id,
        entity=("session", session_id),
        payload={"userId": user_id, "sessionId": session_id, "method": method},
    )


async def prove(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/sudo"""
    await check_password(request, body["currentPassword"])
    who = principal(request)
    async with database(request).transaction() as conn:
        await prove_session(conn, user_id=who.user_id, session_id=who.session_id, method="password")
    return reply({"expiresIn": FRESH_SECONDS})


ROUTES: list[Route] = [
    post(
        "/auth/sudo",
        prove,
        "Prove again that it is you",
        SudoOut(),
        status=200,
        tag="Identity",
        access=ACCOUNT,
        body=SudoBody(),
        errors=(WrongPassword, NoPassword, TooManyAttempts),
        idempotent=False,
        description="For ten minutes this session may call routes that need a fresh proof: leave for "
        "good, make API keys, change the address, link and unlink providers, change roles. Without a "
        "password: `GET /auth/oauth/{provider}?purpose=sudo` with the access token.",
    ),
]
