"""Encode rows as JSON, and make responses of JSON."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiohttp import web
from multidict import CIMultiDict

from nexcorp.db.encoding import encode, format_time
from nexcorp.web.tags import read_tags

__all__ = [
    "Lasting",
    "encode",
    "format_time",
    "make_etag",
    "make_lasting",
    "no_content",
    "reply",
    "reply_bytes",
    "reply_lasting",
    "reply_row",
    "takes_gzip",
]

JSON_TYPE = "application/json; charset=utf-8"
SERVER = "nexcorp"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
    "Server": SERVER,
}
NO_WEIGHT = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")
# Copied as a whole into a response: cheaper than setting each header.
JSON_HEADERS = CIMultiDict({"Content-Type": JSON_TYPE, **SECURITY_HEADERS})


def reply_bytes(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON response from bytes that are JSON already."""
    response = web.Response(body=body, status=status, headers=JSON_HEADERS)
    if headers:
        response.headers.update(headers)
    return response


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON response from rows, dictionaries and lists of them."""
    return reply_bytes(encode(data), status, headers)


def no_content() -> web.Response:
    """Return a 204, which has no body."""
    return web.Response(status=204)


def make_etag(version: int, body: bytes) -> str:
    """Return `"<version>-<digest>"`: If-Match compares the version, If-None-Match the whole."""
    return f'"{version}-{hashlib.blake2b(body, digest_size=6).hexdigest()}"'


def knows(request: web.Request, etag: str) -> bool:
    """Return whether If-None-Match names this representation."""
    known = ",".join(request.headers.getall("If-None-Match", ()))
    # Weak and strong tags are the same here (RFC 9110, 13.1.2).
    return known.strip() == "*" or etag.removeprefix("W/").strip('"') in read_tags(known)


def reply_row(request: web.Request, row: asyncpg.Record, status: int = 200) -> web.Response:
    """Reply with one versioned row and its ETag; 304 if If-None-Match names the same representation."""
    body = encode(row)
    etag = make_etag(row["version"], body)
    if status == 200 and request.method in ("GET", "HEAD") and knows(request, etag):
        return web.Response(status=304, headers={"ETag": etag})
    return reply_bytes(body, status, {"ETag": etag})


@dataclass(frozen=True, slots=True)
class Lasting:
    """A body that stays the same while the process runs, also compressed, with the headers of both."""

    body: bytes
    compressed: bytes
    headers: Mapping[str, str]


def make_lasting(body: bytes, **more: str) -> Lasting:
    """Return a Lasting for a body that everybody may see, for reply_lasting(). It is JSON unless `more`
    headers say otherwise, as `content_type="text/css"`."""
    digest = hashlib.blake2b(body, digest_size=6).hexdigest()
    headers = {"ETag": f'W/"{digest}"', "Vary": "Accept-Encoding", "Cache-Control": "public, max-age=300"}
    headers |= {name.replace("_", "-").title(): value for name, value in more.items()}
    return Lasting(body, gzip.compress(body, mtime=0), headers)


def takes_gzip(request: web.Request) -> bool:
    """Return whether Accept-Encoding allows gzip."""
    for offer in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() in ("gzip", "*"):
            return NO_WEIGHT.fullmatch(weight) is None
    return False


def reply_lasting(request: web.Request, lasting: Lasting) -> web.Response:
    """Reply with a Lasting, compressed if the client accepts gzip; 304 if it has this version."""
    if knows(request, lasting.headers["ETag"]):
        return web.Response(status=304, headers=lasting.headers)
    if takes_gzip(request):
        return reply_bytes(lasting.compressed, headers={**lasting.headers, "Content-Encoding": "gzip"})
    return reply_bytes(lasting.body, headers=lasting.headers)
