"""Callers of services, for tests that call these without a request."""

from __future__ import annotations

from uuid import UUID, uuid4

from nexcorp.security.access import Rights
from nexcorp.security.caller import Caller
from nexcorp.security.tokens import Principal


def make_caller(user_id: UUID, *permissions: str) -> Caller:
    """Return a caller who holds these permissions."""
    rights = Rights()
    rights.load([{"role": "member", "permissions": permissions}])
    return Caller(Principal(user_id, uuid4(), "member", 1, "web", 0.0), rights)
