"""The rules of roles: their permissions, and those that administrators always keep."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Revoke
from nexcorp.domain.people import ROLES
from nexcorp.errors import Conflict, Invalid, NotFound, PermissionRequired
from nexcorp.features.users.service import RankTooHigh as RankTooHigh
from nexcorp.security.caller import Caller

# Administrators need these to give permissions back.
INDISPENSABLE = frozenset({"role:manage", "user:manage"})
# An event's entity needs an id, but a role has only a name: uuid5 makes an id of it.
ROLE_IDS = UUID("c1f3a0de-5d0e-4f0b-9d4e-6a2c53d1b7e4")


class RoleNotFound(NotFound):
    """The role does not exist; roles are fixed."""

    code, message = "role_not_found", f"There is no such role. There are {', '.join(ROLES)}."
    meaning = "The role does not exist."


class PermissionIndispensable(Conflict):
    """Without these permissions, administrators would lock themselves out."""

    code = "permission_indispensable"
    message = f"Administrators keep {' and '.join(sorted(INDISPENSABLE))}."
    meaning = "Administrators keep `role:manage` and `user:manage`."


def check_role(role: str) -> str:
    """Return `role` if it exists; raise RoleNotFound."""
    if role not in ROLES:
        raise RoleNotFound()
    return role


async def get_role(conn: Any, role: str) -> dict[str, Any]:
    """Return {role, permissions}."""
    found = await sql.roles.get_role_permissions(conn, role=role)
    return {"role": role, "permissions": list(found or ())}


async def list_roles(conn: Any) -> list[dict[str, Any]]:
    """Return every role, with or without permissions: [{role, permissions}]."""
    rows = await sql.roles.list_role_permissions(conn)
    known = {row["role"]: row["permissions"] for row in rows}
    return [{"role": role, "permissions": known.get(role, [])} for role in ROLES]


async def set_permissions(conn: Any, caller: Caller, role: str, wanted: set[str]) -> None:
    """Give a role exactly the permissions `wanted`.

    Raises Invalid for unknown codes, PermissionRequired for one that the caller lacks, RankTooHigh if the
    role may do more than the caller, and PermissionIndispensable.
    """
    known = {row["code"] for row in await sql.roles.list_permissions(conn)}
    unknown = sorted(wanted - known)
    if unknown:
        raise Invalid(errors={"permissions": [f"There is no permission {code}." for code in unknown]})
    if role == "admin" and not wanted >= INDISPENSABLE:
        raise PermissionIndispensable()
    await sql.roles.take_turn(conn)
    old = set((await get_role(conn, role))["permissions"])
    if old == wanted:
        return
    if caller.is_outranked_by(role):
        raise RankTooHigh()
    for permission in sorted(wanted - old):
        if not caller.may_grant(permission):
            raise PermissionRequired(permission)
    await sql.roles.replace_role_permissions(conn, role=role, permissions=sorted(wanted))
    conn.after(Revoke(rights=True))
    await emit(
        conn,
        "role.permissions_changed",
        actor_id=caller.id,
        entity=("role", uuid5(ROLE_IDS, role)),
        payload={"role": role, "added": sorted(wanted - old), "removed": sorted(old - wanted)},
    )
