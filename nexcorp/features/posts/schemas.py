"""Schemas of requests about posts; answers are in nexcorp/domain/shapes.py, shared with feed and search."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.attachments import upload_ids
from nexcorp.domain.fields import Body, Out, PatchBody, Text
from nexcorp.domain.shapes import POST_STATUSES, POST_TYPES, Person, page_of
from nexcorp.features.posts.moves import ANNOUNCEMENT_MOVES, PROJECT_MOVES
from nexcorp.web.paging import PageQuery

# Announcements with these statuses are in no list but their author's own.
UNLISTED = ("draft", "archived")


class CreatePost(Body):
    """A new post."""

    type = fields.String(load_default="normal", validate=validate.OneOf(POST_TYPES))
    status = fields.String(
        validate=validate.OneOf(("draft", "published")),
        metadata={"description": "For announcements only; `published` if absent."},
    )
    title = Text(least=1, most=200, load_default=None, allow_none=True)
    body = Text(least=1, most=20_000, required=True)
    uploadIds = upload_ids("Your uploads that are not attached yet, in order.")
    projectId = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "For posts of the type project: a project that you may edit. The assigned "
            "person becomes an editor there."
        },
    )

    @validates_schema
    def check_status(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a status or a project that this type of post cannot have."""
        if "status" in data and data.get("type") != "announcement":
            raise ValidationError("Only announcements are made with a status.", "status")
        if data.get("projectId") is not None and data.get("type") != "project":
            raise ValidationError("Only posts of the type project are linked with one.", "projectId")


class UpdatePost(PatchBody):
    """Fields to change; null removes the title, the uploads or the project."""

    title = Text(least=1, most=200, allow_none=True)
    body = Text(least=1, most=20_000)
    uploadIds = upload_ids("All uploads of the post from now on, in order; those left out are removed.")
    projectId = fields.UUID(
        allow_none=True,
        metadata={"description": "For posts of the type project: a project that you may edit."},
    )

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH that changes nothing."""
        if not data.keys() & {"title", "body", "uploadIds", "projectId"}:
            raise ValidationError("Send title, body, uploadIds or projectId.")


class MovePost(Body):
    """The new status of an announcement or a project."""

    status = fields.String(
        required=True, validate=validate.OneOf(tuple(dict.fromkeys((*ANNOUNCEMENT_MOVES, *PROJECT_MOVES))))
    )


class AssignPost(Body):
    """The person who does a project; null for nobody."""

    userId = fields.UUID(required=True, allow_none=True)


class PostQuery(PageQuery):
    """Filters of posts. `status` draft and archived: the caller's own announcements."""

    author = fields.UUID()
    type = fields.String(validate=validate.OneOf(POST_TYPES))
    status = fields.String(validate=validate.OneOf(POST_STATUSES))
    q = Text(
        least=1,
        most=200,
        shows=False,
        metadata={"description": "Only posts with these words, found as by `GET /search`."},
    )

    @validates_schema
    def check_words(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for words together with draft or archived; /search finds those."""
        if "q" in data and data.get("status") in UNLISTED:
            raise ValidationError("Not with what stands in no list; /search finds that, too.", "q")


class Move(Out):
    """One status change of an announcement or a project."""

    id = fields.UUID(required=True)
    to = fields.String(required=True, validate=validate.OneOf(POST_STATUSES))
    actor = fields.Nested(Person, required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)


# `from` is a keyword, so a class body cannot declare it.
Move._declared_fields["from"] = fields.String(
    required=True, allow_none=True, metadata={"description": "The previous status; null for the first one."}
)


MovePage = page_of(Move)
