"""The public keys of access tokens (RFC 7517), for services that verify them."""

from __future__ import annotations

import base64

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from marshmallow import fields, validate

from nexcorp.domain.fields import Out
from nexcorp.security.app_keys import SECRETS
from nexcorp.web.replies import reply

# Short, so that caches get a new key soon after a rotation.
CACHE_SECONDS = 300


class JwkOut(Out):
    """An Ed25519 public key."""

    kty = fields.String(required=True, validate=validate.Equal("OKP"))
    crv = fields.String(required=True, validate=validate.Equal("Ed25519"))
    x = fields.String(required=True)
    kid = fields.String(required=True)
    use = fields.String(required=True, validate=validate.Equal("sig"))
    alg = fields.String(required=True, validate=validate.Equal("EdDSA"))


class JwksOut(Out):
    """The current key, then the previous one during a rotation."""

    keys = fields.List(fields.Nested(JwkOut), required=True)


async def show_jwks(request: web.Request) -> web.Response:
    """GET /auth/jwks"""
    keys = []
    for kid, public in request.app[SECRETS].verifying.items():
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        keys.append({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"})
    return reply({"keys": keys}, headers={"Cache-Control": f"public, max-age={CACHE_SECONDS}"})
