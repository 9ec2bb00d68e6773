"""Notifications stored per second by one worker, against the same INSERTs in batches of the same size."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvloop

from bench.remote import remote
from bench.stage import SERVED, Stage, read_cpu_seconds
from bench.table import Figure, median, median_ratio
from nexcorp.config import Config
from nexcorp.db import Database, sql
from workers.delivery import BATCH_ROWS

AIM_PER_SECOND = 10_000
# Of the rate of one worker.
AIM_TWO = 1.6
HEARD_SECONDS = 6.0
DRAIN_SECONDS = 60.0
# Rare enough to cost PostgreSQL almost nothing: each poll reads through the queue's dead rows.
POLL_SECONDS = 0.1
# One comment on a post for each receiver, with its event as POST /comments records it, in one commit.
FILL_OUTBOX = """
WITH made AS (
    INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata)
    SELECT
        'comment.created', a.id, 'comment', c.id,
        jsonb_build_object(
            'postId', c.post_id, 'postAuthorId', r.id, 'parentAuthorId', NULL, 'onDraft', false,
            'mentionedIds', jsonb_build_array()
        ),
        '{}'
    FROM bench_users AS r
    INNER JOIN bench_users AS a ON a.n = 1 + r.n % $1
    INNER JOIN bench_comments AS b ON b.n = 1 + r.n % $2
    INNER JOIN comments AS c ON c.id = b.id
    WHERE r.n > $1
    RETURNING id, created_at, (payload ->> 'postId')::uuid AS root
)
INSERT INTO outbox (event_id, event_at, lane) SELECT id, created_at, find_lane(root) FROM made
"""


def persist_plainly(config: Config, receivers: list[str], actor: str, post: str, mark: str) -> float:
    """Run only the batches' INSERTs (notifications with counters, rooms, frames); returns seconds."""
    return uvloop.run(_persist_plainly(config, receivers, UUID(actor), UUID(post), mark))


async def _persist_plainly(config: Config, receivers: list[str], actor: UUID, post: UUID, mark: str) -> float:
    database = Database(config)
    await database.open()
    batches = [
        make_batch(receivers[at : at + BATCH_ROWS], actor, post, mark)
        for at in range(0, len(receivers), BATCH_ROWS)
    ]
    began = time.perf_counter()
    for batch in batches:
        async with database.transaction() as conn:
            told = batch["receiver_ids"]
            await sql.telling.count_told(conn, user_ids=told, added=[1] * len(told))
            await sql.telling.deliver(conn, **batch)
    seconds = time.perf_counter() - began
    await database.close()
    return seconds


def make_batch(receivers: list[str], actor: UUID, post: UUID, mark: str) -> dict[str, list[Any]]:
    """The arguments of one batch, built before the clock starts."""
    count, now = len(receivers), datetime.now(UTC)
    events = [uuid4() for _ in receivers]
    return {
        "event_ids": events,
        "receiver_ids": receivers,
        "actor_ids": [actor] * count,
        "types": ["comment"] * count,
        "variants": [""] * count,
        "entity_types": ["comment"] * count,
        "entity_ids": [post] * count,
        "params": [{}] * count,
        "once_keys": [None] * count,
        "created_ats": [now] * count,
        "whys": ["author"] * count,
        "plans": [None] * count,
        "group_ids": [None] * count,
        # Frames for one room per receiver; a drained event has a second one, for the post's room.
        "rooms": [f"{mark}:{receiver}" for receiver in receivers],
        "frame_event_ids": events,
        "frame_events": ["comment:created"] * count,
        "frame_entity_types": ["comment"] * count,
        "frame_entity_ids": [post] * count,
        "datas": [{"postId": str(post)}] * count,
        "members": [None] * count,
    }


async def drain_once(stage: Stage, pids: Sequence[int]) -> tuple[float, float]:
    """Fill the outbox in one commit and let the workers drain it: (seconds, CPU seconds of the workers).

    The clock runs from the first batch's transaction until a poll finds the outbox empty.
    """
    size = stage.size
    conn = await asyncpg.connect(stage.postgres.url)
    try:
        await conn.execute(FILL_OUTBOX, size.users, size.posts)
        filled, cpu = await conn.fetchval("SELECT clock_timestamp()"), sum(map(read_cpu_seconds, pids))
        deadline = time.monotonic() + DRAIN_SECONDS
        while await conn.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
            if time.monotonic() > deadline:
                raise RuntimeError("the worker does not drain the outbox")
            await asyncio.sleep(POLL_SECONDS)
        ended = await conn.fetchval("SELECT clock_timestamp()")
        cpu = sum(map(read_cpu_seconds, pids)) - cpu
        began = await conn.fetchval(
            "SELECT min(created_at) FROM room_frames WHERE created_at > $1 AND room LIKE 'user:%'", filled
        )
        return (ended - began).total_seconds(), cpu
    finally:
        await conn.close()


def measure_two(stage: Stage) -> tuple[list[float], list[float]]:
    """Notifications per second of one worker and of two, without pinning: (rates alone, rates together)."""
    count, alone, together = stage.size.audience, [], []
    with stage.unpinned(), stage.worker() as one:
        alone = [count / uvloop.run(drain_once(stage, [one.pid]))[0] for _ in range(3)]
        with stage.worker() as two:
            # Let each worker discover the other.
            time.sleep(HEARD_SECONDS)
            together = [count / uvloop.run(drain_once(stage, [one.pid, two.pid]))[0] for _ in range(3)]
    return alone, together


def measure(stage: Stage) -> list[Figure]:
    """Measure the worker and its floor in alternating rounds, then two workers."""
    count = stage.size.audience
    receivers = [
        str(row[0])
        for row in stage.query("SELECT id FROM bench_users WHERE n > %s ORDER BY n", stage.size.users)
    ]
    actor = str(stage.query("SELECT id FROM bench_users WHERE n = 1")[0][0])
    post = str(stage.query("SELECT id FROM bench_posts WHERE n = 1")[0][0])
    config, rates, floors, costs = stage.config(), [], [], []
    with stage.worker() as worker, remote(SERVED) as floor:
        for number in range(3):
            seconds, cpu = uvloop.run(drain_once(stage, [worker.pid]))
            rates.append(count / seconds)
            costs.append(cpu / count * 1e6)
            floors.append(
                count / floor.call(persist_plainly, config, receivers, actor, post, f"floor{number}")
            )
            dead = stage.query("SELECT count(*) FROM outbox_dead")[0][0]
            assert not dead, f"{dead} rows of the outbox died"
    alone, together = measure_two(stage)
    return [
        Figure(
            "by one worker",
            median(rates),
            "notifications/s",
            ratio=median_ratio(rates, floors),
            floor=f"the INSERTs alone, {median(floors):,.0f}/s",
            detail={
                "rounds": {"service": [round(x) for x in rates], "floor": [round(x) for x in floors]},
                "batch_rows": BATCH_ROWS,
                "events": count,
                "goal_per_second": AIM_PER_SECOND,
            },
        ),
        Figure("by one worker, CPU", median(costs), "us a notification"),
        Figure(
            "by two workers",
            median(together),
            "notifications/s",
            ratio=median(together) / median(alone),
            floor=f"one of them, {median(alone):,.0f}/s; on all cores",
            aim=AIM_TWO,
            detail={"rounds": {"two": [round(x) for x in together], "one": [round(x) for x in alone]}},
        ),
    ]
