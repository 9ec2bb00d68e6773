"""People who call the service through its proxies, and retry until they succeed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

PASSWORD = "a password of the ledger test"
ATTEMPT_SECONDS = 8.0
BROKEN = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass
class Person:
    """An account, signed in on one device."""

    id: UUID
    username: str
    token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers that authenticate the person."""
        return {"Authorization": f"Bearer {self.token}"}


class Api:
    """Calls to any of the web nodes. `outcomes` counts answers by status, and failures by exception class."""

    def __init__(
        self, addresses: Sequence[str], rng: random.Random, session: aiohttp.ClientSession | None = None
    ) -> None:
        self.addresses, self.rng = list(addresses), rng
        self.outcomes: Counter[str] = Counter()
        self.session = session or aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """End all connections."""
        await self.session.close()

    def pick_address(self) -> str:
        """Choose a web node at random, as a load balancer would."""
        return self.rng.choice(self.addresses)

    async def try_once(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Call once; return (status, body), or (0, None) if no whole answer came."""
        try:
            url = self.pick_address() + path
            async with self.session.request(method, url, **options) as response:
                body = await response.json() if response.status != 204 else None
                self.outcomes[str(response.status)] += 1
                return response.status, body
        except BROKEN as error:
            self.outcomes[type(error).__name__] += 1
            return 0, None

    async def call(self, method: str, path: str, person: Person | None = None, **options: Any) -> Any:
        """Repeat a call until it succeeds; return the body. Raises AssertionError if retrying cannot help."""
        headers = options.pop("headers", {})
        while True:
            own = {**headers, **(person.headers if person else {})}
            status, body = await self.try_once(method, path, headers=own, **options)
            if 200 <= status < 300:
                return body
            if status == 401 and person is not None:
                await self.sign_in(person)
            elif 400 <= status < 500 and status not in (408, 429):
                raise AssertionError(f"{method} {path} was refused: {status} {body}")
            await self.pause()

    async def pause(self) -> None:
        """Wait a moment before the next attempt."""
        await asyncio.sleep(self.rng.uniform(0.05, 0.3))

    async def register(self, username: str) -> Person:
        """Register an account and sign in."""
        email = f"{username}@example.com"
        data = {"email": email, "password": PASSWORD, "username": username}
        user = (await self.call("POST", "/api/v1/auth/register", json=data))["user"]
        return await self.sign_in(Person(UUID(user["id"]), username, "", ""))

    async def sign_in(self, person: Person) -> Person:
        """Start a new session; its tokens replace those of the person."""
        data = {"email": f"{person.username}@example.com", "password": PASSWORD, "platform": "cli"}
        answer = await self.call("POST", "/api/v1/auth/login", json=data)
        person.token, person.refresh_token = answer["accessToken"], answer["refreshToken"]
        return person

    async def fetch_all(self, path: str, person: Person) -> tuple[list[Any], dict[str, Any]]:
        """Return every row of a list, and the answer with its first page."""
        first = page = await self.call("GET", path, person, params={"limit": "100"})
        rows = list(page["data"])
        while page["nextCursor"]:
            cursor = {"limit": "100", "cursor": page["nextCursor"]}
            page = await self.call("GET", path, person, params=cursor)
            rows += page["data"]
        return rows, first
