"""Read the proof of a session: its refresh token, in a browser's cookie or an app's body."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.errors import Forbidden, Unauthorized, Unavailable
from nexcorp.features.auth.sessions import service
from nexcorp.features.auth.sessions.refresh import RefreshToken, read_token
from nexcorp.security.app_keys import CONTEXT, SECRETS, database
from nexcorp.security.authentication import check_token, read_bearer
from nexcorp.security.cookies import read_cookie
from nexcorp.security.limits import LIMITS
from nexcorp.security.tokens import Principal

WEB = ["web"]
NATIVE = ["mobile", "cli"]
Proof = tuple[RefreshToken, list[str]]


def find_proof(request: web.Request, body: dict[str, Any]) -> Proof:
    """Return the refresh token in the body, or else in the cookie, and the platforms that send it there.

    Raises Unauthorized without a genuine token, and CrossSite.
    """
    if "refreshToken" in body:
        return read_token(request.app[SECRETS], body["refreshToken"]), NATIVE
    text = read_cookie(request)
    if text is None:
        raise Unauthorized()
    return read_token(request.app[SECRETS], text), WEB


def find_shown_session(request: web.Request) -> UUID | None:
    """Return the session id of a request's access token or refresh cookie, None without a genuine one.

    The session may have ended, and may belong to any account.
    """
    with suppress(Unauthorized, Unavailable):
        return check_token(request.app, read_bearer(request)).session_id
    with suppress(Forbidden, Unauthorized):
        return find_proof(request, {})[0].session_id
    return None


async def read_proof(request: web.Request, body: dict[str, Any]) -> Proof:
    """Return find_proof(), and count the request for its limit; raises TooManyRequests as well.

    A genuine token counts for its session, so that people behind one IP address do not lock each other out;
    anything else counts for the address.
    """
    limits = request.app[LIMITS]
    try:
        proof = find_proof(request, body)
    except (Forbidden, Unauthorized):
        await limits.take_address(request, request[CONTEXT].ip)
        raise
    await limits.take_session(request, proof[0].session_id)
    return proof


async def end_shown_sessions(request: web.Request, body: dict[str, Any]) -> None:
    """End the sessions of the access token and the refresh token; one of the two is enough.

    Raises Unauthorized if neither is valid, and CrossSite.
    """
    who: Principal | None = None
    proof: Proof | None = None
    with suppress(Unauthorized):
        who = check_token(request.app, read_bearer(request))
    if who is None:
        proof = await read_proof(request, body)
    else:
        await request.app[LIMITS].take_user(request, who.user_id)
        with suppress(Forbidden, Unauthorized):
            proof = find_proof(request, body)
    async with database(request).transaction() as conn:
        ended = who is not None and await service.end_session(
            conn, user_id=who.user_id, session_id=who.session_id
        )
        if proof is not None:
            await service.end_session_by_token(conn, *proof)
        elif not ended:
            raise Unauthorized()
