"""All keys of the service, derived from JWT_SECRET by HKDF, so that one setting is enough."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nexcorp.config import Config


def derive(secret: str, purpose: str) -> bytes:
    """Return 32 bytes for one purpose (RFC 5869); a key reveals nothing of those for other purposes."""
    return HKDF(SHA256(), 32, salt=b"nexcorp-connect", info=purpose.encode()).derive(secret.encode())


def thumbprint(public: Ed25519PublicKey) -> str:
    """Return the key id of an Ed25519 key: its RFC 8037 JWK thumbprint."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs new access tokens."""

    kid: str
    private: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Secrets:
    """The keys of the service. Lists hold the current key first, then the previous one."""

    signing: SigningKey
    verifying: dict[str, Ed25519PublicKey]
    refresh: tuple[bytes, ...]
    ticket: tuple[bytes, ...]
    cursor: bytes
    fingerprint: bytes
    vault: tuple[bytes, ...]
    unsubscribe: tuple[bytes, ...]

    @classmethod
    def from_config(cls, config: Config) -> Secrets:
        """Derive every key from JWT_SECRET and JWT_SECRET_PREVIOUS."""
        sources = [text for text in (config.jwt_secret, config.jwt_secret_previous) if text]
        privates = [Ed25519PrivateKey.from_private_bytes(derive(text, "access-token")) for text in sources]
        publics = {thumbprint(key.public_key()): key.public_key() for key in privates}
        return cls(
            signing=SigningKey(thumbprint(privates[0].public_key()), privates[0]),
            verifying=publics,
            refresh=tuple(derive(text, "refresh-token") for text in sources),
            ticket=tuple(derive(text, "ticket") for text in sources),
            cursor=derive(sources[0], "cursor"),
            fingerprint=derive(sources[0], "idempotency"),
            vault=tuple(derive(text, "vault") for text in sources),
            unsubscribe=tuple(derive(text, "unsubscribe") for text in sources),
        )
