"""People over REST: search, profiles, role and status, leaving."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.people import ROLES
from nexcorp.domain.searching import escape_like
from nexcorp.errors import PermissionRequired, Unauthorized, UsernameTaken, UserNotFound
from nexcorp.features.users import schemas, service
from nexcorp.features.users.exports import ExportNotReady, get_export
from nexcorp.security.access import FRESH, Access, allow
from nexcorp.security.app_keys import CONTEXT, caller, database, user_id
from nexcorp.security.cookies import clear_cookie
from nexcorp.web.app_keys import PRODUCT
from nexcorp.web.paging import DEFAULT_LIMIT, FIRST_ID, LAST_ID, Cursor, Statement, cut_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply, reply_row
from nexcorp.web.routing import Route, delete, get, patch, put
from nexcorp.web.transactions import transaction

NEWEST: Cursor[tuple[UUID]] = Cursor("people", tuple[UUID], (LAST_ID,), before="id")
BEST: Cursor[tuple[int, UUID]] = Cursor(
    "people-found", tuple[int, UUID], (-1, FIRST_ID), after_rank="_rank", after="id"
)


async def list_users(request: web.Request, query: dict[str, Any]) -> web.Response:
    request[CONTEXT].heavy = "q" in query
    if "status" in query and not caller(request).may(service.MANAGE):
        raise PermissionRequired(service.MANAGE, message=f"`status` needs the permission {service.MANAGE}.")
    status = query.get("status", "active")
    if "page" in query or "pageSize" in query:
        rows, total = await read_numbered_page(request, query, status)
        return reply({"data": show_all(request, rows), "nextCursor": None, "total": total})
    cursor: Cursor[Any] = NEWEST
    statement: Statement = sql.users.list_people
    arguments: dict[str, Any] = {}
    if "q" in query:
        cursor, statement, arguments = BEST, sql.users.search_people, search_of(query)
    elif "role" in query:
        statement, arguments = sql.users.list_people_of_role, {"role": query["role"]}
    async with database(request).connection() as conn:
        rows = await cursor.fetch(
            request, conn, query, statement, viewer_id=user_id(request), status=status, **arguments
        )
    page, next_cursor = cut_page(request, rows, query["limit"], cursor)
    return reply({"data": show_all(request, page), "nextCursor": next_cursor})


def show_all(request: web.Request, rows: list[Any]) -> list[dict[str, Any]]:
    """Return rows of people as the caller may see them."""
    return [service.show_person(row, caller(request)) for row in rows]


def search_of(query: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the search statements."""
    q = " ".join(query["q"].split())
    return {"q": q, "prefix": escape_like(q), "roles": roles_of(query)}


def roles_of(query: dict[str, Any]) -> list[str]:
    """Return the roles to list: the requested one, or all."""
    return [query["role"]] if "role" in query else list(ROLES)


async def read_numbered_page(
    request: web.Request, query: dict[str, Any], status: str
) -> tuple[list[Any], int]:
    """Return the rows of `?page=&pageSize=`, and the number of all matching people."""
    most = query.get("pageSize", DEFAULT_LIMIT)
    cut = {"viewer_id": user_id(request), "most": most, "skip": (query.get("page", 1) - 1) * most}
    # One snapshot, so that total and page belong to the same list.
    async with database(request).transaction(isolation="repeatable_read", readonly=True) as conn:
        if "q" in query:
            search = {**search_of(query), "status": status}
            found = await sql.users.page_found_people(conn, **search, **cut)
            return found, await sql.users.count_found_people(conn, **search)
        roles = roles_of(query)
        rows = await sql.users.page_people(conn, status=status, roles=roles, **cut)
        return rows, await sql.users.count_people(conn, status=status, roles=roles)


async def get_user(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_profile(conn, path_id(request), caller(request)))


async def get_user_by_name(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        person = await service.find_by_username(conn, request.match_info["name"])
        return reply_row(request, await service.get_profile(conn, person, caller(request)))


async def get_own_profile(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        try:
            profile = await service.get_profile(conn, user_id(request), caller(request))
        except UserNotFound:
            raise Unauthorized() from None
    return reply_row(request, profile)


async def update_own_profile(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        profile = await service.update_profile(tx.conn, user_id(request), body, versions, by_etag)
        return await tx.reply(profile, version=profile["version"])


async def set_role(request: web.Request, body: dict[str, Any]) -> web.Response:
    person = path_id(request)
    async with transaction(request) as tx:
        await service.set_role(tx.conn, caller(request), person, body["role"])
        profile = await service.get_profile(tx.conn, person, caller(request))
        return await tx.reply(profile, version=profile["version"])


async def set_status(request: web.Request, body: dict[str, Any]) -> web.Response:
    person = path_id(request)
    async with transaction(request) as tx:
        await service.set_status(tx.conn, caller(request), person, body["status"])
        profile = await service.get_profile(tx.conn, person, caller(request))
        return await tx.reply(profile, version=profile["version"])


async def leave(request: web.Request, body: dict[str, Any]) -> web.Response:
    who = user_id(request)
    async with transaction(request) as tx:
        await request.app[PRODUCT].leave(tx.conn, who, lambda: service.take_leave(tx.conn, who))
    response = no_content()
    clear_cookie(response)
    return response


TAG = "Identity"
ADMIN = allow(service.MANAGE)
ROUTES: list[Route] = [
    get(
        "/users",
        list_users,
        "Find people",
        schemas.PeoplePage(),
        access=allow("user:read"),
        query=schemas.PeopleQuery(),
        stale=True,
        tag=TAG,
        description="Without `q`, newest first. With `q`, names that begin with it come first, then "
        "similar names.",
    ),
    get(
        "/users/me",
        get_own_profile,
        "My profile",
        schemas.OwnProfile(),
        access=allow("profile:read"),
        tag=TAG,
    ),
    patch(
        "/users/me",
        update_own_profile,
        "Change my profile",
        schemas.OwnProfile(),
        body=schemas.UpdateProfile(),
        errors=(UsernameTaken,),
        access=allow("profile:update", whose="your own only"),
        tag=TAG,
    ),
    delete(
        "/users/me",
        leave,
        "Leave the company for good",
        errors=(service.LastAdmin,),
        body=schemas.LeaveBody(),
        access=FRESH,
        tag=TAG,
        description="Your posts and comments stay, shown as by a former member; all other data about you "
        "is deleted.",
    ),
    Route(
        "GET",
        "/users/me/export",
        get_export,
        "Export my data",
        Access(ticket=True),
        returns={200: schemas.ExportState(), 202: schemas.Preparing()},
        query=schemas.ExportQuery(),
        errors=(ExportNotReady,),
        heavy=True,
        tag=TAG,
        description="Signed in: 202 while the export is built, then for 24 hours 200 with its address. "
        "It is built again if you ask after fetching it, or after something happened. HEAD starts no export: "
        "404 while no export is ready or being built. With a `ticket` for downloads: the file, as an "
        "attachment; 404 until it is ready.",
    ),
    get(
        "/users/by-username/{name}",
        get_user_by_name,
        "One person, by username",
        schemas.Profile(),
        access=allow("user:read"),
        errors=(UserNotFound,),
        tag=TAG,
        description="Case does not count, and a leading @ is ignored, so that you can look up a mention "
        "as it is.",
    ),
    get(
        "/users/{id}",
        get_user,
        "One person",
        schemas.Profile(),
        access=allow("user:read"),
        errors=(UserNotFound,),
        tag=TAG,
    ),
    put(
        "/users/{id}/role",
        set_role,
        "Give a person a role",
        schemas.Profile(),
        body=schemas.RoleBody(),
        access=allow(service.MANAGE, fresh=True, sign_in_counts=lambda body: body["role"] != "admin"),
        errors=(UserNotFound, service.RankTooHigh, service.LastAdmin),
        tag=TAG,
        description="You can neither give nor take away a role that may do more than yours. Only "
        "administrators make administrators. An API key needs all permissions of the role in its "
        "scopes.",
    ),
    put(
        "/users/{id}/status",
        set_status,
        "Activate or deactivate a person",
        schemas.Profile(),
        body=schemas.StatusBody(),
        access=ADMIN,
        errors=(UserNotFound, service.RankTooHigh, service.LastAdmin),
        tag=TAG,
        description="Not possible for people whose role may do more than yours. Deactivating ends all "
        "their sessions and API keys, for good.",
    ),
]
