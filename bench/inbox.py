"""One inbox among 1,000,000 notifications: reading its lists, and changing all of it at once."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import uvloop

from bench.load import build_request, fetch
from bench.remote import remote
from bench.stage import QUICK, SERVED, Stage
from bench.table import Figure, median, percentile
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.features.notifications.service import LAST_ID

ROWS, QUICK_ROWS = 1_000_000, 50_000
# The share of the reader, whose pages are read, and of the changer, who changes all at once.
PART_OF_READER, PART_OF_CHANGER = 0.3, 0.1
READER, CHANGER = 1, 2
PAGE = 21
PAGES, WARM_PAGES = 300, 30
PATIENCE_SECONDS = 10.0
AIM_PAGE_MS = 1.0
AIM_READ_ALL_SECONDS = 2.0
API = "/api/v1"

# Every fourth is a like: 40 in a row of one post, grouped by receiver. A third is read; the last are not.
FILL = [
    """CREATE UNLOGGED TABLE bench_inbox AS
    SELECT
        i, uuidv7() AS id, r.id AS receiver_id, a.id AS actor_id, c.id AS comment_id, p.id AS post_id,
        i %% 4 = 0 AS is_like, i / 160 AS part, i %% 3 = 0 AND i < %(rows)s * 0.99 AS is_read
    FROM generate_series(1, %(rows)s) AS i
    INNER JOIN bench_users AS r ON r.n = CASE
        WHEN i %% 100 < %(reader)s THEN 1 WHEN i %% 100 < %(reader)s + %(changer)s THEN 2 ELSE 3 + i %% 997
    END
    INNER JOIN bench_users AS a ON a.n = 3 + (i * 13) %% 997
    INNER JOIN bench_comments AS c ON c.n = 1 + i %% %(posts)s
    INNER JOIN bench_posts AS p ON p.n = 1 + (i / 160) %% %(posts)s""",
    "DELETE FROM notifications",
    "DELETE FROM notification_counters",
    """INSERT INTO notification_groups (id, receiver_id, key, position, size, members, unread, closed_at)
    SELECT
        (array_agg(id ORDER BY i))[1], receiver_id, 'like:post:' || post_id || ':' || part,
        (array_agg(id ORDER BY i DESC))[1], count(*), count(*), count(*) FILTER (WHERE NOT is_read), now()
    FROM bench_inbox
    WHERE is_like
    GROUP BY receiver_id, part, post_id""",
    """INSERT INTO notifications (
        id, position, receiver_id, event_id, actor_id, type, entity_type, entity_id,
        is_read, read_at, seen_at, group_id, created_at, updated_at
    )
    SELECT
        b.id, b.id, b.receiver_id, b.id, b.actor_id, CASE WHEN b.is_like THEN 'like' ELSE 'comment' END,
        CASE WHEN b.is_like THEN 'post' ELSE 'comment' END,
        CASE WHEN b.is_like THEN b.post_id ELSE b.comment_id END,
        b.is_read, CASE WHEN b.is_read THEN now() END, CASE WHEN b.is_read THEN now() END, g.id, now(), now()
    FROM bench_inbox AS b
    LEFT JOIN notification_groups AS g
        ON b.is_like AND g.receiver_id = b.receiver_id AND g.key = 'like:post:' || b.post_id || ':' || b.part
    ORDER BY b.id""",
    """INSERT INTO notification_counters (user_id, unread)
    SELECT receiver_id, count(*) FILTER (WHERE NOT is_read) FROM bench_inbox GROUP BY receiver_id""",
    "DROP TABLE bench_inbox",
    "VACUUM (ANALYZE) notifications, notification_groups, notification_counters",
    "CHECKPOINT",
]


def fill(stage: Stage, rows: int) -> None:
    """Replace the stage's notifications, and fill in groups and counters."""
    values = {
        "rows": rows,
        "reader": round(PART_OF_READER * 100),
        "changer": round(PART_OF_CHANGER * 100),
        "posts": stage.size.posts,
    }
    with psycopg.connect(stage.url, autocommit=True) as conn:
        for statement in FILL:
            conn.execute(statement, values if "%(" in statement else None)


def read_pages(config: Config, user_id: UUID, behind: UUID) -> dict[str, list[float]]:
    """Milliseconds of pages by asyncpg, with the round trip: the first page, and the page after `behind`."""
    return uvloop.run(_read_pages(config, user_id, behind))


async def _read_pages(config: Config, user_id: UUID, behind: UUID) -> dict[str, list[float]]:
    flat: dict[str, Any] = {"user_id": user_id, "most": PAGE}
    grouped: dict[str, Any] = {**flat, "since": LAST_ID, "unread": None, "types": None}
    pages: dict[str, Callable[[Any], Awaitable[list[Any]]]] = {
        "a page": lambda conn: sql.inbox.list_all(conn, before=LAST_ID, **flat),
        "a page far down": lambda conn: sql.inbox.list_all(conn, before=behind, **flat),
        "a page of unread ones": lambda conn: sql.inbox.list_unread(conn, before=LAST_ID, **flat),
        "a page of groups": lambda conn: sql.inbox.list_grouped(conn, before=LAST_ID, **grouped),
        "a page of groups far down": lambda conn: sql.inbox.list_grouped(conn, before=behind, **grouped),
    }
    took: dict[str, list[float]] = {}
    database = Database(config)
    await database.open()
    async with database.connection() as conn:
        # The migrations set this for the database; set it here too, so that figures do not depend on that.
        await conn.execute("SET plan_cache_mode = force_generic_plan")
        for name, read in pages.items():
            found = await read(conn)
            assert len(found) == PAGE, f"{name} has {len(found)} rows"
            took[name] = []
            for number in range(WARM_PAGES + PAGES):
                began = time.perf_counter()
                await read(conn)
                if number >= WARM_PAGES:
                    took[name].append((time.perf_counter() - began) * 1000)
    await database.close()
    return took


def change_all(stage: Stage, port: int, token: str, user_id: UUID, path: str, body: Any) -> float:
    """Seconds of one request that changes a whole inbox; raises unless the worker then sends one frame."""
    count = "SELECT count(*) FROM room_frames WHERE room = %s"
    room = f"user:{user_id}"
    ((before,),) = stage.query(count, room)
    began = time.perf_counter()
    _, answer = fetch(port, build_request("POST", f"{API}{path}", token, body))
    seconds = time.perf_counter() - began
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stage.query("SELECT EXISTS (SELECT FROM outbox)")[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError("the worker does not tell of it")
        time.sleep(0.05)
    ((after,),) = stage.query(count, room)
    assert after - before == 1, f"{path}: {after - before} frames"
    ((unread,),) = stage.query("SELECT unread FROM notification_counters WHERE user_id = %s", user_id)
    assert unread == 0 and json.loads(answer)["updated"], f"{path}: {unread} unread, {answer!r}"
    return seconds


def measure_changes(stage: Stage) -> Iterator[Figure]:
    """read-all and archive-all of one inbox over HTTP, with a worker that sends their frames."""
    user_id, token = stage.sign_tokens(CHANGER)[CHANGER - 1]
    ((count,),) = stage.query(
        "UPDATE notification_counters AS c SET unread = n.count FROM ("
        "    SELECT count(*) FROM notifications WHERE receiver_id = %s"
        ") AS n WHERE c.user_id = %s RETURNING c.unread",
        user_id,
        user_id,
    )
    stage.query(
        "UPDATE notifications SET is_read = false, read_at = NULL, seen_at = NULL WHERE receiver_id = %s",
        user_id,
    )
    stage.query("UPDATE notification_groups SET unread = members WHERE receiver_id = %s", user_id)
    stage.query("VACUUM (ANALYZE) notifications, notification_groups")
    with stage.unpinned(), stage.web() as (_, port), stage.worker():
        for name, path, body, aim in (
            ("read-all", "/notifications/read-all", {}, AIM_READ_ALL_SECONDS),
            ("archive-all", "/notifications/archive-all", {}, None),
        ):
            seconds = change_all(stage, port, token, user_id, path, body)
            yield Figure(
                f"{name} of {count:,}, one frame", seconds, "s", aim=aim, aim_is_value=aim is not None
            )


def measure(stage: Stage) -> list[Figure]:
    """Measure the lists, then the changes."""
    rows = QUICK_ROWS if stage.size is QUICK else ROWS
    fill(stage, rows)
    ((reader,),) = stage.query("SELECT id FROM bench_users WHERE n = %s", READER)
    # After two thirds of the inbox, newest first.
    ((behind,),) = stage.query(
        "SELECT position FROM notifications WHERE receiver_id = %s ORDER BY position OFFSET %s LIMIT 1",
        reader,
        int(rows * PART_OF_READER / 3),
    )
    figures = []
    with remote(SERVED) as client:
        for name, took in client.call(read_pages, stage.config(), reader, behind).items():
            figures.append(
                Figure(
                    f"{name} of {int(rows * PART_OF_READER):,} among {rows:,}, p50",
                    median(took),
                    "ms",
                    aim=AIM_PAGE_MS,
                    aim_is_value=True,
                    detail={"p99": round(percentile(took, 0.99), 2)},
                )
            )
    return [*figures, *measure_changes(stage)]
