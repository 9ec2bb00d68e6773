"""Set up identity before the application starts."""

from __future__ import annotations

from aiohttp import web

from nexcorp.features.auth import sudo
from nexcorp.features.auth.oauth import routes as oauth


def set_up(app: web.Application) -> None:
    """Store the configured providers and the password check in the application."""
    oauth.set_up(app)
    sudo.set_up(app)
