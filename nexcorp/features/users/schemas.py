"""What people look like coming in and going out."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, validate, validates_schema

from nexcorp.domain.fields import Body, Out, PatchBody, Query, Text
from nexcorp.domain.people import ROLES, STATUSES, ProfileFields, username_field
from nexcorp.web.paging import MAX_LIMIT, PageQuery

MAX_PAGE = 10_000
# What a person can be made; only leaving deletes.
SETTABLE = ("active", "deactivated")


class PeopleQuery(PageQuery):
    """Which people, and how the list is cut: by `cursor` and `limit`, or by `page` and `pageSize`."""

    q = Text(
        least=1,
        most=100,
        metadata={"description": "The beginning of a name, or something like it; the best come first."},
    )
    role = fields.String(validate=validate.OneOf(ROLES))
    status = fields.String(
        validate=validate.OneOf(SETTABLE),
        metadata={"description": "For holders of `user:manage`; everybody else sees active people only."},
    )
    page = fields.Integer(
        validate=validate.Range(1, MAX_PAGE), metadata={"description": "From 1; the answer adds `total`."}
    )
    pageSize = fields.Integer(validate=validate.Range(1, MAX_LIMIT))

    @validates_schema(pass_original=True)
    def refuse_mixture(self, data: dict[str, Any], original: dict[str, Any], **more: object) -> None:
        """Pages by number and by cursor are two ways of reading a list."""
        if ("page" in data or "pageSize" in data) and {"cursor", "limit"} & original.keys():
            raise ValidationError("Send cursor and limit, or page and pageSize.", "page")


class UpdateProfile(PatchBody, ProfileFields):
    """Only what is sent changes; null clears a field."""

    username = username_field()

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """A PATCH that changes nothing is a mistake of the caller's."""
        if not data.keys() - {"version"}:
            raise ValidationError("Send at least one field.")


class RoleBody(Body):
    """The role to have."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))


class StatusBody(Body):
    """The status to have."""

    status = fields.String(required=True, validate=validate.OneOf(SETTABLE))


class PersonCard(Out):
    """A person in a list. What the viewer may not see is absent."""

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
        allow_none=True, metadata={"description": "For oneself and holders of `user:contact`."}
    )
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "For oneself and holders of `user:manage`."},
    )


class Profile(PersonCard):
    """A person as one viewer sees them. What the viewer may not see is absent."""

    bio = fields.String(required=True, allow_none=True)
    followed = fields.Boolean(required=True, metadata={"description": "Whether the viewer follows them."})
    version = fields.Integer(required=True)
    phone = fields.String(
        allow_none=True, metadata={"description": "For oneself and holders of `user:contact`."}
    )
    emailVerified = fields.Boolean(metadata={"description": "For oneself and holders of `user:manage`."})
    lastSeenAt = fields.AwareDateTime(
        allow_none=True, metadata={"description": "For oneself and holders of `user:manage`."}
    )


class OwnProfile(Profile):
    """One's own profile: nothing is absent."""

    email = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    emailVerified = fields.Boolean(required=True)
    lastSeenAt = fields.AwareDateTime(required=True, allow_none=True)


class PeoplePage(Out):
    """A list of people; `total` where it was asked for by page number."""

    data = fields.List(fields.Nested(PersonCard), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    total = fields.Integer()


class ExportQuery(Query):
    """A ticket fetches the file."""

    ticket = Text(
        least=1,
        most=200,
        trim=False,
        metadata={"description": "From POST /auth/ticket {purpose: download}; works once, for 60 seconds."},
    )


class ExportState(Out):
    """How far the export is. With a ticket the answer is the file itself, which has none of these fields."""

    class Meta:
        unknown = INCLUDE

    status = fields.String(validate=validate.OneOf(("preparing", "ready")))
    downloadUrl = fields.String(metadata={"description": "To be opened with `?ticket=`."})
    expiresAt = fields.AwareDateTime()
    bytes = fields.Integer(metadata={"description": "Compressed."})


class Preparing(Out):
    """It is being made; ask again."""

    status = fields.String(required=True, validate=validate.Equal("preparing"))


class PermissionOut(Out):
    """Something that can be allowed."""

    code = fields.String(required=True)
    description = fields.String(required=True)


class RolePermissions(Out):
    """A role and what it may do."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    permissions = fields.List(fields.String(), required=True)


class RoleList(Out):
    """All roles, and all that can be allowed."""

    data = fields.List(fields.Nested(RolePermissions), required=True)
    permissions = fields.List(fields.Nested(PermissionOut), required=True)
    nextCursor = fields.String(required=True, allow_none=True)


class PermissionsBody(Body):
    """Everything the role may do from now on."""

    permissions = fields.List(
        Text(least=1, most=100, trim=False), required=True, validate=validate.Length(max=500)
    )
