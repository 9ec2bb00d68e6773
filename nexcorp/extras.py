"""What is loaded only where a setting asks for it, as its packages are optional: traces, reports."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nexcorp.config import Config
from nexcorp.errors import ConfigError

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer


def find_missing(config: Config) -> list[str]:
    """Settings whose packages are not installed, each as a sentence that says what to do."""
    wanted = (
        (
            config.otel_endpoint,
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "otel",
            "opentelemetry.exporter.otlp.proto.http",
        ),
        (config.sentry_dsn, "SENTRY_DSN", "sentry", "sentry_sdk"),
    )
    return [
        f"{setting} is set, but its packages are not installed: pip install '.[{extra}]'"
        for value, setting, extra, package in wanted
        if value and not is_installed(package)
    ]


def is_installed(package: str) -> bool:
    """Whether a package can be imported; what is above it is imported to see."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def refuse_missing(config: Config) -> None:
    """Raise ConfigError where a setting's packages are not installed."""
    missing = find_missing(config)
    if missing:
        raise ConfigError("; ".join(missing))


def make_tracer(config: Config, service: str) -> Tracer | None:
    """What writes the spans of one process, called `service` unless OTEL_SERVICE_NAME says otherwise; None
    without OTEL_EXPORTER_OTLP_ENDPOINT.

    Raises ConfigError where the packages are missing.
    """
    if not config.otel_endpoint:
        return None
    refuse_missing(config)
    from nexcorp.tracing import Tracer

    return Tracer(config.otel_endpoint, service)


def make_reporter(config: Config) -> logging.Handler | None:
    """What reports errors of the log; None without SENTRY_DSN.

    Raises ConfigError where the packages are missing.
    """
    if not config.sentry_dsn:
        return None
    refuse_missing(config)
    from nexcorp.reports import Reporter

    return Reporter(config.sentry_dsn, config.env)
