"""Set up conversations before the application starts."""

from __future__ import annotations

from aiohttp import web

from nexcorp.features.messaging.live import Conversations, Say
from nexcorp.realtime.node import NODE
from nexcorp.web.app_keys import EFFECTS


def set_up(app: web.Application) -> None:
    """Register the companion that shows news of conversations to members outside their rooms."""
    app[EFFECTS][Say] = Conversations(app[NODE]).say
