"""Access tokens that open nothing: they all get the same answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nexcorp.security.app_keys import SECRETS
from nexcorp.security.secrets import Secrets

ME = "/api/v1/auth/me"


def encode(part: dict[str, Any] | bytes, **style: Any) -> str:
    """One part of a JWT."""
    raw = part if isinstance(part, bytes) else json.dumps(part, **style).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


# The service's own style of JSON, whose headers it verifies in a shorter way.
OWN_STYLE: dict[str, Any] = {"separators": (",", ":"), "sort_keys": True}


def forge(secrets: Secrets, claims: dict[str, Any], **style: Any) -> dict[str, str]:
    """Attackers' tokens by name, with headers in this style of JSON."""
    key, other = secrets.signing, Ed25519PrivateKey.generate()
    head = {"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid}
    public = key.private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    other_raw = other.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(other_raw)}

    def sign(claims: dict[str, Any], private: Any = key.private, **headers: Any) -> str:
        signing_input = f"{encode({**head, **headers}, **style)}.{encode(claims)}"
        return f"{signing_input}.{encode(private.sign(signing_input.encode()))}"

    def sign_hmac(secret: bytes) -> str:
        signing_input = f"{encode({**head, 'alg': 'HS256'}, **style)}.{encode(claims)}"
        mac = hmac.digest(secret, signing_input.encode(), hashlib.sha256)
        return f"{signing_input}.{encode(mac)}"

    genuine = sign(claims)
    genuine_head, _, signature = genuine.split(".")
    now = int(time.time())
    without = {name: {k: v for k, v in claims.items() if k != name} for name in claims}
    return {
        "alg none": f"{encode({**head, 'alg': 'none'})}.{encode(claims)}.",
        "alg None": f"{encode({**head, 'alg': 'None'})}.{encode(claims)}.",
        "no signature": genuine.rpartition(".")[0] + ".",
        "hs256 with the pem": sign_hmac(pem),
        "hs256 with the raw key": sign_hmac(raw),
        "hs256 with the kid": sign_hmac(key.kid.encode()),
        "unknown kid": sign(claims, kid="unknown"),
        "kid path": sign(claims, kid="../../../../dev/null"),
        "kid list": sign(claims, kid=[key.kid]),
        "no kid": sign(claims, kid=None),
        "jwk header": sign(claims, other, jwk=jwk),
        "jwk header on a genuine one": sign(claims, jwk=jwk),
        "jku header": sign(claims, jku="https://evil.example/jwks"),
        "x5u header": sign(claims, x5u="https://evil.example/cert"),
        "crit header": sign(claims, crit=["exp"]),
        "another key": sign(claims, other),
        "expired": sign({**claims, "exp": now - 1}),
        "expired long ago": sign({**claims, "iat": 1, "exp": 2}),
        "not yet": sign({**claims, "nbf": now + 600}),
        "wrong audience": sign({**claims, "aud": "other-api"}),
        "wrong issuer": sign({**claims, "iss": "evil"}),
        "wrong typ": sign(claims, typ="JWT"),
        "refresh typ": sign(claims, typ="rt+jwt"),
        "no typ": sign(claims, typ=None),
        "alg EdDSA in lower case": sign(claims, alg="eddsa"),
        "sub is no uuid": sign({**claims, "sub": "admin"}),
        "sid is no uuid": sign({**claims, "sid": "1"}),
        "rv is text": sign({**claims, "rv": "one"}),
        "exp is text": sign({**claims, "exp": "never"}),
        **{f"without {name}": sign(value) for name, value in without.items()},
        "sub is a number": sign({**claims, "sub": 5}),
        "sub is nothing": sign({**claims, "sub": None}),
        "sid is a list": sign({**claims, "sid": [claims["sid"]]}),
        "rv is true": sign({**claims, "rv": True}),
        "rv is a fraction": sign({**claims, "rv": 1.5}),
        "rv is a list": sign({**claims, "rv": [1]}),
        "role is a list": sign({**claims, "role": ["admin"]}),
        "plat is an object": sign({**claims, "plat": {}}),
        "exp is a list": sign({**claims, "exp": [now + 600]}),
        "exp is beyond numbers": sign({**claims, "exp": 10**400}),
        "exp is nothing": sign({**claims, "exp": None}),
        "iat is text": sign({**claims, "iat": "now"}),
        "iat is to come": sign({**claims, "iat": now + 600}),
        "nbf is text": sign({**claims, "nbf": "now"}),
        "aud is an object": sign({**claims, "aud": {"nexcorp-api": 1}}),
        "iss is a list": sign({**claims, "iss": [claims["iss"]]}),
        "ticket typ": sign(claims, typ="ticket+jwt"),
        "x5c header": sign(claims, x5c=["MIIB"]),
        "alg HS512": sign(claims, alg="HS512"),
        "alg ES256": sign(claims, alg="ES256"),
        "alg list": sign(claims, alg=["EdDSA"]),
        "b64 false": sign(claims, b64=False, crit=["b64"]),
        "cut in the signature": genuine[:-5],
        "cut in the claims": genuine[: genuine.index(".") + 20],
        "head alone": genuine_head,
        "no dots": genuine.replace(".", ""),
        "a token in a token": sign(claims, cty="JWT") + "." + genuine,
        "nested": f"{encode({**head, 'cty': 'JWT'})}.{encode(genuine.encode())}.{signature}",
        "unicode": genuine[:-2] + "éé",
        "unicode digits": "\u0661\u0662\u0663",
        "huge": f"{encode(head, **style)}.{encode({**claims, 'more': 'x' * 5000})[:7000]}.{signature}",
        "huge and signed": sign({**claims, "more": "x" * 4000}),
        "changed claims": f"{genuine_head}.{encode({**claims, 'role': 'admin'})}.{signature}",
        "four parts": genuine + ".x",
        "garbage": "garbage",
        "dots": "..",
        "claims are a list": f"{encode(head, **style)}.{encode(b'[]')}.{signature}",
        "deep": f"{encode(b'[' * 1000)}.{encode(claims)}.x",
        "long": "x" * 5000,
    }


async def test_forged_tokens_get_one_answer(client: Any, service: Any, make_user: Any) -> None:
    user = await make_user()
    assert (await client.get(ME, headers=user.headers)).status == 200
    claims = jwt.decode(user.token, options={"verify_signature": False})
    bodies = {}
    secrets = service.app[SECRETS]
    own = {f"{name}, own style": token for name, token in forge(secrets, claims, **OWN_STYLE).items()}
    for name, token in {**forge(secrets, claims), **own}.items():
        answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 401, name
        body = await answer.json()
        bodies[name] = {key: body[key] for key in body if key not in ("timestamp", "requestId")}
    for scheme in ("Basic", "Token", ""):
        answer = await client.get(ME, headers={"Authorization": f"{scheme} {user.token}".strip()})
        assert answer.status == 401, scheme
    first = bodies["garbage"]
    assert [name for name, body in bodies.items() if body != first] == []


async def test_a_refresh_token_is_no_access_token(client: Any, make_user: Any, sign_in: Any) -> None:
    signed_in = await sign_in(await make_user())
    headers = {"Authorization": f"Bearer {signed_in['refreshToken']}"}
    assert (await client.get(ME, headers=headers)).status == 401


async def test_a_ticket_is_no_access_token(client: Any, make_user: Any) -> None:
    user = await make_user()
    answer = await user.client.post("/api/v1/auth/ticket", json={"purpose": "download"})
    headers = {"Authorization": f"Bearer {(await answer.json())['ticket']}"}
    assert (await client.get(ME, headers=headers)).status == 401


async def test_an_account_that_is_gone(client: Any, service: Any, make_user: Any, fetch: Any) -> None:
    user = await make_user()
    await fetch("DELETE FROM users WHERE email = $1", user.email)
    assert (await client.get(ME, headers=user.headers)).status == 401


async def test_signing_in_and_out_is_never_cached(client: Any, make_user: Any) -> None:
    answer = await client.get(ME, headers=(await make_user()).headers)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Request-Id"] != str(uuid4())
