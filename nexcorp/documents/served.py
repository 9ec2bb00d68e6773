"""The documents as the application serves them."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from nexcorp.web.replies import Lasting


@dataclass(frozen=True, slots=True)
class Documents:
    """The interface's descriptions."""

    openapi: Lasting
    asyncapi: Lasting


DOCUMENTS = web.AppKey("documents", Documents)
