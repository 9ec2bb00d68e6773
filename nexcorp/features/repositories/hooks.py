"""Webhooks by which the hosts of linked repositories announce a push."""

from __future__ import annotations

from aiohttp import web

from nexcorp.errors import PayloadTooLarge, UnsupportedMediaType
from nexcorp.features.repositories import service
from nexcorp.features.repositories.access import TAG
from nexcorp.features.repositories.errors import HookRefused
from nexcorp.security.access import PUBLIC
from nexcorp.security.app_keys import SECRETS
from nexcorp.web.parsing import path_id, read_bytes
from nexcorp.web.routing import post
from nexcorp.web.transactions import transaction

MAX_HOOK_BYTES = 1024 * 1024
# GitHub sends a form unless it is configured to send JSON.
TYPES = ("application/json", "application/x-www-form-urlencoded")


async def hear_hook(request: web.Request) -> web.Response:
    if request.content_type not in TYPES:
        raise UnsupportedMediaType(message="Send application/json, or a form.")
    body = await read_bytes(request, MAX_HOOK_BYTES)
    async with transaction(request) as tx:
        await service.hear_hook(tx.conn, request.app[SECRETS], path_id(request), request.headers, body)
    return web.Response(status=202)


ROUTES = [
    post(
        "/hooks/repositories/{id}",
        hear_hook,
        "Report that a linked repository has changed",
        None,
        202,
        raw="application/json",
        errors=(HookRefused, PayloadTooLarge, UnsupportedMediaType),
        access=PUBLIC,
        tag=TAG,
        idempotent=False,
        description="For the hooks of GitHub (`X-Hub-Signature-256`), GitLab (`X-Gitlab-Token`) and "
        "Gitea (`X-Gitea-Signature`), with the secret of the repository. The content of the body, "
        "which may also be a form, is ignored.",
    ),
]
