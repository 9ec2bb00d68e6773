"""Schemas of the service's own answers."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Out


class Health(Out):
    """The process is alive."""

    status = fields.String(required=True)


class Check(Out):
    """The state of one dependency."""

    ok = fields.Boolean(required=True)
    reason = fields.String()


class Readiness(Out):
    """The state of every dependency."""

    status = fields.String(required=True)
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(Check), required=True)


class Document(Out):
    """An OpenAPI or AsyncAPI document."""

    class Meta:
        unknown = "include"
