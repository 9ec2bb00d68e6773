"""Comments: who is told of them, and what the post's room sees."""

from __future__ import annotations

from nexcorp.delivery.events import Entity, Event, EventType, Frame, Notice, NoticeType
from nexcorp.domain.mentions import MENTIONED
from nexcorp.realtime.shapes import ID, WHOLE, FrameDoc, refer, shape


def comment_frames(event: Event) -> list[Frame]:
    """Comments are seen in their post's room.

    Those on a draft are not: whoever comes once it is published would see when what was written before.
    """
    post_id = event.payload["postId"]
    if event.payload.get("onDraft"):
        return []
    return [Frame(f"post:{post_id}", event.type.replace(".", ":"), event.entity, {"postId": post_id})]


def deleted_frames(event: Event) -> list[Frame]:
    """A comment that has replies becomes its placeholder.

    Of another the id, and in a frame of its own that of the placeholder whose last reply it was; beside them
    the counter of the post.
    """
    payload = event.payload
    if payload.get("onDraft"):
        return []
    room, post_id = f"post:{payload['postId']}", payload["postId"]
    if payload.get("hasReplies"):
        return [Frame(room, "comment:updated", event.entity, {"postId": post_id})]
    entity = ("post", event.get_id("postId") or event.entity_id)
    members = ("commentCount", "countsVersion")
    return [
        Frame(room, "comment:deleted", entity, {"id": gone, "postId": post_id}, members=members)
        for gone in (str(event.entity_id), payload.get("placeholderId"), *payload.get("replyIds", ()))
        if gone is not None
    ]


def lead_to_post(event: Event) -> Entity | None:
    """The post of a comment: those on one post are shown as one."""
    post_id = event.get_id("postId")
    return ("post", post_id) if post_id is not None else None


EVENTS: dict[str, EventType] = {
    "comment.created": EventType(
        (
            MENTIONED,
            Notice(
                "comment",
                "{actor} replied to your comment",
                variant="reply",
                # Others of the group may have commented on the post.
                several="{actor} wrote in a conversation with you",
                group=lead_to_post,
                receivers=lambda event: [event.get_id("parentAuthorId")],
            ),
            Notice(
                "comment",
                "{actor} commented on your post",
                group=lead_to_post,
                receivers=lambda event: [event.get_id("postAuthorId")],
            ),
        ),
        comment_frames,
        public=True,
    ),
    "comment.updated": EventType((MENTIONED,), comment_frames, public=True),
    "comment.deleted": EventType(frames=deleted_frames, public=True),
}

NOTICE_TYPES = (NoticeType("comment", groupable=True),)

FRAMES = {
    "comment:created": FrameDoc("In post:{id}, with the post's commentCount.", refer("RoomComment")),
    "comment:updated": FrameDoc(
        "In post:{id}, with the post's commentCount. Where `deleted`, it became a placeholder, as it has "
        "replies.",
        refer("RoomComment"),
    ),
    "comment:deleted": FrameDoc(
        "In post:{id}, with the post's commentCount: a comment without replies, or a placeholder whose last "
        "reply went. Among frames that were missed also in place of what the comment was, then without the "
        "counters.",
        shape({"id": ID, "postId": ID}, commentCount=WHOLE, countsVersion=WHOLE),
    ),
}
