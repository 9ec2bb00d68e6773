"""What can go wrong, in the domain's words. Only `nexcorp.web.errors` knows the HTTP status of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import asyncpg


class ConfigError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


class AppError(Exception):
    """Something a caller is told about.

    `code` is stable and machine readable, `message` is for people, `errors` names fields
    (`{"title": ["Too long."]}`) and `details` are further members of the envelope.
    """

    code = "error"
    message = "Something went wrong."

    def __init__(
        self,
        code: str | None = None,
        message: str | None = None,
        *,
        errors: Mapping[str, list[str]] | None = None,
        **details: Any,
    ) -> None:
        self.code = code or self.code
        self.message = message or self.message
        self.errors = errors
        self.details = details
        super().__init__(self.code)


class BadRequest(AppError):
    """The request cannot be read at all."""

    code, message = "bad_request", "The request could not be read."


class Unauthorized(AppError):
    """Nobody is signed in, or the proof is worthless."""

    code, message = "unauthorized", "Sign in to do this."


class Forbidden(AppError):
    """Somebody is signed in, who may not do this."""

    code, message = "forbidden", "You may not do this."


class NotFound(AppError):
    """It does not exist, or not for this viewer."""

    code, message = "not_found", "There is nothing here."


class PostNotFound(NotFound):
    """There is no post with this id, not any more, or not for this viewer."""

    code, message = "post_not_found", "There is no such post."


class Conflict(AppError):
    """The state it meets does not allow it."""

    code, message = "conflict", "This conflicts with what is there."


class StaleVersion(Conflict):
    """Somebody else changed the row first; `details["current"]` is the row as it is now."""

    code, message = "stale_version", "It was changed in the meantime."


class PreconditionFailed(AppError):
    """If-Match names another version than the current one."""

    code, message = "stale_version", "It was changed in the meantime."


class PayloadTooLarge(AppError):
    """The body is over its limit."""

    code, message = "payload_too_large", "The body is too large."


class RangeNotSatisfiable(AppError):
    """The part that is asked for is none of the file, of `details["size"]` bytes, or not one part."""

    code, message = "range_not_satisfiable", "There is no such part of the file."


class UnsupportedMediaType(AppError):
    """The body is of a type this route does not read."""

    code, message = "unsupported_media_type", "Send application/json."


class Invalid(AppError):
    """It can be read, but its values are not acceptable."""

    code, message = "validation_failed", "Some values are not acceptable."


class TooManyRequests(AppError):
    """A limit is reached; `details["retry_after"]` seconds from now it may go again."""

    code, message = "too_many_requests", "Too many requests."


class UpstreamFailed(AppError):
    """Somebody else's service, asked on behalf of the caller, failed or made no sense."""

    code, message = "upstream_failed", "Another service did not answer as it should."


class Unavailable(AppError):
    """A dependency is down, missing or overloaded; trying again later may work."""

    code, message = "unavailable", "The service cannot do this right now."


@contextmanager
def on_constraint(name: str, error: AppError) -> Iterator[None]:
    """Raise `error` when the statement inside breaks the database constraint `name`.

    Any other violation passes through: it is a bug, not an answer.
    """
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as violation:
        if violation.constraint_name == name:
            raise error from violation
        raise
