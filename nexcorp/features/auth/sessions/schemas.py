"""Request and response schemas of registering, signing in, passwords and addresses."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate

from nexcorp.domain.emails import EmailField
from nexcorp.domain.fields import Body, Out, ProvenBody, Query, Text
from nexcorp.domain.people import STATUSES, ProfileFields, username_field
from nexcorp.features.auth.passwords import MAX_CHARS, MIN_CHARS, is_common

PLATFORMS = ("web", "mobile", "cli")


def check_common(password: str) -> None:
    """Raise ValidationError for a password that attackers try first."""
    if is_common(password):
        raise ValidationError("Is one of the most common passwords.")


def new_password_field() -> Text:
    """A required new password."""
    return Text(
        least=MIN_CHARS,
        most=MAX_CHARS,
        trim=False,
        required=True,
        checks=[check_common],
        metadata={"format": "password", "description": "The most common passwords are refused."},
    )


def token_field(*, required: bool = True) -> Text:
    """The token from a mail."""
    return Text(least=1, most=200, trim=False, required=required)


class ProfileBody(ProfileFields):
    """Profile fields that a user may set when registering."""


class RegisterBody(Body):
    """A new account."""

    email = EmailField()
    password = new_password_field()
    username = username_field("If absent, it is made from the e-mail address.")
    profile = fields.Nested(ProfileBody)
    invitation = token_field(required=False)


class LoginBody(Body):
    """A sign-in. The rules for new passwords do not apply: an old password may break them."""

    email = EmailField()
    password = Text(least=1, most=MAX_CHARS, trim=False, required=True, metadata={"format": "password"})
    platform = fields.String(
        load_default="web",
        validate=validate.OneOf(PLATFORMS),
        metadata={"description": "web: refresh token in a cookie; mobile and cli: in the body."},
    )
    device = Text(
        least=1,
        most=100,
        allow_none=True,
        metadata={"description": "A name by which you recognise the device."},
    )


class RefreshBody(Body):
    """The refresh token of mobile and cli; a browser sends its cookie and no body."""

    refreshToken = Text(least=1, most=200, trim=False)


class RevokeQuery(Query):
    """Query of ending sessions: whether to end the current one."""

    includeCurrent = fields.Boolean(
        load_default=False, metadata={"description": "true: ends this session, too."}
    )


class TicketBody(Body):
    """The purpose of a new ticket."""

    purpose = fields.String(required=True, validate=validate.OneOf(("ws", "download")))


class ChangePasswordBody(Body):
    """The current password and the new one."""

    currentPassword = Text(
        least=1, most=MAX_CHARS, trim=False, required=True, metadata={"format": "password"}
    )
    newPassword = new_password_field()


class ForgotBody(Body):
    """The address of the account."""

    email = EmailField()


class ResetBody(Body):
    """A new password, and the token that allows it."""

    token = token_field()
    password = new_password_field()


class TokenBody(Body):
    """The token that was sent to an address."""

    token = token_field()


class ChangeEmailBody(ProvenBody):
    """The new address."""

    email = EmailField()


class AcceptedOut(Out):
    """The request is accepted."""

    status = fields.String(required=True, validate=validate.Equal("accepted"))


class AccountOut(Out):
    """An account as its owner sees it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"format": "email"})
    username = fields.String(required=True)
    firstName = fields.String(required=True, allow_none=True)
    lastName = fields.String(required=True, allow_none=True)
    avatarUrl = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(("admin", "manager", "member")))
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    emailVerified = fields.Boolean(required=True)
    createdAt = fields.DateTime(required=True)
    updatedAt = fields.DateTime(required=True)


class MeOut(AccountOut):
    """The caller's account and permissions."""

    permissions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The permissions of the role; for an API key only those among its scopes."},
    )
    unread = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Unread notifications; null without `notification:read`."},
    )


class RegisteredOut(Out):
    """The new account."""

    user = fields.Nested(AccountOut, required=True)


class SignedInOut(Out):
    """The tokens of a new or refreshed session, and the user."""

    accessToken = fields.String(required=True)
    tokenType = fields.String(required=True, validate=validate.Equal("Bearer"))
    expiresIn = fields.Integer(required=True, metadata={"description": "Lifetime in seconds."})
    user = fields.Nested(AccountOut, required=True)
    refreshToken = fields.String(metadata={"description": "mobile and cli only; web gets a cookie."})


class SessionOut(Out):
    """One sign-in on one device."""

    id = fields.UUID(required=True)
    platform = fields.String(required=True, validate=validate.OneOf(PLATFORMS))
    device = fields.String(required=True, allow_none=True)
    ip = fields.String(required=True, allow_none=True)
    userAgent = fields.String(required=True, allow_none=True)
    createdAt = fields.DateTime(required=True)
    lastUsedAt = fields.DateTime(required=True)
    expiresAt = fields.DateTime(required=True)
    current = fields.Boolean(required=True, metadata={"description": "True for the session of this request."})


class SessionListOut(Out):
    """All live sessions, at most ten."""

    data = fields.List(fields.Nested(SessionOut), required=True)
    nextCursor = fields.String(required=True, allow_none=True)


class RevokedOut(Out):
    """The number of sessions that were ended."""

    revoked = fields.Integer(required=True)


class TicketOut(Out):
    """A ticket that can be used once."""

    ticket = fields.String(required=True)
    expiresIn = fields.Integer(required=True, metadata={"description": "Lifetime in seconds."})
