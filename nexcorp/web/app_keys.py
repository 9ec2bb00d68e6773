"""Typed keys of the application for objects derived from its features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from nexcorp.delivery.notices import Sentences

# nexcorp.manifest.Product, which the layers below must not import.
PRODUCT: web.AppKey[Any] = web.AppKey("product", object)
SENTENCES = web.AppKey("sentences", Sentences)
# Functions that perform effects of the layers above, by the effect's class; features add theirs in `setup`.
EFFECTS: web.AppKey[dict[type, Callable[[Any], None]]] = web.AppKey("effects", dict)
