"""The key pair by which push services recognise this service (VAPID, RFC 8292), and what it signs."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from email.utils import parseaddr
from functools import cached_property

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from nexcorp.config import Config

CURVE = ec.SECP256R1()
KEY_BYTES = 32
TOKEN_SECONDS = 12 * 3600
DEFAULT_SUBJECT = "mailto:connect@localhost"


def encode(data: bytes) -> str:
    """base64url without padding, as all of Web Push is written."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """What base64url text stands for, with padding or without; raises ValueError."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("is not base64url") from None


def write_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """The 65 bytes of a public key, uncompressed."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True)
class Vapid:
    """One key pair. `subject` tells push services whom to turn to: mailto: or https:."""

    key: ec.EllipticCurvePrivateKey
    subject: str = DEFAULT_SUBJECT

    @cached_property
    def public(self) -> str:
        """The public key as browsers want it (`applicationServerKey`): base64url of 65 bytes."""
        return encode(write_point(self.key.public_key()))

    def authorize(self, endpoint: URL) -> str:
        """The Authorization header of a request to an endpoint, good for twelve hours at its origin."""
        host = (endpoint.raw_host or "").lower()
        host = f"[{host}]" if ":" in host else host
        port = "" if endpoint.is_default_port() else f":{endpoint.port}"
        claims = {
            "aud": f"{endpoint.scheme}://{host}{port}",
            "exp": int(time.time()) + TOKEN_SECONDS,
            "sub": self.subject,
        }
        return f"vapid t={jwt.encode(claims, self.key, 'ES256')}, k={self.public}"


def read_private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The key that VAPID_PRIVATE_KEY holds, which was checked when the settings were read."""
    return ec.derive_private_key(int.from_bytes(decode(text), "big"), CURVE)


def make_private_key() -> str:
    """A new key, as VAPID_PRIVATE_KEY wants it."""
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return encode(number.to_bytes(KEY_BYTES, "big"))


def choose_subject(config: Config) -> str:
    """Whom push services turn to: the sender of mails, else the service's own address."""
    if config.mail_from:
        return f"mailto:{parseaddr(config.mail_from)[1]}"
    return config.public_url if config.public_url.startswith("https://") else DEFAULT_SUBJECT


def make_vapid(config: Config) -> Vapid | None:
    """The key pair of these settings; None where push is not configured."""
    if not config.vapid_private_key:
        return None
    return Vapid(read_private_key(config.vapid_private_key), choose_subject(config))
