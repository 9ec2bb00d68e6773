"""Reports of errors by Sentry's protocol, made of what is logged as an error; sent by a thread of their own.

Only nexcorp/extras.py loads this. A report has the line's fixed words, the kinds of the errors, where in the
code they arose, and the ids of the request and its trace; never what an error says, for that quotes rows and
texts, nor a variable, an address, a header, or another member of the line. The SDK's client is used by
itself: nothing of it hooks into other libraries.
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
    """What may be told of an error beyond its kind: a code of ours, or PostgreSQL's with the constraint."""
    if isinstance(error, AppError):
        return error.code
    known = (getattr(error, "sqlstate", None), getattr(error, "constraint_name", None))
    return " ".join(text for text in known if isinstance(text, str))


def list_chain(error: BaseException | None) -> dict[str, str]:
    """What may be told of an error and of those behind it, by their kind."""
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
    """The (type, error, traceback) of a line, None where it has none."""
    given: Any = record.exc_info
    if not given and isinstance(record.msg, dict):
        # structlog has it rendered behind this handler.
        given = record.msg.get("exc_info")
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if given is True:
        given = sys.exc_info()
    return given if isinstance(given, tuple) and given[1] is not None else None


def name_line(record: logging.LogRecord) -> str:
    """The fixed words of a line; of a library's own, which may have anything in it, the library's name."""
    if isinstance(record.msg, dict) and record.name.startswith(OURS):
        return str(record.msg.get("event"))
    return f"an error in {record.name}"


class Reporter(logging.Handler):
    """Reports lines of level error and above."""

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
        """Queue a report, or drop it where many wait."""
        # What the SDK itself has to say must not be reported by it.
        if record.name.startswith(("sentry_sdk", "urllib3")):
            return
        try:
            self.client.capture_event(self.compose(record))
        except Exception:
            self.handleError(record)

    def compose(self, record: logging.LogRecord) -> Any:
        """The event of a line."""
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
        """Send what is left, for CLOSE_SECONDS at most; called when the process ends."""
        self.client.close(timeout=CLOSE_SECONDS)
        super().close()
