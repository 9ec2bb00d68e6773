"""Passwords and addresses over REST: change them signed in, or recover them by mail."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import Contention, NoPassword, NotConfigured, TooManyAttempts, WrongPassword
from nexcorp.features.auth.passwords import hash_password
from nexcorp.features.auth.recovery import pages
from nexcorp.features.auth.recovery import service as recovery
from nexcorp.features.auth.recovery.errors import (
    AlreadyVerified,
    EmailUnchanged,
    InvalidToken,
    TooManyMails,
)
from nexcorp.features.auth.sessions import schemas
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.features.auth.sessions.proofs import find_shown_session
from nexcorp.features.auth.sudo import check_password
from nexcorp.security.access import ACCOUNT, FRESH, PUBLIC, Access
from nexcorp.security.app_keys import CONFIG, SECRETS, database, principal, user_id
from nexcorp.web.replies import no_content
from nexcorp.web.routing import Route, get, post
from nexcorp.web.transactions import transaction

TAG = "Identity"
ATTEMPTS = 3
VERIFIER = Access(signed_in=False, bearer=True, whose="the session of the token goes on")


def require_mail(request: web.Request) -> None:
    """Raise NotConfigured if the service sends no mail."""
    if not request.app[CONFIG].sends_mail:
        raise NotConfigured(message="This service sends no mail: ask its administrator.")


async def change_password(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/password"""
    who = principal(request)
    for _ in range(ATTEMPTS):
        account = await check_password(request, body["currentPassword"])
        new_hash = await hash_password(body["newPassword"])
        async with database(request).transaction() as conn:
            ended = await recovery.change_password(
                conn,
                user_id=who.user_id,
                session_id=who.session_id,
                verified_hash=account["password_hash"],
                new_hash=new_hash,
                mail=request.app[CONFIG].sends_mail,
            )
        # None: the hash has changed meanwhile, by a sign-in's upgrade or another change.
        if ended is not None:
            return no_content()
    raise Contention()


async def forgot_password(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/password/forgot"""
    require_mail(request)
    async with transaction(request) as tx:
        await recovery.request_reset(tx.conn, body["email"], request.app[SECRETS].fingerprint)
        return await tx.reply({"status": "accepted"}, 202)


async def reset_password(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/password/reset"""
    require_mail(request)
    token = body["token"]
    # Hash only for a good token: a guess must stay cheap, and a replay (its token is used up) needs no hash.
    async with database(request).connection() as conn:
        good = await sql.account_tokens.is_good(
            conn, token_hash=recovery.hash_token(token), purposes=[recovery.RESET]
        )
    new_hash = await hash_password(body["password"]) if good else ""
    async with transaction(request) as tx:
        if not good:
            raise InvalidToken()
        await recovery.reset_password(tx.conn, token=token, password_hash=new_hash)
        response = await tx.reply(None, 204)
    return response


async def verify_email(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/email/verify"""
    require_mail(request)
    shown = find_shown_session(request)
    async with transaction(request) as tx:
        await recovery.verify_email(tx.conn, token=body["token"], shown=shown)
        return await tx.reply(None, 204)


async def resend_verification(request: web.Request) -> web.Response:
    """POST /auth/email/resend"""
    require_mail(request)
    async with transaction(request) as tx:
        await recovery.resend_verification(tx.conn, user_id(request))
        return await tx.reply({"status": "accepted"}, 202)


async def change_email(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /auth/email"""
    require_mail(request)
    async with transaction(request) as tx:
        await recovery.request_email_change(tx.conn, user_id=user_id(request), email=body["email"])
        return await tx.reply({"status": "accepted"}, 202)


def own(path: str, handler: Any, summary: str) -> Route:
    """Return the route of a page at the root."""
    return get(path, handler, summary, None, prefix="", access=PUBLIC, tag=TAG, hidden=True)


ROUTES: list[Route] = [
    own("/verify-email", pages.show_verify, "Where the link of a verification leads"),
    own("/reset-password", pages.show_reset, "Where the link of a reset leads"),
    own("/register", pages.show_register, "Where the link of an invitation leads"),
    own("/account.js", pages.show_script, "What these pages do"),
    post(
        "/auth/password",
        change_password,
        "Change my password",
        None,
        status=204,
        tag=TAG,
        access=ACCOUNT,
        body=schemas.ChangePasswordBody(),
        errors=(WrongPassword, NoPassword, TooManyAttempts),
        idempotent=False,
        description="Signs out all other devices. Five wrong passwords in 15 minutes are followed by 429.",
    ),
    post(
        "/auth/password/forgot",
        forgot_password,
        "Get a mail to reset the password",
        schemas.AcceptedOut(),
        status=202,
        tag=TAG,
        access=PUBLIC,
        body=schemas.ForgotBody(),
        errors=(NotConfigured,),
        description="The answer does not tell whether the account exists. At most one mail a minute, and "
        "five an hour to a mailbox, whatever they are for.",
    ),
    post(
        "/auth/password/reset",
        reset_password,
        "Set a new password with the token from a mail",
        None,
        status=204,
        tag=TAG,
        access=PUBLIC,
        body=schemas.ResetBody(),
        errors=(InvalidToken, NotConfigured),
        description="Signs out all devices. 400 `invalid_token` for a token that is wrong, used or older "
        "than an hour.",
    ),
    post(
        "/auth/email/verify",
        verify_email,
        "Confirm an address with the token from a mail",
        None,
        status=204,
        tag=TAG,
        access=VERIFIER,
        body=schemas.TokenBody(),
        errors=(InvalidToken, EmailTaken, NotConfigured),
        description="The account's own address, or the new one of a change. The first proof of an "
        "address ends the sessions, API keys and identities of its account, since another person may "
        "have made them; if the request carries a session of the account, by access token or cookie, "
        "that session and the identities stay. 400 `invalid_token` for a token that is wrong, used "
        "or older than 24 hours; 409 `email_taken` if another account has the address.",
    ),
    post(
        "/auth/email/resend",
        resend_verification,
        "Get the verification mail again",
        schemas.AcceptedOut(),
        status=202,
        tag=TAG,
        access=ACCOUNT,
        errors=(AlreadyVerified, TooManyMails, NotConfigured),
    ),
    post(
        "/auth/email",
        change_email,
        "Change my e-mail address",
        schemas.AcceptedOut(),
        status=202,
        tag=TAG,
        access=FRESH,
        body=schemas.ChangeEmailBody(),
        errors=(EmailTaken, EmailUnchanged, TooManyMails, NotConfigured),
        description="Sends a token to the new address, and a note to the old one; the address changes when "
        "the token is used.",
    ),
]
