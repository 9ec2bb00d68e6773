"""The rules of people: what viewers see of a profile, changes of role and status, leaving."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery import emit
from nexcorp.delivery.wake import SCRUB_DEPARTED
from nexcorp.errors import (
    Conflict,
    PreconditionFailed,
    StaleVersion,
    Unauthorized,
    UsernameTaken,
    UserNotFound,
    on_constraint,
)

CONTACT_FIELDS = ("email", "phone")
MANAGE_FIELDS = ("status", "emailVerified", "lastSeenAt")

TOKEN_PURPOSES = ["verify_email", "reset_password", "change_email"]


class LastAdmin(Conflict):
    """The service must keep one active administrator."""

    code, message = "last_admin", "This is the last active administrator."
    meaning = "There is no other active administrator."


@dataclass(frozen=True, slots=True)
class Standing:
    """The result of a change. `role_version`: tokens with an older one are outdated; None if nothing changed.

    `ended`: the ids of the sessions and API keys that ended.
    """

    role_version: int | None = None
    ended: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user who looks at a profile, and whether they may `contact` and `manage` people."""

    id: UUID
    contact: bool = False
    manage: bool = False


def show_person(row: Any, viewer: Viewer) -> dict[str, Any]:
    """A row of people without the fields that `viewer` may not see."""
    shown = row_to_dict(row)
    own = shown["id"] == viewer.id
    for allowed, names in ((viewer.contact, CONTACT_FIELDS), (viewer.manage, MANAGE_FIELDS)):
        if not (own or allowed):
            for name in names:
                shown.pop(name, None)
    return shown


def escape_like(text: str) -> str:
    """`text` as LIKE takes it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def get_profile(conn: Any, user_id: UUID, viewer: Viewer) -> dict[str, Any]:
    """One person as `viewer` sees them; raises UserNotFound."""
    row = await sql.users.get_profile(conn, user_id=user_id, viewer_id=viewer.id)
    if row is None:
        raise UserNotFound()
    return show_person(row, viewer)


async def update_profile(
    conn: Any, user_id: UUID, changes: dict[str, Any], version: int | None, by_etag: bool
) -> dict[str, Any]:
    """Change the fields in `changes` of the user's own profile; returns the profile.

    Raises UsernameTaken, and for an old `version` StaleVersion with the current profile, or
    PreconditionFailed where the version came as If-Match.
    """
    with on_constraint("users_username_key", UsernameTaken()):
        changed = await sql.users.update_profile(conn, user_id=user_id, version=version, changes=changes)
    row = await sql.users.get_profile(conn, user_id=user_id, viewer_id=user_id)
    if row is None or row["status"] != "active":
        raise Unauthorized()
    if changed is None:
        raise (PreconditionFailed if by_etag else StaleVersion)(current=row_to_dict(row))
    # The names of the fields without their values: the trail is kept for long.
    payload = {"userId": user_id, "fields": sorted(changes)}
    await emit(conn, "user.updated", actor_id=user_id, entity=("user", user_id), payload=payload)
    return row_to_dict(row)


async def lock_standing(conn: Any, user_id: UUID) -> Any:
    """Lock and return a user's role and status until the commit; raises UserNotFound."""
    await sql.roles.take_turn(conn)
    row = await sql.users.lock_standing(conn, user_id=user_id)
    if row is None:
        raise UserNotFound()
    return row


async def keep_an_admin(conn: Any, user_id: UUID, standing: Any) -> None:
    """Raises LastAdmin if this user, who is about to go, is the only active administrator."""
    if standing["role"] != "admin" or standing["status"] != "active":
        return
    if not await sql.users.count_other_admins(conn, user_id=user_id):
        raise LastAdmin()


async def set_role(conn: Any, actor_id: UUID, user_id: UUID, role: str) -> Standing:
    """Give a user a role; the role they have already changes nothing. Raises UserNotFound or LastAdmin."""
    standing = await lock_standing(conn, user_id)
    if standing["role"] == role:
        return Standing()
    await keep_an_admin(conn, user_id, standing)
    role_version = await sql.users.set_role(conn, user_id=user_id, role=role)
    payload = {"userId": user_id, "old": standing["role"], "new": role}
    await emit(conn, "user.role_changed", actor_id=actor_id, entity=("user", user_id), payload=payload)
    return Standing(role_version)


async def set_status(conn: Any, actor_id: UUID, user_id: UUID, status: str) -> Standing:
    """Activate or deactivate a user. Deactivating ends their sessions and API keys for good.

    The status they have already changes nothing. Raises UserNotFound or LastAdmin.
    """
    standing = await lock_standing(conn, user_id)
    if standing["status"] == status:
        return Standing()
    ended: list[UUID] = []
    if status == "deactivated":
        await keep_an_admin(conn, user_id, standing)
        sessions = await sql.auth.revoke_other_sessions(
            conn, user_id=user_id, session_id=None, reason="deactivated"
        )
        keys = await sql.keys.revoke_every_key(conn, user_id=user_id)
        ended = [row["id"] for row in (*sessions, *keys)]
    role_version = await sql.users.set_status(conn, user_id=user_id, status=status)
    payload = {"userId": user_id, "old": standing["status"], "new": status}
    await emit(conn, "user.status_changed", actor_id=actor_id, entity=("user", user_id), payload=payload)
    return Standing(role_version, ended)


async def leave(conn: Any, user_id: UUID) -> Standing:
    """Delete an account: posts and comments stay, personal data goes. Raises LastAdmin.

    The frames that were stored are scrubbed by a job (workers/jobs/departures.py).
    """
    # In the order of others, who hold a post or an inbox and then, by a foreign key, want the person.
    await sql.posts.lock_posts_of(conn, user_id=user_id)
    await sql.notifications.lock_counter(conn, user_id=user_id)
    try:
        standing = await lock_standing(conn, user_id)
    except UserNotFound:
        raise Unauthorized() from None
    await keep_an_admin(conn, user_id, standing)
    # The first change: requests that wait for this row to sign in or to follow then find it gone.
    role_version = await sql.users.forget_person(conn, user_id=user_id)
    await sql.auth.forget_credentials(conn, user_id=user_id)
    sessions = await sql.auth.delete_sessions(conn, user_id=user_id)
    keys = await sql.keys.delete_keys(conn, user_id=user_id)
    await sql.follows.delete_follows(conn, user_id=user_id)
    await sql.posts.unassign_person(conn, user_id=user_id)
    await sql.reactions.delete_interests(conn, user_id=user_id)
    await sql.uploads.remove_loose(conn, owner_id=user_id)
    await sql.notifications.delete_inbox(conn, user_id=user_id)
    await sql.exports.delete_export(conn, user_id=user_id)
    await sql.identities.delete_identities(conn, user_id=user_id)
    # The mails first: a worker that is about to store a token holds its mail.
    await sql.mails.delete_mails(conn, user_id=user_id)
    await sql.account_tokens.delete_tokens(conn, user_id=user_id, purposes=TOKEN_PURPOSES)
    await sql.idempotency.delete_keys_of(conn, user_id=user_id)
    conn.ask_for_job(SCRUB_DEPARTED)
    payload = {"userId": user_id}
    await emit(conn, "user.deleted", actor_id=user_id, entity=("user", user_id), payload=payload)
    return Standing(role_version, [row["id"] for row in (*sessions, *keys)])
