"""Roles and their permissions over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.features.users import roles_service as service
from nexcorp.features.users.schemas import PermissionsBody, RoleList, RolePermissions
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.web.replies import reply
from nexcorp.web.routing import Route, get, put
from nexcorp.web.transactions import transaction


async def list_roles(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        data = await service.list_roles(conn)
        permissions = await sql.roles.list_permissions(conn)
    return reply({"data": data, "permissions": permissions, "nextCursor": None})


async def get_role_permissions(request: web.Request) -> web.Response:
    role = service.check_role(request.match_info["role"])
    async with database(request).connection() as conn:
        return reply(await service.get_role(conn, role))


async def set_role_permissions(request: web.Request, body: dict[str, Any]) -> web.Response:
    role = service.check_role(request.match_info["role"])
    async with transaction(request) as tx:
        await service.set_permissions(tx.conn, caller(request), role, set(body["permissions"]))
        response = await tx.reply(await service.get_role(tx.conn, role))
    return response


TAG = "Identity"
ADMIN = allow("role:manage")
# A change that gives no lasting power can be undone: a recent sign-in is enough.
CHANGE = allow(
    "role:manage",
    fresh=True,
    sign_in_counts=lambda body: service.INDISPENSABLE.isdisjoint(body["permissions"]),
)
ROUTES: list[Route] = [
    get("/roles", list_roles, "All roles and permissions", RoleList(), access=ADMIN, tag=TAG),
    get(
        "/roles/{role}/permissions",
        get_role_permissions,
        "The permissions of a role",
        RolePermissions(),
        access=ADMIN,
        errors=(service.RoleNotFound,),
        tag=TAG,
    ),
    put(
        "/roles/{role}/permissions",
        set_role_permissions,
        "Set the permissions of a role",
        RolePermissions(),
        body=PermissionsBody(),
        access=CHANGE,
        errors=(service.RoleNotFound, service.RankTooHigh, service.PermissionIndispensable),
        tag=TAG,
        description="Takes effect everywhere within five seconds. Unless you are an administrator, you "
        "cannot grant a permission that you lack.",
    ),
]
