"""Checks of answers and frames against the service's OpenAPI and AsyncAPI documents."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import aiohttp
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from nexcorp.app import list_routes, make_documents
from nexcorp.documents.codes import Catalogue, make_codes
from nexcorp.features import PRODUCT
from nexcorp.manifest import Product

ROUTES = list_routes()
CODES = make_codes(ROUTES)


@functools.cache
def codes(product: Product) -> Catalogue:
    """Return the error codes of a product, by status."""
    return make_codes(list_routes(product))


@functools.cache
def document(product: Product = PRODUCT) -> dict[str, Any]:
    """Return the OpenAPI document as served."""
    parsed: dict[str, Any] = json.loads(make_documents(product).openapi.body)
    return parsed


def follow(node: dict[str, Any], of: dict[str, Any] | None = None) -> dict[str, Any]:
    """Resolve a $ref within a document (by default OpenAPI's); return the node itself if it has none."""
    while "$ref" in node:
        target = of or document()
        for key in node["$ref"].split("/")[1:]:
            target = target[key]
        node = target
    return node


@functools.cache
def operations(product: Product = PRODUCT) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Return (method, path pattern, operation) of each route, paths without parameters first."""
    found = []
    for path, item in sorted(document(product)["paths"].items(), key=lambda pair: pair[0].count("{")):
        pattern = re.compile("^" + re.sub(r"{\w+}", "[^/]+", path) + "$")
        for method, operation in item.items():
            found.append((method.upper(), pattern, operation))
    return found


@functools.cache
def validator(method: str, path: str, status: str, product: Product) -> Draft202012Validator | None:
    """Return the validator of an answer's JSON body, or None if it has none; fails if it is undocumented."""
    for known, pattern, operation in operations(product):
        if known == method and pattern.match(path):
            assert status in operation["responses"], (
                f"{method} {path} answers {status}, which is not documented"
            )
            content = follow(operation["responses"][status], document(product)).get("content", {})
            if "application/json" not in content:
                return None
            schema = {**content["application/json"]["schema"], "components": document(product)["components"]}
            return validator_for(schema, default=Draft202012Validator)(schema)
    return None


@functools.cache
def frame_validators(product: Product = PRODUCT) -> dict[str, Draft202012Validator]:
    """Return the validator of each event that the service sends."""
    described = json.loads(make_documents(product).asyncapi.body)["components"]
    return {
        message["name"]: Draft202012Validator({**message["payload"], "components": described})
        for name, message in described["messages"].items()
        if name.startswith("server")
    }


def check_frame(frame: dict[str, Any], product: Product = PRODUCT) -> None:
    """Fail unless a frame of the service is as the AsyncAPI document says."""
    checker = frame_validators(product).get(frame["event"])
    assert checker is not None, f"{frame['event']} is not documented"
    checker.validate(frame)
    assert frame.keys() <= checker.schema["properties"].keys(), f"{frame} has more than is documented"


async def check_response(
    method: str, path: str, response: aiohttp.ClientResponse, product: Product = PRODUCT
) -> None:
    """Fail unless an answer's status, body and error code are documented."""
    checker = validator(method, path.partition("?")[0], str(response.status), product)
    if method == "HEAD" or response.status in (204, 304):
        assert not await response.read()
        return
    body = json.loads(await response.read()) if response.content_type == "application/json" else None
    if checker is not None:
        checker.validate(body)
    if response.status >= 400 and isinstance(body, dict) and "code" in body:
        assert body["code"] in codes(product)[response.status], f"{body['code']} is not in the catalogue"
