"""Refuse requests with 503: the log line, and the whole answer to a request that was not begun."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from nexcorp.config import Config
from nexcorp.errors import Overloaded
from nexcorp.logs import seldom
from nexcorp.security.cors import Cors
from nexcorp.web.errors import RETRY_AFTER_SECONDS
from nexcorp.web.metrics import REFUSED
from nexcorp.web.replies import JSON_HEADERS, encode, format_time

log = structlog.get_logger("nexcorp.web")

HARMLESS_ID = re.compile(r"^[A-Za-z0-9._:-]{1,64}\Z")
HEAD = "\r\n".join(
    (
        "HTTP/1.1 503 Service Unavailable",
        *(f"{name}: {value}" for name, value in JSON_HEADERS.items()),
        f"Retry-After: {RETRY_AFTER_SECONDS}\r\n",
    )
)


def note_unavailable(code: str) -> None:
    """Log why requests are refused with 503, now and then for each reason; the metric counts all."""
    REFUSED.labels(code).inc()
    if seldom(f"refused {code}"):
        log.warning("requests are refused", reason=code)


def choose_request_id(request: Any) -> str:
    """Return the caller's X-Request-Id if it is harmless, else a new id."""
    given = request.headers.get("X-Request-Id")
    if given is not None and HARMLESS_ID.match(given):
        return str(given)
    return os.urandom(16).hex()


def make_refusal(config: Config) -> Callable[[Any], bytes]:
    """Return the function that answers a message of aiohttp's parser with Overloaded, as the gateway does."""
    cors = Cors(config)

    def refuse(message: Any) -> bytes:
        note_unavailable(Overloaded.code)
        request_id = choose_request_id(message)
        body = encode(
            {
                "statusCode": 503,
                "code": Overloaded.code,
                "message": Overloaded.message,
                "errors": {},
                "timestamp": format_time(datetime.now(UTC)),
                "path": message.url.path,
                "requestId": request_id,
            }
        )
        head = f"{HEAD}X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n"
        origin = message.headers.get("Origin")
        if origin is not None:
            head += "".join(f"{name}: {value}\r\n" for name, value in cors.describe(origin).items())
        return f"{head}\r\n".encode() + body

    return refuse
