"""Fixtures shared by tests of users."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nexcorp.security import api_keys


@pytest.fixture
def make_key(service: Any) -> Callable[..., Awaitable[dict[str, str]]]:
    """`await make_key(user, "post:read")`: the headers of an API key with these scopes."""

    async def make(user: Any, *scopes: str) -> dict[str, str]:
        secret = api_keys.make_key()
        async with service.db.connection() as conn:
            await conn.execute(
                """INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes)
                VALUES ($1, 'k', $2, $3, $4)""",
                user.id,
                secret[: api_keys.SHOWN_CHARS],
                api_keys.hash_key(secret),
                list(scopes),
            )
        return {"Authorization": f"Bearer {secret}"}

    return make
