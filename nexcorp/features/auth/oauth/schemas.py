"""Request and response schemas of signing in with providers."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from nexcorp.domain.fields import Out, Query, Text

MAX_CODE_CHARS = 4000
MAX_URL_CHARS = 2000


class LoginQuery(Query):
    """Query that begins a sign-in."""

    return_to = Text(
        most=MAX_URL_CHARS,
        trim=False,
        metadata={
            "description": "The page to open after the sign-in: a path of the service, or an "
            "address of CORS_ORIGINS or OAUTH_RETURN_TO."
        },
    )

    purpose = fields.String(
        load_default=None,
        validate=validate.OneOf(("link", "sudo")),
        metadata={
            "description": "With an access token: `link` (the default) links the identity to your "
            "account; `sudo` proves that it is you, by a linked identity, for ten minutes."
        },
    )


class CallbackQuery(Schema):
    """Query of a provider's redirect to the callback; unknown parameters are ignored."""

    class Meta:
        unknown = EXCLUDE

    state = Text(most=MAX_CODE_CHARS, trim=False)
    code = Text(most=MAX_CODE_CHARS, trim=False)
    error = Text(most=MAX_CODE_CHARS, trim=False)


class ProviderOut(Out):
    """A provider that can be used."""

    provider = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "The provider's name for people."})
    loginUrl = fields.String(required=True, metadata={"description": "The address to send a browser to."})


class ProviderListOut(Out):
    """All configured providers, at most four."""

    data = fields.List(fields.Nested(ProviderOut), required=True)
    nextCursor = fields.String(required=True, allow_none=True)


class AuthorizeOut(Out):
    """The provider's address, to which the client sends the browser."""

    authorizeUrl = fields.String(required=True)


class IdentityOut(Out):
    """The user's account at a provider, which opens this account."""

    provider = fields.String(required=True)
    username = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    createdAt = fields.DateTime(required=True)
    lastUsedAt = fields.DateTime(required=True)


class IdentityListOut(Out):
    """All of the caller's identities, at most one of each provider."""

    data = fields.List(fields.Nested(IdentityOut), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
