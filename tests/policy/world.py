"""The actors of the policy; each case has its own people, so that no case can disturb another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.security.api_keys import SHOWN_CHARS, hash_key, make_key
from nexcorp.security.app_keys import DATABASE, REVOCATIONS, TOKENS
from tests.conftest import PASSWORD, Client

API = "/api/v1"
names = itertools.count(1)

INSERT_PERSON = """
WITH made AS (
    INSERT INTO users (email, username, password_hash, role, email_verified_at)
    VALUES ($1 || '@example.com', $1, $2, $3, now())
    RETURNING id
)
INSERT INTO sessions (user_id, platform, proved_at)
SELECT id, 'cli', now() FROM made
RETURNING id, user_id
"""
INSERT_KEY = (
    "INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes) VALUES ($1, 'a key', $2, $3, $4)"
)


@dataclass
class Person:
    """A signed-in person; `client` calls as them and checks every answer against the OpenAPI document."""

    id: UUID
    email: str
    username: str
    password: str
    role: str
    session_id: UUID
    client: Client


@dataclass
class World:
    """The running service, and helpers with which makers write to it."""

    app: web.Application
    anonymous: Client
    password_hash: str

    async def fetch(self, text: str, *values: Any) -> list[Any]:
        """Return the rows of a statement, run directly on the database."""
        async with self.app[DATABASE].connection(wait=5) as conn:
            rows: list[Any] = await conn.fetch(text, *values)
            return rows

    async def person(self, role: str = "member") -> Person:
        """Create a person with this role, signed in."""
        name = f"person{next(names)}"
        [row] = await self.fetch(INSERT_PERSON, name, self.password_hash, role)
        token = self.app[TOKENS].sign(
            user_id=row["user_id"], session_id=row["id"], role=role, role_version=1, platform="cli"
        )
        client = self.anonymous.as_user({"Authorization": f"Bearer {token}"})
        return Person(row["user_id"], f"{name}@example.com", name, PASSWORD, role, row["id"], client)

    async def end_session(self, person: Person) -> None:
        """End the person's session, as a sign-out on another device does."""
        await self.fetch("UPDATE sessions SET revoked_at = now() WHERE id = $1", person.session_id)
        self.app[REVOCATIONS].announce([person.session_id])

    async def deactivate(self, person: Person) -> None:
        """Deactivate the person's account."""
        [row] = await self.fetch(
            "UPDATE users SET status = 'deactivated' WHERE id = $1 RETURNING role_version", person.id
        )
        self.app[REVOCATIONS].announce(roles=[(person.id, row["role_version"])])

    async def key(self, owner: Person, scopes: Sequence[str]) -> Client:
        """Create an API key of the owner with these scopes; return a client that uses it."""
        key = make_key()
        await self.fetch(INSERT_KEY, owner.id, key[:SHOWN_CHARS], hash_key(key), list(scopes))
        return self.anonymous.as_user({"Authorization": f"Bearer {key}"})
