"""Pages for links in mails and pushes: ending mails of a kind, and opening a notification.

They are opened without a session, by people, by mail providers, and by programs that open every link: a GET
changes nothing.
"""

from __future__ import annotations

from html import escape
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.errors import PayloadTooLarge
from nexcorp.features.sending.errors import UnknownLink
from nexcorp.security.access import PUBLIC
from nexcorp.security.app_keys import SECRETS, database
from nexcorp.security.unsubscribing import EVERY_TYPE, read_token
from nexcorp.web.app_keys import PRODUCT
from nexcorp.web.pages import make_page, reply_html
from nexcorp.web.parsing import path_id, read_bytes
from nexcorp.web.routing import Route, get, post

TAG = "Notifications"
# Mail providers send `List-Unsubscribe=One-Click`, some of them as multipart/form-data.
MAX_FORM_BYTES = 4096
# The console's list of notifications.
NOTIFICATIONS = "/app/notifications"

FORM = """<form method="post" action="/unsubscribe?token={token}">
<button name="List-Unsubscribe" value="One-Click">No more of these mails</button>
</form>"""


def read_link(request: web.Request) -> tuple[UUID, str]:
    """Return the link's user id and type of mails; raise UnknownLink."""
    found = read_token(request.app[SECRETS].unsubscribe, request.query.get("token", ""))
    if found is None:
        raise UnknownLink()
    return found


def name_mails(type: str) -> str:
    """Name the mails of a type for the page."""
    if type == EVERY_TYPE:
        return "mails about anything but the security of your account"
    return f"mails of the kind “{escape(type.replace('_', ' '))}”"


async def show_unsubscribe(request: web.Request) -> web.Response:
    """Show a button, so that a program that only opens links ends nothing."""
    _, type = read_link(request)
    return reply_html(
        make_page(
            "No more mails",
            f"<p>NexCorp Connect sends you {name_mails(type)}.</p>\n"
            + FORM.format(token=escape(request.query["token"])),
        )
    )


async def unsubscribe(request: web.Request) -> web.Response:
    """Handle POST /unsubscribe from the button and from mail providers (RFC 8058)."""
    user_id, type = read_link(request)
    await read_bytes(request, MAX_FORM_BYTES)
    known: dict[str, Any] = request.app[PRODUCT].notice_types
    types = [name for name, one in known.items() if not one.critical] if type == EVERY_TYPE else [type]
    async with database(request).transaction() as conn:
        await stop_mails(conn, user_id, types, every=type == EVERY_TYPE)
    return reply_html(
        make_page(
            "No more mails",
            f"<p>You get no more {name_mails(type)}. Your settings can change that.</p>\n"
            '<a class="button" href="/app/settings/notifications">Settings</a>',
        )
    )


async def stop_mails(conn: Any, user_id: UUID, types: list[str], *, every: bool) -> None:
    """End mails of these types to a person, and digests if `every`; emit the changed settings for their
    devices. Does nothing if the person has left."""
    if not await sql.preferences.lock_settings_of_active(conn, user_id=user_id):
        return
    changed = await sql.preferences.stop_mails(conn, user_id=user_id, types=sorted(types), every=every)
    if changed:
        await emit(
            conn,
            "notifications.settings_updated",
            actor_id=user_id,
            entity=("user", user_id),
            payload={"fields": [row["field"] for row in changed]},
        )


async def show_notification(request: web.Request) -> web.Response:
    """Redirect to a notification in the console, whether or not it exists."""
    return web.Response(status=302, headers={"Location": f"{NOTIFICATIONS}/{path_id(request)}"})


async def show_notifications(request: web.Request) -> web.Response:
    """Redirect to the console's list of notifications."""
    return web.Response(status=302, headers={"Location": NOTIFICATIONS})


def own(path: str, handler: Any, summary: str, **more: Any) -> Route:
    """Make the route of a page outside /api/v1."""
    return get(path, handler, summary, None, prefix="", access=PUBLIC, tag=TAG, hidden=True, **more)


ROUTES: list[Route] = [
    own("/unsubscribe", show_unsubscribe, "Where the link to end mails leads", errors=(UnknownLink,)),
    post(
        "/unsubscribe",
        unsubscribe,
        "End mails of a kind",
        None,
        status=200,
        prefix="",
        access=PUBLIC,
        tag=TAG,
        hidden=True,
        idempotent=False,
        errors=(UnknownLink, PayloadTooLarge),
    ),
    own("/n", show_notifications, "Where the link of a mail about several notifications leads"),
    own("/n/{id}", show_notification, "Where the link of a notification leads"),
]
