"""/api/graphql: documents over HTTP, subscriptions over WebSockets, the schema, and an explorer."""

from __future__ import annotations

from aiohttp import web

from nexcorp.errors import NotFound, SessionRequired
from nexcorp.graphql import explorer
from nexcorp.graphql.errors import GraphqlInvalid, GraphqlTooComplex, ResumeLost, TooManySubscriptions
from nexcorp.graphql.execution import ENGINE, Engine
from nexcorp.graphql.http import GraphqlAnswer, GraphqlQuery, GraphqlRequest, execute_graphql, query_graphql
from nexcorp.graphql.schema import Schema
from nexcorp.graphql.socket import serve_graphql
from nexcorp.manifest import Product, require
from nexcorp.realtime.routes import Draining, OriginNotAllowed, SubprotocolRequired, UpgradeRequired
from nexcorp.security.access import PUBLIC, Access
from nexcorp.security.app_keys import CONFIG
from nexcorp.web.app_keys import PRODUCT
from nexcorp.web.errors import MethodNotAllowed
from nexcorp.web.replies import Lasting, make_lasting, reply_lasting
from nexcorp.web.routing import Handler, Route, get, wants_socket

PATH = "/api/graphql"
TAG = "GraphQL"
SDL = web.AppKey("graphql_sdl", Lasting)
BY_FIELD = Access(keys=True, whose="the schema says which permission each field needs")
ABOUT = (
    "200 if it is executed, even if fields fail: `errors` then names them, with the codes of REST. 400 "
    "if it is not: it cannot be parsed, does not fit the schema, or is over a limit (depth 8, 15 "
    "aliases, 16 fields at the root, 1,000 tokens). All lists together may have 200 rows. A body that is "
    "not JSON, or cannot be read, is answered with the envelope of REST, as are all other statuses."
)
SOCKET = (
    "Queries as with POST; mutations are 405. Subscriptions need `Upgrade: websocket` and the "
    "subprotocol `graphql-transport-ws`. Send the token in `Authorization`, as `?ticket=`, or in the "
    'payload of `connection_init` (`{Authorization: "Bearer ..."}` or `{token}`).'
)


def make_schema(product: Product) -> Schema:
    """Return the schema of a product; raises ValueError if features contradict each other, or a root field
    needs a permission that no feature declares."""
    schema = Schema(product.graphql, product.names)
    for name, access in schema.list_access().items():
        require(product.permissions, access.permission, f"{name} needs the permission")
    return schema


def set_up(app: web.Application) -> None:
    """Build the schema of the application's product."""
    schema = make_schema(app[PRODUCT])
    app[ENGINE] = Engine(schema, open_schema=app[CONFIG].development)
    app[SDL] = make_lasting(schema.as_str().encode(), content_type="text/plain; charset=utf-8")


async def show_schema(request: web.Request) -> web.Response:
    """Reply with the schema, in GraphQL's own language."""
    return reply_lasting(request, request.app[SDL])


def choose_other(request: web.Request) -> Handler | None:
    """Return the handler for sockets, or in development that of the explorer for browsers; else None."""
    if wants_socket(request):
        return serve_graphql
    if request.app[CONFIG].development and "query" not in request.query:
        return explorer.show_explorer if "text/html" in request.headers.get("Accept", "") else None
    return None


ROUTES = [
    Route(
        "POST",
        PATH,
        execute_graphql,
        "Execute a GraphQL document",
        BY_FIELD,
        TAG,
        body=GraphqlRequest(),
        returns={200: GraphqlAnswer(), 400: GraphqlAnswer()},
        errors=(GraphqlInvalid, GraphqlTooComplex),
        description=ABOUT,
        prefix="",
        # A key for the whole document could not tell which of its mutations were done.
        idempotent=False,
    ),
    Route(
        "GET",
        PATH,
        query_graphql,
        "Execute a GraphQL query, or subscribe over a WebSocket",
        BY_FIELD,
        TAG,
        query=GraphqlQuery(),
        returns={200: GraphqlAnswer(), 400: GraphqlAnswer(), 101: None},
        errors=(
            *(GraphqlInvalid, GraphqlTooComplex, MethodNotAllowed, ResumeLost, TooManySubscriptions),
            *(SubprotocolRequired, UpgradeRequired, OriginNotAllowed, SessionRequired, Draining),
        ),
        description=SOCKET,
        prefix="",
        instead=choose_other,
    ),
    get(
        f"{PATH}/schema",
        show_schema,
        "The GraphQL schema",
        None,
        access=PUBLIC,
        tag=TAG,
        content_type="text/plain",
        prefix="",
    ),
    get(
        f"{PATH}/explorer/{{name}}",
        explorer.show_asset,
        "Files of the explorer",
        None,
        access=PUBLIC,
        tag=TAG,
        prefix="",
        hidden=True,
        errors=(NotFound,),
    ),
]
