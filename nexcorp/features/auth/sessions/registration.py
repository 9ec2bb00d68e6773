"""Registering over REST: permission, limits, and verification of the address."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import UsernameTaken
from nexcorp.features.auth.invitations.errors import InvitationRequired, RegistrationClosed
from nexcorp.features.auth.invitations.service import accept, check_invitation, check_registration
from nexcorp.features.auth.passwords import hash_password
from nexcorp.features.auth.recovery.errors import InvalidToken
from nexcorp.features.auth.recovery.service import queue_verification
from nexcorp.features.auth.sessions import schemas, service
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.security.access import PUBLIC
from nexcorp.security.app_keys import CONFIG, CONTEXT
from nexcorp.security.limits import LIMITS
from nexcorp.web.routing import Route, post
from nexcorp.web.transactions import transaction

TAG = "Identity"


async def register(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/register"""
    profile, email, config = body.get("profile", {}), body["email"], request.app[CONFIG]
    if config.registers == "closed":
        raise RegistrationClosed()
    if "invitation" not in body:
        await request.app[LIMITS].take_registration(request, request[CONTEXT].ip)
    # Before the transaction: a connection must not wait while a password is hashed.
    password_hash = await hash_password(body["password"])
    async with transaction(request) as tx:
        invited = await check_invitation(tx.conn, body.get("invitation"), email)
        await check_registration(tx.conn, config.registers, email, invited=invited)
        user = await service.register_user(
            tx.conn,
            email=email,
            password_hash=password_hash,
            username=body.get("username"),
            first_name=profile.get("firstName"),
            last_name=profile.get("lastName"),
            profile=profile,
        )
        if invited:
            await sql.auth.trust_email(tx.conn, user_id=user["id"])
            await accept(tx.conn, email, user["id"])
            user = await sql.auth.get_account(tx.conn, user_id=user["id"])
        elif config.sends_mail:
            await queue_verification(tx.conn, user)
        return await tx.reply(
            {"user": service.show_account(user)}, 201, location=f"/api/v1/users/{user['id']}"
        )


ROUTES: list[Route] = [
    post(
        "/auth/register",
        register,
        "Create an account",
        schemas.RegisteredOut(),
        tag=TAG,
        access=PUBLIC,
        body=schemas.RegisterBody(),
        errors=(EmailTaken, UsernameTaken, RegistrationClosed, InvitationRequired, InvalidToken),
        description="The setting `REGISTRATION` says who may register. With `invitation`, the token of "
        "an invitation, the address is verified at once. Where addresses must be verified, an "
        "account may only read and edit itself until then.",
    ),
]
