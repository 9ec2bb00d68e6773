"""The responses of the OpenAPI document: headers, bodies, and the codes of each error response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from marshmallow import Schema, fields

from nexcorp.documents.codes import Kind
from nexcorp.domain.fields import Out
from nexcorp.web.routing import Route

LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
HEADERS: dict[str, dict[str, Any]] = {
    name: {"schema": {"type": kind}, "description": text}
    for name, kind, text in (
        ("X-Request-Id", "string", "Names the request in the logs."),
        ("RateLimit-Limit", "integer", "Requests a minute; absent where there is no limit."),
        ("RateLimit-Remaining", "integer", "Requests left at this moment."),
        ("RateLimit-Reset", "integer", "Seconds until the whole limit is available again."),
        ("Retry-After", "integer", "Seconds to wait."),
        (
            "ETag",
            "string",
            'Names the representation; for a row its version and a digest: `"3-0f1e2d3c4b5a"`.',
        ),
        ("Location", "string", "The address of the new entity; absent if it has no address of its own."),
        ("Idempotent-Replayed", "string", "`true` if the answer is that of an earlier request."),
        ("WWW-Authenticate", "string", "`Bearer`, as in RFC 6750."),
        ("Content-Range", "string", "The part of the file in the body; for a 416 only the size of the file."),
    )
}
# Headers of a status beyond those of the route.
OF_STATUS: dict[int, tuple[str, ...]] = {
    206: ("Content-Range",),
    304: ("ETag",),
    401: ("WWW-Authenticate",),
    416: ("Content-Range",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


class Error(Out):
    """The body of every 4xx and 5xx."""

    statusCode = fields.Integer(required=True)
    code = fields.String(
        required=True,
        metadata={
            "description": "Stable, for programs. Each response names its codes; go by the status if you "
            "do not know the code."
        },
    )
    message = fields.String(required=True, metadata={"description": "For people; may change."})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        required=True,
        metadata={
            "description": "Texts for people, by the name of the wrong field (`title`, "
            "`profile.firstName`), parameter or header, or `_schema` for the body as a whole."
        },
    )
    timestamp = fields.AwareDateTime(required=True)
    path = fields.String(required=True)
    requestId = fields.String(required=True)
    current = fields.Dict(metadata={"description": "`stale_version`: the row as it is now."})
    size = fields.Integer(metadata={"description": "`range_not_satisfiable`: the size of the file in bytes."})
    leadIds = fields.List(
        fields.UUID(), metadata={"description": "`lead_duplicate`: the ten oldest of the existing leads."}
    )
    mergedInto = fields.UUID(metadata={"description": "`lead_merged`: the lead that it was merged into."})


def refer_headers(*names: str) -> dict[str, Any]:
    """Return references to headers of HEADERS."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def name_headers(route: Route, status: int) -> list[str]:
    """Return the headers that every answer of a route with this status may have."""
    names = ["X-Request-Id", *OF_STATUS.get(status, ())]
    if route.limited and status != 101:
        names += LIMITS
    return names


def describe_success(status: int, schema: Schema | None, route: Route) -> dict[str, Any]:
    """Return the response object of a status in the route's `returns`."""
    names = name_headers(route, status)
    if status != 304 and (304 in route.returns or (schema is not None and "version" in schema.fields)):
        names.append("ETag")
    if status == 201:
        names.append("Location")
    if route.method == "POST" and route.idempotent:
        names.append("Idempotent-Replayed")
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": refer_headers(*names)}
    if schema is not None:
        response["content"] = {route.content_type: {"schema": schema}}
    elif route.content_type != "application/json" and status in (200, 206):
        response["content"] = {route.content_type: {}}
    return response


def name_failure(route: Route, status: int, kinds: Sequence[Kind]) -> str:
    """Return the component name of an error response, shared by routes with the same codes."""
    return "-".join([str(status), *(kind.code for kind in kinds), *(() if route.limited else ("unlimited",))])


def describe_failure(route: Route, status: int, kinds: Sequence[Kind]) -> dict[str, Any]:
    """Return the response object of an error status: the envelope, with the code of one of these errors."""
    codes = [kind.code for kind in kinds]
    meanings = "\n".join(f"- `{kind.code}`: {kind.meaning}" for kind in kinds)
    return {
        "description": f"{HTTPStatus(status).phrase}\n\n{meanings}",
        "headers": refer_headers(*name_headers(route, status)),
        "content": {
            "application/json": {
                "schema": {"allOf": [Error, {"type": "object", "properties": {"code": {"enum": codes}}}]}
            }
        },
    }


def list_codes(catalogue: Mapping[int, Mapping[str, str]]) -> str:
    """Return the codes of a catalogue as a Markdown table; see nexcorp.documents.codes.make_codes()."""
    rows = [
        f"| {status} | `{code}` | {meaning} |"
        for status, codes in catalogue.items()
        for code, meaning in codes.items()
    ]
    return "\n".join(["| Status | Code | Meaning |", "| --- | --- | --- |", *rows])
