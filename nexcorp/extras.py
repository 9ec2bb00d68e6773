"""What is loaded only where a setting asks for it, as its packages are optional: traces, reports."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from nexcorp.config import Config
from nexcorp.errors import ConfigError

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer


def explain_missing(setting: str, extra: str) -> ConfigError:
    """The error of a setting whose packages are not there."""
    return ConfigError(f"{setting} is set, but its packages are not installed: pip install '.[{extra}]'")


def make_tracer(config: Config, service: str) -> Tracer | None:
    """What writes the spans of one process, called `service` unless OTEL_SERVICE_NAME says otherwise; None
    without OTEL_EXPORTER_OTLP_ENDPOINT.

    Raises ConfigError where the packages are missing.
    """
    if not config.otel_endpoint:
        return None
    try:
        from nexcorp.tracing import Tracer
    except ModuleNotFoundError:
        raise explain_missing("OTEL_EXPORTER_OTLP_ENDPOINT", "otel") from None
    return Tracer(config.otel_endpoint, service)


def make_reporter(config: Config) -> logging.Handler | None:
    """What reports errors of the log; None without SENTRY_DSN.

    Raises ConfigError where the packages are missing.
    """
    if not config.sentry_dsn:
        return None
    try:
        from nexcorp.reports import Reporter
    except ModuleNotFoundError:
        raise explain_missing("SENTRY_DSN", "sentry") from None
    return Reporter(config.sentry_dsn, config.env)
