"""Errors in the words of the domain. Only `nexcorp.web.errors` maps them to HTTP statuses.

This module holds the parents, one for each status, and the errors raised by several features or by the layers
below them. Errors of one feature are in its errors.py, errors of one module in that module.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import asyncpg


class ConfigError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


# Limits on how much of a request an answer repeats.
MAX_ERRORS = 20
MAX_NAME_CHARS = 100
MAX_TEXT_CHARS = 500


def bound(errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the first MAX_ERRORS texts by field, with long texts and field names cut."""
    found: dict[str, list[str]] = {}
    pairs = ((name, text) for name, texts in errors.items() for text in texts)
    for name, text in itertools.islice(pairs, MAX_ERRORS):
        found.setdefault(name[:MAX_NAME_CHARS], []).append(text[:MAX_TEXT_CHARS])
    return found


class AppError(Exception):
    """An error that the caller is told about.

    `code` is stable and machine readable, `message` is for people, `meaning` describes the code in the
    documents. `errors` names fields (`{"title": ["Too long."]}`), with the first MAX_ERRORS texts, and
    `details` are further members of the envelope. A class that is raised defines its own code and meaning,
    or inherits both.
    """

    code = "error"
    message = "Something went wrong."
    meaning = ""

    def __init__(
        self,
        *,
        message: str | None = None,
        errors: Mapping[str, list[str]] | None = None,
        **details: Any,
    ) -> None:
        self.message = (message or self.message)[:MAX_TEXT_CHARS]
        self.errors = bound(errors) if errors else None
        self.details = details
        super().__init__(self.code)


class BadRequest(AppError):
    """The request cannot be read at all."""

    code, message = "bad_request", "The request could not be read."
    meaning = "The request cannot be read, or does not arrive whole."


class Unauthorized(AppError):
    """The caller is not signed in, or the token is not valid."""

    code, message = "unauthorized", "Sign in to do this."
    meaning = "The access token, API key, ticket or refresh token is missing or not valid."


class Forbidden(AppError):
    """The caller is signed in, and may not do this. Raise a child of it."""

    code, message = "forbidden", "You may not do this."


class NotFound(AppError):
    """The resource does not exist, or the viewer may not see it."""

    code, message = "not_found", "There is nothing here."
    meaning = "It does not exist, or the viewer may not see it."


class Conflict(AppError):
    """The current state does not allow the request. Raise a child of it."""

    code, message = "conflict", "This conflicts with what is there."


class PreconditionFailed(AppError):
    """If-Match names another version than the current one; `details["current"]` is the row as it is now."""

    code, message = "stale_version", "It was changed in the meantime."
    meaning = "`If-Match` does not name the current version; `current` is the row as it is now."


class PayloadTooLarge(AppError):
    """The body is over its limit."""

    code, message = "payload_too_large", "The body is too large."
    meaning = "The body, the form or a file is over its limit."


class UnsupportedMediaType(AppError):
    """The body is of a type this route does not read."""

    code, message = "unsupported_media_type", "Send application/json."
    meaning = "The body is of a type that this route does not read."


class RangeNotSatisfiable(AppError):
    """The requested part lies outside of the file, of `details["size"]` bytes, or is not one part."""

    code, message = "range_not_satisfiable", "There is no such part of the file."
    meaning = "The requested part lies outside of the file of `size` bytes."


class Invalid(AppError):
    """The request can be read, but some of its values are not acceptable."""

    code, message = "validation_failed", "Some values are not acceptable."
    meaning = "Values are not acceptable; `errors` names them."


class TooManyRequests(AppError):
    """A limit is reached; the caller may try again after `details["retry_after"]` seconds."""

    code, message = "too_many_requests", "Too many requests."
    meaning = "A limit is reached; wait as long as `Retry-After` says."


class InternalError(AppError):
    """A bug in the service. Never raised: it describes the answer to any other exception."""

    code, message = "internal_error", "Something went wrong on our side."
    meaning = "A bug in the service; the logs show it under `requestId`."


class UpstreamFailed(AppError):
    """Another service, called for the caller, failed or sent an invalid answer. Raise a child of it."""

    code, message = "upstream_failed", "Another service did not answer as it should."


class Unavailable(AppError):
    """A dependency is down, missing or overloaded; trying again later may work. Raise a child of it."""

    code, message = "unavailable", "The service cannot do this right now."


class PermissionRequired(Forbidden):
    """The caller's role, or the scopes of the API key, lack `permission`."""

    code, message = "permission_required", "You lack a permission for this."
    meaning = "The caller's role, or the scopes of the API key, lack a permission."

    def __init__(self, permission: str, *, message: str | None = None) -> None:
        super().__init__(message=message or f"This needs the permission {permission}.")


class SessionRequired(Forbidden):
    """An API key was sent to a route that requires a signed-in person."""

    code, message = "session_required", "An API key may not do this: sign in."
    meaning = "API keys may not do this; sign in."


class EmailUnverified(Forbidden):
    """The route requires a verified address, and the account's is not."""

    code, message = "email_unverified", "Confirm your e-mail address first: follow the link in the mail."
    meaning = "The account's address is not verified yet."


class ReauthenticationRequired(Forbidden):
    """The person behind the session must prove their identity again."""

    code = "reauthentication_required"
    message = "Prove again who you are, by POST /auth/sudo or a provider. The proof holds for ten minutes."
    meaning = (
        "Prove again that it is you, by `POST /auth/sudo` or a provider; the proof holds for ten minutes."
    )


class WrongPassword(Forbidden):
    """`currentPassword` is not the account's password."""

    code, message = "wrong_password", "The current password is wrong."
    meaning = "`currentPassword` is wrong."


class NoPassword(Conflict):
    """The account has no password: its owner signs in only by a provider."""

    code = "no_password"
    message = (
        "This account has no password: set one by /auth/password/forgot, or prove who you are by "
        "/auth/oauth/{provider}?purpose=sudo."
    )
    meaning = "The account has no password; set one by `/auth/password/forgot`."


class TooManyAttempts(TooManyRequests):
    """The session has sent too many wrong passwords."""

    code, message = "too_many_attempts", "Too many wrong passwords: try again later."
    meaning = "Five wrong passwords in 15 minutes."


class AnswerGone(NotFound):
    """The entity made by the first request with this Idempotency-Key has been deleted."""

    code, message = "answer_gone", "What this Idempotency-Key made has been deleted since."
    meaning = "The entity made by the first request with this `Idempotency-Key` has been deleted since."


class UserNotFound(NotFound):
    """No user has this id, or the user has left."""

    code, message = "user_not_found", "There is no such user."
    meaning = "No user has this id, or the user has left."


class NotificationNotFound(NotFound):
    """The notification does not exist, or belongs to another user."""

    code, message = "notification_not_found", "There is no such notification."
    meaning = "You have no notification with this id."


class PostNotFound(NotFound):
    """The post does not exist, or the viewer may not see it."""

    code, message = "post_not_found", "There is no such post."
    meaning = "The post does not exist, or the viewer may not see it."


class CommentNotFound(NotFound):
    """The comment does not exist, or the viewer may not see it."""

    code, message = "comment_not_found", "There is no such comment."
    meaning = "The comment does not exist, or the viewer may not see it."


class ProjectNotFound(NotFound):
    """The project does not exist, or the viewer may not see it."""

    code, message = "project_not_found", "There is no such project."
    meaning = "The project does not exist, or the viewer may not see it."


class FileNotFound(NotFound):
    """The file does not exist, is in the trash, or the viewer may not see it."""

    code, message = "file_not_found", "There is no such file."
    meaning = "The file does not exist, is in the trash, or the viewer may not see it."


class NotYourProject(Forbidden):
    """The caller may see the project, but not do this; the message says who may."""

    code, message = "not_your_project", "You may only read this project."
    meaning = "You may see the project, but may not do this in it; the message says who may."


class TaskNotFound(NotFound):
    """The task does not exist, is in the trash, or the viewer may not see it."""

    code, message = "task_not_found", "There is no such task."
    meaning = "The task does not exist, is in the trash, or the viewer may not see it."


class TooManyImports(Conflict):
    """Five of the caller's imports are already waiting."""

    code, message = "too_many_imports", "Five of your imports are waiting already: wait until one has ended."
    meaning = "Five of your imports are waiting already."


class StaleVersion(Conflict):
    """The row was changed since the version in the body; `details["current"]` is the row as it is now."""

    code, message = "stale_version", "It was changed in the meantime."
    meaning = "`version` is not the current version; `current` is the row as it is now."


class UsernameTaken(Conflict):
    """Another account has this username; case does not count."""

    code, message = "username_taken", "This username is taken."
    meaning = "Another account has this username."


class NotAProject(Conflict):
    """The post is not a project: only projects can be assigned or find interest."""

    code, message = "not_a_project", "This post is not a project."
    meaning = "The post is not a project."


class ProjectClosed(Conflict):
    """The project is completed or cancelled."""

    code, message = "project_closed", "The project is over."
    meaning = "The project is completed or cancelled."


class IdempotencyKeyReused(Invalid):
    """The Idempotency-Key was used before, with another path or body."""

    code, message = "idempotency_key_reused", "This Idempotency-Key was used for another request."
    meaning = "The `Idempotency-Key` was used for another request."


class Overloaded(Unavailable):
    """All places and all of the queue are taken."""

    code, message = "overloaded", "The service is busy; try again shortly."
    meaning = "The service is busy; try again."


class TimedOut(Unavailable):
    """A statement or request reached its deadline."""

    code, message = "timeout", "It took too long; try again."
    meaning = "It took too long; try again."


class Contention(Unavailable):
    """Other transactions kept changing the same rows."""

    code, message = "contention", "Too many changes at once; try again."
    meaning = "Too many changes of the same thing at once; try again."


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be reached."""

    code, message = "database_unavailable", "The database is not reachable."
    meaning = "The database cannot be reached."


class DatabaseExhausted(Unavailable):
    """PostgreSQL has no space or memory left for this."""

    code, message = "database_exhausted", "The database has no room for this right now."
    meaning = "The database is out of space or memory; wait as long as `Retry-After` says."


class RedisUnavailable(Unavailable):
    """Redis cannot be reached, and the request needs it."""

    code, message = "redis_unavailable", "This is not possible right now."
    meaning = "Redis, which this needs, cannot be reached."


class StorageUnavailable(Unavailable):
    """The store of files does not answer correctly."""

    code, message = "storage_unavailable", "Files cannot be stored or fetched right now."
    meaning = "Files cannot be stored or fetched right now."


class StorageFull(Unavailable):
    """The disk, or the service's share of it, is full or almost full."""

    code, message = "storage_full", "There is no room for files right now."
    meaning = "The disk has no room for more files; the operator must free some."


class NotConfigured(Unavailable):
    """A setting that the request needs is missing; the message names it."""

    code, message = "not_configured", "This service is not configured for this."
    meaning = "A setting that this needs is missing."


@contextmanager
def on_constraint(name: str, error: AppError) -> Iterator[None]:
    """Raise `error` if the statement inside breaks the database constraint `name`.

    Other violations pass through: they are bugs, which no caller can fix.
    """
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as violation:
        if violation.constraint_name == name:
            raise error from violation
        raise
