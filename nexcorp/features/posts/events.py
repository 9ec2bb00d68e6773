"""Events of posts: the notifications and frames that follow from them."""

from __future__ import annotations

from nexcorp.db import sql
from nexcorp.delivery.events import (
    SILENT,
    Audience,
    Event,
    EventType,
    Frame,
    Notice,
    NoticeType,
    folded,
)
from nexcorp.domain.mentions import MENTIONED
from nexcorp.realtime.shapes import FLAG, ID, WHOLE, FrameDoc, closed, refer, shape


def name_rooms(event: Event) -> tuple[str, str]:
    """Return the post's own room and its author's profile."""
    return f"post:{event.entity_id}", f"profile:{event.payload['authorId']}"


def created_frames(event: Event) -> list[Frame]:
    """A frame with a new post for its author's profile; its own room has no members yet."""
    return [Frame(name_rooms(event)[1], "post:created", event.entity)]


def published_frames(event: Event) -> list[Frame]:
    """Frames with a published draft: a new post for its author's profile, an update for its own room, where
    its author may have it open."""
    own, profile = name_rooms(event)
    return [Frame(own, "post:updated", event.entity), Frame(profile, "post:created", event.entity)]


def updated_frames(event: Event) -> list[Frame]:
    """Frames with the post, for its own room and its author's profile."""
    return [Frame(room, "post:updated", event.entity) for room in name_rooms(event)]


def deleted_frames(event: Event) -> list[Frame]:
    """Frames with the deleted post's id, for its own room and its author's profile."""
    data = {"id": str(event.entity_id)}
    return [Frame(room, "post:deleted", event.entity, data, members=()) for room in name_rooms(event)]


def list_concerned(event: Event) -> Audience | tuple[()]:
    """Return a project's author, assignee and interested people, read when they are notified."""
    if event.payload.get("type") != "project":
        return ()
    return Audience(sql.telling.list_concerned_after, post_id=event.entity_id)


def list_everyone(event: Event) -> Audience | tuple[()]:
    """Return everybody as the receivers of an announcement."""
    if event.payload.get("type") != "announcement":
        return ()
    return Audience(sql.telling.list_everyone_after)


ANNOUNCEMENT = Notice("announcement", "{actor} announced something", receivers=list_everyone, why="everyone")


def assignment(variant: str, title: str, member: str, unless: str | None = None) -> Notice:
    """Make an assignment's notice for the user in the payload's `member`; none if `unless` is null there."""
    return Notice(
        "assignment",
        title,
        variant=variant,
        receivers=lambda event: [event.get_id(member)] if unless is None or event.get_id(unless) else [],
        why="author" if member == "authorId" else "assignee",
    )


EVENTS: dict[str, EventType] = {
    "post.created": EventType((MENTIONED, ANNOUNCEMENT), created_frames, public=True),
    "post.drafted": SILENT,
    "post.draft_updated": SILENT,
    "post.draft_deleted": SILENT,
    "post.published": EventType((MENTIONED, ANNOUNCEMENT), published_frames, public=True),
    "post.moved": EventType(
        (
            Notice(
                "project_status",
                "{actor} moved a project",
                receivers=list_concerned,
                message="{excerpt}: {from} -> {to}",
                params=("from", "to"),
                why="watcher",
            ),
        ),
        updated_frames,
        public=True,
    ),
    "post.assigned": EventType(
        (
            assignment("assigned", "{actor} assigned a project to you", "assigneeId"),
            assignment("own", "{actor} assigned your project", "authorId", unless="assigneeId"),
            assignment("own_taken", "{actor} left your project to nobody", "authorId"),
            assignment("taken", "{actor} took a project from you", "previousAssigneeId"),
        ),
        updated_frames,
        public=True,
    ),
    "post.thumbnail_made": EventType(frames=updated_frames),
    "post.updated": EventType((MENTIONED,), updated_frames, public=True),
    "post.deleted": EventType(frames=deleted_frames, public=True),
    "mention.folded": folded("mention", "{actor} mentioned you again ({times})"),
}

NOTICE_TYPES = (
    NoticeType("mention", groupable=False),
    NoticeType("announcement"),
    NoticeType("project_status"),
    NoticeType("assignment"),
)

FRAMES = {
    "post:created": FrameDoc(
        "In profile:{id} of the author; also for a draft that is published. In feed, without a seq: "
        "posts by you and the people you follow.",
        refer("RoomPost"),
        gathered=True,
    ),
    "post:updated": FrameDoc(
        "In post:{id} and profile:{id}: the whole post as it is now; with an unchanged version if a "
        "thumbnail was made. Only in post:{id}, when an interest comes or goes: id, interestCount and "
        "countsVersion.",
        {"oneOf": [refer("RoomPost"), closed({"id": ID, "interestCount": WHOLE}, countsVersion=WHOLE)]},
    ),
    "post:deleted": FrameDoc(
        "In post:{id} and profile:{id}: the post was deleted. Among missed frames it also replaces "
        "earlier frames of the post.",
        shape({"id": ID}),
    ),
    "post:liked": FrameDoc(
        "In post:{id}, when a like comes or goes, with the counter as it is now.",
        shape({"postId": ID, "userId": ID, "liked": FLAG, "likeCount": WHOLE}, countsVersion=WHOLE),
    ),
}
