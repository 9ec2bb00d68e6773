"""Branches and commits of linked repositories over REST."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.searching import escape_like
from nexcorp.features.repositories import service
from nexcorp.features.repositories.access import ERRORS, READ, TAG
from nexcorp.features.repositories.errors import CommitNotFound
from nexcorp.features.repositories.schemas import Branches, Commit, CommitPage, CommitQuery
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import Cursor, reply_page
from nexcorp.web.parsing import path_id, path_text
from nexcorp.web.replies import reply
from nexcorp.web.routing import get

NEWEST: Cursor[tuple[int]] = Cursor("commits", tuple[int], (2**63 - 1,), before="_n")
SHA = re.compile(r"[0-9a-f]{40}\Z")


async def list_branches(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        await service.get_repository(conn, caller(request), path_id(request))
        rows = await sql.repositories.list_branches(conn, project_id=path_id(request))
    return reply({"data": rows})


async def list_commits(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        repository = await service.get_repository(conn, caller(request), path_id(request))
        rows = await NEWEST.fetch(
            request,
            conn,
            query,
            sql.repositories.list_commits,
            repository_id=repository["id"],
            author=escape_like(query["author"]) if "author" in query else None,
            words=escape_like(query["q"]) if "q" in query else None,
            since=query.get("since"),
        )
    return reply_page(request, rows, query["limit"], NEWEST)


async def get_commit(request: web.Request) -> web.Response:
    name = path_text(request, "sha").lower()
    async with database(request).connection() as conn:
        repository = await service.get_repository(conn, caller(request), path_id(request))
        row = None
        if SHA.match(name):
            row = await sql.repositories.get_commit(
                conn, repository_id=repository["id"], sha=bytes.fromhex(name)
            )
    if row is None:
        raise CommitNotFound()
    return reply(row)


ROUTES = [
    get(
        "/projects/{id}/repository/branches",
        list_branches,
        "The branches of a linked repository",
        Branches(),
        errors=ERRORS,
        access=READ,
        tag=TAG,
        description="At most 5,000.",
    ),
    get(
        "/projects/{id}/repository/commits",
        list_commits,
        "Commits of the followed branch, newest first",
        CommitPage,
        query=CommitQuery(),
        errors=ERRORS,
        access=READ,
        stale=True,
        tag=TAG,
        heavy=True,
        description="A commit comes before its parents, whatever its dates say.",
    ),
    get(
        "/projects/{id}/repository/commits/{sha}",
        get_commit,
        "One commit",
        Commit(),
        errors=(*ERRORS, CommitNotFound),
        access=READ,
        tag=TAG,
    ),
]
