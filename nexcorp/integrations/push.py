"""Web Push: one encrypted message to one browser, through its push service (RFC 8030, 8188, 8291).

    pusher = make_pusher(config)                       # None: push is not configured
    outcome = await pusher.send(Subscription(endpoint, p256dh, auth), payload, topic=..., urgency="normal")

The caller keeps the subscriptions, and deletes the row of one that is `gone`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nexcorp.config import Config
from nexcorp.integrations.outbound import DAY_SECONDS, Failed, Outbound, Refused, check_url, read_retry_after
from nexcorp.integrations.vapid import CURVE, Vapid, make_vapid, write_point

RECORD_BYTES = 4096
# Push services must take a record with its 86 bytes of header; it includes a delimiter and a tag.
MAX_PAYLOAD_BYTES = RECORD_BYTES - 86 - 1 - 16
POINT_BYTES = 65
AUTH_BYTES = 16
MAX_ANSWER_BYTES = 1024
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")

Urgency = Literal["very-low", "low", "normal", "high"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser's subscription: where to send, and the public key and secret to encrypt with."""

    endpoint: str
    p256dh: bytes
    auth: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of sending a message.

    `sent`: the push service has it. `gone`: the subscription has ended, delete it. `later`: try again, after
    `retry_after` seconds if the push service names a time. `refused`: it is not accepted, now or later.
    `code` is the reason: the status ("201", "410") or a code of nexcorp.integrations.outbound ("timeout").
    """

    state: Literal["sent", "gone", "later", "refused"]
    code: str
    retry_after: float | None = None


def check_keys(p256dh: bytes, auth: bytes) -> ec.EllipticCurvePublicKey:
    """Return a browser's public key; raises ValueError unless the keys are a point of P-256 and a secret of
    16 bytes."""
    if len(p256dh) != POINT_BYTES:
        raise ValueError(f"p256dh is not {POINT_BYTES} bytes long")
    if len(auth) != AUTH_BYTES:
        raise ValueError(f"auth is not {AUTH_BYTES} bytes long")
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, p256dh)


def encrypt(
    payload: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return the body of a push message: header and one record of aes128gcm.

    `key` and `salt` are random for each message; only a test with the RFC's example gives them. Raises
    ValueError for a payload over MAX_PAYLOAD_BYTES or for invalid keys.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"the payload is over {MAX_PAYLOAD_BYTES} bytes")
    theirs = check_keys(p256dh, auth)
    key = key or ec.generate_private_key(CURVE)
    salt = salt or os.urandom(16)
    public = write_point(key.public_key())
    shared = key.exchange(ec.ECDH(), theirs)
    secret = derive(shared, auth, b"WebPush: info\0" + p256dh + public, 32)
    content_key = derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    # The delimiter of the last record.
    record = AESGCM(content_key).encrypt(nonce, payload + b"\2", None)
    return salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(public)]) + public + record


def derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def judge(status: int, retry_after: str | None) -> Outcome:
    """Return the outcome for a push service's answer."""
    code = str(status)
    if 200 <= status < 300:
        return Outcome("sent", code)
    if status in (404, 410):
        return Outcome("gone", code)
    if status in (408, 425, 429) or status >= 500:
        return Outcome("later", code, read_retry_after(retry_after))
    return Outcome("refused", code)


class Pusher:
    """Sends messages signed with one key pair. Close it at the end of its event loop."""

    def __init__(self, vapid: Vapid, door: Outbound) -> None:
        self.vapid, self._door = vapid, door

    async def send(
        self,
        to: Subscription,
        payload: bytes,
        *,
        topic: str | None = None,
        urgency: Urgency = "normal",
        ttl: int = DAY_SECONDS,
    ) -> Outcome:
        """Send a message to the push service of a browser; errors of that service are outcomes, not raised.

        `payload` has at most MAX_PAYLOAD_BYTES. Of several messages with one `topic` (1 to 32 of A-Z a-z 0-9
        _ -) that a browser has not fetched yet, it gets the last. `ttl`: for how many seconds the message is
        kept for a browser that is away. Raises ValueError for an invalid topic, payload or key.
        """
        if topic is not None and not TOPIC.match(topic):
            raise ValueError("a topic is 1 to 32 characters of A-Z a-z 0-9 _ -")
        body = encrypt(payload, to.p256dh, to.auth)
        headers = {
            "TTL": str(ttl),
            "Urgency": urgency,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
        }
        if topic is not None:
            headers["Topic"] = topic
        try:
            headers["Authorization"] = self.vapid.authorize(check_url(to.endpoint, self._door.allow))
            answer = await self._door.request(
                "POST", to.endpoint, headers=headers, body=body, most=MAX_ANSWER_BYTES
            )
        except Refused as error:
            return Outcome("refused", error.code)
        except Failed as error:
            return Outcome("later", error.code)
        return judge(answer.status, answer.headers.get("Retry-After"))

    async def close(self) -> None:
        """Close every connection."""
        await self._door.close()


def make_pusher(config: Config) -> Pusher | None:
    """Return the pusher of these settings; None if push is not configured."""
    vapid = make_vapid(config)
    return Pusher(vapid, Outbound(config.outbound_allow)) if vapid is not None else None
