"""The typed keys under which the application carries what is derived from its features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from nexcorp.delivery.notices import Sentences

# nexcorp.manifest.Product, which the layers below it do not know.
PRODUCT: web.AppKey[Any] = web.AppKey("product", object)
SENTENCES = web.AppKey("sentences", Sentences)
# What performs effects of the layers above, by their class; features put theirs in when they are set up.
EFFECTS: web.AppKey[dict[type, Callable[[Any], None]]] = web.AppKey("effects", dict)
