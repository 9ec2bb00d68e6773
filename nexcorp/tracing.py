"""Spans, and their export to an OTLP collector over HTTP, in a thread.

Only nexcorp/extras.py loads this. A span holds names of routes, events, statements and kinds of rooms,
numbers, states, ids of requests and events; never an address, a text, a header, or a statement's argument.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from nexcorp import __version__
from nexcorp.config import setting
from nexcorp.db.slow import name_statement
from nexcorp.logs import seldom

log = structlog.get_logger("nexcorp.tracing")

TRACES_PATH = "/v1/traces"
EXPORT_SECONDS = 5.0
# A process that ends waits at most this long for the collector to take its last spans.
CLOSE_SECONDS = 2.0

Attributes = Mapping[str, str | int | float | bool]
Key = TypeVar("Key")

_propagator = TraceContextTextMapPropagator()
# The SDK logs each failed attempt with the collector's address and answer; Exporter logs it now and then.
logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)


def read_parent(traceparent: str | None) -> Any:
    """Return the context that a `traceparent` (W3C) names, or None if it is invalid; ignores `tracestate`."""
    if traceparent is None:
        return None
    context = _propagator.extract({"traceparent": traceparent})
    return context if trace.get_current_span(context).get_span_context().is_valid else None


def write_parent(span: Any) -> str | None:
    """Return the `traceparent` for work that follows from a span, or None if the span is not recorded."""
    if not span.get_span_context().trace_flags.sampled:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(span))
    return carrier.get("traceparent")


def no_attributes(key: object) -> Attributes:
    """Return no attributes, for spans that only have a name."""
    return {}


class Exporter:
    """An OTLP exporter that logs its failures, now and then."""

    def __init__(self, inner: OTLPSpanExporter) -> None:
        self.inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; called in the processor's thread."""
        result = self.inner.export(spans)
        if result is not SpanExportResult.SUCCESS and seldom("spans"):
            log.warning("spans are lost: the collector does not take them", spans=len(spans))
        return result

    def shutdown(self) -> None:
        """Stop retrying."""
        self.inner.shutdown()


class Tracer:
    """The spans of one process; the SDK also reads other OTEL_* variables of the environment."""

    def __init__(self, endpoint: str, service: str) -> None:
        name = {} if setting("OTEL_SERVICE_NAME") else {"service.name": service}
        resource = Resource.create({**name, "service.version": __version__})
        # close() shuts it down instead, which does not wait for an unreachable collector.
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = Exporter(OTLPSpanExporter(endpoint=endpoint + TRACES_PATH, timeout=EXPORT_SECONDS))
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("nexcorp", __version__)

    @contextmanager
    def serve(self, name: str, traceparent: str | None, attributes: Attributes) -> Iterator[Any]:
        """Open the span of a request, current within the block; it continues the trace of `traceparent`."""
        span = self.tracer.start_span(
            name, read_parent(traceparent), kind=SpanKind.SERVER, attributes=attributes
        )
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield span

    @contextmanager
    def follow(
        self,
        name: str,
        parents: Mapping[Key, str],
        describe: Callable[[Key], Attributes] = no_attributes,
        kind: SpanKind = SpanKind.CONSUMER,
    ) -> Iterator[dict[Key, str]]:
        """Open a span below each of several `traceparent`s for a block that works on all of them at once.

        The first span is current: statements of the block are below it. Yields, by key, the `traceparent` for
        work that follows from each. The spans end with the block, with the name of the error that ends it.
        """
        spans: dict[Key, Any] = {}
        for key, traceparent in parents.items():
            parent = read_parent(traceparent)
            if parent is not None:
                spans[key] = self.tracer.start_span(name, parent, kind=kind, attributes=describe(key))
        followed = {key: text for key, span in spans.items() if (text := write_parent(span)) is not None}
        if not followed:
            yield followed
            return
        try:
            with trace.use_span(
                next(iter(spans.values())), record_exception=False, set_status_on_exception=False
            ):
                yield followed
        except BaseException as error:
            for span in spans.values():
                note_failure(span, type(error).__name__)
            raise
        finally:
            for span in spans.values():
                span.end()

    def note_statement(self, record: Any) -> None:
        """A query logger for asyncpg: record a span for each statement that ran within another span."""
        parent = trace.get_current_span().get_span_context()
        if not (parent.is_valid and parent.trace_flags.sampled):
            return
        name, now = name_statement(record.query), time.time_ns()
        span = self.tracer.start_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.query.summary": name},
            start_time=now - round(record.elapsed * 1e9),
        )
        if record.exception is not None:
            note_failure(span, type(record.exception).__name__)
        span.end(now)

    async def close(self) -> None:
        """Send the remaining spans, for CLOSE_SECONDS at most."""
        ended, loop = asyncio.Event(), asyncio.get_running_loop()

        def end() -> None:
            self.provider.shutdown()
            # The loop may have been closed by now.
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=end, name="tracing", daemon=True).start()
        try:
            await asyncio.wait_for(ended.wait(), CLOSE_SECONDS)
        except TimeoutError:
            log.warning("the last spans are lost: the collector does not take them")


def note_failure(span: Any, error: str) -> None:
    """Mark a span as failed by the name of the error alone: the error's text may quote values."""
    span.set_attribute("error.type", error)
    span.set_status(StatusCode.ERROR)
