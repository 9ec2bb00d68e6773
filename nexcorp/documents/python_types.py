"""TypedDicts of the API's shapes, for the Python client: `post: Post = await client.get(...)`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from nexcorp.config import REPOSITORY

PYTHON_TYPES = REPOSITORY / "clients/python/nexcorp_client/shapes.py"
HEAD = '''"""The API's shapes. Written by `make types`; a test compares them with the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''
NAMES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def write_python_types(document: Mapping[str, Any]) -> str:
    """Return the text of shapes.py: a TypedDict for each schema of an OpenAPI document, by its own name."""
    schemas = document["components"]["schemas"]
    return "\n\n".join([HEAD, *(define(name, schemas[name]) for name in sorted(schemas))])


def define(name: str, schema: Mapping[str, Any]) -> str:
    """Define one name. Objects without known properties, or nested in another, are dicts."""
    properties = schema.get("properties")
    if not properties:
        return f"{name} = {name_python_type(schema, quote=True)}\n"
    required = set(schema.get("required", ()))
    by_call = any(not key.isidentifier() or iskeyword(key) for key in properties)
    members = []
    for key, value in properties.items():
        kind = name_python_type(value)
        members.append((key, kind if key in required else f"NotRequired[{kind}]"))
    if by_call:
        lines = [f"        {json.dumps(key)}: {kind!r}," for key, kind in members]
        return "\n".join([f"{name} = TypedDict(", f'    "{name}",', "    {", *lines, "    },", ")\n"])
    return "\n".join([f"class {name}(TypedDict):", *(f"    {key}: {kind}" for key, kind in members), ""])


def name_python_type(schema: Mapping[str, Any], *, quote: bool = False) -> str:
    """Return the annotation of a schema as an expression, without its lengths, patterns and limits."""
    if "$ref" in schema:
        name = str(schema["$ref"].rpartition("/")[2])
        return f'"{name}"' if quote else name
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        literals = [json.dumps(value) for value in values if value is not None]
        found = [f"Literal[{', '.join(literals)}]"] if literals else []
        return " | ".join(found + ["None"] * (None in values))
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(name_python_type(part, quote=quote) for part in schema[word]))
    kind = schema.get("type")
    if isinstance(kind, list):
        parts = (name_python_type({**schema, "type": one}, quote=quote) for one in kind)
        return " | ".join(dict.fromkeys(parts))
    if kind == "array":
        return f"list[{name_python_type(schema['items'], quote=quote)}]"
    if kind == "object":
        others = schema.get("additionalProperties")
        if schema.get("properties") or not isinstance(others, dict):
            others = {}
        return f"dict[str, {name_python_type(others, quote=quote)}]"
    return NAMES.get(str(kind), "Any")
