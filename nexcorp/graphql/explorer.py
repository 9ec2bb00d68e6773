"""GraphiQL, served by ourselves, for developers: none of it is there in production."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

from aiohttp import web

from nexcorp.errors import NotFound
from nexcorp.security.app_keys import CONFIG
from nexcorp.web.pages import PAGE_POLICY
from nexcorp.web.replies import Lasting, make_lasting, reply_lasting
from nexcorp.web.routing import count

FOLDER = Path(__file__).parent / "graphiql"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
START_NAME = "start.js"
ASSETS = frozenset({START_NAME, *(path.name for path in FOLDER.iterdir() if path.suffix in TYPES)})

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NexCorp Connect GraphQL</title>
<link rel="stylesheet" href="/api/graphql/explorer/graphiql.min.css">
<link rel="icon" href="/api/docs/favicon-32x32.png">
<style>html, body, #explorer { height: 100%; margin: 0; }</style>
<div id="explorer"></div>
<script src="/api/graphql/explorer/react.production.min.js"></script>
<script src="/api/graphql/explorer/react-dom.production.min.js"></script>
<script src="/api/graphql/explorer/graphiql.min.js"></script>
<script src="/api/graphql/explorer/start.js"></script>
</html>
"""

# What stands in the headers goes into connection_init as well.
START = """const address = location.origin + "/api/graphql";
const fetcher = GraphiQL.createFetcher({ url: address, subscriptionUrl: address.replace(/^http/, "ws") });
const help = `# Put your access token under "Headers", then fetch the schema with the button on the left.
{
  notificationFeed(limit: 5) { unreadCount epoch seq data { id type title isRead cursor } }
}
`;
ReactDOM.createRoot(document.getElementById("explorer")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: help,
    defaultHeaders: JSON.stringify({ Authorization: "Bearer " }, null, 2),
    defaultEditorToolsVisibility: "headers",
  }),
);
"""


@functools.cache
def load_page() -> Lasting:
    """The page."""
    return make_lasting(
        PAGE.encode(),
        content_type="text/html; charset=utf-8",
        content_security_policy=PAGE_POLICY,
        cache_control="no-cache",
    )


@functools.cache
def load_asset(name: str) -> Lasting:
    """A file of it."""
    body = START.encode() if name == START_NAME else (FOLDER / name).read_bytes()
    return make_lasting(body, content_type=TYPES[Path(name).suffix], cache_control="public, max-age=86400")


async def show_explorer(request: web.Request) -> web.StreamResponse:
    """GraphiQL on this service's schema."""
    await count(request, False)
    return reply_lasting(request, load_page())


async def show_asset(request: web.Request) -> web.Response:
    """A file of GraphiQL; raises NotFound, in production for each."""
    name = request.match_info["name"]
    if name not in ASSETS or not request.app[CONFIG].development:
        raise NotFound()
    return reply_lasting(request, await asyncio.to_thread(load_asset, name))
