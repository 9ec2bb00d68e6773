"""Schemas of people and roles: requests and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, validate, validates_schema

from nexcorp.domain.fields import Body, Items, Out, PatchBody, ProvenBody, Query, Text
from nexcorp.domain.people import (
    MAX_URL_CHARS,
    ROLES,
    STATUSES,
    ProfileFields,
    check_picture,
    username_field,
)
from nexcorp.domain.shapes import Standing
from nexcorp.web.paging import MAX_LIMIT, PageQuery

MAX_PAGE = 10_000
# Statuses that an administrator can set; a user becomes `deleted` by leaving.
SETTABLE = ("active", "deactivated")


class PeopleQuery(PageQuery):
    """Filters of people, and a page: by `cursor` and `limit`, or by `page` and `pageSize`."""

    q = Text(
        shows=False,
        least=1,
        most=100,
        metadata={"description": "The beginning of a name, or a similar name; the best matches come first."},
    )
    role = fields.String(validate=validate.OneOf(ROLES))
    status = fields.String(
        validate=validate.OneOf(SETTABLE),
        metadata={"description": "Needs `user:manage`; without it the list holds active people only."},
    )
    page = fields.Integer(
        validate=validate.Range(1, MAX_PAGE),
        metadata={"description": "The number of the page, from 1; the answer then has `total`."},
    )
    pageSize = fields.Integer(validate=validate.Range(1, MAX_LIMIT))

    @validates_schema(pass_original=True)
    def refuse_mixture(self, data: dict[str, Any], original: dict[str, Any], **more: object) -> None:
        """Raise ValidationError for a page both by number and by cursor."""
        if ("page" in data or "pageSize" in data) and {"cursor", "limit"} & original.keys():
            raise ValidationError("Send cursor and limit, or page and pageSize.", "page")


class UpdateProfile(PatchBody, ProfileFields):
    """Fields to change; null clears a field."""

    username = username_field()
    avatarUrl = Text(
        least=8,
        most=MAX_URL_CHARS,
        allow_none=True,
        checks=[check_picture],
        metadata={
            "format": "uri-reference",
            "description": "Any http(s) address, or the `url` or `thumbnailUrl` of an image of your own, "
            "which is then kept.",
        },
    )

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH without a field."""
        if not data.keys() - {"version"}:
            raise ValidationError("Send at least one field.")


class RoleBody(ProvenBody):
    """The new role."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))


class LeaveBody(ProvenBody):
    """Proof that the request comes from the user."""


class StatusBody(Body):
    """The new status."""

    status = fields.String(required=True, validate=validate.OneOf(SETTABLE))


class PersonCard(Standing):
    """A person in a list. Fields that the viewer may not see are absent."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    firstName = fields.String(required=True, allow_none=True)
    lastName = fields.String(required=True, allow_none=True)
    jobTitle = fields.String(required=True, allow_none=True)
    department = fields.String(required=True, allow_none=True)
    location = fields.String(required=True, allow_none=True)
    avatarUrl = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    createdAt = fields.AwareDateTime(required=True)
    email = fields.String(
        allow_none=True, metadata={"description": "Shown to the user and to holders of `user:contact`."}
    )
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "Shown to the user and to holders of `user:manage`."},
    )


class Profile(PersonCard):
    """A profile. Fields that the viewer may not see are absent."""

    bio = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    phone = fields.String(
        allow_none=True, metadata={"description": "Shown to the user and to holders of `user:contact`."}
    )
    emailVerified = fields.Boolean(
        metadata={"description": "Shown to the user and to holders of `user:manage`."}
    )
    lastSeenAt = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Shown to the user and to holders of `user:manage`."}
    )


class OwnProfile(Profile):
    """Your own profile, with all fields."""

    email = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    emailVerified = fields.Boolean(required=True)
    lastSeenAt = fields.AwareDateTime(required=True, allow_none=True)


class PeoplePage(Out):
    """A list of people; `total` only for numbered pages."""

    data = fields.List(fields.Nested(PersonCard), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    total = fields.Integer()


class ExportQuery(Query):
    """A ticket for downloading the file."""

    ticket = Text(
        least=1,
        most=200,
        trim=False,
        metadata={
            "description": "A ticket from `POST /auth/ticket` for the purpose `download`; works "
            "once, for 60 seconds."
        },
    )


class ExportState(Out):
    """The state of the export. With a ticket the answer is the file itself, without these fields."""

    class Meta:
        unknown = INCLUDE

    status = fields.String(validate=validate.OneOf(("preparing", "ready")))
    downloadUrl = fields.String(metadata={"description": "The address of the file; open it with `?ticket=`."})
    expiresAt = fields.AwareDateTime()
    bytes = fields.Integer(metadata={"description": "Bytes of the compressed file."})


class Preparing(Out):
    """The export is being built; ask again later."""

    status = fields.String(required=True, validate=validate.Equal("preparing"))


class PermissionOut(Out):
    """A permission."""

    code = fields.String(required=True)
    description = fields.String(required=True)


class RolePermissions(Out):
    """A role and its permissions."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    permissions = fields.List(fields.String(), required=True)


class RoleList(Out):
    """All roles, and all permissions."""

    data = fields.List(fields.Nested(RolePermissions), required=True)
    permissions = fields.List(fields.Nested(PermissionOut), required=True)
    nextCursor = fields.String(required=True, allow_none=True)


class PermissionsBody(ProvenBody):
    """The new permissions of the role."""

    permissions = Items(Text(least=1, most=100, trim=False), most=500, required=True)
