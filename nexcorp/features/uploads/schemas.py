"""Schemas of uploads: requests and answers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from nexcorp.domain.fields import Body, Out, Text
from nexcorp.domain.shapes import Attachment
from nexcorp.integrations.storage.contents import MAX_IMAGE_BYTES


class Upload(Attachment):
    """An upload as its owner sees it."""

    createdAt = fields.AwareDateTime(required=True)


def alt_field(**more: Any) -> Text:
    """Make the field of a picture's description; the empty string counts as null."""
    about = "Alternative text: describes the picture to people who cannot see it."
    return Text(most=1500, allow_none=True, metadata={"description": about}, **more)


class CreateUpload(Body):
    """The fields that come with a file."""

    alt = alt_field()


class UpdateUpload(Body):
    """The new description of an upload."""

    alt = alt_field(required=True)


class SignUpload(Body):
    """An image that a browser is about to send to Cloudinary itself."""

    name = Text(least=1, most=500, required=True)
    bytes = fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_IMAGE_BYTES))


class UploadSignature(Out):
    """A signature for the browser, which posts `fields` and the part `file` to `url`."""

    id = fields.UUID(required=True, metadata={"description": "The id of the upload, once it is confirmed."})
    url = fields.String(required=True)
    apiKey = fields.String(required=True)
    timestamp = fields.Integer(
        required=True, metadata={"description": "The signature is valid for an hour from this time."}
    )
    folder = fields.String(required=True)
    publicId = fields.String(required=True)
    signature = fields.String(required=True)
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), required=True, data_key="fields")


class ConfirmUpload(Body):
    """Three fields of Cloudinary's answer to the browser: `publicId`, `version` and `signature`."""

    publicId = Text(least=1, most=255, required=True)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**53))
    signature = Text(least=1, most=128, required=True)
    alt = alt_field()
