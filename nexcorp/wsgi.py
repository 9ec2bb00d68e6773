"""What gunicorn starts in each of its processes, and what it does when one has ended."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from prometheus_client import multiprocess

from nexcorp.app import create_app
from nexcorp.config import Config
from nexcorp.logs import set_up_logs
from nexcorp.server import make_runner


async def make_app() -> web.AppRunner:
    """The application, and what listens for it, with the settings of the environment."""
    config = Config.from_env()
    config.require_services()
    set_up_logs(config)
    return make_runner(create_app(config))


def child_exit(server: Any, worker: Any) -> None:
    """A hook of gunicorn's: what a process that has ended had open counts no longer."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
