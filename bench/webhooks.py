"""Webhook deliveries of one worker, while 200 endpoints accept requests and never answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psycopg

from bench.remote import server
from bench.sinks import PushSink, serve_sink
from bench.stage import QUICK, REST, Stage, read_cpu_seconds
from bench.table import Figure, percentile
from nexcorp.features.webhooks.signing import make_secret, seal_secret
from nexcorp.security.secrets import Secrets

GOOD, HANGING, WAITING = 20, 200, 20
MESSAGES, QUICK_MESSAGES = 20_000, 4_000
LATE, LATE_SECONDS = 60, 0.1
PATIENCE_SECONDS = 100.0
# How long a delivery may take (p99) while other endpoints hang.
AIM_MS = 2_700
MAKE = """INSERT INTO webhooks (id, owner_id, scope, url, secret)
SELECT %s, id, 'own', %s, %s FROM bench_users WHERE n = %s"""
# Events of existing posts, as if a batch of posts had just been created.
QUEUE = """
WITH told AS (
    SELECT w.id AS webhook_id, emit('post.created', NULL, 'post', p.id, '{}', '{}') AS event_id
    FROM webhooks AS w
    CROSS JOIN generate_series(1, %(each)s) AS k (n)
    INNER JOIN bench_posts AS p ON p.n = k.n
    WHERE w.url LIKE %(urls)s
),
woken AS (UPDATE webhooks SET due_at = least(due_at, now()) WHERE url LIKE %(urls)s)
INSERT INTO webhook_deliveries (webhook_id, event_id, event_at, type)
SELECT t.webhook_id, t.event_id, now(), 'post.created' FROM told AS t
"""
LEFT = """SELECT EXISTS (
    SELECT FROM webhook_deliveries AS d INNER JOIN webhooks AS w ON w.id = d.webhook_id
    WHERE w.url LIKE %s AND d.status = 'pending'
)"""
# From the first attempt to the last: the time until a worker looks is not included.
TOOK = """
SELECT count(*), extract(epoch FROM max(a.at) - min(a.at))
FROM webhook_attempts AS a
INNER JOIN webhook_deliveries AS d ON d.id = a.delivery_id
INNER JOIN webhooks AS w ON w.id = d.webhook_id
WHERE w.url LIKE %s AND a.at > %s
"""
AGES = """
SELECT extract(epoch FROM d.ended_at - d.created_at) * 1000
FROM webhook_deliveries AS d INNER JOIN webhooks AS w ON w.id = d.webhook_id
WHERE w.url LIKE %s AND d.created_at > %s
"""


class HangingSink(asyncio.Protocol):
    """A server that accepts everything and never answers."""


def make_hooks(stage: Stage, count: int, port: int) -> str:
    """Create `count` webhooks for a port; returns a LIKE pattern of their URLs."""
    secrets, origin = Secrets.from_config(stage.config()), f"http://127.0.0.1:{port}/"
    with psycopg.connect(stage.url) as conn:
        for n in range(1, count + 1):
            (webhook_id,) = conn.execute("SELECT uuidv7()").fetchone() or (None,)
            secret = seal_secret(secrets, webhook_id, make_secret())
            conn.execute(MAKE, (webhook_id, f"{origin}{n}", secret, n))
    return f"{origin}%"


def queue(stage: Stage, urls: str, each: int) -> Any:
    """Queue `each` deliveries to each matching webhook in one commit; returns a time just before it."""
    with psycopg.connect(stage.url) as conn:
        (moment,) = conn.execute("SELECT clock_timestamp() - interval '1 ms'").fetchone() or (None,)
        conn.execute(QUEUE, {"urls": urls, "each": each})
        conn.execute("DELETE FROM outbox")
    return moment


def await_all(stage: Stage, urls: str) -> None:
    """Wait until no delivery is pending; raises RuntimeError after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stage.query(LEFT, urls)[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError("not every webhook is sent")
        time.sleep(0.1)


def measure(stage: Stage) -> list[Figure]:
    """Measure many deliveries at once, then a few per endpoint, while other endpoints hang."""
    count = QUICK_MESSAGES if stage.size is QUICK else MESSAGES
    with (
        server(REST, serve_sink, PushSink) as (_, port),
        server(REST, serve_sink, HangingSink) as (_, dead),
        stage.worker(OUTBOUND_ALLOW="127.0.0.1") as worker,
    ):
        good = make_hooks(stage, GOOD, port)
        # Let each good endpoint answer once, so that the worker does not treat it as hanging.
        queue(stage, good, 1)
        await_all(stage, good)
        hanging = make_hooks(stage, HANGING, dead)
        queue(stage, hanging, WAITING)
        time.sleep(1.0)
        cpu = read_cpu_seconds(worker.pid)
        since = queue(stage, good, count // GOOD)
        await_all(stage, good)
        cpu = read_cpu_seconds(worker.pid) - cpu
        ((sent, seconds),) = stage.query(TOOK, good, since)
        assert sent == count, f"{sent} of {count} are sent"
        since = queue(stage, good, 1)
        for _ in range(LATE):
            time.sleep(LATE_SECONDS)
            queue(stage, good, 1)
        await_all(stage, good)
        ages = [float(age) for (age,) in stage.query(AGES, good, since)]
        ((asked,),) = stage.query(
            "SELECT count(DISTINCT d.webhook_id) FROM webhook_deliveries AS d "
            "INNER JOIN webhooks AS w ON w.id = d.webhook_id WHERE w.url LIKE %s AND w.worker_id IS NOT NULL",
            hanging,
        )
    return [
        Figure(
            "to 20 endpoints, beside 200 that hang",
            count / float(seconds),
            "deliveries/s",
            detail={"deliveries": count, "hanging_asked": asked, "cpu_us": round(cpu / count * 1e6)},
        ),
        Figure("... CPU of the worker", cpu / count * 1e6, "us each"),
        Figure("age of one, beside them, median", percentile(ages, 0.5), "ms"),
        Figure("age of one, beside them, p99", percentile(ages, 0.99), "ms", aim=AIM_MS, aim_is_value=True),
    ]
