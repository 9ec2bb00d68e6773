"""The error envelope, and the only map from domain errors to HTTP statuses."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import asyncpg
from aiohttp import web

from nexcorp import errors
from nexcorp.security.app_keys import REQUEST_ID
from nexcorp.web.replies import format_time, reply


class RouteNotFound(errors.NotFound):
    """The router has no such path."""

    code, meaning = "route_not_found", "There is no such path."


class MethodNotAllowed(errors.AppError):
    """The router has the path, but with other methods."""

    code, meaning = "method_not_allowed", "The path does not have this method; see the header `Allow`."


class RequestTimeout(errors.AppError):
    """The request's body takes too long to arrive."""

    code, message = "request_timeout", "The request did not come in time."
    meaning = "The request did not arrive in time."


STATUS: dict[type[errors.AppError], int] = {
    errors.BadRequest: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    MethodNotAllowed: 405,
    RequestTimeout: 408,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.PayloadTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.RangeNotSatisfiable: 416,
    errors.Invalid: 422,
    errors.TooManyRequests: 429,
    errors.InternalError: 500,
    errors.UpstreamFailed: 502,
    errors.Unavailable: 503,
}

# The errors that aiohttp's router and body reader raise.
OF_AIOHTTP: dict[int, type[errors.AppError]] = {
    400: errors.BadRequest,
    404: RouteNotFound,
    405: MethodNotAllowed,
    408: RequestTimeout,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
}

RETRY_AFTER_SECONDS = 1
# A missing setting will not be there in a second.
RETRY_AFTER_LONG_SECONDS = 600
# A full disk takes about a minute to be emptied.
RETRY_AFTER: dict[type[errors.AppError], int] = {
    errors.NotConfigured: RETRY_AFTER_LONG_SECONDS,
    errors.StorageFull: 60,
}


def status_of(kind: type[errors.AppError]) -> int:
    """Return the HTTP status of a class of errors: its own, or that of its nearest parent."""
    for parent in kind.__mro__:
        if parent in STATUS:
            return STATUS[parent]
    return 500


def envelope(request: web.Request, status: int, code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return the seven keys of every error, and `more`."""
    return {
        "statusCode": status,
        "code": code,
        "message": message,
        "errors": more.pop("errors", None) or {},
        "timestamp": format_time(datetime.now(UTC)),
        "path": request.path,
        "requestId": request.get(REQUEST_ID, ""),
        **more,
    }


def reply_error(request: web.Request, error: errors.AppError) -> web.Response:
    """Return the response to a domain error."""
    status = status_of(type(error))
    details = dict(error.details)
    headers: dict[str, str] = {}
    usual = RETRY_AFTER.get(type(error), RETRY_AFTER_SECONDS)
    retry_after = details.pop("retry_after", usual if status == 503 else None)
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if status == 416:
        headers["Content-Range"] = f"bytes */{details['size']}"
    if status == 401:
        # RFC 6750: only a client that sent a token is told that it is invalid.
        given = "Authorization" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="nexcorp"' + (', error="invalid_token"' if given else "")
    data = envelope(request, status, error.code, error.message, errors=error.errors, **details)
    return reply(data, status, headers)


def reply_http_error(request: web.Request, error: web.HTTPException) -> web.Response:
    """Return the response to an error of aiohttp itself: unknown route, wrong method, large body."""
    status = error.status
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    message = HTTPStatus(status).description or HTTPStatus(status).phrase
    code = OF_AIOHTTP[status].code if status in OF_AIOHTTP else "http_error"
    return reply(envelope(request, status, code, message + "."), status, headers)


def reply_crash(request: web.Request) -> web.Response:
    """Return a 500, which tells nothing but the request id to look for in the logs."""
    error = errors.InternalError
    return reply(envelope(request, 500, error.code, error.message), 500)


def translate(error: Exception) -> errors.AppError | None:
    """Return a driver's error as a domain error, or None if it is a bug."""
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
        return errors.Contention()
    if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        # A migration has just changed the tables of a prepared statement; asyncpg prepares it anew next time.
        return errors.Contention(message="The database was just changed; try again.")
    if isinstance(error, asyncpg.QueryCanceledError | TimeoutError):
        return errors.TimedOut()
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.CannotConnectNowError):
        return errors.DatabaseUnavailable()
    return None
