"""Parse and check request bodies, query strings and path ids."""

from __future__ import annotations

import asyncio
import codecs
import functools
import re
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web
from marshmallow import Schema

from nexcorp.domain.fields import load
from nexcorp.domain.versions import Versions
from nexcorp.errors import (
    BadRequest,
    Invalid,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from nexcorp.web.bodies import read_whole
from nexcorp.web.errors import RequestTimeout
from nexcorp.web.tags import read_tags

MAX_JSON_BYTES = 256 * 1024
BODY_SECONDS = 10.0


class MalformedJson(BadRequest):
    """The body is not JSON; the message says where."""

    code, message = "malformed_json", "The body is not JSON."
    meaning = "The body is not JSON."


CANONICAL_UUID = re.compile(r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")


async def read_bytes(request: web.Request, most: int = MAX_JSON_BYTES) -> bytes:
    """Read the whole body; raises PayloadTooLarge over `most` bytes, by Content-Length before reading.

    Raises RequestTimeout if it takes longer than BODY_SECONDS, and BadRequest if it is cut short.
    """
    if request.content_length is not None and request.content_length > most:
        raise PayloadTooLarge(message=f"The body is over {most} bytes.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await read_whole(request, most)
    except TimeoutError:
        raise RequestTimeout() from None
    except (web.RequestPayloadError, ConnectionError):
        raise BadRequest(message="The body does not arrive as its headers say.") from None
    if body is None:
        raise PayloadTooLarge(message=f"The body is over {most} bytes.")
    return body


async def read_json(request: web.Request) -> Any:
    """Read the body as JSON; an empty body is `{}`, so that routes without required fields need none."""
    # Windows tools send a byte order mark; RFC 8259 allows to ignore it.
    body = (await read_bytes(request)).removeprefix(codecs.BOM_UTF8)
    if not body:
        return {}
    if request.content_type != "application/json" and not request.content_type.endswith("+json"):
        raise UnsupportedMediaType()
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise MalformedJson(message=f"The body is not JSON: {reason}.") from None


def read_query(request: web.Request, schema: Schema) -> dict[str, Any]:
    """Check the query string; raises Invalid for unknown, repeated or wrong parameters."""
    if not request.query_string:
        return dict(load_defaults(schema))
    data: dict[str, str] = {}
    for key, value in request.query.items():
        if key in data:
            raise Invalid(errors={key: ["Given more than once."]})
        data[key] = value
    return load(schema, data)


@functools.cache
def load_defaults(schema: Schema) -> dict[str, Any]:
    """Return the checked values of an empty query string, which most requests for lists have."""
    return load(schema, {})


def parse_uuid(text: str, name: str) -> UUID:
    """Parse an id in the canonical form; raises Invalid for anything else."""
    # UUID() would also accept braces, `urn:` and misplaced hyphens.
    if not CANONICAL_UUID.match(text):
        raise Invalid(errors={name: ["Not a valid UUID."]})
    return UUID(text)


def path_id(request: web.Request, name: str = "id") -> UUID:
    """Return the id in the path `.../{name}`; raises Invalid."""
    return parse_uuid(request.match_info[name], name)


def path_text(request: web.Request, name: str) -> str:
    """Return a word in the path; raises Invalid if it holds NUL, which PostgreSQL cannot store."""
    text = request.match_info[name]
    if "\x00" in text:
        raise Invalid(errors={name: ["Holds a NUL character."]})
    return text


TAG_VERSION = re.compile(r"(\d{1,9})(?:-[0-9a-f]+)?")


def expected_versions(request: web.Request, body: dict[str, Any]) -> tuple[Versions | None, bool]:
    """Return the versions on which a change may be based, and whether they came as If-Match (stale is 412
    then).

    Takes `version` out of the body. (None, False) if the client named no version: the last write wins. The
    list is empty if no tag holds a version: that is reported as stale only after the entity was found and the
    body checked (RFC 9110, 13.2.1).
    """
    version = body.pop("version", None)
    header = ",".join(request.headers.getall("If-Match", ()))
    if header.strip() in ("", "*"):
        return None if version is None else [version], False
    return [int(match[1]) for tag in read_tags(header) if (match := TAG_VERSION.fullmatch(tag))], True
