"""The documents that the application serves."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from nexcorp.web.replies import Lasting


@dataclass(frozen=True, slots=True)
class Documents:
    """The OpenAPI and the AsyncAPI document, encoded."""

    openapi: Lasting
    asyncapi: Lasting


DOCUMENTS = web.AppKey("documents", Documents)
