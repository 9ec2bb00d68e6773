"""A push service on loopback, and browsers that subscribed there and read what they are sent.

They read it by `http-ece` and `PyJWT`, which know nothing of the service's own code.
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

# A key pair for tests, as VAPID_PRIVATE_KEY has it.
VAPID_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"


def encode(data: bytes) -> str:
    """base64url as browsers write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """One subscription: `endpoint`, and the keys that the browser keeps to itself."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
        self.p256dh = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def to_json(self) -> dict[str, Any]:
        """What PushSubscription.toJSON() gives."""
        keys = {"p256dh": encode(self.p256dh), "auth": encode(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """What a message says."""
        text: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return text


@dataclass
class Message:
    """A request that came."""

    path: str
    headers: Any
    body: bytes


@dataclass
class PushService:
    """What came, and what is answered: 201, or for a path in `answers` its (status, headers)."""

    origin: str
    messages: list[Message] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """It as OUTBOUND_ALLOW names it."""
        return self.origin.partition("//")[2]

    def subscribe(self, name: str | None = None) -> Browser:
        """A browser with a new subscription."""
        return Browser(f"{self.origin}/send/{name or secrets.token_urlsafe(24)}")

    def of(self, browser: Browser) -> list[Message]:
        """What came for one browser."""
        return [one for one in self.messages if self.origin + one.path == browser.endpoint]

    def check_signature(self, message: Message, key: str) -> dict[str, Any]:
        """The claims of the one that signed a request, who must hold `key` (base64url of a public key)."""
        scheme, _, rest = message.headers["Authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert scheme == "vapid" and parts["k"] == key
        point = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims: dict[str, Any] = jwt.decode(parts["t"], public, ["ES256"], audience=self.origin)
        return claims


@asynccontextmanager
async def run_push_service() -> AsyncIterator[PushService]:
    """A push service at a free port of 127.0.0.1."""
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
