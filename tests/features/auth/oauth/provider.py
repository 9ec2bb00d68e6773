"""A provider on loopback, as strict as RFC 6749 and RFC 7636 demand; on request it misbehaves."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import BasicAuth, web

CLIENT_ID = "the-client"
CLIENT_SECRET = "the-secret/with+signs"
AUTHORIZE = ("/login/oauth/authorize", "/oauth/authorize", "/openid/authorize")
TOKEN = ("/login/oauth/access_token", "/oauth/token", "/openid/token")
USERINFO = ("/oauth/userinfo", "/openid/userinfo")


@dataclass
class Person:
    """The person who approves at the provider."""

    id: int = 4711
    login: str = "octo-cat"
    name: str = "Octavia Cat"
    email: str | None = "octavia@example.org"
    verified: bool = True


@dataclass
class Fake:
    """The provider and its state. `trouble` maps "token", "profile" or "discovery" to a way to misbehave."""

    url: str = ""
    person: Person = field(default_factory=Person)
    trouble: dict[str, str] = field(default_factory=dict)
    # None: the discovery document does not name any methods.
    auth_methods: list[str] | None = field(default_factory=lambda: ["client_secret_post"])
    issuer: str | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, Person] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    exchanged: int = 0
    discovered: int = 0
    followed: int = 0
    # Bytes of a huge answer that were read, or that are in buffers on the way.
    padding: int = 0
    authorized: list[dict[str, str]] = field(default_factory=list)
    secret_in: list[str] = field(default_factory=list)

    def make_app(self) -> web.Application:
        """The application to serve."""
        app = web.Application()
        for path in AUTHORIZE:
            app.router.add_get(path, self.authorize)
        for path in TOKEN:
            app.router.add_post(path, self.token)
        for path in USERINFO:
            app.router.add_get(path, self.userinfo)
        app.router.add_get("/api/v3/user", self.github_user)
        app.router.add_get("/api/v3/user/emails", self.github_emails)
        app.router.add_get("/.well-known/openid-configuration", self.discovery)
        app.router.add_get("/elsewhere", self.elsewhere)
        return app

    def refuse(self, reason: str) -> web.Response:
        """Note the reason for the test; return a 400."""
        self.refused.append(reason)
        return web.json_response({"error": "invalid_grant", "error_description": reason}, status=400)

    async def authorize(self, request: web.Request) -> web.Response:
        """The person says yes at once."""
        query = dict(request.query)
        assert ("policy" in query) == ("openid" in request.path)
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["redirect_uri"].endswith("/callback")
        assert query["code_challenge_method"] == "S256"
        assert len(query["code_challenge"]) == 43
        assert len(query["state"]) >= 32
        assert query["scope"]
        self.authorized.append(query)
        code = f"code-{secrets.token_urlsafe(24)}"
        self.codes[code] = query
        answer = urlencode({"code": code, "state": query["state"], "iss": self.url, "scope": "openid"})
        raise web.HTTPFound(f"{query['redirect_uri']}?{answer}")

    async def misbehave(self, where: str, request: web.Request) -> web.StreamResponse | None:
        """Misbehave as `trouble` asks for `where`; return None if it asks for nothing."""
        kind = self.trouble.get(where)
        if kind == "500":
            return web.json_response({"error": "server_error"}, status=500)
        if kind == "html":
            return web.Response(text="<p>sorry</p>", content_type="text/html")
        if kind == "garbage":
            return web.Response(body=b'{"access_token": \xff', content_type="application/json")
        if kind == "deep":
            return web.Response(body=b"[" * 100_000, content_type="application/json")
        if kind == "list":
            return web.json_response([1, 2])
        if kind == "nothing":
            return web.Response(status=200, body=b"", headers={"Content-Type": ""})
        if kind == "redirect":
            raise web.HTTPFound("/elsewhere")
        if kind == "huge":
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                for _ in range(1000):
                    await response.write(b" " * 65536)
                    self.padding += 65536
            return response
        if kind == "slow":
            await asyncio.sleep(30)
        if kind == "drip":
            # Each byte comes in time, the whole never does.
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            for _ in range(100):
                await response.write(b" ")
                await asyncio.sleep(0.1)
            return response
        return None

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Exchange a code for a token: once, for the client it was given to, with the right verifier."""
        self.exchanged += 1
        trouble = await self.misbehave("token", request)
        if trouble is not None:
            return trouble
        form = dict(await request.post())
        header = request.headers.get("Authorization")
        if header:
            basic = BasicAuth.decode(header)
            self.secret_in.append("header")
            assert "client_secret" not in form
            known = basic.login == CLIENT_ID and basic.password == "the-secret%2Fwith%2Bsigns"
        else:
            self.secret_in.append("body")
            known = form.get("client_id") == CLIENT_ID and form.get("client_secret") == CLIENT_SECRET
        if not known:
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("grant_type") != "authorization_code":
            return self.refuse("grant_type")
        asked = self.codes.pop(str(form.get("code")), None)
        if asked is None:
            return self.refuse("code")
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return self.refuse("redirect_uri")
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return self.refuse("code_verifier")
        if self.trouble.get("token") == "number":
            return web.json_response({"access_token": 7})
        if self.trouble.get("token") == "error200":
            return web.json_response({"error": "bad_verification_code"})
        access = f"token-{secrets.token_urlsafe(24)}"
        self.tokens[access] = self.person
        return web.json_response(
            {"access_token": access, "token_type": "bearer", "scope": "x", "id_token": "unused"}
        )

    def holder(self, request: web.Request) -> Person:
        """The person whose token the request carries."""
        scheme, _, token = request.headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        return self.tokens[token]

    async def userinfo(self, request: web.Request) -> web.StreamResponse:
        """OpenID Connect's profile."""
        trouble = await self.misbehave("profile", request)
        if trouble is not None:
            return trouble
        person = self.holder(request)
        data: dict[str, Any] = {
            "sub": str(person.id),
            "preferred_username": person.login,
            "name": person.name,
            "picture": "https://example.org/cat.png",
        }
        if person.email is not None:
            data |= {"email": person.email, "email_verified": person.verified}
        return web.json_response(data)

    async def github_user(self, request: web.Request) -> web.StreamResponse:
        """The profile, as GitHub has it: its public address is not proof of owning that address."""
        trouble = await self.misbehave("profile", request)
        if trouble is not None:
            return trouble
        person = self.holder(request)
        return web.json_response(
            {
                "id": person.id,
                "login": person.login,
                "name": person.name,
                "email": "public@example.net",
                "avatar_url": "https://example.org/cat.png",
            }
        )

    async def github_emails(self, request: web.Request) -> web.Response:
        """GitHub's addresses."""
        person = self.holder(request)
        rows = [{"email": "other@example.net", "primary": False, "verified": True}]
        if person.email is not None:
            rows.append({"email": person.email, "primary": True, "verified": person.verified})
        return web.json_response(rows)

    async def discovery(self, request: web.Request) -> web.StreamResponse:
        """OpenID Connect's document."""
        self.discovered += 1
        trouble = await self.misbehave("discovery", request)
        if trouble is not None:
            return trouble
        document: dict[str, Any] = {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/openid/authorize?policy=a",
            "token_endpoint": f"{self.url}/openid/token",
            "userinfo_endpoint": f"{self.url}/openid/userinfo",
        }
        if self.auth_methods is not None:
            document["token_endpoint_auth_methods_supported"] = self.auth_methods
        return web.json_response(document)

    async def elsewhere(self, request: web.Request) -> web.Response:
        """The target of a redirect that no client may follow."""
        self.followed += 1
        return web.json_response({"access_token": "token-x", "id": 1, "sub": "1"})
