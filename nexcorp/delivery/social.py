"""Posts, comments, likes, interest and follows: who is told, and which rooms see it."""

from __future__ import annotations

from nexcorp.delivery.events import SILENT, Audience, Entry, Event, Frame, Notice, excerpt


def name_post(event: Event) -> str:
    """What a post is called in a notification: its title, else how it begins."""
    return excerpt(event.payload["post"]["title"] or event.payload["post"]["body"])


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


def interest_frames(event: Event) -> list[Frame]:
    """`post:updated` with the new counter alone."""
    data = {"id": event.entity_id, "interestCount": event.payload["interestCount"]}
    return [Frame(f"post:{event.payload['postId']}", "post:updated", data)]


def published_frames(event: Event) -> list[Frame]:
    """For those who look at the author's profile, a draft that is published is a new post; its author has it
    open already."""
    post = event.payload["post"]
    return [
        Frame(f"post:{event.entity_id}", "post:updated", post),
        Frame(f"profile:{event.payload['authorId']}", "post:created", post),
    ]


def changed_frames(event: Event) -> list[Frame]:
    """A post that moved, was assigned or got a thumbnail: to those who look at it or its author's profile."""
    rooms = (f"post:{event.entity_id}", f"profile:{event.payload['authorId']}")
    return [Frame(room, "post:updated", event.payload["post"]) for room in rooms]


def comment_frames(event: Event) -> list[Frame]:
    """Comments are seen in their post's room, with the post's new counter where it changed.

    Those on a draft are not: whoever comes once it is published could read what the author took back before.
    """
    payload = event.payload
    if payload.get("onDraft"):
        return []
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


def concerned(event: Event) -> Audience | tuple[()]:
    """Of a project, its author, its assignee and those interested, as they are when they are told."""
    return Audience("concerned", event.entity_id) if event.payload["post"]["type"] == "project" else ()


MENTION = Notice(
    "mention",
    "{actor} mentioned you",
    # What waits from a release before, and a post that lost a file, name nobody.
    receivers=lambda event: event.payload.get("mentionedIds", ()),
    message=lambda event: excerpt((event.payload.get("comment") or event.payload["post"])["body"]),
    # Whoever edits a name out and in again tells nothing new.
    once_key=lambda event: f"mention:{event.entity_id}",
)

ANNOUNCEMENT = Notice(
    "announcement",
    "{actor} announced something",
    receivers=lambda event: Audience("everyone") if event.payload["post"]["type"] == "announcement" else (),
    message=name_post,
)

SOCIAL: dict[str, Entry] = {
    "post.created": Entry((MENTION, ANNOUNCEMENT), post_frames),
    "post.drafted": SILENT,
    "post.draft_updated": SILENT,
    "post.draft_deleted": SILENT,
    "post.published": Entry((MENTION, ANNOUNCEMENT), published_frames),
    "post.moved": Entry(
        (
            Notice(
                "project_status",
                "{actor} moved a project",
                receivers=concerned,
                message=lambda event: f"{name_post(event)}: {event.payload['from']} -> {event.payload['to']}",
            ),
        ),
        changed_frames,
    ),
    "post.assigned": Entry(
        (
            Notice(
                "assignment",
                "{actor} assigned a project to you",
                receivers=lambda event: [event.payload["assigneeId"]],
                message=name_post,
            ),
            Notice(
                "assignment",
                "{actor} assigned your project",
                receivers=lambda event: [event.payload["authorId"]] if event.payload["assigneeId"] else (),
                message=name_post,
            ),
            Notice(
                "assignment",
                "{actor} left your project to nobody",
                receivers=lambda event: [event.payload["authorId"]],
                message=name_post,
            ),
            Notice(
                "assignment",
                "{actor} took a project from you",
                receivers=lambda event: [event.payload["previousAssigneeId"]],
                message=name_post,
            ),
        ),
        changed_frames,
    ),
    "post.interest_added": Entry(
        (
            Notice(
                "interest",
                "{actor} is interested in your project",
                receivers=lambda event: [event.payload["authorId"]],
                message=lambda event: event.payload["excerpt"],
                once_key=lambda event: f"interest:{event.payload['postId']}:{event.actor_id}",
            ),
        ),
        interest_frames,
    ),
    "post.interest_removed": Entry(frames=interest_frames),
    "post.thumbnail_made": Entry(frames=changed_frames),
    "post.updated": Entry((MENTION,), post_frames, replaces=True),
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
    "comment.updated": Entry((MENTION,), comment_frames, replaces=True),
    "comment.deleted": Entry(frames=comment_frames, forgets=forget_comments),
    "upload.created": SILENT,
    "upload.deleted": SILENT,
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
}
