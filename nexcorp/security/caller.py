"""The caller for whom a service acts, and their permissions."""

from __future__ import annotations

from uuid import UUID

from nexcorp.errors import PermissionRequired
from nexcorp.security.access import Rights
from nexcorp.security.tokens import Principal


class Caller:
    """The person, or the API key of a person, behind a request or a socket. Services take this.

    `id`: the person. `session_id`: their session, or the key.
    """

    __slots__ = ("_rights", "id", "principal", "session_id")

    def __init__(self, principal: Principal, rights: Rights) -> None:
        self.principal, self._rights = principal, rights
        self.id: UUID = principal.user_id
        self.session_id: UUID = principal.session_id

    def may(self, permission: str) -> bool:
        """Return whether they have a permission, for instance `post:moderate`, as this node knows it now."""
        return self._rights.has(self.principal, permission)

    def require(self, permission: str) -> None:
        """Raise PermissionRequired if they lack a permission."""
        if not self.may(permission):
            raise PermissionRequired(permission)

    @property
    def permissions(self) -> list[str]:
        """All their permissions, sorted."""
        return self._rights.list(self.principal)

    def may_grant(self, permission: str) -> bool:
        """Return whether they may give a permission to others."""
        return self._rights.may_grant(self.principal, permission)

    def is_outranked_by(self, role: str) -> bool:
        """Return whether a role has a permission that theirs lacks."""
        return self._rights.outranks(self.principal, role)

    def may_give(self, role: str) -> bool:
        """Return whether they may give a role to others."""
        return self._rights.may_give(self.principal, role)
