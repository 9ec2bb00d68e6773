"""Who may call a route: declared once per route, checked before its handler, and shown in OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nexcorp.errors import EmailUnverified, PermissionRequired, SessionRequired
from nexcorp.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route.

    `signed_in`: a user, or with a `permission` also an API key. `permission`: the permission that the role,
    and the key's scopes, must hold. `also`: a second one, for changes whose answer shows the entity, which
    the caller must be allowed to read.

    `whose`: the rows that it covers, if not all; the statement enforces that. `otherwise`: what a user
    without the permission gets; the handler enforces that. A key always needs the permission.

    `ticket`: a one-time ticket for downloads (`?ticket=`) may replace the access token. `keys`: API keys may
    call without a `permission`: the handler asks for those that it needs.

    `bearer`: anonymous callers are allowed, and the handler reads an access token if there is one. With a
    `permission`, a caller with a token or a key must hold it; see welcome().

    `fresh`: the person must have proved their identity within ten minutes, by `POST /auth/sudo`, a provider
    or `currentPassword` in the body; if `sign_in_counts(body)` is true, signing in counts, too. API keys
    pass: creating one needed the proof.
    """

    signed_in: bool = True
    permission: str | None = None
    also: str | None = None
    whose: str | None = None
    otherwise: str | None = None
    ticket: bool = False
    keys: bool = False
    bearer: bool = False
    fresh: bool = False
    sign_in_counts: Callable[[Mapping[str, Any]], bool] | None = None

    @property
    def permissions(self) -> list[str]:
        """All permissions that the route needs."""
        return [code for code in (self.permission, self.also) if code is not None]

    def describe(self) -> str:
        """Return one line for the documents."""
        if self.bearer and self.permission:
            ticket = ", or with a one-time `ticket`" if self.ticket else ""
            return f"Public; signed in with the permission `{self.permission}`{ticket}; {self.whose}."
        if self.bearer:
            return f"Public, or with an access token; {self.whose}."
        if not self.signed_in:
            return "Public."
        what = f"Permission `{self.permission}`" if self.permission else "Signed in; no API keys"
        if self.also:
            what = f"Permissions `{self.permission}` and `{self.also}`"
        if self.keys:
            what = "Signed in, or with an API key"
        if self.fresh:
            what += "; needs a proof from the last ten minutes: a password, `POST /auth/sudo` or a provider"
        if self.sign_in_counts is not None:
            what += " (a sign-in will do unless this gives administrators' rights)"
        if self.otherwise:
            return f"{what}; without it {self.otherwise}."
        if self.ticket:
            what += "; or a one-time `ticket`"
        return f"{what}; {self.whose}." if self.whose else f"{what}."


PUBLIC = Access(signed_in=False)
# For passwords, devices and API keys, which belong to the user and not to the role: no API key may call.
ACCOUNT = Access()
# For actions that make a stolen access token permanent, or cannot be undone.
FRESH = Access(fresh=True)
# The permissions of a person whose address is not verified, if Rights are strict.
SELF = frozenset({"profile:read", "profile:update"})


def allow(permission: str, *, whose: str | None = None, otherwise: str | None = None, **more: Any) -> Access:
    """Return the access of holders of `permission`; `whose` limits it to rows, as "the author only".

    `otherwise`: what all other users get, as "you see your own".
    """
    return Access(permission=permission, whose=whose, otherwise=otherwise, **more)


def welcome(permission: str, *, whose: str, **more: Any) -> Access:
    """Return the access of everybody; signed-in callers need `permission`. Handlers use find_caller()."""
    return Access(signed_in=False, bearer=True, permission=permission, whose=whose, **more)


class Rights:
    """The permissions of each role, as last read from role_permissions. Every node has its own copy.

    `strict`: a person whose address is not verified has no permissions beyond SELF.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._roles: dict[str, frozenset[str]] = {}

    def load(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Take the rows of `sql.roles.list_role_permissions` (role, permissions); return whether they differ
        from those before."""
        before, self._roles = self._roles, {row["role"]: frozenset(row["permissions"]) for row in rows}
        return self._roles != before

    def has(self, who: Principal, permission: str) -> bool:
        """Return whether the role holds a permission and, for an API key, its scopes as well."""
        if permission not in self._roles.get(who.role, ()) or self.is_held_back(who, permission):
            return False
        return who.scopes is None or permission in who.scopes

    def list(self, who: Principal) -> list[str]:
        """Return all permissions that has() would confirm, sorted."""
        return sorted(code for code in self._roles.get(who.role, ()) if self.has(who, code))

    def is_held_back(self, who: Principal, permission: str) -> bool:
        """Return whether only an unverified address keeps a permission from its holder."""
        return self.strict and not who.verified and permission not in SELF

    def may_grant(self, who: Principal, permission: str) -> bool:
        """Return whether a caller may give a permission to others.

        They must have it, but administrators may give all permissions (a key's scopes still limit them):
        otherwise a permission that they take from their own role would be lost for good.
        """
        if who.role == "admin" and not self.is_held_back(who, permission):
            return who.scopes is None or permission in who.scopes
        return self.has(who, permission)

    def outranks(self, who: Principal, role: str) -> bool:
        """Return whether a role has a permission that the role of `who` lacks, as this node knows it now."""
        if "admin" in (role, who.role):
            return who.role != "admin"
        return not self._roles.get(role, frozenset()) <= self._roles.get(who.role, frozenset())

    def may_give(self, who: Principal, role: str) -> bool:
        """Return whether `who` may give a role to others; a key's scopes must hold all its permissions."""
        if self.outranks(who, role):
            return False
        return who.scopes is None or self._roles.get(role, frozenset()) <= who.scopes

    def check(self, who: Principal, access: Access) -> None:
        """Raise SessionRequired, PermissionRequired or EmailUnverified if `who` may not call a route."""
        permission = access.permission
        if permission is None:
            if who.scopes is not None and not access.keys:
                raise SessionRequired()
        elif not self.has(who, permission) and (access.otherwise is None or who.scopes is not None):
            raise self.explain(who, permission)
        if access.also is not None and not self.has(who, access.also):
            raise self.explain(who, access.also)

    def explain(self, who: Principal, permission: str) -> EmailUnverified | PermissionRequired:
        """Return the error that explains why has() is false."""
        return EmailUnverified() if self.is_held_back(who, permission) else PermissionRequired(permission)
