"""Prometheus metrics of the web process, labelled by the route's path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from nexcorp.web.routing import Route

REQUEST_SECONDS = Histogram(
    "nexcorp_http_request_seconds",
    "Time to answer a request.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
IN_FLIGHT = Gauge("nexcorp_http_in_flight", "Requests being answered.", multiprocess_mode="livesum")
REFUSED = Counter("nexcorp_http_refused_total", "Requests answered 503, by the code of the error.", ["code"])

_children: dict[tuple[str, str, int], Any] = {}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe_request(method: str, route: Route | None, status: int, seconds: float) -> None:
    """Count a request, but no socket. Unknown paths share one label: a scanner cannot fill the memory."""
    if (route is not None and route.long_lived) or status == 101:
        return
    key = (method if method in METHODS else "OTHER", route.full_path if route else "unmatched", status)
    child = _children.get(key)
    if child is None:
        child = _children[key] = REQUEST_SECONDS.labels(*key)
    child.observe(seconds)


@dataclass(frozen=True, slots=True)
class Requests:
    """The counts of this process: all requests by duration, and those answered 5xx.

    `buckets` are pairs (upper bound in seconds, number of requests), each request in one of them.
    """

    buckets: list[tuple[float, float]]
    errors: float


def count_requests() -> Requests:
    """Sum REQUEST_SECONDS over its labels. Its public collect() would make an object for each number."""
    bounds = REQUEST_SECONDS._upper_bounds
    counts, errors = [0.0] * len(bounds), 0.0
    for (_, _, status), child in list(_children.items()):
        for place, bucket in enumerate(child._buckets):
            count = bucket.get()
            counts[place] += count
            errors += count if status >= 500 else 0
    return Requests(list(zip(bounds, counts, strict=True)), errors)
