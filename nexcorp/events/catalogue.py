"""Every event: who is told of it, and which rooms see which frame.

Payloads are in the API's words and hold all that is needed here: delivery asks nothing back of the
features. An event that nobody hears of is in the audit trail all the same, and stands here with an
empty entry, so that a misspelt one is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

EXCERPT_CHARS = 140


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was recorded."""

    id: UUID
    type: str
    actor_id: UUID | None
    entity_type: str
    entity_id: UUID
    payload: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Audience:
    """Receivers too many to be named in the event: `kind` is followers or everyone, `id` whose."""

    kind: str
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What one kind of receiver is told. `{actor}` in the title becomes the actor's name."""

    type: str
    title: str
    receivers: Callable[[Event], Iterable[str | UUID | None] | Audience]
    message: Callable[[Event], str] = lambda event: ""
    # The receiver has at most one notification with this key; None: one for every event.
    once_key: Callable[[Event], str | None] = lambda event: None
    # People are not told what they did themselves, unless they should know in case it was not them.
    tells_actor: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What one room sees."""

    room: str
    event: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """What follows from one type of event. A receiver gets the first notice that names them."""

    notices: tuple[Notice, ...] = ()
    frames: Callable[[Event], list[Frame]] = field(default=lambda event: [])
    # (room, id) of what no earlier frame of the room may show any longer.
    forgets: Callable[[Event], list[tuple[str, str]]] = field(default=lambda event: [])


def excerpt(text: str) -> str:
    """The beginning of a text, for a notification's message."""
    return text if len(text) <= EXCERPT_CHARS else text[: EXCERPT_CHARS - 1] + "…"


def post_frames(event: Event) -> list[Frame]:
    """Posts are seen by those who look at the post and those who look at its author's profile."""
    payload = event.payload
    data = payload.get("post") or {"id": event.entity_id}
    rooms = [f"profile:{payload['authorId']}"]
    if event.type != "post.created":
        rooms.insert(0, f"post:{event.entity_id}")
    return [Frame(room, event.type.replace(".", ":"), data) for room in rooms]


def like_frames(event: Event) -> list[Frame]:
    """`post:liked` carries the new counter, so that an open page needs no refetch."""
    keys = ("postId", "userId", "liked", "likeCount")
    data = {key: event.payload[key] for key in keys}
    return [Frame(f"post:{event.payload['postId']}", "post:liked", data)]


def comment_frames(event: Event) -> list[Frame]:
    """Comments are seen in their post's room, with the post's new counter where it changed."""
    payload = event.payload
    data = dict(payload.get("comment") or {"id": event.entity_id, "postId": payload["postId"]})
    if event.type == "comment.deleted":
        data["replyIds"] = payload["replyIds"]
    if "commentCount" in payload:
        data["commentCount"] = payload["commentCount"]
    return [Frame(f"post:{payload['postId']}", event.type.replace(".", ":"), data)]


def forget_post(event: Event) -> list[tuple[str, str]]:
    """A deleted post is gone from its author's profile. Nobody can join its own room any more."""
    return [(f"profile:{event.payload['authorId']}", str(event.entity_id))]


def forget_comments(event: Event) -> list[tuple[str, str]]:
    """A deleted comment is gone from its post's room, and so are the replies to it."""
    room = f"post:{event.payload['postId']}"
    return [(room, str(gone)) for gone in (event.entity_id, *event.payload["replyIds"])]


def own_frames(name: str, *keys: str) -> Callable[[Event], list[Frame]]:
    """A frame for the actor's own devices, with these keys of the payload."""

    def frames(event: Event) -> list[Frame]:
        data = {key: event.payload[key] for key in keys} if keys else event.payload["notification"]
        return [Frame(f"user:{event.actor_id}", name, data)]

    return frames


SILENT = Entry()


def security(title: str, message: str, *, unless: str = "") -> Entry:
    """What the owner of an account is told of it, whoever did it; not where the payload says `unless`."""
    notice = Notice(
        "security",
        title,
        receivers=lambda event: [] if event.payload.get(unless) else [event.payload["userId"]],
        message=lambda event: message,
        tells_actor=True,
    )
    return Entry((notice,))


MENTION = Notice(
    "mention",
    "{actor} mentioned you",
    receivers=lambda event: event.payload["mentionedIds"],
    message=lambda event: excerpt((event.payload.get("comment") or event.payload["post"])["body"]),
)

CATALOGUE: dict[str, Entry] = {
    "user.registered": SILENT,
    "user.logged_in": SILENT,
    "user.login_failed": SILENT,
    "user.logged_out": SILENT,
    "user.updated": SILENT,
    "user.role_changed": SILENT,
    "user.status_changed": SILENT,
    "user.deleted": SILENT,
    "user.export_requested": SILENT,
    "user.export_downloaded": SILENT,
    "role.permissions_changed": SILENT,
    "session.revoked": SILENT,
    "api_key.created": security(
        "An API key was made",
        "A program can act for you with it. If this was not you, revoke it and change your password.",
    ),
    "api_key.revoked": SILENT,
    "session.reuse_detected": security(
        "A device was signed out for your safety",
        "Its sign-in was used from two places. If you do not know why, change your password.",
    ),
    "password.changed": security(
        "Your password was changed",
        "All other devices were signed out. If this was not you, reset your password now.",
    ),
    "password.reset": security(
        "Your password was reset",
        "All devices were signed out. If this was not you, tell your administrator.",
    ),
    "password.reset_requested": SILENT,
    "email.verified": SILENT,
    "email.verification_requested": SILENT,
    "email.change_requested": SILENT,
    "email.changed": security(
        "Your e-mail address was changed",
        "Sign in with the new one. If this was not you, tell your administrator.",
    ),
    "identity.linked": security(
        "An account elsewhere opens yours",
        "It was linked to sign in with. If this was not you, remove it and change your password.",
        unless="newAccount",
    ),
    "identity.unlinked": SILENT,
    "account.reclaimed": SILENT,
    "post.created": Entry((MENTION,), post_frames),
    "post.updated": Entry(frames=post_frames),
    "post.deleted": Entry(frames=post_frames, forgets=forget_post),
    "post.liked": Entry(
        (
            Notice(
                "like",
                "{actor} liked your post",
                receivers=lambda event: [event.payload["authorId"]],
                message=lambda event: event.payload["excerpt"],
                once_key=lambda event: f"like:{event.payload['postId']}:{event.actor_id}",
            ),
        ),
        like_frames,
    ),
    "post.unliked": Entry(frames=like_frames),
    "comment.created": Entry(
        (
            MENTION,
            Notice(
                "comment",
                "{actor} replied to your comment",
                receivers=lambda event: [event.payload["parentAuthorId"]],
                message=lambda event: excerpt(event.payload["comment"]["body"]),
            ),
            Notice(
                "comment",
                "{actor} commented on your post",
                receivers=lambda event: [event.payload["postAuthorId"]],
                message=lambda event: excerpt(event.payload["comment"]["body"]),
            ),
        ),
        comment_frames,
    ),
    "comment.updated": Entry(frames=comment_frames),
    "comment.deleted": Entry(frames=comment_frames, forgets=forget_comments),
    "user.followed": Entry(
        (
            Notice(
                "follow",
                "{actor} follows you",
                receivers=lambda event: [event.entity_id],
                once_key=lambda event: f"follow:{event.actor_id}",
            ),
        )
    ),
    "user.unfollowed": SILENT,
    "notification.updated": Entry(frames=own_frames("notification:updated")),
    "notification.deleted": Entry(frames=own_frames("notification:deleted", "id")),
    "notifications.read": Entry(frames=own_frames("notifications:bulk-updated", "isRead", "updated")),
}
