"""A push service on loopback, and browsers that subscribe there and read their messages.

They decrypt with `http-ece` and `PyJWT`, which share no code with the service.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# A private key for tests, in the form of VAPID_PRIVATE_KEY.
VAPID_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"


def encode(data: bytes) -> str:
    """Encode as base64url without padding, as browsers do."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """A subscription: its `endpoint`, and the keys that stay in the browser."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
        self.p256dh = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def to_json(self) -> dict[str, Any]:
        """Return the result of PushSubscription.toJSON()."""
        keys = {"p256dh": encode(self.p256dh), "auth": encode(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """Decrypt a message."""
        text: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return text


@dataclass
class Message:
    """A received request."""

    path: str
    headers: Any
    body: bytes


@dataclass
class PushService:
    """The received messages. `answers`: (status, headers) by path; other paths get 201."""

    origin: str
    messages: list[Message] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Its host and port, in the form of OUTBOUND_ALLOW."""
        return self.origin.partition("//")[2]

    def subscribe(self, name: str | None = None) -> Browser:
        """Return a browser with a new subscription."""
        return Browser(f"{self.origin}/send/{name or secrets.token_urlsafe(24)}")

    def of(self, browser: Browser) -> list[Message]:
        """Return the messages to one browser."""
        return [one for one in self.messages if self.origin + one.path == browser.endpoint]

    def check_signature(self, message: Message, key: str) -> dict[str, Any]:
        """Verify a request's signature with `key` (a public key in base64url); return its claims."""
        scheme, _, rest = message.headers["Authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert scheme == "vapid" and parts["k"] == key
        point = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims: dict[str, Any] = jwt.decode(parts["t"], public, ["ES256"], audience=self.origin)
        return claims


@asynccontextmanager
async def run_push_service() -> AsyncIterator[PushService]:
    """Run a push service at a free port of 127.0.0.1 while the block runs."""
    service = PushService("")

    async def take(request: web.Request) -> web.Response:
        service.messages.append(Message(request.path, request.headers.copy(), await request.read()))
        status, headers = service.answers.get(request.path, (201, {}))
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_post("/send/{name}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()
