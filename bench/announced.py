"""An announcement to everyone: until all are notified, until connected users see it, and others' latency."""

from __future__ import annotations

import time

import psycopg

from bench.identity import ask_steadily
from bench.load import build_get
from bench.remote import Remote, remote
from bench.sockets import TEXT, add_clients, close_swarm, open_swarm, raise_file_limit, split_frames, swarms
from bench.stage import ANYWHERE, QUICK, Stage
from bench.table import Figure, percentile

EVERYBODY, QUICK_EVERYBODY = 100_000, 5_000
CONNECTED, QUICK_CONNECTED = 5_000, 500
AIM_SECONDS, AIM_OTHERS_MS = 10.0, 100.0
ASKED_A_SECOND = 50
PATIENCE_SECONDS = 120.0
MORE_PEOPLE = """
INSERT INTO users (email, username)
SELECT 'more' || i || '@example.com', 'more' || i
FROM generate_series(1, %s - (SELECT count(*) FROM users)) AS i
"""
ANNOUNCE = """
WITH made AS (
    INSERT INTO posts (author_id, type, status, title, body)
    SELECT id, 'announcement', 'published', 'News', 'The cafeteria opens again on Monday.'
    FROM bench_users
    WHERE n = 1
    RETURNING id, author_id
),
counted AS (
    INSERT INTO post_stats (post_id) SELECT id FROM made
)
SELECT emit(
    'post.created', author_id, 'post', id,
    jsonb_build_object('authorId', author_id, 'type', 'announcement', 'mentionedIds', jsonb_build_array()),
    '{}'
)
FROM made
"""


def count_shown(name: str, wanted: int, seconds: float) -> float:
    """Read a named swarm until `wanted` notifications were shown; returns the Unix time of the last one."""
    swarm, came, deadline = swarms[name], 0, time.monotonic() + seconds
    while came < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{wanted - came} of {wanted} notifications were not shown")
        for number, _ in swarm.poll.poll(1.0):
            data = swarm.rests.pop(number, b"") + swarm.conns[number].recv(262144)
            frames, left = split_frames(data)
            if left:
                swarm.rests[number] = left
            came += sum(kind == TEXT and b'"notification:created"' in text for kind, text in frames)
    return time.time()


def announce(stage: Stage) -> float:
    """Publish the announcement in one commit; returns the Unix time after it."""
    with psycopg.connect(stage.url, autocommit=True) as conn:
        conn.execute(ANNOUNCE)
    return time.time()


def await_told(stage: Stage, told: int) -> float:
    """Wait until `told` users are notified; returns the Unix time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stage.query("SELECT EXISTS (SELECT FROM outbox)")[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError("not everybody is told")
        time.sleep(0.1)
    ended = time.time()
    ((count,),) = stage.query("SELECT count(*) FROM notifications WHERE type = 'announcement'")
    assert count == told, f"{count} are told, not {told}"
    return ended


def tell(
    stage: Stage, port: int, reader: Remote, others: Remote, everybody: int, sockets: int
) -> tuple[float, float, list[float]]:
    """Announce once: (seconds until all are notified, seconds until it is shown, others' milliseconds)."""
    ((post_id,),) = stage.query("SELECT id FROM bench_posts WHERE n = 1")
    tokens = [token for _, token in stage.sign_tokens(stage.size.users)]
    # The author of the announcement is not notified.
    each = [tokens[1 + number % (len(tokens) - 1)] for number in range(sockets)]
    reader.call(open_swarm, "announced", port)
    reader.call(add_clients, "announced", each)
    requests, ended = [build_get(f"/api/v1/posts/{post_id}", tokens[0])], stage.home / "announced"
    ended.unlink(missing_ok=True)
    # The first call only loads code: idle time must not count as "meanwhile".
    others.call(ask_steadily, port, requests, 0.5, ASKED_A_SECOND)
    others.start(ask_steadily, port, requests, PATIENCE_SECONDS, ASKED_A_SECOND, ended.exists)
    began = announce(stage)
    reader.start(count_shown, "announced", sockets, PATIENCE_SECONDS)
    told = await_told(stage, everybody - 1) - began
    shown = reader.finish() - began
    ended.touch()
    felt = others.finish()
    reader.call(close_swarm, "announced")
    return told, shown, felt


def measure(stage: Stage) -> list[Figure]:
    """Measure with all processes on all cores, as in production."""
    quick = stage.size is QUICK
    everybody, sockets = (QUICK_EVERYBODY, QUICK_CONNECTED) if quick else (EVERYBODY, CONNECTED)
    raise_file_limit(2 * sockets + 1_000)
    stage.query(MORE_PEOPLE, everybody)
    ((everybody,),) = stage.query("SELECT count(*) FROM users WHERE status = 'active'")
    with (
        stage.unpinned(),
        stage.web() as (_, port),
        stage.worker(),
        remote(ANYWHERE) as reader,
        remote(ANYWHERE) as others,
    ):
        told, shown, felt = tell(stage, port, reader, others, everybody, sockets)
    return [
        Figure(f"{everybody:,} are told", told, "s", aim=AIM_SECONDS, aim_is_value=True),
        Figure(f"{sockets:,} of them see it", shown, "s"),
        Figure("others meanwhile, p99", percentile(felt, 0.99), "ms", aim=AIM_OTHERS_MS, aim_is_value=True),
        Figure("others meanwhile, p50", percentile(felt, 0.5), "ms"),
    ]
