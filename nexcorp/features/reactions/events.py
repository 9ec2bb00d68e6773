"""Events of likes and interests: the notifications and frames that follow from them."""

from __future__ import annotations

from nexcorp.delivery.events import Event, EventType, Frame, Notice, NoticeType


def like_frames(event: Event) -> list[Frame]:
    """A frame about a like, with the new counter, so that an open page needs no refetch."""
    post_id = str(event.entity_id)
    data = {"postId": post_id, "userId": str(event.actor_id), "liked": event.type == "post.liked"}
    members = ("likeCount", "countsVersion")
    return [Frame(f"post:{post_id}", "post:liked", event.entity, data, members=members)]


def interest_frames(event: Event) -> list[Frame]:
    """A frame `post:updated` with the new interest counter only, without `version`."""
    post_id = str(event.entity_id)
    members = ("interestCount", "countsVersion")
    return [Frame(f"post:{post_id}", "post:updated", event.entity, {"id": post_id}, members=members)]


EVENTS: dict[str, EventType] = {
    "post.liked": EventType(
        (
            Notice(
                "like",
                "{actor} liked your post",
                receivers=lambda event: [event.get_id("authorId")],
                once_key=lambda event: f"like:{event.entity_id}:{event.actor_id}",
            ),
        ),
        like_frames,
        public=True,
    ),
    "post.unliked": EventType(frames=like_frames, public=True),
    "post.interest_added": EventType(
        (
            Notice(
                "interest",
                "{actor} is interested in your project",
                several="{actor} are interested in your project",
                receivers=lambda event: [event.get_id("authorId")],
                once_key=lambda event: f"interest:{event.entity_id}:{event.actor_id}",
            ),
        ),
        interest_frames,
        public=True,
    ),
    "post.interest_removed": EventType(frames=interest_frames, public=True),
}

NOTICE_TYPES = (NoticeType("like", groupable=True), NoticeType("interest", groupable=True))
