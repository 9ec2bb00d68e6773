"""GraphiQL, served by ourselves, for developers; not available in production."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from nexcorp.errors import NotFound
from nexcorp.security.app_keys import CONFIG
from nexcorp.web.pages import Assets, load_page
from nexcorp.web.replies import reply_lasting
from nexcorp.web.routing import count

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

# GraphiQL sends its headers in connection_init as well.
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


ASSETS = Assets(
    Path(__file__).parent / "graphiql",
    {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"},
    START,
)


async def show_explorer(request: web.Request) -> web.StreamResponse:
    """Reply with the GraphiQL page for this service's schema."""
    await count(request, False)
    return reply_lasting(request, load_page(PAGE))


async def show_asset(request: web.Request) -> web.Response:
    """Reply with a file of GraphiQL; raises NotFound, in production always."""
    if not request.app[CONFIG].development:
        raise NotFound()
    return await ASSETS.reply(request)
