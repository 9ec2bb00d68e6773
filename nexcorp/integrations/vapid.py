"""The key pair that identifies this service to push services (VAPID, RFC 8292), and its signatures."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass, field
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
# Signing takes as long as encrypting: tokens are reused for this long, and this many are kept.
KEPT_SECONDS = 3600
KEPT_TOKENS = 1000
DEFAULT_SUBJECT = "mailto:connect@localhost"


def encode(data: bytes) -> str:
    """Return base64url without padding, the encoding of all of Web Push."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Decode base64url text, with or without padding; raises ValueError."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("is not base64url") from None


def write_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 65 bytes of a public key, uncompressed."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True)
class Vapid:
    """One key pair. `subject` is the contact for push services: mailto: or https:."""

    key: ec.EllipticCurvePrivateKey
    subject: str = DEFAULT_SUBJECT
    # By origin: the time until which to reuse it, and the header.
    _kept: dict[str, tuple[float, str]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def public(self) -> str:
        """The public key for browsers (`applicationServerKey`): base64url of 65 bytes."""
        return encode(write_point(self.key.public_key()))

    def authorize(self, endpoint: URL) -> str:
        """Return the Authorization header for an endpoint, valid for at least eleven hours at its origin."""
        host = (endpoint.raw_host or "").lower()
        host = f"[{host}]" if ":" in host else host
        port = "" if endpoint.is_default_port() else f":{endpoint.port}"
        origin, now = f"{endpoint.scheme}://{host}{port}", time.time()
        until, header = self._kept.get(origin, (0.0, ""))
        if now < until:
            return header
        claims = {"aud": origin, "exp": int(now) + TOKEN_SECONDS, "sub": self.subject}
        header = f"vapid t={jwt.encode(claims, self.key, 'ES256')}, k={self.public}"
        if len(self._kept) >= KEPT_TOKENS:
            # Endpoints come from users: there may be any number of origins.
            self._kept.clear()
        self._kept[origin] = now + KEPT_SECONDS, header
        return header


def read_private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Return the key of VAPID_PRIVATE_KEY, which was checked when the settings were read."""
    return ec.derive_private_key(int.from_bytes(decode(text), "big"), CURVE)


def make_private_key() -> str:
    """Return a new key for VAPID_PRIVATE_KEY."""
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return encode(number.to_bytes(KEY_BYTES, "big"))


def choose_subject(config: Config) -> str:
    """Return the contact for push services: the sender of mails, else the service's own address."""
    if config.mail_from:
        return f"mailto:{parseaddr(config.mail_from)[1]}"
    return config.public_url if config.public_url.startswith("https://") else DEFAULT_SUBJECT


def make_vapid(config: Config) -> Vapid | None:
    """Return the key pair of these settings; None if push is not configured."""
    if not config.vapid_private_key:
        return None
    return Vapid(read_private_key(config.vapid_private_key), choose_subject(config))
