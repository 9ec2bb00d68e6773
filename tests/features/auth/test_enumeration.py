"""A failed sign-in does not tell whether the account exists: neither by its bytes nor by its time."""

from __future__ import annotations

import time
from statistics import median
from typing import Any
from uuid import uuid4

from nexcorp.features.auth.passwords import hash_password
from nexcorp.security.app_keys import DATABASE
from tests.web.calls import serving

LOGIN = "/api/v1/auth/login"
PAIRS = 100
# The last two depend on the address and on how long the answer took: the limit may be full again.
VARYING = {"x-request-id", "date", "ratelimit-remaining", "ratelimit-reset"}


async def test_known_and_unknown_accounts_fail_alike(web_only: Any) -> None:
    """With the throttle and the limits on; each pair of sign-ins comes from a network of its own."""
    settings = {"login_failures": 5, "rate_limit_anonymous": 100, "trusted_proxies": ("127.0.0.0/8",)}
    async with serving(web_only, **settings) as (app, client):
        stored = await hash_password("nobody has thought of this")
        names = [f"t{uuid4().hex[:20]}" for _ in range(PAIRS)]
        async with app[DATABASE].connection() as conn:
            for name in names:
                await conn.execute(
                    "INSERT INTO users (email, username, password_hash) VALUES ($1, $2, $3)",
                    f"{name}@example.com", name, stored,
                )  # fmt: skip
        seen: dict[bool, set[str]] = {True: set(), False: set()}
        took: dict[bool, list[float]] = {True: [], False: []}

        async def fail(email: str, known: bool, address: str) -> None:
            headers = {"Authorization": "", "X-Forwarded-For": address}
            began = time.perf_counter()
            answer = await client.post(
                LOGIN, json={"email": email, "password": "not the right one"}, headers=headers
            )
            took[known].append(time.perf_counter() - began)
            assert answer.status == 401
            body = await answer.json()
            del body["timestamp"], body["requestId"]
            head = {name: value for name, value in answer.headers.items() if name.lower() not in VARYING}
            seen[known].add(repr((body, sorted(head.items()))))

        for number, name in enumerate(names):
            # Take turns which of the two comes first, each from a new address.
            for known in (number % 2 == 0, number % 2 == 1):
                email = f"{name}@example.com" if known else f"x{name}@example.com"
                await fail(email, known, f"10.{number}.{int(known)}.1")
        assert seen[True] == seen[False]
        assert len(seen[True]) == 1
        # Hashing takes nearly all of the time; without it one side would be ten times as fast.
        assert 0.5 < median(took[True]) / median(took[False]) < 2
