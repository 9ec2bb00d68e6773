"""Traces: one trace from the request over outbox and worker to the socket, without data of people."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from nexcorp.config import Config
from nexcorp.embedded import ValkeyServer
from tests.api import API, fetch, outbox_empty, publish
from tests.clients import start_web
from tests.conftest import make_config, wait_until
from tests.observing.collector import Collector, run_collector
from tests.realtime.helpers import subscribe

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACES = [CALLER[:-1] + digit for digit in "123"]
MARK = "tracestate-of-a-caller"
WORDS = "words that nobody else may read"
COMMENT_ROUTE = "POST /api/v1/comments"
WHOLE = {COMMENT_ROUTE, "comments.create_comment", "deliver", "telling.deliver", "push", "write"}


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with run_collector() as found:
        yield found


@pytest.fixture
def own_config(
    database_url: str,
    valkey: ValkeyServer,
    tmp_path: Any,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> Config:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    return replace(make_config(database_url, valkey.url, tmp_path / "home"), otel_endpoint=collector.url)


async def test_one_trace_goes_from_the_request_to_the_socket(
    service: Any, make_user: Any, connect: Any, collector: Collector
) -> None:
    author, reader = await make_user(), await make_user()
    post = await publish(author, WORDS)
    live = await connect(reader)
    await subscribe(live, f"post:{post['id']}")
    # The statements of a batch appear below one of its events, so the next event must be alone.
    await wait_until(lambda: outbox_empty(service))

    async def comment(trace_id: str) -> Any:
        """Comment, and return the answer once the trace is complete; None if a slow Redis broke it."""
        headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "tracestate": f"{MARK}={MARK}"}
        body = {"postId": post["id"], "body": WORDS}
        answer = await reader.client.post(f"{API}/comments", json=body, headers=headers)
        assert answer.status == 201
        assert (await live.next("comment:created", 20))["data"]["body"] == WORDS

        async def complete() -> bool:
            """Whether every expected span came: processes send them in intervals."""
            return {one.name for one in collector.spans if one.trace_id == trace_id} >= WHOLE

        with contextlib.suppress(TimeoutError):
            await wait_until(complete)
            return answer
        return None

    for trace_id in TRACES:
        answer = await comment(trace_id)
        if answer is not None:
            break
    assert answer is not None, {one.name for one in collector.spans}
    last = next(one for one in collector.find("write", nexcorp__room="post") if one.trace_id == trace_id)
    by_id = {one.id: one for one in collector.spans}
    path = [last]
    while path[-1].parent_id in by_id:
        path.append(by_id[path[-1].parent_id])
    assert [(one.name, one.service) for one in path] == [
        ("write", "nexcorp-web"),
        ("push", "nexcorp-worker"),
        ("deliver", "nexcorp-worker"),
        (COMMENT_ROUTE, "nexcorp-web"),
    ]
    assert {one.trace_id for one in path} == {trace_id} and path[-1].parent_id == "00f067aa0ba902b7"
    assert path[0].about["nexcorp.sockets"] == 1
    assert path[2].about["nexcorp.event"] == "comment.created"
    request = path[3].about
    assert request["http.response.status_code"] == 201 and request["http.request.method"] == "POST"
    # The trail, the log and the trace have the same request id.
    assert request["nexcorp.request_id"] == answer.headers["X-Request-Id"]
    # Statements appear under their names, below the span that ran them.
    below = {one.name: one.parent_id for one in collector.spans if one.trace_id == trace_id}
    assert below["comments.create_comment"] == path[3].id and below["telling.deliver"] == path[2].id
    # Statements outside of a request, such as the poll of the outbox, have no span.
    assert not collector.find("events.claim_outbox")
    # The trace travels with the event, beside the id of the request.
    rows = await fetch(
        service, "SELECT metadata, correlation_id FROM events WHERE type = 'comment.created' ORDER BY id"
    )
    assert rows[-1]["correlation_id"] == answer.headers["X-Request-Id"]
    assert rows[-1]["metadata"]["traceparent"].split("-")[1] == trace_id
    assert MARK.encode() not in collector.raw


async def arrived(collector: Collector, name: str) -> bool:
    return bool(collector.find(name))


async def test_a_trace_has_nothing_of_people_in_it(
    make_user: Any, service: Any, collector: Collector
) -> None:
    ada = await make_user()
    await publish(ada, WORDS)
    await ada.client.get(f"{API}/users?search={ada.username}", headers={"User-Agent": "a device of Ada's"})
    await ada.client.get(f"{API}/search?q=nobody%20may")
    await ada.client.post(f"{API}/auth/login", json={"email": ada.email, "password": ada.password})
    await ada.client.get(f"{API}/posts/00000000-0000-7000-8000-000000000000")
    await ada.client.get("/no/such/path/of-ada", headers={"traceparent": "00-nonsense"})
    await wait_until(lambda: arrived(collector, "GET /api/v1/posts/{id}"))
    for secret in (WORDS, "nobody", ada.email, ada.username, ada.password, ada.token, "127.0.0.1", "Ada's"):
        assert secret.encode() not in collector.raw, secret
    assert str(ada.id).encode() not in collector.raw and b"of-ada" not in collector.raw
    failed = collector.find("GET /api/v1/posts/{id}")[0]
    assert failed.about["http.response.status_code"] == 404


async def test_a_collector_that_is_away_holds_up_nobody(
    make_user: Any, service: Any, collector: Collector, own_config: Config
) -> None:
    collector.status = 503
    ada = await make_user()
    await publish(ada, WORDS)

    async def asked() -> bool:
        return collector.calls > 0

    await wait_until(asked)
    # The spans are still being retried when another process ends.
    runner, _, _ = await start_web(own_config)
    await asyncio.wait_for(runner.cleanup(), 15)


async def test_who_is_not_sampled_leaves_nothing(
    service: Any, make_user: Any, collector: Collector, connect: Any
) -> None:
    """The caller decides not to sample, and no event carries the trace on."""
    ada = await make_user()
    live = await connect(ada)
    body = {"body": WORDS}
    away = {"traceparent": f"00-{CALLER}-00f067aa0ba902b7-00"}
    post = await (await ada.client.post(f"{API}/posts", json=body, headers=away)).json()
    await subscribe(live, f"post:{post['id']}")
    rows = await fetch(service, "SELECT metadata ? 'traceparent' FROM events WHERE type = 'post.created'")
    assert [row[0] for row in rows] == [False]
    await ada.client.get(f"{API}/posts/{post['id']}")
    await wait_until(lambda: arrived(collector, "GET /api/v1/posts/{id}"))
    assert not any(one.trace_id == CALLER for one in collector.spans)


def test_nothing_is_loaded_without_the_setting() -> None:
    script = (
        "import sys, workers.settings; from nexcorp.config import Config; from nexcorp.app import create_app;"
        "app = create_app(Config(env='development', jwt_secret='x' * 32, redis_url='redis://127.0.0.1:1'));"
        "assert len(app.middlewares) == 1, app.middlewares;"
        "from nexcorp.realtime.node import NODE; assert 'receive' not in vars(app[NODE].hub);"
        # redis-py itself loads parts of opentelemetry; these are the expensive ones.
        "loaded = {'nexcorp.tracing', 'opentelemetry.sdk.trace', 'opentelemetry.exporter', 'sentry_sdk'};"
        "assert not loaded & set(sys.modules), loaded & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
