"""TypeScript types of the API's shapes, for the console's JSDoc: `@type {import("./types.d.ts").Post}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from nexcorp.config import REPOSITORY

TYPES = REPOSITORY / "nexcorp/features/console/static/lib/types.d.ts"
CLIENT_TYPES = REPOSITORY / "clients/javascript/types.d.ts"
HEAD = "/** The API's shapes. Written by `make types`; a test compares them with the OpenAPI document. */\n"
NAMES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
WORD = re.compile(r"[A-Za-z_$][\w$]*")


def write_types(document: Mapping[str, Any]) -> str:
    """Return the text of types.d.ts: a type for each schema of an OpenAPI document, by its own name."""
    schemas = document["components"]["schemas"]
    lines = [f"export type {name} = {name_type(schemas[name])};\n" for name in sorted(schemas)]
    return "\n".join([HEAD, *lines])


def name_type(schema: Mapping[str, Any], indent: str = "") -> str:
    """Return the type of a schema as an expression, without its lengths, patterns and limits."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for word, sign in (("anyOf", " | "), ("oneOf", " | "), ("allOf", " & ")):
        if word in schema:
            return sign.join(dict.fromkeys(name_type(part, indent) for part in schema[word]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(name_type({**schema, "type": one}, indent) for one in kind)
    if kind == "array":
        return f"Array<{name_type(schema['items'], indent)}>"
    if kind == "object":
        return name_object(schema, indent)
    return NAMES.get(str(kind), "unknown")


def name_object(schema: Mapping[str, Any], indent: str) -> str:
    """Return a type with the object's properties, or a Record if their names are not known."""
    properties = schema.get("properties")
    if not properties:
        others = schema.get("additionalProperties")
        return f"Record<string, {name_type(others, indent) if isinstance(others, dict) else 'unknown'}>"
    required = set(schema.get("required", ()))
    inner = indent + "  "
    lines = []
    for name, value in properties.items():
        said = value.get("description", "").partition("\n")[0].replace("*/", "")
        if said:
            lines.append(f"{inner}/** {said} */")
        key = name if WORD.fullmatch(name) else json.dumps(name)
        lines.append(f"{inner}{key}{'' if name in required else '?'}: {name_type(value, inner)};")
    return "\n".join(["{", *lines, f"{indent}}}"])
