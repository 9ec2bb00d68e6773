"""The service's own HTML pages: in one style, loading nothing from elsewhere, never framed."""

from __future__ import annotations

import asyncio
import functools
from html import escape
from pathlib import Path

from aiohttp import web

from nexcorp.errors import NotFound
from nexcorp.web.replies import Lasting, make_lasting, reply_lasting

START_NAME = "start.js"

PAGE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

STYLE = (Path(__file__).parent / "page.css").read_text()
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · NexCorp Connect</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E
%3Crect width='32' height='32' rx='8' fill='%234f46e5'/%3E%3C/svg%3E">
<style>
{style}</style>
<main class="{width}">
<svg width="44" height="44" viewBox="0 0 32 32" aria-hidden="true">
<rect width="32" height="32" rx="8" fill="#4f46e5"/>
<path d="M10 22.5v-13l12 13v-13" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round"
stroke-linejoin="round"/></svg>
<h1>{title}</h1>
{body}
</main>
</html>
"""


def make_page(title: str, body: str, *, wide: bool = False) -> str:
    """Return a page around `body`, which is HTML: the caller escapes the values in it."""
    return PAGE.format(title=escape(title), style=STYLE, body=body, width="wide" if wide else "")


def reply_html(text: str, status: int = 200) -> web.Response:
    """Return a response with a page. The caller escapes (html.escape) the values in `text`."""
    headers = {"Content-Security-Policy": PAGE_POLICY}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


@functools.cache
def load_page(text: str) -> Lasting:
    """Return a page that never changes, compressed once."""
    return make_lasting(
        text.encode(),
        content_type="text/html; charset=utf-8",
        content_security_policy=PAGE_POLICY,
        cache_control="no-cache",
    )


class Assets:
    """The files of a vendored tool, and START_NAME, our script that starts it.

    `types` are the content types by suffix; files with other suffixes are not served.
    """

    def __init__(self, folder: Path, types: dict[str, str], start: str) -> None:
        self.folder, self.types, self.start = folder, types, start
        self.names = frozenset(
            {START_NAME, *(path.name for path in folder.iterdir() if path.suffix in types)}
        )
        # Compressing the largest file of Swagger UI takes 70 ms.
        self._load = functools.cache(self._pack)

    def _pack(self, name: str) -> Lasting:
        body = self.start.encode() if name == START_NAME else (self.folder / name).read_bytes()
        return make_lasting(
            body, content_type=self.types[Path(name).suffix], cache_control="public, max-age=86400"
        )

    async def reply(self, request: web.Request) -> web.Response:
        """Return the file that the path names; raises NotFound."""
        name = request.match_info["name"]
        if name not in self.names:
            raise NotFound()
        return reply_lasting(request, await asyncio.to_thread(self._load, name))
