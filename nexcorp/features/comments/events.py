"""Events of comments: who is notified, and which frames the room of the post or task gets."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Audience, Entity, Event, EventType, Frame, Notice, NoticeType
from nexcorp.domain.mentions import MENTIONED
from nexcorp.realtime.shapes import ID, WHOLE, FrameDoc, refer, shape


def list_counting(event: Event) -> list[Frame]:
    """Return frames with a task's comment count, for rooms that show the task but not its comments."""
    payload = event.payload
    rooms = [f"project:{payload['projectId']}"] if payload.get("projectId") else []
    people = (payload.get("creatorId"), payload.get("assigneeId"))
    rooms += [f"user:{user_id}" for user_id in dict.fromkeys(people) if user_id is not None]
    task = ("task", UUID(payload["taskId"]))
    return [Frame(room, "task:updated", task, {"changed": ["commentCount"]}) for room in rooms]


def comment_frames(event: Event) -> list[Frame]:
    """Return a comment's frames, for the room of its post or task.

    A comment on a draft has no frames: readers of the published post would see when it was written.
    """
    name, task_id = event.type.replace(".", ":"), event.payload.get("taskId")
    if task_id is not None:
        frames = [Frame(f"task:{task_id}", name, event.entity, {"taskId": task_id})]
        return frames + (list_counting(event) if name == "comment:created" else [])
    post_id = event.payload["postId"]
    if event.payload.get("onDraft"):
        return []
    return [Frame(f"post:{post_id}", name, event.entity, {"postId": post_id})]


def deleted_frames(event: Event) -> list[Frame]:
    """Return the frames of a deleted comment: its placeholder if it has replies, else its id.

    If it was the last reply to a placeholder, another frame shows the placeholder's id. The frames hold the
    comment count of the post or task.
    """
    payload = event.payload
    if payload.get("onDraft"):
        return []
    kind = "task" if payload.get("taskId") is not None else "post"
    subject_id = payload[f"{kind}Id"]
    room, named = f"{kind}:{subject_id}", {f"{kind}Id": subject_id}
    more = list_counting(event) if kind == "task" else []
    if payload.get("hasReplies"):
        return [Frame(room, "comment:updated", event.entity, named), *more]
    entity = (kind, UUID(subject_id))
    members = ("commentCount",) if kind == "task" else ("commentCount", "countsVersion")
    return [
        Frame(room, "comment:deleted", entity, {"id": gone, **named}, members=members)
        for gone in (str(event.entity_id), payload.get("placeholderId"))
        if gone is not None
    ] + more


def lead_to_post(event: Event) -> Entity | None:
    """Return the post of a comment: notifications of one post are grouped."""
    post_id = event.get_id("postId")
    return ("post", post_id) if post_id is not None else None


def lead_to_task(event: Event) -> Entity | None:
    """Return the task of a comment: notifications of one task are grouped."""
    task_id = event.get_id("taskId")
    return ("task", task_id) if task_id is not None else None


def list_concerned(event: Event) -> Iterable[UUID | None] | Audience:
    """Return the task's creator, assignee and watchers, as far as they see it when they are notified."""
    task_id = event.get_id("taskId")
    return Audience(sql.tasks.list_concerned_after, task_id=task_id) if task_id is not None else ()


def list_replied(event: Event, *, on_task: bool) -> list[UUID | None]:
    """Return the parent comment's author, only for tasks (`on_task`) or only for posts."""
    return [event.get_id("parentAuthorId")] if (event.get_id("taskId") is not None) == on_task else []


EVENTS: dict[str, EventType] = {
    "comment.created": EventType(
        (
            MENTIONED,
            Notice(
                "comment",
                "{actor} replied to your comment",
                variant="reply",
                # The group may also hold comments on the receiver's own post.
                several="{actor} wrote in a conversation with you",
                group=lead_to_post,
                receivers=lambda event: list_replied(event, on_task=False),
            ),
            Notice(
                "comment",
                "{actor} commented on your post",
                group=lead_to_post,
                receivers=lambda event: [event.get_id("postAuthorId")],
            ),
            Notice(
                "comment_added",
                "{actor} replied to your comment",
                variant="reply",
                several="{actor} wrote in a conversation with you",
                group=lead_to_task,
                receivers=lambda event: list_replied(event, on_task=True),
            ),
            Notice(
                "comment_added",
                "{actor} commented on a task",
                group=lead_to_task,
                receivers=list_concerned,
                why="watcher",
            ),
        ),
        comment_frames,
        public=True,
    ),
    "comment.updated": EventType((MENTIONED,), comment_frames, public=True),
    "comment.deleted": EventType(frames=deleted_frames, public=True),
}

NOTICE_TYPES = (NoticeType("comment", groupable=True), NoticeType("comment_added", groupable=True))

WHERE = "In post:{id} or task:{id}, with the commentCount of the post or task"
FRAMES = {
    "comment:created": FrameDoc(f"{WHERE}.", refer("RoomComment")),
    "comment:updated": FrameDoc(
        f"{WHERE}. With `deleted` it became a placeholder, because it has replies.",
        refer("RoomComment"),
    ),
    "comment:deleted": FrameDoc(
        f"{WHERE}: a comment without replies, or a placeholder whose last reply was deleted. Among missed "
        "frames it also replaces earlier frames of the comment, then without the counters.",
        shape({"id": ID}, postId=ID, taskId=ID, commentCount=WHOLE, countsVersion=WHOLE),
    ),
}
