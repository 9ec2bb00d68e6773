"""HTML pages of the service's own: they load nothing from elsewhere and cannot be framed."""

from __future__ import annotations

from aiohttp import web

PAGE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def reply_html(text: str, status: int = 200) -> web.Response:
    """A page. Whatever is put into `text` must be escaped (html.escape) by the caller."""
    headers = {"Content-Security-Policy": PAGE_POLICY}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
