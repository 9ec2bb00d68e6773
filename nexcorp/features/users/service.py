"""The rules of people: what viewers see of a profile, changes of role and status, and leaving."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Revoke
from nexcorp.domain.emails import show_email
from nexcorp.domain.people import find_media, may_be_username
from nexcorp.domain.posts import FORGET_EXPLORE
from nexcorp.domain.versions import Versions
from nexcorp.errors import (
    Conflict,
    Forbidden,
    Invalid,
    PreconditionFailed,
    StaleVersion,
    Unauthorized,
    UsernameTaken,
    UserNotFound,
    on_constraint,
)
from nexcorp.security.caller import Caller

CONTACT, MANAGE = "user:contact", "user:manage"
CONTACT_FIELDS = ("email", "phone")
MANAGE_FIELDS = ("status", "emailVerified", "lastSeenAt")


class RankTooHigh(Forbidden):
    """The role concerned may do more than the caller, who can neither give nor take it."""

    code, message = "rank_too_high", "That role may do more than you may."
    meaning = "The new role, or the person's current role, may do more than the caller's role."


class LastAdmin(Conflict):
    """The service must keep one active administrator."""

    code, message = "last_admin", "This is the last active administrator."
    meaning = "There is no other active administrator."


def show_person(row: Any, caller: Caller) -> dict[str, Any]:
    """Return a row of people without the fields that the caller may not see."""
    shown = row_to_dict(row)
    own = shown["id"] == caller.id
    for permission, names in ((CONTACT, CONTACT_FIELDS), (MANAGE, MANAGE_FIELDS)):
        if not (own or caller.may(permission)):
            for name in names:
                shown.pop(name, None)
    if "email" in shown:
        shown["email"] = show_email(shown["email"])
    return shown


async def get_profile(conn: Any, user_id: UUID, caller: Caller) -> dict[str, Any]:
    """Return one person as the caller sees them; raise UserNotFound."""
    row = await sql.users.get_profile(conn, user_id=user_id, viewer_id=caller.id)
    if row is None:
        raise UserNotFound()
    return show_person(row, caller)


async def find_by_username(conn: Any, name: str) -> UUID:
    """Return the id of the person with this username, with or without an @; raise UserNotFound."""
    name = name.removeprefix("@")
    # An impossible username is not queried: PostgreSQL refuses NUL, for instance.
    found = await sql.users.get_id_by_username(conn, username=name) if may_be_username(name) else None
    if found is None:
        raise UserNotFound()
    person: UUID = found
    return person


async def find_picture(conn: Any, user_id: UUID, url: str) -> str:
    """Return the address to store for a picture: the stored form for the user's own upload, any other
    unchanged.

    Raises Invalid for a path that is not an image of the user's.
    """
    media = find_media(url)
    if media is None:
        return url
    key, is_thumbnail = media
    own: str | None = await sql.uploads.find_picture(
        conn, owner_id=user_id, store_key=key, is_thumbnail=is_thumbnail
    )
    if own is None and url.startswith("/"):
        raise Invalid(errors={"avatarUrl": ["Leads to no image of one's own."]})
    return own or url


async def update_profile(
    conn: Any, user_id: UUID, changes: dict[str, Any], versions: Versions | None, by_etag: bool
) -> dict[str, Any]:
    """Change the fields in `changes` of the user's own profile; return the profile, unchanged if it has these
    values already.

    Raises UsernameTaken, Unauthorized for an inactive user, and for old `versions` StaleVersion with the
    current profile, or PreconditionFailed if they came as If-Match.
    """
    if changes.get("avatarUrl"):
        changes = {**changes, "avatarUrl": await find_picture(conn, user_id, changes["avatarUrl"])}
    with on_constraint("users_username_key", UsernameTaken()):
        names = await sql.users.update_profile(conn, user_id=user_id, versions=versions, changes=changes)
    row = await sql.users.get_profile(conn, user_id=user_id, viewer_id=user_id)
    if row is None or row["status"] != "active":
        raise Unauthorized()
    if names is None:
        raise (PreconditionFailed if by_etag else StaleVersion)(current=row_to_dict(row))
    if names:
        # Only names of fields, no values: the trail is kept for a long time.
        payload = {"userId": user_id, "fields": names}
        conn.after(FORGET_EXPLORE)
        await emit(conn, "user.updated", actor_id=user_id, entity=("user", user_id), payload=payload)
    return row_to_dict(row)


async def lock_standing(conn: Any, user_id: UUID) -> Any:
    """Lock and return a user's role and status until the commit; raise UserNotFound."""
    await sql.roles.take_turn(conn)
    row = await sql.users.lock_standing(conn, user_id=user_id)
    if row is None:
        raise UserNotFound()
    return row


async def keep_an_admin(conn: Any, user_id: UUID, standing: Any) -> None:
    """Raise LastAdmin if this user, who loses role or status, is the only active administrator."""
    if standing["role"] != "admin" or standing["status"] != "active":
        return
    if not await sql.users.count_other_admins(conn, user_id=user_id):
        raise LastAdmin()


async def set_role(conn: Any, caller: Caller, user_id: UUID, role: str) -> None:
    """Give a user a role; their current role changes nothing.

    Raises UserNotFound, RankTooHigh or LastAdmin.
    """
    standing = await lock_standing(conn, user_id)
    if standing["role"] == role:
        return
    if not caller.may_give(role) or caller.is_outranked_by(standing["role"]):
        raise RankTooHigh()
    await keep_an_admin(conn, user_id, standing)
    role_version = await sql.users.set_role(conn, user_id=user_id, role=role)
    conn.after(Revoke(roles=((user_id, role_version),)))
    payload = {"userId": user_id, "old": standing["role"], "new": role}
    await emit(conn, "user.role_changed", actor_id=caller.id, entity=("user", user_id), payload=payload)


async def set_status(conn: Any, caller: Caller, user_id: UUID, status: str) -> None:
    """Activate or deactivate a user. Deactivating ends their sessions and API keys for good.

    Their current status changes nothing. Raises UserNotFound, RankTooHigh or LastAdmin.
    """
    standing = await lock_standing(conn, user_id)
    if standing["status"] == status:
        return
    if caller.is_outranked_by(standing["role"]):
        raise RankTooHigh()
    ended: tuple[UUID, ...] = ()
    if status == "deactivated":
        await keep_an_admin(conn, user_id, standing)
        sessions = await sql.auth.revoke_other_sessions(
            conn, user_id=user_id, session_id=None, reason="deactivated"
        )
        keys = await sql.keys.revoke_every_key(conn, user_id=user_id)
        ended = tuple(row["id"] for row in (*sessions, *keys))
    role_version = await sql.users.set_status(conn, user_id=user_id, status=status)
    conn.after(Revoke(ended, roles=((user_id, role_version),)))
    payload = {"userId": user_id, "old": standing["status"], "new": status}
    await emit(conn, "user.status_changed", actor_id=caller.id, entity=("user", user_id), payload=payload)


async def take_leave(conn: Any, user_id: UUID) -> None:
    """Remove the personal data from the user's own row, which stays as the author of their posts and
    comments.

    Raises Unauthorized if the user has left already, or LastAdmin. Features remove their own data around
    this: see nexcorp.manifest.Product.leave().
    """
    try:
        standing = await lock_standing(conn, user_id)
    except UserNotFound:
        raise Unauthorized() from None
    await keep_an_admin(conn, user_id, standing)
    # This change comes first: requests that wait for this row to sign in or to follow then find it gone.
    # Nodes hear of ended sessions and keys, not of the role: that closes sockets as if they could reconnect.
    await sql.users.forget_person(conn, user_id=user_id)
    conn.after(FORGET_EXPLORE)
    await emit(conn, "user.deleted", actor_id=user_id, entity=("user", user_id), payload={"userId": user_id})
