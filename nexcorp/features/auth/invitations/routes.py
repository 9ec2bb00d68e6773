"""Invitations over REST, for administrators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import fields, validate

from nexcorp.db import sql
from nexcorp.domain.emails import EmailField
from nexcorp.domain.fields import Body, Out
from nexcorp.domain.shapes import Person, page_of
from nexcorp.errors import NotConfigured
from nexcorp.features.auth.invitations import service
from nexcorp.features.auth.invitations.errors import InvitationNotFound
from nexcorp.features.auth.recovery.errors import TooManyMails
from nexcorp.features.auth.recovery.routes import require_mail
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.paging import LAST_ID, Cursor, PageQuery, cut_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import Route, delete, get, post
from nexcorp.web.transactions import transaction

STATUSES = ("pending", "accepted", "revoked", "expired")
NEWEST: Cursor[tuple[UUID]] = Cursor("invitations", tuple[UUID], (LAST_ID,), before="id")


class InviteBody(Body):
    """The address to invite."""

    email = EmailField()


class Invitation(Out):
    """An invitation; `userId` is the account that accepted it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"format": "email"})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    invitedBy = fields.Nested(Person, required=True)
    userId = fields.UUID(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    expiresAt = fields.AwareDateTime(required=True)


InvitationPage = page_of(Invitation)


async def create_invitation(request: web.Request, *, body: dict[str, Any]) -> web.Response:
    """POST /admin/invitations"""
    require_mail(request)
    async with transaction(request) as tx:
        made = await service.invite(tx.conn, user_id(request), body["email"])
        return await tx.reply(made, 201)


async def list_invitations(request: web.Request, *, query: dict[str, Any]) -> web.Response:
    """GET /admin/invitations"""
    async with database(request).connection() as conn:
        rows = await NEWEST.fetch(request, conn, query, sql.invitations.list_invitations)
    page, next_cursor = cut_page(request, rows, query["limit"], NEWEST)
    return reply({"data": [service.show_invitation(row) for row in page], "nextCursor": next_cursor})


async def revoke_invitation(request: web.Request) -> web.Response:
    """DELETE /admin/invitations/{id}"""
    invitation_id = path_id(request)
    async with transaction(request) as tx:
        await service.revoke(tx.conn, user_id(request), invitation_id)
    return no_content()


TAG = "Identity"
ADMIN = allow("user:manage")
ROUTES: list[Route] = [
    post(
        "/admin/invitations",
        create_invitation,
        "Invite a person",
        Invitation(),
        tag=TAG,
        access=ADMIN,
        body=InviteBody(),
        errors=(EmailTaken, TooManyMails, NotConfigured),
        description="Sends a link with which this address can register, once, within seven days. Earlier "
        "invitations to the address end.",
    ),
    get(
        "/admin/invitations",
        list_invitations,
        "Invitations",
        InvitationPage,
        tag=TAG,
        access=ADMIN,
        query=PageQuery(),
        description="The newest first.",
    ),
    delete(
        "/admin/invitations/{id}",
        revoke_invitation,
        "Revoke an invitation",
        tag=TAG,
        access=ADMIN,
        errors=(InvitationNotFound,),
    ),
]
