"""Request and response schemas of leads."""

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
    """A field for a valid e-mail address, kept as it was written."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        read_email(text)
        return text


class Whole(fields.Integer):
    """A field for a whole number; refuses true, which Python takes for 1."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, bool):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **more)


class Amount(Text):
    """A field for money as a text, "1200.50": JSON numbers become inexact in transit."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if AMOUNT.fullmatch(text) is None:
            raise ValidationError('Not an amount like "1200.50".')
        return f"{Decimal(text):.2f}"


class Currency(Text):
    """A field for a currency: three letters of ISO 4217."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more).upper()
        if CURRENCY.fullmatch(text) is None:
            raise ValidationError("Not a currency like EUR.")
        return text


def score_field(**more: Any) -> Whole:
    """The score of a lead, 0 to 100: how promising it is."""
    return Whole(strict=True, validate=validate.Range(0, 100), **more)


class LostFields(Body):
    """The reason why a lead was lost, and a note."""

    lostReason = fields.String(
        allow_none=True,
        validate=validate.OneOf(LOST_REASONS),
        metadata={"description": "Required for the stage `lost`, refused for all others."},
    )
    lostNote = Text(least=1, most=1000, allow_none=True)


class LeadFields(LostFields):
    """The fields of a lead that a body may hold, but for its name."""

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
    ownerId = fields.UUID(allow_none=True, metadata={"description": "A user who may read leads."})
    value = Amount(
        least=1,
        most=15,
        allow_none=True,
        metadata={"description": 'The expected value, as "1200.50"; needs a currency.'},
    )
    currency = Currency(
        least=3, most=3, allow_none=True, metadata={"description": "ISO 4217, for instance EUR."}
    )
    notes = Text(least=1, most=10_000, allow_none=True)
    allowDuplicate = Flag(
        load_default=False,
        metadata={"description": "true: even if a lead with this e-mail address or phone number exists."},
    )


class CreateLead(LeadFields):
    """A new lead; the source is `other`, the stage `new` unless given."""

    name = Text(least=1, most=200, required=True)


class UpdateLead(PatchBody, LeadFields):
    """A change of a lead: absent fields stay, null clears a field."""

    name = Text(least=1, most=200)

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Require a field: a PATCH without one is a mistake."""
        if not data.keys() - {"version", "allowDuplicate"}:
            raise ValidationError("Send at least one field.")


class ScoreLead(Body):
    """A new score for a lead."""

    score = score_field(required=True)


class MoveLead(LostFields):
    """A new stage for a lead."""

    stage = fields.String(required=True, validate=validate.OneOf(STAGES))


class MergeLead(Body):
    """The lead to merge into the one in the path."""

    fromId = fields.UUID(required=True)


class LeadFilters(Query):
    """Query of leads: filters and order."""

    stage = fields.String(validate=validate.OneOf(STAGES))
    owner = IdOrWord(ME, about="A user, or `me`.")
    source = fields.String(validate=validate.OneOf(SOURCES))
    q = Text(
        least=1,
        most=100,
        shows=False,
        metadata={
            "description": "Only leads with these words, in whole or in part, in name, company, e-mail "
            "address or phone number."
        },
    )
    minScore = fields.Integer(validate=validate.Range(0, 100))
    sort = fields.String(
        load_default="created",
        validate=validate.OneOf(SORTS),
        metadata={"description": "The order, newest or highest first; `value` is compared as a number."},
    )


class LeadQuery(LeadFilters, PageQuery):
    """Query of the list of leads: filters, order and page."""


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
    value = fields.String(
        required=True, allow_none=True, metadata={"description": 'The expected value, as "1200.50".'}
    )
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
    """The fields of an interaction that a body may hold."""

    kind = fields.String(validate=validate.OneOf(KINDS))
    text = Text(least=1, most=5000)
    happenedAt = fields.AwareDateTime(
        format="iso",
        validate=validate.Range(EARLIEST, LATEST),
        metadata={"description": "From 1970 to 2100."},
    )


class CreateInteraction(InteractionFields):
    """A call, a mail, a meeting or a note; it happened now unless a time is sent."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    text = Text(least=1, most=5000, required=True)


class UpdateInteraction(PatchBody, InteractionFields):
    """A change of an interaction: absent fields stay."""

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Require a field: a PATCH without one is a mistake."""
        if not data.keys() - {"version"}:
            raise ValidationError("Send at least one field.")


class Interaction(Out):
    """An interaction with a lead: a call, a mail, a meeting or a note."""

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
    """A move of a lead from one stage to another."""

    id = fields.UUID(required=True)
    to = fields.String(required=True, validate=validate.OneOf(STAGES))
    actor = fields.Nested(Person, required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)


# A class cannot have an attribute named `from`, a keyword.
LeadMove._declared_fields["from"] = fields.String(
    required=True, allow_none=True, metadata={"description": "The previous stage; null for the first one."}
)

LeadPage = live_page_of(Lead, "leads")
InteractionPage = page_of(Interaction)
LeadMovePage = page_of(LeadMove)
