"""Other services verify access tokens with the public keys alone; a new secret signs nobody out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt
import pytest

from nexcorp.security.tokens import AUDIENCE, ISSUER
from tests.conftest import SECRET, Client, start_web

JWKS = "/api/v1/auth/jwks"
ME = "/api/v1/auth/me"
REFRESH = "/api/v1/auth/refresh"


def verify(document: dict[str, Any], token: str) -> dict[str, Any]:
    """The claims of an access token, as another service reads them."""
    keys = jwt.PyJWKSet.from_dict(document)
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key.key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER
    )
    return claims


async def test_a_token_verifies_by_the_document_alone(client: Any, make_user: Any) -> None:
    user = await make_user()
    answer = await client.get(JWKS)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    document = await answer.json()
    [key] = document["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")
    assert verify(document, user.token)["sub"] == str(user.id)
    head, claims, signature = user.token.split(".")
    changed = ("B" if signature[0] == "A" else "A") + signature[1:]
    with pytest.raises(jwt.InvalidSignatureError):
        verify(document, f"{head}.{claims}.{changed}")


async def test_a_rotated_secret_signs_nobody_out(
    service: Any, client: Any, make_user: Any, sign_in: Any
) -> None:
    user = await make_user()
    old = await sign_in(user)
    before = (await (await client.get(JWKS)).json())["keys"]
    config = replace(service.config, jwt_secret="another secret, " * 3, jwt_secret_previous=SECRET)
    runner, _, url = await start_web(config)
    try:
        rotated = Client(client.session, url, {})
        document = await (await rotated.get(JWKS)).json()
        assert len(document["keys"]) == 2
        assert document["keys"][1] == before[0] != document["keys"][0]
        # Tokens signed before are still valid, here and for others.
        assert (await rotated.get(ME, headers=old["headers"])).status == 200
        assert verify(document, old["accessToken"])["sub"] == str(user.id)
        answer = await rotated.post(REFRESH, json={"refreshToken": old["refreshToken"]})
        assert answer.status == 200
        new = await answer.json()
        # New tokens are signed by the new key.
        assert jwt.get_unverified_header(new["accessToken"])["kid"] == document["keys"][0]["kid"]
        assert verify(document, new["accessToken"])["sub"] == str(user.id)
        again = await rotated.post(REFRESH, json={"refreshToken": new["refreshToken"]})
        assert again.status == 200
        # A node that knows only the old secret takes neither.
        bearer = {"Authorization": f"Bearer {new['accessToken']}"}
        assert (await client.get(ME, headers=bearer)).status == 401
        refused = await client.post(REFRESH, json={"refreshToken": (await again.json())["refreshToken"]})
        assert refused.status == 401
    finally:
        await runner.cleanup()
