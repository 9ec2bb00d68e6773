"""The worker's metrics over HTTP: the only port it listens on."""

from __future__ import annotations

import hmac

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from nexcorp.config import Config
from workers import metrics as metrics_of_the_worker  # noqa: F401 - which registers them

log = structlog.get_logger("nexcorp.worker")


def may_read(config: Config, authorization: str) -> bool:
    """Whether a request with this header may read the metrics, by the same rule as in the web process."""
    if not config.metrics_token:
        return config.development or config.metrics_open
    scheme, _, given = authorization.partition(" ")
    good = hmac.compare_digest(
        given.strip().encode("utf-8", "surrogateescape"), config.metrics_token.encode()
    )
    return scheme.lower() == "bearer" and good


async def serve_metrics(config: Config) -> web.AppRunner | None:
    """Serve /metrics on WORKER_METRICS_PORT until the returned runner is cleaned up; None if the port is 0.

    A port that cannot be used is logged, not raised: delivery works without it.
    """
    if not config.worker_metrics_port:
        return None

    async def show(request: web.Request) -> web.Response:
        if not may_read(config, request.headers.get("Authorization", "")):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Bearer realm="nexcorp"'})
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", show)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        for host in config.hosts[:1] or (None,):
            await web.TCPSite(runner, host, config.worker_metrics_port).start()
    except OSError as error:
        log.error("metrics are not served", port=config.worker_metrics_port, error=error.strerror)
    return runner
