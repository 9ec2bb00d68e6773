"""Deliveries of webhooks over REST: the log, tests, and sending again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.features.webhooks import service
from nexcorp.features.webhooks.errors import DeliveryNotFound, WebhookInactive, WebhookNotFound
from nexcorp.features.webhooks.routes import READ, TAG, WRITE
from nexcorp.features.webhooks.schemas import (
    KEPT,
    DeliveryQuery,
    RedeliverBody,
    Redelivered,
    WebhookDelivery,
    WebhookDeliveryLog,
    WebhookDeliveryPage,
)
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import LAST_ID, Cursor, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import get, post
from nexcorp.web.transactions import transaction

NEWEST: Cursor[tuple[UUID]] = Cursor("webhook-deliveries", tuple[UUID], (LAST_ID,), before="id")
DAY = timedelta(days=1)


def clamp(moment: datetime) -> datetime:
    """Limit a time to the range in which deliveries are kept."""
    now = datetime.now(UTC)
    return min(max(moment, now - KEPT - DAY), now + DAY)


async def list_deliveries(request: web.Request, query: dict[str, Any]) -> web.Response:
    webhook_id = path_id(request)
    # Failed deliveries may be few among very many; their statement uses an index of its own.
    statement: Any = sql.webhooks.list_deliveries
    asked = {"webhook_id": webhook_id, "type": query.get("type"), "status": query.get("status")}
    if asked["status"] == "failed":
        statement = sql.webhooks.list_failed
        del asked["status"]
    async with database(request).connection() as conn:
        await service.get_webhook(conn, caller(request), webhook_id)
        rows = await NEWEST.fetch(request, conn, query, statement, **asked)
    return reply_page(request, rows, query["limit"], NEWEST)


async def get_delivery(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply(
            await service.read_delivery(
                conn, caller(request), path_id(request), path_id(request, "deliveryId")
            )
        )


async def send_test(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        return await tx.reply(await service.send_test(tx.conn, caller(request), path_id(request)), 202)


async def redeliver(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await service.redeliver(
            tx.conn, caller(request), path_id(request), path_id(request, "deliveryId")
        )
        return await tx.reply(row, 202)


async def redeliver_failed(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        count = await service.redeliver_failed(
            tx.conn, caller(request), path_id(request), clamp(body["from"]), clamp(body["to"])
        )
        return await tx.reply({"count": count}, 202, shows=path_id(request))


ROUTES = [
    get(
        "/webhooks/{id}/deliveries",
        list_deliveries,
        "Deliveries to a webhook in the last 14 days, newest first",
        WebhookDeliveryPage,
        query=DeliveryQuery(),
        errors=(WebhookNotFound,),
        access=READ,
        heavy=True,
        stale=True,
        tag=TAG,
    ),
    get(
        "/webhooks/{id}/deliveries/{deliveryId}",
        get_delivery,
        "One delivery with its attempts",
        WebhookDeliveryLog(),
        errors=(WebhookNotFound, DeliveryNotFound),
        access=READ,
        tag=TAG,
        description="Request bodies are not kept: each attempt renders the event anew.",
    ),
    post(
        "/webhooks/{id}/test",
        send_test,
        "Send a `webhook.test` at once",
        WebhookDelivery(),
        202,
        errors=(WebhookNotFound, WebhookInactive),
        access=WRITE,
        tag=TAG,
        description="It is sent once, without retries.",
    ),
    post(
        "/webhooks/{id}/deliveries/{deliveryId}/redeliver",
        redeliver,
        "Send a delivery again, even if it succeeded",
        WebhookDelivery(),
        202,
        errors=(WebhookNotFound, DeliveryNotFound),
        access=WRITE,
        tag=TAG,
        description="It keeps its `webhook-id`, and gets all retries again.",
    ),
    post(
        "/webhooks/{id}/redeliver",
        redeliver_failed,
        "Send the failed deliveries of a time span again",
        Redelivered(),
        202,
        body=RedeliverBody(),
        errors=(WebhookNotFound,),
        access=WRITE,
        tag=TAG,
        description="They keep their `webhook-id`s, and get all retries again.",
    ),
]
