"""Request and response schemas of API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from marshmallow import fields

from nexcorp.domain.fields import Items, Later, Out, ProvenBody, Text
from nexcorp.domain.shapes import page_of

MAX_SCOPES = 100
LIFE = timedelta(days=90)


def expire_by_default() -> datetime:
    """Return the end of a key created without `expiresAt`."""
    return datetime.now(UTC) + LIFE


class CreateApiKey(ProvenBody):
    """A new key; without `expiresAt` it works for 90 days, with null until it is revoked."""

    name = Text(least=1, most=100, required=True)
    scopes = Items(
        Text(least=1, most=100),
        least=1,
        most=MAX_SCOPES,
        required=True,
        metadata={"description": "Codes of permissions that your role holds."},
    )
    expiresAt = Later(
        years=10,
        load_default=expire_by_default,
        allow_none=True,
        metadata={"description": "In 90 days if absent, in ten years at most; null: never."},
    )


class ApiKey(Out):
    """A key without its secret."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    shown = fields.String(required=True, metadata={"description": "The first characters of the key."})
    scopes = fields.List(fields.String(), required=True)
    createdAt = fields.AwareDateTime(required=True)
    lastUsedAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When the key was last used, up to a minute late."},
    )
    expiresAt = fields.AwareDateTime(required=True, allow_none=True)


class NewApiKey(ApiKey):
    """A key just made."""

    key = fields.String(required=True, metadata={"description": "The secret, which only this answer shows."})


ApiKeyPage = page_of(ApiKey)
