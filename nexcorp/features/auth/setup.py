"""What the application gets of identity before it starts."""

from __future__ import annotations

from aiohttp import web

from nexcorp.features.auth import sudo
from nexcorp.features.auth.oauth import routes as oauth


def set_up(app: web.Application) -> None:
    """Bring the providers that are configured, and the check of passwords."""
    oauth.set_up(app)
    sudo.set_up(app)
