"""REST: the session, retries, and lists as async iterators."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp

from nexcorp_client.errors import ApiError, make_error, pause
from nexcorp_client.live import Live
from nexcorp_client.places import Place

API = "/api/v1"
# A token that ends within this time is exchanged before it is used.
SPARE_SECONDS = 30.0
# These POSTs answer with a secret, so the service keeps no answer for an Idempotency-Key.
UNKEYED = re.compile(
    r"/(auth/(api-keys|login|password|sudo|ticket)|push-subscriptions|webhooks(/[^/]+/secret)?)"
)
Params = Mapping[str, Any]


class Client:
    """Calls the API as one person, or as a program with an API key (`token`, which is never refreshed).

    Use it as `async with Client("https://connect.example.com") as client`. `refresh_token`: from an earlier
    sign-in; `on_refresh` gets each new one, to be stored. Temporary failures are retried, up to `tries`
    tries, unless the service asks to wait longer than `patience` seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        on_refresh: Callable[[str], None] | None = None,
        session: aiohttp.ClientSession | None = None,
        tries: int = 6,
        patience: float = 60.0,
        timeout: float = 30.0,
    ) -> None:
        self.url = url.rstrip("/")
        self.user: Any = None
        self.refresh_token = refresh_token
        self._token, self._until = token, float("inf") if token else 0.0
        self._on_refresh = on_refresh
        self._given, self._session = session, session
        self._tries, self._patience = tries, patience
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._refreshing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        if self._session is None:
            # A cookie would only be sent beside the token.
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None and self._given is None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session of aiohttp; raises RuntimeError outside of `async with`."""
        if self._session is None:
            raise RuntimeError("use the client as: async with Client(...) as client")
        return self._session

    @property
    def token(self) -> str | None:
        """The current access token, which may have expired: see fresh_token()."""
        return self._token

    async def sign_in(self, email: str, password: str, device: str | None = None) -> Any:
        """Start a session; return the account. `device`: a name to recognise the session by in the list."""
        body = {"email": email, "password": password, "platform": "cli", "device": device}
        return self._keep(await self._retry("POST", "/auth/login", body=body, anonymous=True))

    async def sign_out(self) -> None:
        """End the session."""
        await self.request("POST", "/auth/logout")
        self._token, self._until, self.refresh_token, self.user = None, 0.0, None, None

    def _keep(self, answer: Mapping[str, Any]) -> Any:
        self._token = answer["accessToken"]
        self._until = time.monotonic() + answer["expiresIn"]
        self.user, self.refresh_token = answer["user"], answer["refreshToken"]
        if self._on_refresh is not None:
            self._on_refresh(answer["refreshToken"])
        return self.user

    async def fresh_token(self, old: str | None = None) -> str | None:
        """Return an access token that is valid for a while, and not `old`; None if nobody is signed in.

        Raises ApiError if the session has ended, or the service cannot be reached.
        """
        async with self._refreshing:
            left = self._until - time.monotonic()
            if self.refresh_token and (self._token in (None, old) or left < SPARE_SECONDS):
                body = {"refreshToken": self.refresh_token}
                # If the answer is lost, the same token is exchanged again.
                self._keep(await self._retry("POST", "/auth/refresh", body=body, anonymous=True))
            return self._token

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Any:
        """Return the JSON of an answer, bytes if it is not JSON, None if it is empty; raises ApiError.

        `path` is below /api/v1. `body`: bytes are sent as they are; a function is called for each try, as for
        an aiohttp.FormData, and its result is sent; all else is sent as JSON. A POST has an Idempotency-Key,
        the same for each try, so that it is done once: pass `key` if it has to outlive this process. A POST
        that takes none, as its answer is a secret, is not retried if its answer was lost.
        """
        sent = dict(headers or {})
        if method == "POST":
            sent["Idempotency-Key"] = key or uuid4().hex
        return await self._retry(method, path, body=body, params=params, headers=sent)

    async def get(self, path: str, **params: Any) -> Any:
        """GET a path: see request()."""
        return await self.request("GET", path, params=params)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """POST to a path: see request()."""
        return await self.request("POST", path, body, key=key)

    async def put(self, path: str, body: Any = None) -> Any:
        """PUT to a path: see request()."""
        return await self.request("PUT", path, body)

    async def patch(self, path: str, body: Any = None) -> Any:
        """PATCH a path: see request()."""
        return await self.request("PATCH", path, body)

    async def delete(self, path: str) -> Any:
        """DELETE a path: see request()."""
        return await self.request("DELETE", path)

    async def list(self, path: str, **params: Any) -> AsyncIterator[Any]:
        """Yield the items of a list, fetching pages as needed. `limit` is the size of a page."""
        page = await self.get(path, **params)
        while True:
            for item in page["data"]:
                yield item
            if page.get("nextCursor") is None:
                return
            page = await self.get(path, **{**params, "cursor": page["nextCursor"]})

    def live(
        self, *rooms: str, places: Mapping[str, Place] | None = None, batch: bool = False, ack: bool = True
    ) -> Live:
        """Return a socket in these rooms, and in the user's own: see Live."""
        return Live(self, rooms, places or {}, batch=batch, ack=ack)

    async def _retry(self, method: str, path: str, *, anonymous: bool = False, **options: Any) -> Any:
        attempt, old = 1, None
        while True:
            token = None if anonymous else await self.fresh_token(old)
            try:
                return await self._send(method, path, token, **options)
            except ApiError as error:
                if error.code == "unauthorized" and token and old is None and self.refresh_token:
                    old = token
                    continue
                unkeyed = method == "POST" and UNKEYED.fullmatch(path)
                done = unkeyed and error.status not in (429, 503)
                if not error.passing or done or attempt >= self._tries or error.wait > self._patience:
                    raise
                await asyncio.sleep(max(error.wait, pause(attempt)))
                attempt += 1

    async def _send(
        self,
        method: str,
        path: str,
        token: str | None,
        *,
        body: Any = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        sent = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if callable(body):
            body = body()
        elif body is not None and not isinstance(body, bytes):
            sent["Content-Type"], body = "application/json", json.dumps(body).encode()
        query = flatten(params or {})
        try:
            async with self.session.request(
                method, self.url + API + path, data=body, params=query, headers=sent, timeout=self._timeout
            ) as answer:
                data = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiError(0) from error
        parsed: Any = data or None
        if "json" in answer.content_type:
            with contextlib.suppress(ValueError):
                parsed = json.loads(data)
        if answer.status >= 400:
            raise make_error(answer.status, parsed, answer.headers)
        return parsed


def flatten(params: Params) -> list[tuple[str, str]]:
    """Return query parameters in the API's form: lower-case booleans, lists repeated, None left out."""
    found: list[tuple[str, str]] = []
    for name, value in params.items():
        several = isinstance(value, Iterable) and not isinstance(value, str)
        for one in value if several else [value]:
            if one is not None:
                found.append((name, str(one).lower() if isinstance(one, bool) else str(one)))
    return found
