"""What a lead looks like coming in and going out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.emails import MAX_EMAIL_CHARS, read_email
from nexcorp.domain.fields import ME, Body, Flag, IdOrWord, Out, PatchBody, Query, Text
from nexcorp.domain.people import MAX_URL_CHARS, check_phone, check_url
from nexcorp.domain.shapes import Person, live_page_of, page_of
from nexcorp.web.paging import PageQuery

STAGES = ("new", "contacted", "qualified", "won", "lost")
SOURCES = ("website", "referral", "event", "advertisement", "outbound", "partner", "import", "other")
LOST_REASONS = ("price", "timing", "competitor", "no_need", "no_answer", "duplicate", "other")
KINDS = ("call", "mail", "meeting", "note")
SORTS = ("created", "updated", "score", "value")
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
CURRENCY = re.compile(r"[A-Z]{3}")


class Email(Text):
    """An address as it was written."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        read_email(text)
        return text


class Whole(fields.Integer):
    """A whole number in JSON, and not true, which Python would take for 1."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, bool):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **more)


class Amount(Text):
    """Money as a text, "1200.50": numbers of JSON become inexact on their way."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if AMOUNT.fullmatch(text) is None:
            raise ValidationError('Not an amount like "1200.50".')
        return f"{Decimal(text):.2f}"


class Currency(Text):
    """Three letters of ISO 4217."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more).upper()
        if CURRENCY.fullmatch(text) is None:
            raise ValidationError("Not a currency like EUR.")
        return text


def score_field(**more: Any) -> Whole:
    """How promising a lead is."""
    return Whole(strict=True, validate=validate.Range(0, 100), **more)


class LostFields(Body):
    """Why a lead was lost."""

    lostReason = fields.String(
        allow_none=True,
        validate=validate.OneOf(LOST_REASONS),
        metadata={"description": "Needed where the stage is lost, and nowhere else."},
    )
    lostNote = Text(least=1, most=1000, allow_none=True)


class LeadFields(LostFields):
    """All that can be said of a lead."""

    company = Text(least=1, most=200, allow_none=True)
    email = Email(least=3, most=MAX_EMAIL_CHARS, allow_none=True, metadata={"format": "email"})
    phone = Text(least=3, most=40, allow_none=True, checks=[check_phone])
    jobTitle = Text(least=1, most=100, allow_none=True)
    website = Text(
        least=8, most=MAX_URL_CHARS, allow_none=True, checks=[check_url], metadata={"format": "uri"}
    )
    source = fields.String(validate=validate.OneOf(SOURCES))
    stage = fields.String(validate=validate.OneOf(STAGES))
    score = score_field()
    ownerId = fields.UUID(allow_none=True, metadata={"description": "Somebody who may read leads."})
    value = Amount(
        least=1,
        most=15,
        allow_none=True,
        metadata={"description": 'What it may be worth, as "1200.50"; needs a currency.'},
    )
    currency = Currency(
        least=3, most=3, allow_none=True, metadata={"description": "ISO 4217, for instance EUR."}
    )
    notes = Text(least=1, most=10_000, allow_none=True)
    allowDuplicate = Flag(
        load_default=False,
        metadata={"description": "Also where a lead of this e-mail address or phone number exists."},
    )


class CreateLead(LeadFields):
    """A new lead; of no source `other`, in no stage `new`."""

    name = Text(least=1, most=200, required=True)


class UpdateLead(PatchBody, LeadFields):
    """Only what is sent changes; null clears a field."""

    name = Text(least=1, most=200)

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """A PATCH without a field is a mistake."""
        if not data.keys() - {"version", "allowDuplicate"}:
            raise ValidationError("Send at least one field.")


class ScoreLead(Body):
    """The score to have."""

    score = score_field(required=True)


class MoveLead(LostFields):
    """The stage to stand in."""

    stage = fields.String(required=True, validate=validate.OneOf(STAGES))


class MergeLead(Body):
    """The lead to take in."""

    fromId = fields.UUID(required=True)


class LeadFilters(Query):
    """Which leads, in which order."""

    stage = fields.String(validate=validate.OneOf(STAGES))
    owner = IdOrWord(ME, about="A user, or `me`.")
    source = fields.String(validate=validate.OneOf(SOURCES))
    q = Text(
        least=1,
        most=100,
        shows=False,
        metadata={
            "description": "Only those with these words, in whole or in part, in name, company, e-mail "
            "address or phone number."
        },
    )
    minScore = fields.Integer(validate=validate.Range(0, 100))
    sort = fields.String(
        load_default="created",
        validate=validate.OneOf(SORTS),
        metadata={"description": "What is newest or highest comes first; `value` is compared as a number."},
    )


class LeadQuery(LeadFilters, PageQuery):
    """Which leads, and how the list is cut."""


class Lead(Out):
    """A lead as everybody who may read leads sees it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    company = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    jobTitle = fields.String(required=True, allow_none=True)
    website = fields.String(required=True, allow_none=True)
    source = fields.String(required=True, validate=validate.OneOf(SOURCES))
    stage = fields.String(required=True, validate=validate.OneOf(STAGES))
    score = fields.Integer(required=True)
    owner = fields.Nested(Person, required=True, allow_none=True)
    value = fields.String(required=True, allow_none=True, metadata={"description": 'As "1200.50".'})
    currency = fields.String(required=True, allow_none=True)
    lostReason = fields.String(required=True, allow_none=True, validate=validate.OneOf(LOST_REASONS))
    lostNote = fields.String(required=True, allow_none=True)
    notes = fields.String(required=True, allow_none=True)
    lastInteractionAt = fields.AwareDateTime(required=True, allow_none=True)
    createdBy = fields.Nested(Person, required=True, allow_none=True)
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class InteractionFields(Body):
    """What can be said of an interaction."""

    kind = fields.String(validate=validate.OneOf(KINDS))
    text = Text(least=1, most=5000)
    happenedAt = fields.AwareDateTime(
        format="iso",
        validate=validate.Range(EARLIEST, LATEST),
        metadata={"description": "From 1970 to 2100."},
    )


class CreateInteraction(InteractionFields):
    """A call, a mail, a meeting or a note; it happened now where no time is sent."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    text = Text(least=1, most=5000, required=True)


class UpdateInteraction(PatchBody, InteractionFields):
    """Only what is sent changes."""

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """A PATCH without a field is a mistake."""
        if not data.keys() - {"version"}:
            raise ValidationError("Send at least one field.")


class Interaction(Out):
    """What happened with a lead."""

    id = fields.UUID(required=True)
    leadId = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    happenedAt = fields.AwareDateTime(required=True)
    author = fields.Nested(Person, required=True, allow_none=True)
    text = fields.String(required=True)
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class LeadMove(Out):
    """One step of a lead."""

    id = fields.UUID(required=True)
    to = fields.String(required=True, validate=validate.OneOf(STAGES))
    actor = fields.Nested(Person, required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)


# `from` is no name for a field of a class.
LeadMove._declared_fields["from"] = fields.String(
    required=True, allow_none=True, metadata={"description": "null: the stage it was made in."}
)

LeadPage = live_page_of(Lead, "leads")
InteractionPage = page_of(Interaction)
LeadMovePage = page_of(LeadMove)
