"""Who may call a route: one declaration per route, checked before its handler and shown in OpenAPI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nexcorp.errors import PermissionRequired, SessionRequired
from nexcorp.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route.

    `signed_in`: a person, or with a `permission` an API key as well. `permission`: what the role, and the
    key's scopes, must hold. `whose`: of which rows, where not of all: the statement itself sees to that.
    `otherwise`: what a person without the permission gets; the handler sees to that. A key needs it always.
    `ticket`: a one-time ticket for downloads (`?ticket=`) stands for the person as well.
    """

    signed_in: bool = True
    permission: str | None = None
    whose: str | None = None
    otherwise: str | None = None
    ticket: bool = False

    def describe(self) -> str:
        """One line for the documents."""
        if not self.signed_in:
            return "Anybody."
        what = f"Permission `{self.permission}`" if self.permission else "Signed in; no API keys"
        if self.otherwise:
            return f"{what}; without it {self.otherwise}."
        if self.ticket:
            what += "; or a one-time `ticket`"
        return f"{what}; {self.whose}." if self.whose else f"{what}."


PUBLIC = Access(signed_in=False)
# What belongs to the person and not to the role: passwords, devices, keys. No key may open it.
ACCOUNT = Access()


def allow(permission: str, *, whose: str | None = None, otherwise: str | None = None) -> Access:
    """Whoever has `permission`; with `whose` only for such rows, for instance "the author only".

    With `otherwise` every other person as well, who gets less: for instance "a person sees their own".
    """
    return Access(permission=permission, whose=whose, otherwise=otherwise)


class Rights:
    """What each role may do, as last read from role_permissions. Every node has its own copy."""

    def __init__(self) -> None:
        self._roles: dict[str, frozenset[str]] = {}

    def load(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take the rows of `sql.roles.list_role_permissions`: role, permissions."""
        self._roles = {row["role"]: frozenset(row["permissions"]) for row in rows}

    def has(self, who: Principal, permission: str) -> bool:
        """Whether the role holds a permission and, for an API key, its scopes as well."""
        if permission not in self._roles.get(who.role, ()):
            return False
        return who.scopes is None or permission in who.scopes

    def check(self, who: Principal, access: Access) -> None:
        """Raises Forbidden where `who` may not call a route with this access."""
        permission = access.permission
        if permission is None:
            if who.scopes is not None:
                raise SessionRequired()
        elif not self.has(who, permission) and (access.otherwise is None or who.scopes is not None):
            raise PermissionRequired(permission)
