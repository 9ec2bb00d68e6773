"""Documents over HTTP: POST, and GET for queries. The gateway authenticates and counts the requests."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from graphql import OperationType
from marshmallow import ValidationError, fields

from nexcorp.db.encoding import decode
from nexcorp.domain.fields import Body, Out, Query, Text
from nexcorp.errors import Invalid
from nexcorp.graphql.context import Context
from nexcorp.graphql.errors import GraphqlInvalid, Refused, refuse
from nexcorp.graphql.execution import ENGINE, Operation, show_refusal
from nexcorp.graphql.limits import MAX_CHARS
from nexcorp.security.app_keys import REQUEST_ID, principal
from nexcorp.web.errors import MethodNotAllowed, reply_error
from nexcorp.web.replies import reply

RESPONSE_TYPE = "application/graphql-response+json"
DOCUMENT = f"The document, of {MAX_CHARS} characters at most."

# Longest document in an address: a request line of more than 8,190 bytes is refused unread.
MAX_ADDRESS_CHARS = 7000


class JsonObject(fields.Field[Any]):
    """Any object; its content is not checked."""

    def __init__(self) -> None:
        super().__init__(allow_none=True, metadata={"type": "object"})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        return value


class GraphqlRequest(Body):
    """A GraphQL document; `extensions` are ignored."""

    query = Text(least=1, most=MAX_CHARS, trim=False, required=True, metadata={"description": DOCUMENT})
    variables = JsonObject()
    operationName = Text(most=100, trim=False, allow_none=True)
    extensions = JsonObject()


class GraphqlQuery(Query):
    """A query in an address; `variables` and `extensions` are JSON."""

    query = Text(least=1, most=MAX_ADDRESS_CHARS, trim=False, required=True)
    variables = Text(most=MAX_ADDRESS_CHARS)
    operationName = Text(most=100, trim=False)
    extensions = Text(most=MAX_ADDRESS_CHARS)


class GraphqlAnswer(Out):
    """The result of a document; without `data` if nothing was executed."""

    class Meta:
        unknown = "include"

    data = fields.Raw(metadata={"description": "The requested fields by name."})
    errors = fields.Raw(
        metadata={
            "description": "A list of `{message, locations, path, extensions}`. The extensions have `code`, "
            "`statusCode`, `requestId` and `errors`, as the envelope of REST has them."
        }
    )


def answer(request: web.Request, data: dict[str, Any], status: int = 200) -> web.Response:
    """Return a response of the media type that the client prefers."""
    wanted = RESPONSE_TYPE in request.headers.get("Accept", "")
    return reply(data, status, {"Content-Type": f"{RESPONSE_TYPE}; charset=utf-8"} if wanted else None)


async def execute(request: web.Request, operation: Operation) -> web.Response:
    """Execute an operation and return the response; raises Refused."""
    if operation.type is OperationType.SUBSCRIPTION:
        raise refuse(GraphqlInvalid(message="Subscriptions want a WebSocket, of graphql-transport-ws."))
    context = Context(request, principal(request))
    return answer(request, await request.app[ENGINE].run(operation, context))


def reply_refusal(request: web.Request, refused: Refused) -> web.Response:
    """Return the 400 response for a document that was not executed."""
    return answer(request, {"errors": show_refusal(refused, request[REQUEST_ID])}, 400)


async def execute_graphql(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Execute the document of a POST."""
    try:
        operation = request.app[ENGINE].prepare(
            body["query"], body.get("variables"), body.get("operationName")
        )
        return await execute(request, operation)
    except Refused as refused:
        return reply_refusal(request, refused)


def read_variables(text: str | None) -> dict[str, Any] | None:
    """Return the variables of a query string; raises Invalid."""
    if not text:
        return None
    try:
        found = decode(text.encode("utf-8", "surrogateescape"))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        found = ()
    if found is not None and not isinstance(found, dict):
        raise Invalid(errors={"variables": ["Wants an object, as JSON."]})
    return found


async def query_graphql(request: web.Request, query: dict[str, Any]) -> web.Response:
    """Execute the query of a GET; mutations need POST."""
    variables = read_variables(query.get("variables"))
    try:
        operation = request.app[ENGINE].prepare(query["query"], variables, query.get("operationName"))
        if operation.type is OperationType.MUTATION:
            response = reply_error(request, MethodNotAllowed(message="Send mutations by POST."))
            response.headers["Allow"] = "POST"
            return response
        return await execute(request, operation)
    except Refused as refused:
        return reply_refusal(request, refused)
