"""The rules of conversations: members, owners and their rights, read marks, settings and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context, emit, emit_all
from nexcorp.delivery.effects import WAKE, Revoke
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import Invalid, UserNotFound, on_constraint
from nexcorp.features.messaging.errors import (
    Blocked,
    ConversationFull,
    ConversationNotFound,
    DirectConversation,
    NotInConversation,
    NotYourConversation,
    OwnerNeeded,
)
from nexcorp.features.messaging.live import MAX_SHOWN_READING, Say


async def get_conversation(conn: Any, viewer_id: UUID, conversation_id: UUID) -> Any:
    """Return a conversation that the viewer is in; raises ConversationNotFound."""
    row = await sql.conversations.get_conversation(conn, conversation_id=conversation_id, viewer_id=viewer_id)
    if row is None:
        raise ConversationNotFound()
    return row


async def lock_conversation(conn: Any, viewer_id: UUID, conversation_id: UUID) -> Any:
    """Lock a conversation, and return it as get_conversation()."""
    await sql.conversations.lock_conversation(conn, conversation_id=conversation_id)
    return await get_conversation(conn, viewer_id, conversation_id)


async def lock_group(conn: Any, viewer_id: UUID, conversation_id: UUID, *, owned: bool = False) -> Any:
    """Lock and return a group that the viewer is in; with `owned`, the viewer must be one of its owners.

    Raises ConversationNotFound, DirectConversation, NotYourConversation.
    """
    row = await lock_conversation(conn, viewer_id, conversation_id)
    if row["kind"] != "group":
        raise DirectConversation()
    if owned and row["role"] != "owner":
        raise NotYourConversation()
    return row


async def check_welcome(conn: Any, user_id: UUID, user_ids: Sequence[UUID]) -> None:
    """Raise UserNotFound or Blocked if one of `user_ids` cannot be in a conversation with `user_id`."""
    rows = await sql.conversations.list_unwelcome(conn, user_id=user_id, user_ids=list(user_ids))
    if any(row["isMissing"] for row in rows):
        raise UserNotFound()
    if rows:
        raise Blocked()


async def tell(conn: Any, event: str, conversation_id: UUID, actor_id: UUID | None, **payload: Any) -> None:
    """Emit an event of a conversation."""
    await emit(conn, event, actor_id=actor_id, entity=("conversation", conversation_id), payload=payload)


async def open_direct(conn: Any, user_id: UUID, other_id: UUID) -> tuple[Any, bool]:
    """Return the direct conversation of two people, or a person's notes, and whether it is new.

    Raises UserNotFound or Blocked if there is no conversation yet.
    """
    # Only the second statement sees a conversation that another transaction has just created.
    for _ in range(2):
        found = await sql.conversations.open_direct(conn, user_id=user_id, other_id=other_id)
        if found is not None:
            break
    else:
        await check_welcome(conn, user_id, [other_id])
        raise UserNotFound()
    if found["_made"]:
        people = sorted({user_id, other_id})
        await tell(conn, "conversation.created", found["id"], user_id, kind="direct", userIds=people)
        conn.after(Say("joined", found["id"], by=user_id, people=tuple(people)))
    return await get_conversation(conn, user_id, found["id"]), found["_made"]


async def create_group(conn: Any, user_id: UUID, title: str, user_ids: Sequence[UUID]) -> Any:
    """Create a group that the user owns, and return it; raises UserNotFound, Blocked."""
    people = sorted({user_id, *user_ids})
    await check_welcome(conn, user_id, people)
    conversation_id = await sql.conversations.create_group(
        conn, title=title, owner_id=user_id, user_ids=people
    )
    await tell(conn, "conversation.created", conversation_id, user_id, kind="group", userIds=people)
    conn.after(Say("joined", conversation_id, by=user_id, people=tuple(people)))
    return await get_conversation(conn, user_id, conversation_id)


async def update_conversation(
    conn: Any, user_id: UUID, conversation_id: UUID, title: str, versions: Versions | None, by_etag: bool
) -> Any:
    """Change the title of a group; returns it. Raises as lock_group(), and StaleVersion or
    PreconditionFailed.
    """
    row = await lock_group(conn, user_id, conversation_id, owned=True)
    check_version(row, versions, by_etag=by_etag)
    if title == row["title"]:
        return row
    await sql.conversations.update_conversation(conn, conversation_id=conversation_id, title=title)
    await tell(
        conn,
        "conversation.updated",
        conversation_id,
        user_id,
        changed=["title"],
        version=row["version"] + 1,
    )
    return await get_conversation(conn, user_id, conversation_id)


async def end_conversation(
    conn: Any, user_id: UUID, conversation_id: UUID, versions: Versions | None
) -> None:
    """Delete a group for all its members, or the user's notes, with all messages and files.

    Raises ConversationNotFound, DirectConversation, NotYourConversation, PreconditionFailed.
    """
    row = await lock_conversation(conn, user_id, conversation_id)
    if row["role"] != "owner":
        raise NotYourConversation() if row["kind"] == "group" else DirectConversation()
    check_version(row, versions)
    await sql.conversations.end_conversation(conn, conversation_id=conversation_id)
    await tell(conn, "conversation.deleted", conversation_id, user_id, version=row["version"])
    conn.after(Say("ended", conversation_id, by=user_id))


async def set_member(conn: Any, user_id: UUID, conversation_id: UUID, other_id: UUID, role: str) -> Any:
    """Add a user to a group, as any member may, or change the role of a member, as owners may.

    Returns the member. Raises ConversationNotFound, DirectConversation, NotYourConversation, UserNotFound,
    Blocked, OwnerNeeded, ConversationFull.
    """
    row = await lock_group(conn, user_id, conversation_id)
    asked = {"conversation_id": conversation_id, "user_id": other_id}
    member = await sql.conversations.get_member(conn, **asked)
    if member is None:
        raise UserNotFound()
    if member["role"] == role:
        return member
    if row["role"] != "owner" and (role == "owner" or member["role"] is not None):
        raise NotYourConversation()
    if member["role"] is None:
        await check_welcome(conn, user_id, [other_id])
        with on_constraint("conversations_member_count", ConversationFull()):
            await sql.conversations.add_member(conn, **asked, role=role)
        await tell(conn, "conversation.member_added", conversation_id, user_id, userId=other_id, role=role)
        conn.after(Say("joined", conversation_id, by=user_id, people=(other_id,)))
    else:
        if role == "member" and not await sql.conversations.has_other_owner(conn, **asked):
            raise OwnerNeeded()
        await sql.conversations.set_role(conn, **asked, role=role)
        await tell(conn, "conversation.role_changed", conversation_id, user_id, userId=other_id, role=role)
    return await sql.conversations.get_member(conn, **asked)


async def remove_member(conn: Any, user_id: UUID, conversation_id: UUID, other_id: UUID) -> None:
    """Remove a member from a group, as owners may, or leave it. If no owner remains, the eldest member
    becomes one.

    Raises ConversationNotFound, DirectConversation, NotYourConversation, NotInConversation.
    """
    await lock_group(conn, user_id, conversation_id, owned=other_id != user_id)
    if not await sql.conversations.is_member(conn, conversation_id=conversation_id, user_id=other_id):
        raise NotInConversation()
    gone = await sql.conversations.remove_member(conn, conversation_id=conversation_id, user_id=other_id)
    # They can no longer see what the notification leads to.
    await drop_notice(conn, other_id, conversation_id, gone["toldN"])
    await tell(conn, "conversation.member_removed", conversation_id, user_id, userId=other_id)
    if gone["heirId"] is not None:
        await tell(
            conn, "conversation.role_changed", conversation_id, None, userId=gone["heirId"], role="owner"
        )
    conn.after(Say("left", conversation_id, by=user_id, people=(other_id,)))
    conn.after(Revoke(hidden=True))


async def drop_notice(conn: Any, user_id: UUID, conversation_id: UUID, n: int | None) -> None:
    """Mark the notification of message `n` as read, as it leads to nothing new; does nothing for None."""
    if n is None:
        return
    notification_id = await sql.messages.find_told(
        conn, conversation_id=conversation_id, n=n, user_id=user_id
    )
    if notification_id is not None:
        await sql.notifications.update_notification(
            conn,
            user_id=user_id,
            notification_id=notification_id,
            is_read=True,
            seen=None,
            archived=None,
            snoozed_until=None,
            wakes=False,
            context=describe_context(),
        )
        conn.after(WAKE)


async def mark(conn: Any, user_id: UUID, conversation_id: UUID, n: int, *, read: bool) -> Any:
    """Move a user's mark to message `n`: read, or else delivered to a device; a mark never moves back.

    Returns both marks. Raises ConversationNotFound.
    """
    row = await sql.conversations.mark_read(
        conn, conversation_id=conversation_id, user_id=user_id, n=n, read=read
    )
    if row is None:
        raise ConversationNotFound()
    await drop_notice(conn, user_id, conversation_id, row["_toldN"])
    if row["_moved"]:
        shown = row["_memberCount"] <= MAX_SHOWN_READING
        conn.after(
            Say(
                "read",
                conversation_id,
                by=user_id,
                n=row["readN"],
                delivered_n=row["deliveredN"],
                shown=shown,
            )
        )
    return row


async def save_settings(conn: Any, user_id: UUID, conversation_id: UUID, data: dict[str, Any]) -> Any:
    """Save a user's notification settings in a conversation; returns them. Raises ConversationNotFound."""
    row = await get_conversation(conn, user_id, conversation_id)
    muted_until = data["mutedUntil"] if "mutedUntil" in data else row["mutedUntil"]
    saved = await sql.conversations.save_settings(
        conn,
        conversation_id=conversation_id,
        user_id=user_id,
        level=data.get("level"),
        muted_until=muted_until,
    )
    if saved is None:
        raise ConversationNotFound()
    return saved


async def set_block(conn: Any, user_id: UUID, other_id: UUID, *, blocked: bool) -> Any:
    """Block or unblock a user; returns `{blocked}`. Raises UserNotFound, and Invalid for oneself."""
    statement = sql.conversations.block if blocked else sql.conversations.unblock
    with on_constraint("blocks_no_self", Invalid(errors={"id": ["Is yourself."]})):
        row = await statement(conn, user_id=user_id, blocked_id=other_id, context=describe_context())
    if row is None:
        raise UserNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row


async def forget_person(conn: Any, user_id: UUID) -> None:
    """Remove a user who leaves from all conversations, with their blocks and reactions. Their messages stay,
    without a name.
    """
    events: list[tuple[str, UUID, dict[str, Any], UUID | None]] = []
    for row in await sql.conversations.forget_member(conn, user_id=user_id):
        conversation_id = row["conversationId"]
        events.append(("conversation.member_removed", conversation_id, {"userId": user_id}, None))
        if row["heirId"] is not None:
            heir = {"userId": row["heirId"], "role": "owner"}
            events.append(("conversation.role_changed", conversation_id, heir, None))
    if events:
        await emit_all(conn, "conversation", events, actor_id=None)
    await sql.conversations.delete_blocks(conn, user_id=user_id)
    await sql.messages.delete_reactions_of(conn, user_id=user_id)
