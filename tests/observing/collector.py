"""A collector of traces on loopback: OTLP over HTTP, as a real one takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collected:
    """A received span; `about`: its attributes as Python values."""

    service: str
    span: Span
    about: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.about = {item.key: read_value(item.value) for item in self.span.attributes}

    @property
    def name(self) -> str:
        return self.span.name

    @property
    def trace_id(self) -> str:
        return self.span.trace_id.hex()

    @property
    def id(self) -> str:
        return self.span.span_id.hex()

    @property
    def parent_id(self) -> str:
        return self.span.parent_span_id.hex()


def read_value(value: Any) -> Any:
    """Return the value in an AnyValue."""
    return getattr(value, value.WhichOneof("value"))


@dataclass
class Collector:
    """A collector: the received spans, and their bytes. `status`: its answer."""

    url: str = ""
    status: int = 200
    calls: int = 0
    spans: list[Collected] = field(default_factory=list)
    raw: bytes = b""

    async def take(self, request: web.Request) -> web.Response:
        """Keep the spans of a request."""
        body = await request.read()
        self.calls += 1
        if self.status == 200:
            self.raw += body
            sent = ExportTraceServiceRequest.FromString(body)
            for part in sent.resource_spans:
                service = next(
                    item.value.string_value for item in part.resource.attributes if item.key == "service.name"
                )
                self.spans += [Collected(service, span) for scope in part.scope_spans for span in scope.spans]
        return web.Response(
            status=self.status,
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )

    def find(self, name: str, **about: Any) -> list[Collected]:
        """Return spans of this name with these attributes; `__` stands for the dots in their names."""
        wanted = {key.replace("__", "."): value for key, value in about.items()}
        return [one for one in self.spans if one.name == name and wanted.items() <= one.about.items()]


@asynccontextmanager
async def run_collector() -> AsyncIterator[Collector]:
    """Run a collector while the block runs."""
    found = Collector()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/traces", found.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()
