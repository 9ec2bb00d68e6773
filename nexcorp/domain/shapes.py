"""Shapes that more than one feature shows."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from nexcorp.domain.fields import Out


def counts_version(*, allow_none: bool = False) -> fields.Integer:
    """Return the field that orders two readings of a post's counters; `allow_none`: null for no post."""
    return fields.Integer(
        required=True,
        allow_none=allow_none,
        metadata={
            "description": "Grows with each change of the post's counters. Keep the counters with the "
            "highest version that you have seen, from any source."
        },
    )


class Person(Out):
    """A user as embedded in what they wrote or did."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    firstName = fields.String(required=True, allow_none=True)
    lastName = fields.String(required=True, allow_none=True)
    avatarUrl = fields.String(required=True, allow_none=True)


class Standing(Out):
    """Whether the viewer follows a person, and how much the person has."""

    followed = fields.Boolean(required=True, metadata={"description": "Whether the viewer follows them."})
    followerCount = fields.Integer(required=True)
    followingCount = fields.Integer(required=True)
    postCount = fields.Integer(required=True, metadata={"description": "The person's posts that lists show."})


class PersonSeen(Person, Standing):
    """A person in a list of people."""


class PersonSince(Out):
    """A person in a list of likes, followers or followed."""

    user = fields.Nested(PersonSeen, required=True)
    createdAt = fields.AwareDateTime(required=True)


POST_TYPES = ("normal", "announcement", "project")
POST_STATUSES = (
    "draft",
    "published",
    "archived",
    "open",
    "in_progress",
    "on_hold",
    "completed",
    "cancelled",
)


class Attachment(Out):
    """An upload as its post shows it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True, metadata={"description": "The media type."})
    bytes = fields.Integer(required=True)
    width = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Width in pixels, as shown."}
    )
    height = fields.Integer(required=True, allow_none=True)
    alt = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Alternative text of a picture, by its owner."},
    )
    url = fields.String(required=True)
    thumbnailUrl = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "For images. It may come later than the upload; for a post's image it comes "
            "with a `post:updated` whose version has not changed."
        },
    )


class Post(Out):
    """A post as one viewer sees it."""

    id = fields.UUID(required=True)
    type = fields.String(required=True, validate=validate.OneOf(POST_TYPES))
    status = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(POST_STATUSES),
        metadata={"description": "The status of an announcement or a project."},
    )
    title = fields.String(required=True, allow_none=True)
    body = fields.String(required=True)
    author = fields.Nested(Person, required=True)
    assignee = fields.Nested(Person, required=True, allow_none=True)
    uploads = fields.List(fields.Nested(Attachment), required=True)
    likeCount = fields.Integer(required=True)
    commentCount = fields.Integer(required=True)
    interestCount = fields.Integer(required=True)
    countsVersion = counts_version()
    liked = fields.Boolean(required=True)
    interested = fields.Boolean(required=True)
    projectId = fields.UUID(
        required=True,
        allow_none=True,
        metadata={
            "description": "For posts of the type project: the project that seeks people; null if the "
            "viewer may not see it."
        },
    )
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    publishedAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "The time by which lists are ordered; null for drafts."},
    )
    updatedAt = fields.AwareDateTime(required=True)


class RoomPost(Post):
    """A post as everybody in a room sees it: without what is one viewer's own."""

    class Meta:
        exclude = ("liked", "interested", "projectId")


def page_of(item: type[Schema]) -> Schema:
    """Return the schema of a list of `item`: `{data, nextCursor}`."""
    return Schema.from_dict(
        {
            "data": fields.List(fields.Nested(item), required=True),
            "nextCursor": fields.String(required=True, allow_none=True),
        },
        name=f"{item.__name__}Page",
    )()


def live_page_of(item: type[Schema], room: str) -> Schema:
    """Return the schema of a list that a room shows: a page, with the position where its frames go on."""
    about = f"Subscribe to {room} with `epoch` and `seq`: its frames then keep the list complete."
    return Schema.from_dict(
        {
            **page_of(item).fields,
            "epoch": fields.String(required=True, allow_none=True, metadata={"description": about}),
            "seq": fields.Integer(required=True),
        },
        name=f"{room.partition(':')[0].capitalize()}{item.__name__}Page",
    )()


PersonSincePage = page_of(PersonSince)
PostPage = page_of(Post)
