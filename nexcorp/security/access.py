"""Who may call a route: one declaration per route, checked before its handler and shown in OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nexcorp.errors import EmailUnverified, PermissionRequired, SessionRequired
from nexcorp.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route.

    `signed_in`: a user, or with a `permission` also an API key. `permission`: what the role, and the key's
    scopes, must hold. `also`: a second one: whoever changes what is there reads it in the answer.
    `whose`: which rows it covers, if not all; the statement enforces that. `otherwise`:
    what a user without the permission gets; the handler enforces that. A key always needs the permission.
    `ticket`: a one-time ticket for downloads (`?ticket=`) may replace the access token.
    `keys`: API keys as well, though there is no `permission`: the handler asks for those that it needs.
    `bearer`: nobody needs to be signed in, but the handler reads an access token where there is one. With a
    `permission`, whoever calls with a token or a key must hold it; see welcome().
    `fresh`: a person must have proved who they are within ten minutes, by `POST /auth/sudo`, a provider or
    `currentPassword` in the body; where `sign_in_counts(body)` is true by signing in, too. API keys were made
    by that.
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
        """All that it wants."""
        return [code for code in (self.permission, self.also) if code is not None]

    def describe(self) -> str:
        """One line for the documents."""
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
            what += "; fresh: a password, `POST /auth/sudo` or a provider within ten minutes"
        if self.sign_in_counts is not None:
            what += ", or mostly a sign-in"
        if self.otherwise:
            return f"{what}; without it {self.otherwise}."
        if self.ticket:
            what += "; or a one-time `ticket`"
        return f"{what}; {self.whose}." if self.whose else f"{what}."


PUBLIC = Access(signed_in=False)
# For passwords, devices and keys, which belong to the user and not to the role: no API key.
ACCOUNT = Access()
# For what makes a stolen access token permanent, or cannot be undone.
FRESH = Access(fresh=True)
# What a person whose address is not verified may do where accounts must be.
SELF = frozenset({"profile:read", "profile:update"})


def allow(permission: str, *, whose: str | None = None, otherwise: str | None = None, **more: Any) -> Access:
    """Holders of `permission`; with `whose` for these rows only, for instance "the author only".

    With `otherwise` all other users get less: for instance "you see your own".
    """
    return Access(permission=permission, whose=whose, otherwise=otherwise, **more)


def welcome(permission: str, *, whose: str, **more: Any) -> Access:
    """Everybody; whoever is signed in needs `permission`. The handler finds them by find_caller()."""
    return Access(signed_in=False, bearer=True, permission=permission, whose=whose, **more)


class Rights:
    """What each role may do, as last read from role_permissions. Every node has its own copy.

    `strict`: a person whose address is not verified may do no more than SELF.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._roles: dict[str, frozenset[str]] = {}

    def load(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take the rows of `sql.roles.list_role_permissions`: role, permissions."""
        self._roles = {row["role"]: frozenset(row["permissions"]) for row in rows}

    def has(self, who: Principal, permission: str) -> bool:
        """Whether the role holds a permission and, for an API key, its scopes as well."""
        if permission not in self._roles.get(who.role, ()) or self.is_held_back(who, permission):
            return False
        return who.scopes is None or permission in who.scopes

    def list(self, who: Principal) -> list[str]:
        """All permissions that has() would confirm, sorted."""
        return sorted(code for code in self._roles.get(who.role, ()) if self.has(who, code))

    def is_held_back(self, who: Principal, permission: str) -> bool:
        """Whether an address that is not verified is what keeps a permission from its holder."""
        return self.strict and not who.verified and permission not in SELF

    def may_grant(self, who: Principal, permission: str) -> bool:
        """Whether they may give a permission to others: nobody gives more than they have, but administrators
        all that their key's scopes name, or what they took from their own role was lost for good."""
        if who.role == "admin" and not self.is_held_back(who, permission):
            return who.scopes is None or permission in who.scopes
        return self.has(who, permission)

    def outranks(self, who: Principal, role: str) -> bool:
        """Whether a role may do something that the role of `who` may not, as this node knows it now."""
        if "admin" in (role, who.role):
            return who.role != "admin"
        return not self._roles.get(role, frozenset()) <= self._roles.get(who.role, frozenset())

    def may_give(self, who: Principal, role: str) -> bool:
        """Whether they may give a role to others; an API key needs all that the role may do in its scopes."""
        if self.outranks(who, role):
            return False
        return who.scopes is None or self._roles.get(role, frozenset()) <= who.scopes

    def check(self, who: Principal, access: Access) -> None:
        """Raises SessionRequired, PermissionRequired or EmailUnverified if `who` may not call a route."""
        permission = access.permission
        if permission is None:
            if who.scopes is not None and not access.keys:
                raise SessionRequired()
        elif not self.has(who, permission) and (access.otherwise is None or who.scopes is not None):
            raise self.explain(who, permission)
        if access.also is not None and not self.has(who, access.also):
            raise self.explain(who, access.also)

    def explain(self, who: Principal, permission: str) -> EmailUnverified | PermissionRequired:
        """Why has() says no."""
        return EmailUnverified() if self.is_held_back(who, permission) else PermissionRequired(permission)
