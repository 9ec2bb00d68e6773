"""A short example of each body, made from its schema: the required fields, or else the first field.

The examples work on the demo data for Ada, who is signed in, and none counts as a failed attempt.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

# The first post and the first project of the demo data.
EXAMPLE_ID = UUID("01994e5c-7a3b-7c11-9f2e-6d1f0a4b8c35")
PROJECT_ID = UUID("01994e5c-7a3b-7c11-9f2e-6d1f0a4b8c36")

BY_FORMAT = {"email": "ada@example.com", "password": "correct-horse-battery"}
# For a new address, or where a mail goes out.
NEWCOMER = {"email": "mary@example.com", "password": "seven wet otters sing"}
# An address without an account, even after Mary has registered.
FREE = {"email": "joan@example.com"}
BY_SCHEMA: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("RegisterBody", "ForgotBody", "ResetBody"), NEWCOMER),
    **dict.fromkeys(("ChangeEmailBody", "InviteBody"), FREE),
    "MovePost": {"status": "in_progress"},
    "MoveLead": {"stage": "contacted"},
    "GraphqlRequest": {"query": "{ notificationFeed(limit: 5) { unreadCount data { id type title } } }"},
    "BulkUpdate": {"items": [{"id": str(EXAMPLE_ID), "status": "done"}]},
    # One of two alternative fields.
    "CreateComment": {"postId": str(EXAMPLE_ID)},
    "CreateFile": {"path": "docs/plan.md", "content": "# The plan"},
    "UpdateFile": {"path": "docs/the-grammar.md"},
    "MoveFolder": {"from": "docs", "to": "texts"},
    "RedeliverBody": {"from": "2026-01-30T10:00:00Z", "to": "2026-01-31T10:00:00Z"},
    "CreateView": {"query": {"due": "overdue"}},
}
BY_NAME = {
    "permissions": ["post:read", "post:create"],
    "scopes": ["post:read"],
    "color": "#3366ff",
    "firstName": "Ada",
    # Unchanged, so that Ada can still sign in.
    "newPassword": "correct-horse-battery",
    "before": "2026-01-31T10:00:00.000000Z",
    # In the future, and within the limit.
    "until": f"{datetime.now(UTC).year + 2}-01-31T10:00:00.000000Z",
    "types": {"like": {"email": "always"}},
    "token": "kP3v0c8VnTqf2mJYw1xZrA",
    "refreshToken": "kP3v0c8VnTqf2mJYw1xZrA",
    "publicId": "nexcorp/01994e5c7a3b7c11",
    "signature": "bfd09f95f331f558cbd1320e67aa8d488770583e",
    "url": "https://hooks.example.com/nexcorp",
    "endpoint": "https://push.example.com/send/kP3v0c8VnTqf2mJYw1xZrA",
    # The browser's key in RFC 8291.
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
TEXT = "Lunch on Friday"
PROOF = "currentPassword"


def show_body(schema: Schema) -> dict[str, Any]:
    """Return a body that this schema accepts."""
    taken = {name: value for name, value in schema.fields.items() if not value.dump_only}
    shown = [name for name, value in taken.items() if value.required]
    # `version` alone changes nothing.
    shown = shown or [name for name in taken if name not in ("version", PROOF)][:1]
    # A sign-in alone is no fresh proof.
    shown += [PROOF] if PROOF in taken and PROOF not in shown else []
    own = BY_SCHEMA.get(type(schema).__name__, {})
    shown += [name for name in own if name in taken and name not in shown]
    return {name: own.get(name) or BY_NAME.get(name) or show_value(taken[name]) for name in shown}


def show_value(field: fields.Field[Any]) -> Any:
    """Return a value of this field's kind."""
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            # The last: the first status is an initial one, to which nothing can change.
            return list(check.choices)[-1]
    if isinstance(field, fields.Nested):
        return show_body(field.schema)
    if isinstance(field, fields.UUID):
        return str(EXAMPLE_ID)
    if isinstance(field, fields.Boolean):
        return True
    if isinstance(field, fields.Integer):
        return 1
    return BY_FORMAT.get(field.metadata.get("format", ""), TEXT)
