"""Loaders of optional packages, imported only if a setting needs them: traces, error reports."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nexcorp.config import Config
from nexcorp.errors import ConfigError

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer


def find_missing(config: Config) -> list[str]:
    """Return the settings whose packages are not installed, each as a sentence that says what to do."""
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
    """Return whether a package can be imported; imports its parents to find out."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def refuse_missing(config: Config) -> None:
    """Raise ConfigError if a setting's packages are not installed."""
    missing = find_missing(config)
    if missing:
        raise ConfigError("; ".join(missing))


def make_tracer(config: Config, service: str) -> Tracer | None:
    """Return the tracer of a process, or None without OTEL_EXPORTER_OTLP_ENDPOINT.

    Its spans name `service`, unless OTEL_SERVICE_NAME is set. Raises ConfigError if the packages are missing.
    """
    if not config.otel_endpoint:
        return None
    refuse_missing(config)
    from nexcorp.tracing import Tracer

    return Tracer(config.otel_endpoint, service)


def make_reporter(config: Config) -> logging.Handler | None:
    """Return the log handler that reports errors to Sentry, or None without SENTRY_DSN.

    Raises ConfigError if the packages are missing.
    """
    if not config.sentry_dsn:
        return None
    refuse_missing(config)
    from nexcorp.reports import Reporter

    return Reporter(config.sentry_dsn, config.env)
