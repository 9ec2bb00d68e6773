"""Errors of GraphQL documents, and the form of any error in `errors` of an answer."""

from __future__ import annotations

from typing import Any

import structlog
from graphql import GraphQLError

from nexcorp.errors import AppError, BadRequest, Conflict, InternalError, TooManyRequests, Unavailable
from nexcorp.web.errors import status_of, translate
from nexcorp.web.refusals import note_unavailable

log = structlog.get_logger("nexcorp.graphql")


class GraphqlInvalid(BadRequest):
    """The document cannot be parsed, does not fit the schema, or its variables do not fit the document."""

    code, message = "graphql_invalid", "The GraphQL document is not valid."
    meaning = "The GraphQL document or its variables are not valid: `errors` says where."


class GraphqlTooComplex(BadRequest):
    """The document is over a limit."""

    code, message = "graphql_too_complex", "The GraphQL document asks for too much at once."
    meaning = "The GraphQL document is over a limit: of depth, aliases, fields, directives or length."


class ResumeLost(Conflict):
    """The events since the position in `after` cannot be recovered."""

    code, message = "resume_lost", "Too much was missed: fetch the state anew."
    meaning = "The subscription cannot resume after `after`: fetch the state again and subscribe from there."


class TooManySubscriptions(TooManyRequests):
    """The socket has as many subscriptions as allowed."""

    code, message = "too_many_subscriptions", "This socket has too many subscriptions."
    meaning = "A socket may have ten subscriptions at once."


class Refused(Exception):
    """The document is not executed; `errors` has the reasons."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(str(errors))
        self.errors = errors


def refuse(error: AppError) -> Refused:
    """Return a Refused with one reason."""
    return Refused(GraphQLError(error.message, original_error=error))


def explain(error: GraphQLError) -> AppError:
    """Return the error to show the caller for an error in a document or a resolver; log unknown ones."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        return GraphqlInvalid(message=error.message)
    known = cause if isinstance(cause, AppError) else translate(cause)  # type: ignore[arg-type]
    if known is None:
        log.error("resolver crashed", path=error.path, exc_info=cause)
        return InternalError()
    if isinstance(known, Unavailable):
        # The gateway sees only a 200, so it is noted here.
        note_unavailable(known.code)
    return known


def show_error(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """Return an element of `errors`, with the content of REST's error envelope in its `extensions`."""
    cause = explain(error)
    details = dict(cause.details)
    if (retry_after := details.pop("retry_after", None)) is not None:
        details["retryAfter"] = retry_after
    shown: dict[str, Any] = {"message": cause.message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    shown["extensions"] = {
        "code": cause.code,
        "statusCode": status_of(type(cause)),
        "requestId": request_id,
        "errors": cause.errors or {},
        **details,
    }
    return shown
