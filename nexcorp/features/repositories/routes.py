"""Linked repositories over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.context import aside
from nexcorp.errors import Invalid
from nexcorp.features.repositories import service
from nexcorp.features.repositories.access import ERRORS, OF_PROJECT, READ, TAG, WRITE
from nexcorp.features.repositories.errors import REFUSALS, SyncedLately
from nexcorp.features.repositories.schemas import LinkedRepository, LinkRepository, Repository
from nexcorp.integrations.git import is_branch, pin
from nexcorp.integrations.outbound import Refused
from nexcorp.security.app_keys import CONFIG, SECRETS, caller, database
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply, reply_row
from nexcorp.web.routing import API_PREFIX, Route, delete, get, post
from nexcorp.web.transactions import transaction


async def check(request: web.Request, body: dict[str, Any]) -> None:
    """Raise one of REFUSALS for an address that may not be fetched, and Invalid for a bad branch name."""
    config = request.app[CONFIG]
    with aside():
        try:
            await pin(body["url"], config.outbound_allow)
        except Refused as refusal:
            raise REFUSALS[refusal.code](errors={"url": [refusal.message]}) from None
    if body["branch"] is not None and not is_branch(body["branch"]):
        raise Invalid(errors={"branch": ["Is no name of a branch."]})


async def link_repository(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        await service.require_writer(conn, caller(request), path_id(request))
    await check(request, body)
    await interrupt_sync(request)
    async with transaction(request) as tx:
        row, new = await service.link_repository(
            tx.conn, request.app[SECRETS], caller(request), path_id(request), body
        )
    headers = {"Location": f"{API_PREFIX}/projects/{path_id(request)}/repository"} if new else None
    return reply(row, 201 if new else 200, headers)


async def get_repository(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_repository(conn, caller(request), path_id(request)))


async def interrupt_sync(request: web.Request) -> None:
    """Interrupt a running sync, in its own transaction; raise ProjectNotFound, NotYourProject."""
    async with database(request).transaction() as conn:
        await service.interrupt_sync(conn, caller(request), path_id(request))


async def unlink_repository(request: web.Request) -> web.Response:
    await interrupt_sync(request)
    async with transaction(request) as tx:
        await service.unlink_repository(tx.conn, caller(request), path_id(request))
    return no_content()


async def sync_repository(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await service.ask_sync(tx.conn, caller(request), path_id(request))
        return await tx.reply(row, 202)


ROUTES = [
    Route(
        "PUT",
        "/projects/{id}/repository",
        link_repository,
        "Link a project to a git repository",
        WRITE,
        TAG,
        body=LinkRepository(),
        returns={200: LinkedRepository(), 201: LinkedRepository()},
        errors=(*OF_PROJECT, *REFUSALS.values()),
        idempotent=False,
        description="It is synced at once, and then regularly. Another address is another repository: "
        "the token and the commits of the previous one are deleted, and there is a new `hookSecret`.",
    ),
    get(
        "/projects/{id}/repository",
        get_repository,
        "The repository that a project is linked to",
        Repository(),
        errors=ERRORS,
        access=READ,
        tag=TAG,
    ),
    delete(
        "/projects/{id}/repository",
        unlink_repository,
        "Unlink a repository and forget its commits",
        errors=ERRORS,
        access=WRITE,
        tag=TAG,
    ),
    post(
        "/projects/{id}/repository/sync",
        sync_repository,
        "Sync a repository now",
        Repository(),
        202,
        errors=(*ERRORS, SyncedLately),
        access=WRITE,
        tag=TAG,
        description="If a sync is running, another one follows it. Possible once a minute.",
    ),
]
