"""Sign-in with GitHub, Google, GitLab or any OpenID Connect provider: authorization code with PKCE.

The state of a sign-in lies in a flow session (session.py), which the callback uses up before it does
anything else. No token is ever part of an address.
"""

from __future__ import annotations

import functools
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import structlog
from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import (
    AppError,
    EmailUnverified,
    NotConfigured,
    NotFound,
    ReauthenticationRequired,
    RedisUnavailable,
    SessionRequired,
    Unauthorized,
    UsernameTaken,
)
from nexcorp.features.auth.invitations.errors import InvitationRequired, RegistrationClosed
from nexcorp.features.auth.oauth import pages, schemas, service
from nexcorp.features.auth.oauth.errors import (
    AccessDenied,
    AccountDeactivated,
    CodeMissing,
    EmailRequired,
    FlowMissing,
    IdentityMismatch,
    IdentityTaken,
    LastWayIn,
    ProviderLinked,
    ReturnToRefused,
    SessionEnded,
    StateMismatch,
)
from nexcorp.features.auth.oauth.return_to import check_return_to, find_public_address
from nexcorp.features.auth.oauth.session import begin_flow, clear_flow, take_flow
from nexcorp.features.auth.oauth.tokens import seal_tokens
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.features.auth.sessions.refresh import make_token
from nexcorp.features.auth.sessions.service import SignIn
from nexcorp.integrations.oauth import CodeRefused, Provider, ProviderFailed, Providers, check_kind
from nexcorp.security.access import ACCOUNT, FRESH, PUBLIC
from nexcorp.security.app_keys import CALLER, CONFIG, CONTEXT, RIGHTS, SECRETS, database, user_id
from nexcorp.security.authentication import authenticate
from nexcorp.security.caller import Caller
from nexcorp.security.cookies import set_cookie
from nexcorp.security.reauthentication import require_fresh
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import Route, delete, get
from nexcorp.web.transactions import transaction

log = structlog.get_logger("nexcorp.oauth")

PROVIDERS = web.AppKey("oauth_providers", Providers)


def set_up(app: web.Application) -> None:
    """Store the configured providers in the application."""
    app[PROVIDERS] = Providers(app[CONFIG])


TAG = "Identity"
ATTEMPTS = 3
STATE_BYTES = 32
# They make 64 characters; RFC 7636 allows 43 to 128.
VERIFIER_BYTES = 48
PAGES = "Browsers that follow a link get errors as a page, programs get the envelope."
OF_PROVIDERS = (NotFound, ProviderFailed, RedisUnavailable, NotConfigured)
OF_FLOWS = (FlowMissing, StateMismatch, CodeMissing, CodeRefused, AccessDenied)
OF_ACCOUNTS = (
    *(EmailRequired, EmailTaken, UsernameTaken, AccountDeactivated),
    *(RegistrationClosed, InvitationRequired),
)
OF_LINKS = (SessionEnded, IdentityTaken, ProviderLinked, EmailUnverified, IdentityMismatch, Unauthorized)
# Purposes of a flow that a request with an access token begins.
LINK, SUDO = "link", "sudo"

Handler = Callable[..., Awaitable[web.Response]]


def with_pages(handler: Handler) -> Handler:
    """Wrap a handler, so that browsers get its errors as pages."""

    @functools.wraps(handler)
    async def show(request: web.Request, **options: Any) -> web.Response:
        try:
            return await handler(request, **options)
        except AppError as error:
            return pages.show_problem(request, error)

    return show


async def list_providers(request: web.Request) -> web.Response:
    """GET /auth/oauth"""
    providers = request.app[PROVIDERS]
    base = find_public_address(request) if any(providers) else ""
    rows = [
        {
            "provider": provider.kind,
            "name": provider.name,
            "loginUrl": base + pages.make_login_path(provider.kind),
        }
        for provider in providers
    ]
    return reply({"data": rows, "nextCursor": None})


def make_redirect_uri(request: web.Request, provider: Provider) -> str:
    """The callback's address, as it must be registered with the provider."""
    return f"{find_public_address(request)}/api/v1/auth/oauth/{provider.kind}/callback"


async def read_purpose(request: web.Request, purpose: str | None) -> dict[str, str | None]:
    """Return a flow's purpose, user and session from the Authorization header; all None for a sign-in.

    Raises Unauthorized for a bad header, or a purpose without a header, SessionRequired for an API key, and
    ReauthenticationRequired for linking by a session that is not fresh.
    """
    if "Authorization" not in request.headers and purpose is None:
        return {"purpose": None, "user_id": None, "session_id": None}
    who, rights = await authenticate(request), request.app[RIGHTS]
    rights.check(who, ACCOUNT)
    request[CALLER] = Caller(who, rights)
    if purpose != SUDO:
        await require_fresh(request, FRESH)
    return {
        "purpose": purpose or LINK,
        "user_id": str(who.user_id),
        "session_id": str(who.session_id),
    }


@with_pages
async def begin_oauth(request: web.Request, *, query: dict[str, Any]) -> web.Response:
    """GET /auth/oauth/{provider}"""
    provider = request.app[PROVIDERS].get(request.match_info["provider"])
    return_to = check_return_to(request, query.get("return_to"))
    flow = {
        "provider": provider.kind,
        "state": secrets.token_urlsafe(STATE_BYTES),
        "verifier": secrets.token_urlsafe(VERIFIER_BYTES),
        "redirect_uri": make_redirect_uri(request, provider),
        "return_to": return_to,
        **await read_purpose(request, query.get("purpose")),
    }
    url = await provider.make_authorize_url(
        state=flow["state"] or "", verifier=flow["verifier"] or "", redirect_uri=flow["redirect_uri"] or ""
    )
    if pages.wants_json(request):
        response = reply({"authorizeUrl": url})
    else:
        response = web.Response(status=302, headers={"Location": url})
    await begin_flow(request, response, flow)
    return response


def check_flow(flow: dict[str, Any], provider: Provider, state: str | None) -> None:
    """Raise FlowMissing or StateMismatch unless this browser began a flow with this provider and state."""
    if not flow:
        raise FlowMissing()
    expected: str = flow["state"]
    same = hmac.compare_digest(expected.encode(), (state or "").encode("utf-8", "surrogatepass"))
    if not same or flow["provider"] != provider.kind:
        raise StateMismatch()


def read_code(provider: Provider, query: dict[str, Any]) -> str:
    """Return the code in a callback; raises AccessDenied, ProviderFailed or CodeMissing without one."""
    error, code = query.get("error"), query.get("code")
    if error == "access_denied":
        raise AccessDenied(message=f"You did not allow the sign-in at {provider.name}.")
    if error:
        raise ProviderFailed(message=f"{provider.name} could not sign you in just now; try again later.")
    if not code:
        raise CodeMissing(message=f"{provider.name} sent no code along.")
    return str(code)


async def finish_oauth(request: web.Request, *, query: dict[str, Any]) -> web.Response:
    """GET /auth/oauth/{provider}/callback"""
    flow: dict[str, Any] = {}
    try:
        provider = request.app[PROVIDERS].get(request.match_info["provider"])
        # Use the flow up in any case: neither code nor state works twice.
        flow = await take_flow(request)
        check_flow(flow, provider, query.get("state"))
        code = read_code(provider, query)
        # Hold no connection here: a provider may be slow.
        grant = await provider.exchange(
            code=code, verifier=flow["verifier"], redirect_uri=flow["redirect_uri"]
        )
        sealed = seal_tokens(request.app[SECRETS], provider.kind, grant.profile.subject, grant.tokens)
        proof = service.Proof(provider.kind, grant.profile, sealed)
        response = web.Response(status=302, headers={"Location": flow["return_to"]})
        await accept(request, response, flow, proof)
    except AppError as error:
        log.info("oauth sign-in refused", provider=request.match_info["provider"], code=error.code)
        # The page links to the flow's `return_to`, which was checked when the flow began.
        response = pages.show_problem(request, error, flow.get("return_to"))
    clear_flow(request, response)
    return response


async def accept(
    request: web.Request, response: web.Response, flow: dict[str, Any], proof: service.Proof
) -> None:
    """Finish a flow by its purpose: link the identity to the user who began it, make their session fresh, or
    sign the identity's owner in with a cookie on `response`."""
    if flow["user_id"] is not None:
        beginner, session_id = UUID(flow["user_id"]), UUID(flow["session_id"])
        request[CONTEXT].user_id, request[CONTEXT].session_id = beginner, session_id
        finish = service.prove if flow.get("purpose") == SUDO else service.link
        async with database(request).transaction() as conn:
            await finish(conn, proof, user_id=beginner, session_id=session_id)
        return
    session = (await sign_in(request, proof)).session
    token = make_token(request.app[SECRETS], session["id"], session["refresh_counter"])
    set_cookie(response, token, session["refresh_seconds"])


async def sign_in(request: web.Request, proof: service.Proof) -> SignIn:
    """Sign in, starting over if another request interferes; raises Raced after ATTEMPTS."""
    mode = request.app[CONFIG].registers
    for _ in range(ATTEMPTS - 1):
        try:
            async with database(request).transaction() as conn:
                return await service.sign_in(conn, proof, mode)
        except service.Raced:
            continue
    async with database(request).transaction() as conn:
        return await service.sign_in(conn, proof, mode)


async def list_identities(request: web.Request) -> web.Response:
    """GET /auth/identities"""
    async with database(request).connection() as conn:
        rows = await sql.identities.list_identities(conn, user_id=user_id(request))
    return reply({"data": rows, "nextCursor": None})


async def unlink_identity(request: web.Request) -> web.Response:
    """DELETE /auth/identities/{provider}"""
    kind = check_kind(request.match_info["provider"])
    async with transaction(request) as tx:
        await service.unlink(tx.conn, user_id=user_id(request), provider=kind)
    return no_content()


@with_pages
async def show_sign_in(request: web.Request) -> web.Response:
    """GET /sign-in"""
    return_to = check_return_to(request, request.query.get("return_to"))
    providers = request.app[PROVIDERS]
    return pages.show_form(providers, return_to)


async def show_script(request: web.Request) -> web.Response:
    """GET /sign-in.js"""
    headers = {"Cache-Control": "public, max-age=3600"}
    return web.Response(text=pages.SCRIPT, content_type="text/javascript", headers=headers)


ROUTES: list[Route] = [
    get(
        "/auth/oauth",
        list_providers,
        "Providers to sign in with",
        schemas.ProviderListOut(),
        errors=(NotConfigured,),
        tag=TAG,
        access=PUBLIC,
    ),
    Route(
        "GET",
        "/auth/oauth/{provider}",
        begin_oauth,
        "Begin to sign in with a provider",
        PUBLIC,
        tag=TAG,
        query=schemas.LoginQuery(),
        returns={200: schemas.AuthorizeOut(), 302: None},
        head=False,
        errors=(*OF_PROVIDERS, ReturnToRefused, Unauthorized, SessionRequired, ReauthenticationRequired),
        description="Redirects to the provider. With `Accept: application/json` the answer holds the "
        "address instead. With a bearer token the identity is linked to your account, for which the "
        "session must be fresh, or proves that it is you (`purpose`). " + PAGES,
    ),
    Route(
        "GET",
        "/auth/oauth/{provider}/callback",
        finish_oauth,
        "End of a sign-in with a provider",
        PUBLIC,
        tag=TAG,
        query=schemas.CallbackQuery(),
        returns={302: None},
        head=False,
        errors=(*OF_PROVIDERS, *OF_FLOWS, *OF_ACCOUNTS, *OF_LINKS),
        description="The provider sends the browser here. Sets the refresh cookie and redirects to "
        "`return_to`. " + PAGES,
    ),
    get(
        "/auth/identities",
        list_identities,
        "My accounts at providers",
        schemas.IdentityListOut(),
        tag=TAG,
        access=ACCOUNT,
    ),
    delete(
        "/auth/identities/{provider}",
        unlink_identity,
        "Unlink a provider",
        tag=TAG,
        access=FRESH,
        errors=(NotFound, LastWayIn),
        description="You cannot unlink your only way to sign in: 409 `last_way_in`.",
    ),
    get("/sign-in", show_sign_in, "The sign-in page", None, prefix="", access=PUBLIC, hidden=True),
    get("/sign-in.js", show_script, "Its script", None, prefix="", access=PUBLIC, hidden=True),
]
