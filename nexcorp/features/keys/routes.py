"""API keys over REST. A user makes and revokes them signed in; a key cannot make another one."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import EmailUnverified
from nexcorp.features.keys import service
from nexcorp.features.keys.schemas import ApiKeyPage, CreateApiKey, NewApiKey
from nexcorp.security.access import ACCOUNT, FRESH, Access
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import delete, get, post


async def create_api_key(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with database(request).transaction() as conn:
        key = await service.create_key(
            conn, user_id(request), name=body["name"], scopes=body["scopes"], expires_at=body["expiresAt"]
        )
    return reply(key, 201)


async def list_api_keys(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        rows = await sql.keys.list_keys(conn, user_id=user_id(request))
    return reply({"data": rows, "nextCursor": None})


async def revoke_api_key(request: web.Request) -> web.Response:
    key_id = path_id(request)
    async with database(request).transaction() as conn:
        await service.revoke_key(conn, user_id(request), key_id)
    return no_content()


TAG = "Identity"
ROUTES = [
    get("/auth/api-keys", list_api_keys, "My API keys", ApiKeyPage, access=ACCOUNT, tag=TAG),
    post(
        "/auth/api-keys",
        create_api_key,
        "Make an API key",
        NewApiKey(),
        body=CreateApiKey(),
        errors=(service.TooManyApiKeys, EmailUnverified),
        access=FRESH,
        tag=TAG,
        # The answer holds a secret, which must not be stored for replays.
        idempotent=False,
        description="Only this answer shows the secret. A key may do everything that both its scopes and "
        "its owner's role allow. It cannot change passwords, devices or keys.",
    ),
    delete(
        "/auth/api-keys/{id}",
        revoke_api_key,
        "Revoke an API key",
        errors=(service.ApiKeyNotFound,),
        access=Access(whose="your own only"),
        tag=TAG,
        description="It stops working on every node within five seconds.",
    ),
]
