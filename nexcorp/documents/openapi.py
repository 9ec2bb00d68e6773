"""The OpenAPI 3.1 document, made from the route table and the schemas that the service uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from nexcorp import __version__
from nexcorp.documents.codes import PATH_PARAMETER, PATH_WORDS, find_errors, make_codes
from nexcorp.documents.examples import EXAMPLE_ID, PROJECT_ID, show_body
from nexcorp.documents.responses import HEADERS, describe_failure, describe_success, list_codes, name_failure
from nexcorp.domain.fields import Name, Text
from nexcorp.security.access import Access
from nexcorp.web.routing import Route

# Path -> an example of its first parameter, from the demo data; the first match counts.
PATH_EXAMPLES = (
    (re.compile(r"^/posts/\{id\}/(status|interest|assignee)"), str(PROJECT_ID)),
    (re.compile(r"^/projects/\{id\}"), str(PROJECT_ID)),
    (re.compile(r"^/(posts|comments/post|tasks|files)/\{id\}"), str(EXAMPLE_ID)),
    (re.compile(r"^/users/by-username/\{name\}"), "grace"),
    (re.compile(r"^/notifications/mutes/\{entityType\}"), "post"),
    (re.compile(r"^/notifications/types/\{type\}"), "like"),
)
# The name of a path parameter that is a number.
NUMBER = "n"
MATCH = "The version or the ETag of the row: 412 if it is not the current one."
KNOWN = "ETags that you have: 304 if one of them is the current representation."

DESCRIPTION = """\
The backend for a company's inner life. The live side is described in `/api/asyncapi.json`.

- Every list is `{{data, nextCursor}}`: send `nextCursor` as `cursor` until it is null.
- Every error has the seven keys of `Error`, also for unknown paths (404) and for methods that a path does
  not have (405, with `Allow`). Each response lists its codes; go by the status of codes added later.
- A POST takes an `Idempotency-Key`, except to sign out, and if its answer is a secret.
- An answer with a `version` has an `ETag`: `If-None-Match` with the same tag is 304. A change based on an
  old version is 412 if `If-Match` names it, and 409 if the body does as `version`; without either, the last
  change wins. A tag may be weak, and `If-Match` may be the version alone: `"3"`.
- Unknown fields and parameters are refused by name (422). PATCH changes what is sent, and nothing else.
- Times are UTC, ids are UUIDs. Every GET answers HEAD as well, except sign-in with a provider;
  HEAD uses up neither tickets nor exports.

{codes}
"""


def name_schema(schema: Any) -> str:
    """Return the component name of a schema: its class."""
    kind = schema if isinstance(schema, type) else type(schema)
    return str(kind.__name__)


def list_names(names: Mapping[str, Iterable[str]]) -> Callable[..., dict[str, Any]]:
    """Return apispec's attribute function for Name fields; `names`: by group, see domain.fields.Name."""

    def describe(converter: Any, field: fields.Field[Any], **more: Any) -> dict[str, Any]:
        if not isinstance(field, Name):
            return {}
        known = ", ".join(f"`{name}`" for name in names.get(field.of, ()))
        said = field.metadata.get("description", "More may come.")
        return {"description": f"{said} There are: {known}."}

    return describe


def teach(plugin: Any, names: Mapping[str, Iterable[str]]) -> None:
    """Register our own fields with apispec's plugin, which must belong to a document already."""
    for kind in (Text, Name):
        plugin.map_to_openapi_type(kind, "string", None)
    plugin.converter.add_attribute_function(list_names(names))


def describe_segment(name: str) -> dict[str, Any]:
    """Return the schema of a path parameter: an id, one of a few words, or any text."""
    if name not in PATH_WORDS:
        return {"type": "string", "format": "uuid"}
    if name == NUMBER:
        return {"type": "integer", "minimum": 1}
    words = PATH_WORDS[name]
    return {"type": "string", "enum": words} if words else {"type": "string"}


def describe_parameters(route: Route, statuses: Iterable[int]) -> list[dict[str, Any]]:
    """Return the parameters in the path and in headers; those of the query come from its schema."""
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": describe_segment(name)}
        for name in PATH_PARAMETER.findall(route.path)
    ]
    example = next((value for pattern, value in PATH_EXAMPLES if pattern.search(route.path)), None)
    if example is not None:
        parameters[0]["example"] = example
    for parameter in parameters:
        if parameter["name"] == NUMBER:
            parameter["example"] = 1
    if route.method == "POST" and not route.long_lived and route.idempotent:
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        text = (
            "Repeating a request with the same key and body does the work once, and answers the same, "
            "with later changes in it. Kept for 72 hours."
        )
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": schema, "description": text})
    for name, status, text in (("If-None-Match", 304, KNOWN), ("If-Match", 412, MATCH)):
        if status in statuses:
            schema = {"type": "string"}
            parameters.append({"name": name, "in": "header", "schema": schema, "description": text})
    return parameters


def describe_security(access: Access) -> list[dict[str, list[str]]]:
    """Return the schemes that open a route; the scopes of an API key are the route's permissions."""
    if not access.signed_in:
        if access.permission is not None:
            return [{"bearer": [access.permission]}, {"apiKey": [access.permission]}, {}]
        return [{"bearer": []}, {}] if access.bearer else []
    if access.permission is None:
        return [{"bearer": []}, {"apiKey": []}] if access.keys else [{"bearer": []}]
    return [{"bearer": access.permissions}, {"apiKey": access.permissions}]


def describe_responses(route: Route, shared: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return status -> response object. Error responses are put into `shared`, the components."""
    found = {status: describe_success(status, schema, route) for status, schema in route.returns.items()}
    if route.method == "GET" and any(
        schema and "version" in schema.fields for schema in route.returns.values()
    ):
        found[304] = describe_success(304, None, route)
    for status, kinds in find_errors(route).items():
        if status not in found:
            name = name_failure(route, status, kinds)
            shared.setdefault(name, describe_failure(route, status, kinds))
            found[status] = {"$ref": f"#/components/responses/{name}"}
    return found


def describe_operation(route: Route, shared: dict[str, Any]) -> dict[str, Any]:
    """Return one operation object; see describe_responses() for `shared`."""
    responses = describe_responses(route, shared)
    parameters: list[Any] = describe_parameters(route, responses)
    if route.query is not None:
        parameters.append({"in": "query", "schema": route.query})
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "tags": [route.tag] if route.tag else [],
        "parameters": parameters,
        "responses": {str(status): response for status, response in responses.items()},
        "security": describe_security(route.access),
        "x-access": {
            "permission": route.access.permission,
            "also": route.access.also,
            "whose": route.access.whose,
            "otherwise": route.access.otherwise,
        },
    }
    operation["description"] = "\n\n".join(
        filter(None, [route.description, f"**Who:** {route.access.describe()}"])
    )
    contents = describe_contents(route)
    if contents:
        required = "application/json" not in contents or (
            route.body is not None and any(field.required for field in route.body.fields.values())
        )
        operation["requestBody"] = {"required": required, "content": contents}
    return operation


def describe_contents(route: Route) -> dict[str, Any]:
    """Return the request bodies by content type: JSON, a type of its own, or a form with files."""
    contents: dict[str, Any] = {}
    form_only = route.form is not None and not route.form.optional
    if route.body is not None and not form_only:
        contents["application/json"] = {"schema": route.body, "example": show_body(route.body)}
    if route.raw is not None:
        contents[route.raw] = {"schema": {"type": "string"}}
    if route.form is not None:
        part = {"type": "string", "format": "binary"}
        several = {"type": "array", "items": part, "maxItems": route.form.most_files}
        form: dict[str, Any] = {"type": "object", "properties": {"file": part}}
        if route.form.most_files > 1:
            form["properties"]["file"] = several
        if form_only or route.body is None:
            form["required"] = ["file"]
        if route.body is not None:
            # A form's values are text; a list is its field repeated.
            for name, value in route.body.fields.items():
                if isinstance(value, fields.String):
                    form["properties"][name] = {"type": "string"}
                elif isinstance(value, fields.List):
                    form["properties"][name] = {
                        "type": "array",
                        "items": {"type": "string", "format": "uuid"},
                    }
            required = [name for name, value in route.body.fields.items() if value.required]
            if required:
                form["required"] = [*form.get("required", ()), *required]
        contents["multipart/form-data"] = {"schema": form}
    return contents


def forbid_unknown(document: dict[str, Any], routes: Sequence[Route]) -> None:
    """Forbid additional properties in the schemas of bodies, as the service refuses unknown fields."""
    for route in routes:
        # A body that only comes as a form has no schema of its own.
        if route.body is not None and name_schema(route.body) in document["components"]["schemas"]:
            document["components"]["schemas"][name_schema(route.body)]["additionalProperties"] = False


def make_openapi(
    routes: Sequence[Route], names: Mapping[str, Iterable[str]] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the whole document. `names`: names that features define, by group."""
    plugin = MarshmallowPlugin(schema_name_resolver=name_schema)
    spec = APISpec(
        title="NexCorp Connect",
        version=__version__,
        openapi_version="3.1.0",
        info={
            "description": DESCRIPTION.format(codes=list_codes(make_codes(routes))),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        servers=[{"url": "/"}],
        plugins=[plugin],
    )
    teach(plugin, names)
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    spec.components.security_scheme("bearer", bearer)
    spec.components.security_scheme("apiKey", {"type": "http", "scheme": "bearer", "bearerFormat": "nxk_..."})
    by_path: dict[str, dict[str, Any]] = {}
    shared: dict[str, Any] = {}
    for route in routes:
        if not route.hidden:
            by_path.setdefault(route.full_path, {})[route.method.lower()] = describe_operation(route, shared)
    for path, operations in by_path.items():
        spec.path(path=path, operations=operations)
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, response in shared.items():
        spec.components.response(name, response)
    document: dict[str, Any] = spec.to_dict()
    forbid_unknown(document, [route for route in routes if not route.hidden])
    return document
