"""What gunicorn starts in each of its processes."""

from __future__ import annotations

from aiohttp import web

from nexcorp.app import create_app
from nexcorp.config import Config
from nexcorp.logs import set_up_logs


async def make_app() -> web.Application:
    """The application with the settings of the environment."""
    config = Config.from_env()
    config.require_services()
    set_up_logs(config)
    return create_app(config)
