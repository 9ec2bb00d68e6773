"""Structured logs on stdout: JSON lines for machines, readable text on a terminal."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from nexcorp.config import Config
from nexcorp.context import current, traceparent
from nexcorp.extras import make_reporter

# Local variables hold passwords and tokens: a traceback shows source lines, never values.
TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


NOTE_SECONDS = 30.0
_noted: dict[str, float] = {}


def seldom(key: str) -> bool:
    """Return whether to log a repeated message now: once in NOTE_SECONDS for each key."""
    now = time.monotonic()
    if now - _noted.get(key, -NOTE_SECONDS) < NOTE_SECONDS:
        return False
    _noted[key] = now
    return True


class RefusalFilter(logging.Filter):
    """Drops the errors that aiohttp logs for malformed HTTP: noise, and quoted bytes may hold a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to keep a line of aiohttp."""
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | RequestPayloadError)


def add_request(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Add the ids of the current request and its trace to a line."""
    context = current.get()
    if context is not None:
        event.setdefault("requestId", context.request_id)
        if (parent := traceparent.get()) is not None:
            event.setdefault("traceId", parent.split("-")[1])
    return event


def set_up_logs(config: Config) -> None:
    """Send our own lines and those of libraries through one format; LOG_LEVEL is the threshold."""
    level = logging.getLevelNamesMapping().get(config.log_level.upper(), logging.INFO)
    as_text = config.log_format == "text" or (not config.log_format and sys.stdout.isatty())
    shared: list[Any] = [
        add_request,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([] if as_text else [TRACEBACKS]),
                renderer,
            ],
        )
    )
    logging.getLogger("aiohttp.server").addFilter(RefusalFilter())
    root = logging.getLogger()
    reporter = make_reporter(config)
    root.handlers = [handler] if reporter is None else [handler, reporter]
    root.setLevel(level)
    for noisy in ("aiohttp.access", "yoyo", "asyncio", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    # asyncpg warns, with a traceback, of every failed connection; our own lines report those.
    logging.getLogger("asyncpg").setLevel(max(level, logging.ERROR))
