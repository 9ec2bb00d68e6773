"""Caller: a person has the present permissions of their role, a key no more than its scopes."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from nexcorp.security.access import Rights
from nexcorp.security.caller import Caller
from nexcorp.security.tokens import Principal


def test_a_caller_may_what_the_role_and_the_key_hold_at_this_moment() -> None:
    rights = Rights()
    rights.load([{"role": "member", "permissions": ["post:create", "post:read"]}])
    who = Principal(uuid4(), uuid4(), "member", 1, "web", 0.0)
    person = Caller(who, rights)
    key = Caller(replace(who, scopes=frozenset({"post:read", "post:moderate"})), rights)
    asked = ("post:read", "post:create", "post:moderate")
    assert [person.may(name) for name in asked] == [True, True, False]
    assert [key.may(name) for name in asked] == [True, False, False]
    assert (person.id, person.session_id) == (who.user_id, who.session_id)
    rights.load([{"role": "member", "permissions": ["post:moderate"]}])
    assert [person.may(name) for name in asked] == [False, False, True]
    assert [key.may(name) for name in asked] == [False, False, True]
