"""gunicorn's entry point and hooks: the application of each process, metrics of ended processes, logs."""

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
    """Return the runner of the application, with the settings of the environment."""
    config = Config.from_env()
    config.require_services()
    set_up_logs(config)
    return make_runner(create_app(config))


def child_exit(server: Any, worker: Any) -> None:
    """Hook of gunicorn: drop the live gauges of a process that has ended."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Hook of gunicorn: delete the folder through which the processes sum their metrics."""
    folder = setting("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


class Logs(Logger):  # type: ignore[misc]
    """gunicorn's own log, in the format of all our lines."""

    def setup(self, cfg: Any) -> None:
        """Set up logs; gunicorn calls this in place of its own set-up."""
        set_up_logs(Config.from_env())
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)
        self.access_log.disabled = True

    def reopen_files(self) -> None:
        """Do nothing on SIGUSR1: there are no log files."""


logger_class = Logs
