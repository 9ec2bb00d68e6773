"""Tokens in the service's own format are verified in a shorter way, with the same result as by pyjwt."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import jwt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nexcorp.config import Config
from nexcorp.errors import Unauthorized
from nexcorp.security.secrets import Secrets
from nexcorp.security.tokens import Principal, Tokens

CONFIG = Config(database_url="postgresql://x", redis_url="redis://x", jwt_secret="s" * 40)
SECRETS = Secrets.from_config(CONFIG)
TOKENS = Tokens(SECRETS)
PERSON: dict[str, Any] = {
    "user_id": uuid4(), "session_id": uuid4(), "role": "member", "role_version": 3, "platform": "web",
}  # fmt: skip
HEAD, _, _ = TOKENS.sign(**PERSON).split(".")
NOW = int(time.time())
LATER = NOW + 86_400
CLAIMS = {**jwt.decode(TOKENS.sign(**PERSON), options={"verify_signature": False}), "exp": LATER}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sign(payload: bytes) -> str:
    """Sign a token in the service's own format, with this payload."""
    signed = f"{HEAD}.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}"
    signature = base64.urlsafe_b64encode(SECRETS.signing.private.sign(signed.encode()))
    return f"{signed}.{signature.rstrip(b'=').decode()}"


OWN = sign(json.dumps(CLAIMS).encode())
_, PAYLOAD, SIGNATURE = OWN.split(".")


def decide(verify: Callable[[str], Principal], token: str) -> Principal | None:
    """The caller whom `verify` lets in, or None."""
    try:
        who = verify(token)
    except Unauthorized:
        return None
    return who if who.expires_at > time.time() else None


def decide_twice(token: str) -> Principal | None:
    """The caller whom verify() lets in, or None; asserts that pyjwt decides the same."""
    who = decide(Tokens(SECRETS).verify, token)
    assert who == decide(TOKENS._verify_any, token)
    return who


def test_own_tokens_take_the_short_way_with_the_current_and_the_previous_key() -> None:
    tokens = Tokens(Secrets.from_config(replace(CONFIG, jwt_secret="n" * 40, jwt_secret_previous="s" * 40)))
    older, newer = TOKENS.sign(**PERSON), tokens.sign(**PERSON)
    for token in (older, newer):
        who = tokens._verify_own(token.encode())
        assert who is not None
        assert who == decide(tokens.verify, token) == decide(tokens._verify_any, token)
    assert decide(TOKENS.verify, newer) is None


def turn_last_bits(part: str) -> str:
    """The same bytes, spelled with the unused bits of the last letter set."""
    spare = {2: 4, 3: 2}[len(part) % 4]
    return part[:-1] + LETTERS[LETTERS.index(part[-1]) | (2**spare - 1)]


ODD = {"trailing bits": turn_last_bits(SIGNATURE), "padded": SIGNATURE + "==", "padded once": SIGNATURE + "="}
TEXTS = {
    **{name: f"{HEAD}.{PAYLOAD}.{signature}" for name, signature in ODD.items()},
    "head padded": f"{HEAD}=.{PAYLOAD}.{SIGNATURE}",
    "payload padded": f"{HEAD}.{PAYLOAD}{'=' * (-len(PAYLOAD) % 4)}=.{SIGNATURE}",
    "a line end": f"{OWN}\n",
    "a line end inside": f"{HEAD}.{PAYLOAD[:20]}\n{PAYLOAD[20:]}.{SIGNATURE}",
    "a blank in the signature": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:9]} {SIGNATURE[9:]}",
    "letters of plain base64": f"{HEAD}.{PAYLOAD}.{'+/' + SIGNATURE[2:]}",
    "junk in the signature": f"{HEAD}.{PAYLOAD}.{SIGNATURE}!!!!",
    "a letter more": OWN + "A",
    "a letter less": OWN[:-1],
    "a byte more": f"{HEAD}.{PAYLOAD}.{base64.urlsafe_b64encode(bytes(65)).decode().rstrip('=')}",
    "an empty signature": f"{HEAD}.{PAYLOAD}.",
    "zeros": f"{HEAD}.{PAYLOAD}.{'A' * 86}",
    "an empty payload": f"{HEAD}..{SIGNATURE}",
    "a dot in front": "." + OWN,
    "a dot behind": OWN + ".",
    "two dots": f"{HEAD}.{PAYLOAD}..{SIGNATURE}",
    "a dot in the payload": f"{HEAD}.{PAYLOAD[:9]}.{PAYLOAD[9:]}.{SIGNATURE}",
    "head alone": HEAD,
    "head and a dot": HEAD + ".",
    "head and two dots": HEAD + "..",
    "other case": f"{HEAD.swapcase()}.{PAYLOAD}.{SIGNATURE}",
    "no text": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-1]}\udcff",
    "wide letters": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-1]}\uff21",
}


@pytest.mark.parametrize("name", TEXTS)
def test_another_text_of_a_good_token(name: str) -> None:
    # pyjwt ignores padding up to whole groups, and the bytes are the same.
    assert (decide_twice(TEXTS[name]) is not None) == (name == "padded")


JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 10**18, 10**30, 10**400, LATER, LATER + 0.5, float(NOW - 9),
    "", "x", str(LATER), "null", "1e3", [], {}, [CLAIMS["aud"]], ["x", CLAIMS["aud"]], [1, CLAIMS["aud"]],
    CLAIMS["sub"].upper(), CLAIMS["sub"].replace("-", ""),
    f"{{{CLAIMS['sub']}}}", f"urn:uuid:{CLAIMS['sub']}",
]  # fmt: skip


@pytest.mark.parametrize("name", [*CLAIMS, "nbf", "more"])
def test_a_claim_of_another_type_or_value(name: str) -> None:
    for value in JUNK:
        decide_twice(sign(json.dumps({**CLAIMS, name: value}).encode()))
    decide_twice(sign(json.dumps({key: value for key, value in CLAIMS.items() if key != name}).encode()))


def test_what_the_rules_say_of_numbers() -> None:
    def takes(**claims: Any) -> bool:
        return decide_twice(sign(json.dumps({**CLAIMS, **claims}).encode())) is not None

    assert takes() and takes(exp=LATER + 0.5) and takes(nbf=NOW) and takes(iat=NOW + 3) and takes(more=[{}])
    wrong: list[dict[str, Any]] = [
        {"exp": True}, {"exp": NOW - 1}, {"exp": 10**400}, {"exp": None}, {"iat": LATER}, {"nbf": LATER},
        {"rv": True}, {"rv": 3.0}, {"rv": "3"}, {"jti": 5}, {"iss": "nexcorp"}, {"aud": ["x"]}, {"sid": 1},
    ]  # fmt: skip
    assert [claims for claims in wrong if takes(**claims)] == []


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b"{", b'{"iss":1}{}', b"\xff", b'"\xc3"', b"[" * 2000, b'{"exp":NaN}']
)
def test_a_payload_that_is_no_object(payload: bytes) -> None:
    assert decide_twice(sign(payload)) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(JUNK),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "more"]), VALUES, max_size=3))
@example({"sub": CLAIMS["sid"], "sid": CLAIMS["sub"], "role": "", "plat": ""})
def test_any_claims(changed: dict[str, Any]) -> None:
    decide_twice(sign(json.dumps({**CLAIMS, **changed}).encode()))
