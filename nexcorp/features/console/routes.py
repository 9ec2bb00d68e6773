"""Routes of the console, outside /api/v1 and the API documents."""

from __future__ import annotations

from nexcorp.features.console import pages
from nexcorp.security.access import PUBLIC
from nexcorp.web.routing import Handler, Route, get


def own(path: str, handler: Handler, summary: str) -> Route:
    """Return a public GET route at the root, which the API documents do not list."""
    return get(path, handler, summary, None, access=PUBLIC, tag="Console", prefix="", hidden=True)


ROUTES = [
    own("/app", pages.redirect, "To the console"),
    own("/app/sw.js", pages.show_worker, "The console's service worker"),
    own("/app/demo.json", pages.show_demo, "Demo people, in development"),
    own("/app/-/{version}/{name:.+}", pages.show_file, "A file of the console"),
    own("/app/{path:.*}", pages.show_page, "The console"),
]
