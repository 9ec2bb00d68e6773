"""Webhooks over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.targets import REFUSALS
from nexcorp.errors import EmailUnverified, NotYourProject, PermissionRequired, ProjectNotFound
from nexcorp.features.webhooks import service
from nexcorp.features.webhooks.errors import RightLost, TooManyWebhooks, WebhookNotFound
from nexcorp.features.webhooks.schemas import (
    CreateWebhook,
    NewWebhook,
    RenewSecret,
    UpdateWebhook,
    Webhook,
    WebhookPage,
)
from nexcorp.security.access import allow
from nexcorp.security.app_keys import CONFIG, SECRETS, caller, database
from nexcorp.web.app_keys import PRODUCT
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply, reply_row
from nexcorp.web.routing import API_PREFIX, delete, get, patch, post
from nexcorp.web.transactions import transaction


async def create_webhook(request: web.Request, body: dict[str, Any]) -> web.Response:
    service.check_target(body["url"], request.app[CONFIG].outbound_allow)
    async with database(request).transaction() as conn:
        row = await service.create_webhook(
            conn, caller(request), request.app[SECRETS], request.app[PRODUCT], body
        )
    return reply(row, 201, {"Location": f"{API_PREFIX}/webhooks/{row['id']}"})


async def list_webhooks(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        rows = await sql.webhooks.list_webhooks(conn, owner_id=caller(request).id)
    return reply({"data": rows, "nextCursor": None})


async def get_webhook(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_webhook(conn, caller(request), path_id(request)))


async def update_webhook(request: web.Request, body: dict[str, Any]) -> web.Response:
    body.pop("currentPassword", None)
    versions, by_etag = expected_versions(request, body)
    if "url" in body:
        service.check_target(body["url"], request.app[CONFIG].outbound_allow)
    async with transaction(request) as tx:
        row = await service.update_webhook(
            tx.conn, caller(request), request.app[PRODUCT], path_id(request), body, versions, by_etag
        )
        return await tx.reply(row, version=row["version"])


async def delete_webhook(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await service.delete_webhook(tx.conn, caller(request), path_id(request))
    return no_content()


async def renew_secret(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with database(request).transaction() as conn:
        row = await service.renew_secret(
            conn, caller(request), request.app[SECRETS], path_id(request), revoke_old=body["revokeOld"]
        )
    return reply(row)


async def resume_webhook(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await service.resume_webhook(tx.conn, caller(request), path_id(request))
        return await tx.reply(row, version=row["version"])


TAG = "Webhooks"
OWN = "your own only"
READ = allow("webhook:read", whose=OWN)
WRITE = allow("webhook:create", whose=OWN)
# A new address or secret gives access beyond the session, so the sign-in must be fresh.
FRESH = allow("webhook:create", whose=OWN, fresh=True)
ROUTES = [
    get("/webhooks", list_webhooks, "Your webhooks, the newest first", WebhookPage, access=READ, tag=TAG),
    post(
        "/webhooks",
        create_webhook,
        "Create a webhook",
        NewWebhook(),
        body=CreateWebhook(),
        errors=(
            *REFUSALS.values(),
            EmailUnverified,
            PermissionRequired,
            ProjectNotFound,
            NotYourProject,
            TooManyWebhooks,
        ),
        access=FRESH,
        tag=TAG,
        # The answer contains a secret, which must not be stored for replays.
        idempotent=False,
        description="Requests are signed according to [Standard "
        "Webhooks](https://www.standardwebhooks.com). Only this answer shows the secret.",
    ),
    get(
        "/webhooks/{id}",
        get_webhook,
        "One of your webhooks",
        Webhook(),
        errors=(WebhookNotFound,),
        access=READ,
        tag=TAG,
    ),
    patch(
        "/webhooks/{id}",
        update_webhook,
        "Change a webhook, or pause it",
        Webhook(),
        body=UpdateWebhook(),
        errors=(WebhookNotFound, *REFUSALS.values()),
        access=FRESH,
        tag=TAG,
        description="Events that are not sent yet go to the new URL.",
    ),
    delete(
        "/webhooks/{id}",
        delete_webhook,
        "Delete a webhook, with the events that it has not sent yet",
        errors=(WebhookNotFound,),
        access=WRITE,
        tag=TAG,
    ),
    post(
        "/webhooks/{id}/secret",
        renew_secret,
        "Make a new secret",
        NewWebhook(),
        200,
        body=RenewSecret(),
        errors=(WebhookNotFound,),
        access=FRESH,
        tag=TAG,
        idempotent=False,
        description="For 24 hours requests are signed with both secrets, the new one first. Only this "
        "answer shows the secret.",
    ),
    post(
        "/webhooks/{id}/resume",
        resume_webhook,
        "Resume a webhook, and send the events kept meanwhile",
        Webhook(),
        200,
        errors=(WebhookNotFound, RightLost),
        access=WRITE,
        tag=TAG,
    ),
]
