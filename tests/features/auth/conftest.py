"""Signing in, and a browser's cookie by hand: test clients keep no Secure cookie of a plain http server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest

COOKIE = "__Host-refresh"

SignIn = Callable[..., Awaitable[dict[str, Any]]]


class Browser:
    """A browser's handling of the refresh cookie."""

    @staticmethod
    def take(answer: Any) -> Morsel[str]:
        """The refresh cookie an answer sets."""
        return SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]

    @staticmethod
    def send(token: str) -> dict[str, str]:
        """The headers with which a page of the service refreshes."""
        return {"Cookie": f"{COOKIE}={token}", "X-Requested-With": "fetch"}


@pytest.fixture
def browser() -> Browser:
    """`token = browser.take(answer).value`, then `headers=browser.send(token)`."""
    return Browser()


@pytest.fixture
def sign_in(client: Any, browser: Browser) -> SignIn:
    """`await sign_in(user, platform="cli")`: the answer's body, plus `headers` and a `refreshToken`."""

    async def sign_in(user: Any, platform: str = "cli", **more: Any) -> dict[str, Any]:
        body = {"email": user.email, "password": user.password, "platform": platform, **more}
        answer = await client.post("/api/v1/auth/login", json=body)
        assert answer.status == 200
        data: dict[str, Any] = await answer.json()
        if platform == "web":
            data["refreshToken"] = browser.take(answer).value
        data["headers"] = {"Authorization": f"Bearer {data['accessToken']}"}
        return data

    return sign_in
