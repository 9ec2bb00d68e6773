"""Schemas of projects: requests and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.fields import Body, Out, PatchBody, Text
from nexcorp.domain.shapes import Person, page_of
from nexcorp.web.paging import PageQuery

VISIBILITIES = ("private", "internal", "public")
ROLES = ("owner", "editor", "viewer")
MINE = "mine"


def name_field(**more: Any) -> Text:
    """Make the field of a project's name."""
    return Text(least=1, most=120, **more)


def description_field(**more: Any) -> Text:
    """Make the field of a project's description."""
    return Text(least=1, most=5000, allow_none=True, **more)


def visibility_field(**more: Any) -> fields.String:
    """Make the field of a project's visibility to people who are not its members."""
    return fields.String(
        validate=validate.OneOf(VISIBILITIES),
        metadata={
            "description": "People who may read the project and its files, besides its members. private: "
            "nobody; internal: all signed-in users; public: everybody. Its tasks are always for members "
            "only."
        },
        **more,
    )


def role_field(**more: Any) -> fields.String:
    """Make the field of a member's role."""
    return fields.String(
        validate=validate.OneOf(ROLES),
        metadata={"description": "owner: settings, members, deletion; editor: writes; viewer: reads."},
        **more,
    )


class CreateProject(Body):
    """A new project, of which the caller is the first owner."""

    name = name_field(required=True)
    description = description_field(load_default=None)
    visibility = visibility_field(load_default="private")


class UpdateProject(PatchBody):
    """Fields to change; null removes the description."""

    name = name_field()
    description = description_field()
    visibility = visibility_field()

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH that changes nothing."""
        if not data.keys() & {"name", "description", "visibility"}:
            raise ValidationError("Send name, description or visibility.")


class SetMember(Body):
    """The role that a person gets."""

    role = role_field(required=True)


class Storage(Out):
    """The storage that a project's files use, in bytes."""

    bytes = fields.Integer(required=True)
    limit = fields.Integer(required=True)


class ProjectItem(Out):
    """The fields of a project that are the same for every viewer."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    visibility = visibility_field(required=True)
    memberCount = fields.Integer(required=True)
    storage = fields.Nested(
        Storage,
        required=True,
        metadata={"description": "Storage of its files, including those in the trash."},
    )
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class RoomProject(ProjectItem):
    """A project in the frames of its room."""

    changed = fields.List(
        fields.String(),
        metadata={"description": "The names of the changed fields; `members`: the members changed."},
    )


class Project(ProjectItem):
    """A project with the viewer's role."""

    role = fields.String(
        required=True,
        validate=validate.OneOf((*ROLES, "reader")),
        metadata={
            "description": "The viewer's role: `reader` is not a member, but the project is open to "
            "them. Holders of project:manage may do everything that owners may."
        },
    )


class TrashedProject(Project):
    """A project in the trash."""

    deletedAt = fields.AwareDateTime(required=True)
    deletedBy = fields.Nested(Person, required=True, allow_none=True)


class Member(Out):
    """A member of a project."""

    user = fields.Nested(Person, required=True)
    role = role_field(required=True)
    createdAt = fields.AwareDateTime(
        required=True, metadata={"description": "When the person became a member."}
    )


class Activity(Out):
    """One event in a project."""

    id = fields.UUID(required=True)
    type = fields.String(
        required=True, metadata={"description": "The type of event, as `task.created` or `member.added`."}
    )
    actor = fields.Nested(Person, required=True, allow_none=True)
    entityType = fields.String(required=True)
    entityId = fields.UUID(required=True)
    entityName = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The current name or beginning of the entity; null if it is gone."},
    )
    user = fields.Nested(
        Person,
        required=True,
        allow_none=True,
        metadata={"description": "The member that the event is about."},
    )
    changed = fields.List(
        fields.String(), required=True, metadata={"description": "The names of the changed fields."}
    )
    before = fields.Dict(required=True, metadata={"description": "States, ids and dates before the change."})
    after = fields.Dict(required=True)
    createdAt = fields.AwareDateTime(required=True)


class ProjectQuery(PageQuery):
    """Filters of projects."""

    visibility = visibility_field()
    role = fields.String(
        validate=validate.OneOf((MINE, *ROLES)),
        metadata={"description": "Only projects in which you have this role; `mine`: any role."},
    )
    q = Text(
        least=1, most=120, shows=False, metadata={"description": "Only projects with this text in the name."}
    )


class MemberQuery(PageQuery):
    """Filters of members."""

    role = role_field()


ProjectPage = page_of(Project)
TrashPage = page_of(TrashedProject)
MemberPage = page_of(Member)
ActivityPage = page_of(Activity)
