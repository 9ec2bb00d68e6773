"""What gunicorn starts in each of its processes, what it does when one has ended, and how it logs."""

from __future__ import annotations

import logging
import shutil
from typing import Any

from aiohttp import web
from gunicorn.glogging import Logger
from prometheus_client import multiprocess

from nexcorp.app import create_app
from nexcorp.config import Config, setting
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


def on_exit(server: Any) -> None:
    """A hook of gunicorn's: the folder through which its processes sum their metrics goes with it."""
    folder = setting("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


class Logs(Logger):  # type: ignore[misc]
    """What gunicorn itself has to say, in the one format of all lines."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn in place of its own set-up."""
        set_up_logs(Config.from_env())
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)
        self.access_log.disabled = True

    def reopen_files(self) -> None:
        """Called by gunicorn for SIGUSR1: there are no files."""


logger_class = Logs
