"""What the application gets of conversations before it starts."""

from __future__ import annotations

from aiohttp import web

from nexcorp.features.messaging.live import Conversations, Say
from nexcorp.realtime.node import NODE
from nexcorp.web.app_keys import EFFECTS


def set_up(app: web.Application) -> None:
    """Have the node show what happens in conversations to members who are not in their rooms."""
    app[EFFECTS][Say] = Conversations(app[NODE]).say
