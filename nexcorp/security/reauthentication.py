"""Proofs of identity beyond an access token, for actions that a stolen token must not allow.

A session is fresh for ten minutes after `POST /auth/sudo`, or a sign-in with a provider for that purpose; or
a request contains the password itself.
"""

from __future__ import annotations

from typing import Any, Protocol

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import ReauthenticationRequired
from nexcorp.security.access import Access
from nexcorp.security.app_keys import database, principal

FRESH_SECONDS = 600
# The field of a body that holds the password as a proof.
PASSWORD_FIELD = "currentPassword"  # noqa: S105 - a name


class PasswordCheck(Protocol):
    """Checks the caller's password; raises WrongPassword, NoPassword or TooManyAttempts."""

    async def __call__(self, request: web.Request, password: str) -> Any: ...


CHECK_PASSWORD = web.AppKey("check_password", PasswordCheck)


async def require_fresh(request: web.Request, access: Access, body: dict[str, Any] | None = None) -> None:
    """Raise ReauthenticationRequired unless the caller has proved their identity, or the errors of
    PasswordCheck.

    Takes the password out of `body`. API keys pass: creating one needed a proof.
    """
    body = {} if body is None else body
    password = body.pop(PASSWORD_FIELD, None)
    who = principal(request)
    if who.scopes is not None:
        return
    if password is not None:
        await request.app[CHECK_PASSWORD](request, password)
        return
    async with database(request).connection() as conn:
        counts = access.sign_in_counts is not None and access.sign_in_counts(body)
        fresh = await sql.auth.is_proved(conn, session_id=who.session_id, sign_in_counts=counts)
    if not fresh:
        raise ReauthenticationRequired()
