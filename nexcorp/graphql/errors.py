"""Errors of GraphQL documents, and how any error stands in `errors` of an answer."""

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
    """The document asks for more than one may."""

    code, message = "graphql_too_complex", "The GraphQL document asks for too much at once."
    meaning = "The GraphQL document is over a limit: of depth, aliases, fields, directives or length."


class ResumeLost(Conflict):
    """What came since the position in `after` cannot be made up for."""

    code, message = "resume_lost", "Too much was missed: fetch the state anew."
    meaning = "The subscription cannot resume after `after`: fetch the state again and subscribe from there."


class TooManySubscriptions(TooManyRequests):
    """The socket has as many subscriptions as it may."""

    code, message = "too_many_subscriptions", "This socket has too many subscriptions."
    meaning = "A socket may have ten subscriptions at once."


class Refused(Exception):
    """A document is not executed; `errors` says why."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(str(errors))
        self.errors = errors


def refuse(error: AppError) -> Refused:
    """Refused for one reason."""
    return Refused(GraphQLError(error.message, original_error=error))


def explain(error: GraphQLError) -> AppError:
    """What an error in a document, or in a resolver, is to the caller; what is a bug of ours is logged."""
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
        # As the gateway does, which sees a 200.
        note_unavailable(known.code)
    return known


def show_error(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """One element of `errors`, with what REST's envelope says in its `extensions`."""
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
