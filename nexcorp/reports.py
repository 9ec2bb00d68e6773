"""Report logged errors by Sentry's protocol; the SDK sends them in a thread.

Only nexcorp/extras.py loads this. A report holds the line's fixed words, the classes of the errors, the code
locations, and the ids of the request and its trace; never the text of an error, which may quote rows and
texts, nor a variable, an address, a header, or another member of the line. Only the SDK's client is used:
it hooks into no other library.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import sentry_sdk
from sentry_sdk.utils import exceptions_from_error_tuple

from nexcorp import __version__
from nexcorp.context import current, traceparent
from nexcorp.errors import AppError

OURS = ("nexcorp.", "workers.")
CLOSE_SECONDS = 2.0


def describe(error: BaseException) -> str:
    """Return the part of an error that may be reported: our error code, or SQLSTATE and constraint name."""
    if isinstance(error, AppError):
        return error.code
    known = (getattr(error, "sqlstate", None), getattr(error, "constraint_name", None))
    return " ".join(text for text in known if isinstance(text, str))


def list_chain(error: BaseException | None) -> dict[str, str]:
    """Return describe() of an error and its causes and contexts, by class name."""
    found: dict[str, str] = {}
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or type(one).__name__ in found:
            continue
        found[type(one).__name__] = describe(one)
        waiting += [one.__cause__, one.__context__]
        waiting += getattr(one, "exceptions", ())
    return found


def find_error(record: logging.LogRecord) -> Any:
    """Return the (type, error, traceback) of a line, or None."""
    given: Any = record.exc_info
    if not given and isinstance(record.msg, dict):
        # structlog renders it only in a later handler.
        given = record.msg.get("exc_info")
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if given is True:
        given = sys.exc_info()
    return given if isinstance(given, tuple) and given[1] is not None else None


def name_line(record: logging.LogRecord) -> str:
    """Return the fixed words of a line; for a library's line, which may quote anything, its logger's name."""
    if isinstance(record.msg, dict) and record.name.startswith(OURS):
        return str(record.msg.get("event"))
    return f"an error in {record.name}"


class Reporter(logging.Handler):
    """A log handler that reports lines of level error and above."""

    def __init__(self, dsn: str, environment: str) -> None:
        super().__init__(logging.ERROR)
        self.options: dict[str, Any] = {
            "release": f"nexcorp-connect@{__version__}",
            "environment": environment,
            "default_integrations": False,
            "auto_enabling_integrations": False,
            "send_default_pii": False,
            "include_local_variables": False,
            "max_breadcrumbs": 0,
            "auto_session_tracking": False,
            "send_client_reports": False,
            "shutdown_timeout": CLOSE_SECONDS,
        }
        self.client = sentry_sdk.Client(dsn=dsn, **self.options)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a report; the SDK drops it if its queue is full."""
        # The SDK must not report its own errors.
        if record.name.startswith(("sentry_sdk", "urllib3")):
            return
        try:
            self.client.capture_event(self.compose(record))
        except Exception:
            self.handleError(record)

    def compose(self, record: logging.LogRecord) -> Any:
        """Return the Sentry event of a line."""
        event: dict[str, Any] = {
            "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
            "logger": record.name,
            "message": name_line(record),
            "tags": {},
        }
        context, parent = current.get(), traceparent.get()
        if context is not None:
            event["tags"]["requestId"] = context.request_id
        if parent is not None:
            event["tags"]["traceId"] = parent.split("-")[1]
        error = find_error(record)
        if error is not None:
            told = list_chain(error[1])
            values = exceptions_from_error_tuple(error, self.client.options)
            for value in values:
                value["value"] = told.get(value["type"], "")
                for frame in (value.get("stacktrace") or {}).get("frames", ()):
                    frame.pop("vars", None)
            event["exception"] = {"values": values}
        return event

    def close(self) -> None:
        """Send the queued reports, for CLOSE_SECONDS at most; called when the process ends."""
        self.client.close(timeout=CLOSE_SECONDS)
        super().close()
