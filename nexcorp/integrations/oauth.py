"""OAuth providers: their endpoints, and the requests to them. Knows nothing of accounts and sessions."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import structlog
from aioauth_client import OAuth2Client, OAuthError

from nexcorp.config import Config
from nexcorp.context import aside
from nexcorp.errors import BadRequest, NotConfigured, NotFound, UpstreamFailed
from nexcorp.integrations.oauth_profiles import (
    HOMES,
    NAMES,
    Profile,
    find_github_email,
    read_github,
    read_openid,
)

log = structlog.get_logger("nexcorp.oauth")

# All requests of one sign-in to a provider, in seconds; a request to this service may take fifteen.
EXCHANGE_SECONDS = 8.0
MAX_ANSWER_BYTES = 256 * 1024
DISCOVERY_SECONDS = 3600.0
OPENID_SCOPE = "openid email profile"

# The parts of a token answer that are kept.
KEPT = ("access_token", "token_type", "refresh_token", "expires_in", "scope")

# AssertionError: aioauth-client raises it for a token that is not text.
FAILURES = (
    OAuthError,
    httpx.HTTPError,
    httpx.InvalidURL,
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
    AssertionError,
    TimeoutError,
)

# aioauth-client logs whole answers that lack a token.
QUIET = logging.Logger("aioauth", logging.CRITICAL + 1)


@functools.cache
def tls() -> ssl.SSLContext:
    """Return the certificates to trust, read once: reading takes longer than a sign-in."""
    return httpx.create_ssl_context()


class CodeRefused(BadRequest):
    """The provider rejects the code of a sign-in."""

    code, message = "code_refused", "The provider did not accept this sign-in; try again."
    meaning = "The provider did not accept its code; sign in again."


class ProviderFailed(UpstreamFailed):
    """The provider failed, was too slow, or gave an invalid answer."""

    code, message = "provider_failed", "The provider did not answer as it should; try again later."
    meaning = "The provider did not answer as it should."


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a provider. `basic`: send the client's secret in a header, not in the body."""

    authorize: str
    token: str
    profile: str
    emails: str | None = None
    scope: str = OPENID_SCOPE
    basic: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """A provider's answer to a code: its tokens, as it named them, and the user's profile."""

    tokens: dict[str, Any]
    profile: Profile


class ProviderClient(OAuth2Client):
    """aioauth-client with limits on an answer's size, type and status. Make one for each request."""

    name = "nexcorp"

    def __init__(self, client_id: str, client_secret: str, endpoints: Endpoints) -> None:
        super().__init__(
            client_id,
            client_secret,
            authorize_url=endpoints.authorize,
            access_token_url=endpoints.token,
            logger=QUIET,
        )
        self.basic = endpoints.basic

    # The library's own reads bodies of any size, parses other bodies as forms, and closes the transport it
    # was given after the first call.
    async def _request(self, method: str, url: str, *, raise_for_status: bool = False, **options: Any) -> Any:
        auth = None
        if self.basic and "data" in options:
            options["data"].pop("client_secret", None)
            # RFC 6749, 2.3.1: both are form-encoded first.
            auth = httpx.BasicAuth(quote(self.client_id, safe=""), quote(self.client_secret, safe=""))
        return await fetch_json(method, url, auth=auth, **options)


async def fetch_json(method: str, url: str, *, headers: dict[str, str], **options: Any) -> Any:
    """Return the JSON of a provider's answer; raises OAuthError with a reason that holds no secret."""
    headers = {**headers, "Accept-Encoding": "identity", "User-Agent": "nexcorp-connect"}
    async with (
        httpx.AsyncClient(verify=tls(), timeout=EXCHANGE_SECONDS, follow_redirects=False) as client,
        client.stream(method, url, headers=headers, **options) as response,
    ):
        if "json" not in response.headers.get("Content-Type", ""):
            raise OAuthError(f"{response.status_code} without JSON")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise OAuthError("a compressed answer")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise OAuthError(f"an answer over {MAX_ANSWER_BYTES} bytes")
        data = msgspec.json.decode(bytes(body))
    # GitHub refuses with status 200.
    code = data.get("error") if isinstance(data, dict) else None
    if response.status_code != 200 or code:
        raise Refusal(response.status_code, code if isinstance(code, str) else "")
    return data


class Refusal(OAuthError):
    """A provider's answer that refuses, with its code of RFC 6749, 5.2 if it has one."""

    def __init__(self, status: int, code: str) -> None:
        # The provider's text goes into a log: keep only what can be a code.
        self.code = code if code.replace("_", "").isalnum() and len(code) <= 40 else ""
        super().__init__(f"{status} {self.code}".strip())


class Provider:
    """One configured provider."""

    def __init__(self, kind: str, client_id: str, client_secret: str, issuer: str) -> None:
        self.kind, self.issuer = kind, issuer or HOMES[kind]
        self._id, self._secret = client_id, client_secret
        self._found: tuple[Endpoints, float] | None = None

    @property
    def name(self) -> str:
        """The name for users."""
        return NAMES[self.kind]

    async def find_endpoints(self) -> Endpoints:
        """Return the provider's endpoints; discovery runs at most once an hour. Raises OAuthError."""
        base = self.issuer
        if self.kind == "github":
            # An Enterprise Server has its API below its own address.
            api = "https://api.github.com" if base == HOMES["github"] else f"{base}/api/v3"
            return Endpoints(
                f"{base}/login/oauth/authorize",
                f"{base}/login/oauth/access_token",
                f"{api}/user",
                f"{api}/user/emails",
                "read:user user:email",
            )
        if self.kind == "gitlab":
            return Endpoints(f"{base}/oauth/authorize", f"{base}/oauth/token", f"{base}/oauth/userinfo")
        if self._found is None or self._found[1] < time.monotonic():
            url = f"{base}/.well-known/openid-configuration"
            document = await fetch_json("GET", url, headers={"Accept": "application/json"})
            self._found = (read_discovery(base, document), time.monotonic() + DISCOVERY_SECONDS)
        return self._found[0]

    async def make_authorize_url(self, *, state: str, verifier: str, redirect_uri: str) -> str:
        """Return the address to send a browser to; raises ProviderFailed if discovery fails."""
        async with self._asking():
            endpoints = await self.find_endpoints()
        digest = hashlib.sha256(verifier.encode()).digest()
        client = ProviderClient(self._id, self._secret, endpoints)
        url = client.get_authorize_url(
            state=state,
            redirect_uri=redirect_uri,
            scope=endpoints.scope,
            code_challenge=base64.urlsafe_b64encode(digest).decode().rstrip("="),
            code_challenge_method="S256",
        )
        # The authorize address may have a query, to which the library would add a second one.
        base = endpoints.authorize
        return f"{base}&{url[len(base) + 1 :]}" if "?" in base else url

    async def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> Grant:
        """Exchange a code for the tokens and the profile.

        Raises CodeRefused if the provider rejects the code, ProviderFailed if it is slow, broken, or refuses
        us.
        """
        async with self._asking():
            endpoints = await self.find_endpoints()
            client = ProviderClient(self._id, self._secret, endpoints)
            try:
                token, tokens = await client.get_access_token(
                    code, redirect_uri=redirect_uri, code_verifier=verifier
                )
            except Refusal as refusal:
                # GitHub has its own code for this.
                if refusal.code not in ("invalid_grant", "bad_verification_code"):
                    raise
                log.warning("oauth code refused", provider=self.kind, reason=str(refusal))
                raise CodeRefused(message=f"{self.name} did not accept this sign-in; try again.") from None
            if not token or not isinstance(tokens, dict):
                raise OAuthError("no access token")
            data = await client.request("GET", endpoints.profile)
            emails = await client.request("GET", endpoints.emails) if endpoints.emails else None
            profile = read_openid(data) if emails is None else read_github(data, find_github_email(emails))
            if profile is None:
                raise OAuthError("a profile without id")
        return Grant({key: tokens[key] for key in KEPT if key in tokens}, profile)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Limit calls to EXCHANGE_SECONDS, and turn errors into ProviderFailed."""
        try:
            with aside():
                async with asyncio.timeout(EXCHANGE_SECONDS):
                    yield
        except FAILURES as error:
            # Only the type of an httpx error: its text may hold an address.
            reason = str(error) if isinstance(error, OAuthError) else type(error).__name__
            log.warning("oauth provider failed", provider=self.kind, reason=reason)
            message = f"{self.name} did not answer as it should; try again later."
            raise ProviderFailed(message=message) from None


def read_discovery(issuer: str, document: Any) -> Endpoints:
    """Return a discovery document's endpoints; raises OAuthError if it is unsafe or of another issuer."""
    if not isinstance(document, dict) or str(document.get("issuer", "")).rstrip("/") != issuer:
        raise OAuthError("discovery names another issuer")
    allowed = ("https",) if urlsplit(issuer).scheme == "https" else ("https", "http")

    def read(key: str) -> str:
        address = document.get(key)
        if not isinstance(address, str) or urlsplit(address).scheme not in allowed:
            raise OAuthError(f"discovery without a safe {key}")
        return address

    methods = document.get("token_endpoint_auth_methods_supported")
    return Endpoints(
        read("authorization_endpoint"),
        read("token_endpoint"),
        read("userinfo_endpoint"),
        # By default the specification requires the header.
        basic=not isinstance(methods, list) or "client_secret_post" not in methods,
    )


class Providers:
    """The configured providers, in the order of display."""

    def __init__(self, config: Config) -> None:
        self._configured: dict[str, Provider] = {}
        for kind in NAMES:
            client_id: str = getattr(config, f"oauth_{kind}_id")
            secret: str = getattr(config, f"oauth_{kind}_secret")
            issuer: str = getattr(config, f"oauth_{kind}_issuer")
            if client_id and secret and (issuer or kind in HOMES):
                self._configured[kind] = Provider(kind, client_id, secret, issuer)

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._configured.values())

    def get(self, kind: str) -> Provider:
        """Return a provider; raises NotFound for an unknown kind, NotConfigured if it is not set up."""
        check_kind(kind)
        if kind not in self._configured:
            raise NotConfigured(message=f"Sign-in with {NAMES[kind]} is not configured.")
        return self._configured[kind]


def check_kind(kind: str) -> str:
    """Return `kind` if it is known; raises NotFound."""
    if kind not in NAMES:
        raise NotFound(message="There is no such provider.")
    return kind
