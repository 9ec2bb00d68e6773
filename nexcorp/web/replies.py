"""Answers: how rows become JSON bytes and JSON bytes become a response."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import asyncpg
from aiohttp import web
from multidict import CIMultiDict

from nexcorp.db.encoding import encode, format_time

__all__ = ["encode", "format_time", "make_etag", "no_content", "reply", "reply_bytes", "reply_row"]

JSON_TYPE = "application/json; charset=utf-8"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
    "Server": "nexcorp",
}
# Copied whole into a response, which costs less than setting them one by one.
JSON_HEADERS = CIMultiDict({"Content-Type": JSON_TYPE, **SECURITY_HEADERS})


def reply_bytes(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response from bytes that are JSON already."""
    response = web.Response(body=body, status=status, headers=JSON_HEADERS)
    if headers:
        response.headers.update(headers)
    return response


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response from rows, dictionaries and lists of them."""
    return reply_bytes(encode(data), status, headers)


def no_content() -> web.Response:
    """204, for what was done and has nothing to show."""
    return web.Response(status=204)


def make_etag(version: int, body: bytes) -> str:
    """`"<version>-<digest>"`: If-Match compares the version, If-None-Match the whole."""
    return f'"{version}-{hashlib.blake2b(body, digest_size=6).hexdigest()}"'


def reply_row(request: web.Request, row: asyncpg.Record, status: int = 200) -> web.Response:
    """One versioned row with its ETag; 304 where If-None-Match names the same representation."""
    body = encode(row)
    etag = make_etag(row["version"], body)
    if status == 200 and request.method in ("GET", "HEAD"):
        known = request.headers.get("If-None-Match")
        # A proxy that compresses marks the tag as weak (W/); here both are the same (RFC 9110, 13.1.2).
        if known and (known == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}):
            return web.Response(status=304, headers={"ETag": etag})
    return reply_bytes(body, status, {"ETag": etag})
