"""The OpenAPI 3.1 document, made from the route table and the schemas: what is served is what is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from nexcorp import __version__
from nexcorp.web.access import Access
from nexcorp.web.parsing import Out, Text
from nexcorp.web.routing import Route

PATH_PARAMETER = re.compile(r"{(\w+)}")
# What else than an id stands in a path.
WORDS = {"provider": ["github", "google", "gitlab", "oidc"], "role": ["admin", "manager", "member"]}
ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Version and digest of the representation."}}
COMMON_HEADERS = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "Names the request in the logs."}
}

LIMIT_HEADERS = {
    name: {"schema": {"type": kind}, "description": text}
    for name, kind, text in (
        ("RateLimit-Limit", "integer", "Requests a minute; absent where there is no limit."),
        ("RateLimit-Remaining", "integer", "Requests left at this moment."),
        ("RateLimit-Reset", "integer", "Seconds until all of them are there again."),
    )
}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}

DESCRIPTION = """\
The backend for a company's inner life.

Every list is `{data, nextCursor}`; every error has the same seven keys (schema `Error`). Every POST takes an
`Idempotency-Key`, except those that hand out secrets. The live side is described in `/api/asyncapi.json`.
"""


class Error(Out):
    """What every 4xx and 5xx answers."""

    statusCode = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "Stable, for programs."})
    message = fields.String(required=True, metadata={"description": "For people."})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        required=True,
        metadata={"description": "What is wrong with which field."},
    )
    timestamp = fields.AwareDateTime(required=True)
    path = fields.String(required=True)
    requestId = fields.String(required=True)
    current = fields.Raw(metadata={"description": "409 stale_version: the row as it is now."})


def name_schema(schema: Any) -> str:
    """The component name of a schema: its class."""
    kind = schema if isinstance(schema, type) else type(schema)
    return str(kind.__name__)


def expected_errors(route: Route) -> list[int]:
    """Every status of failure a route can answer with."""
    found = {500, 503, *route.errors}
    if route.access.signed_in:
        found |= {401, 403}
    if route.limited:
        found.add(429)
    if route.body is not None or route.form is not None:
        found.add(415)
    # A POST is read for its Idempotency-Key even where it needs no body.
    if route.body is not None or route.method == "POST":
        found |= {400, 413, 422}
    if route.query is not None or PATH_PARAMETER.search(route.path):
        found.add(422)
    return sorted(found)


def describe_headers(route: Route, status: int) -> dict[str, Any]:
    """The headers that every answer of a route with this status may have."""
    headers: dict[str, Any] = dict(COMMON_HEADERS)
    if route.limited and status != 101:
        headers |= LIMIT_HEADERS
    if status in (429, 503):
        headers |= RETRY_AFTER
    return headers


def describe_response(status: int, schema: Schema | None, route: Route) -> dict[str, Any]:
    """One response object."""
    response: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "headers": describe_headers(route, status),
    }
    if schema is not None:
        response["content"] = {route.content_type: {"schema": schema}}
        if "version" in schema.fields:
            response["headers"].update(ETAG)
    return response


def describe_segment(name: str) -> dict[str, Any]:
    """The schema of a path parameter: one of a few words, or an id."""
    if name in WORDS:
        return {"type": "string", "enum": WORDS[name]}
    return {"type": "string", "format": "uuid"}


def describe_parameters(route: Route) -> list[dict[str, Any]]:
    """Path and header parameters; those of the query come from its schema."""
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": describe_segment(name)}
        for name in PATH_PARAMETER.findall(route.path)
    ]
    if route.method == "POST" and not route.long_lived and route.idempotent:
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        text = "The same key and body answer the same, and do the work once. Kept for 72 hours."
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": schema, "description": text})
    versioned = any(schema is not None and "version" in schema.fields for schema in route.returns.values())
    if versioned and route.method == "GET":
        parameters.append({"name": "If-None-Match", "in": "header", "schema": {"type": "string"}})
    if versioned and route.method == "PATCH":
        parameters.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    return parameters


def describe_security(access: Access) -> list[dict[str, list[str]]]:
    """What opens a route; the scope of an API key is the route's permission."""
    if not access.signed_in:
        return []
    if access.permission is None:
        return [{"bearer": []}]
    return [{"bearer": [access.permission]}, {"apiKey": [access.permission]}]


def describe_operation(route: Route) -> dict[str, Any]:
    """One operation object."""
    parameters: list[Any] = describe_parameters(route)
    if route.query is not None:
        parameters.append({"in": "query", "schema": route.query})
    responses: dict[str, Any] = {
        str(status): describe_response(status, schema, route) for status, schema in route.returns.items()
    }
    if any(parameter.get("name") == "If-None-Match" for parameter in parameters):
        responses["304"] = describe_response(304, None, route)
    for status in expected_errors(route):
        responses.setdefault(
            str(status),
            {
                "description": HTTPStatus(status).phrase,
                "headers": describe_headers(route, status),
                "content": {"application/json": {"schema": Error}},
            },
        )
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "tags": [route.tag] if route.tag else [],
        "parameters": parameters,
        "responses": responses,
        "security": describe_security(route.access),
        "x-access": {
            "permission": route.access.permission,
            "whose": route.access.whose,
            "otherwise": route.access.otherwise,
        },
    }
    operation["description"] = "\n\n".join(
        filter(None, [route.description, f"**Who:** {route.access.describe()}"])
    )
    contents = describe_contents(route)
    if contents:
        required = route.body is None or any(field.required for field in route.body.fields.values())
        operation["requestBody"] = {"required": required, "content": contents}
    return operation


def describe_contents(route: Route) -> dict[str, Any]:
    """What may be sent: the body as JSON, or as a form with files."""
    contents: dict[str, Any] = {}
    if route.body is not None:
        contents["application/json"] = {"schema": route.body}
    if route.form is not None:
        part = {"type": "string", "format": "binary"}
        several = {"type": "array", "items": part, "maxItems": route.form.most_files}
        form: dict[str, Any] = {"type": "object", "properties": {"file": part}}
        if route.form.most_files > 1:
            form["properties"]["file"] = several
        if route.body is None:
            form["required"] = ["file"]
        else:
            # A form's values are text, so lists are for JSON alone.
            for name, value in route.body.fields.items():
                if isinstance(value, fields.String):
                    form["properties"][name] = {"type": "string"}
            form["required"] = [name for name, value in route.body.fields.items() if value.required]
        contents["multipart/form-data"] = {"schema": form}
    return contents


def forbid_unknown(document: dict[str, Any], routes: Sequence[Route]) -> None:
    """Bodies refuse unknown fields; say so in their schemas."""
    for route in routes:
        if route.body is not None:
            document["components"]["schemas"][name_schema(route.body)]["additionalProperties"] = False


def make_openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    plugin = MarshmallowPlugin(schema_name_resolver=name_schema)
    spec = APISpec(
        title="NexCorp Connect",
        version=__version__,
        openapi_version="3.1.0",
        info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "/"}],
        plugins=[plugin],
    )
    plugin.map_to_openapi_type(Text, "string", None)  # type: ignore[no-untyped-call]
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    spec.components.security_scheme("bearer", bearer)
    spec.components.security_scheme("apiKey", {"type": "http", "scheme": "bearer", "bearerFormat": "nxk_..."})
    by_path: dict[str, dict[str, Any]] = {}
    for route in routes:
        if not route.hidden:
            by_path.setdefault(route.full_path, {})[route.method.lower()] = describe_operation(route)
    for path, operations in by_path.items():
        spec.path(path=path, operations=operations)
    document: dict[str, Any] = spec.to_dict()
    forbid_unknown(document, [route for route in routes if not route.hidden])
    return document
