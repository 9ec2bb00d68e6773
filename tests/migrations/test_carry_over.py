"""0022 to 0024 on a full database: references replace copies, and everything shows as before."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.db.migrations import list_files, migrate_down, migrate_up, read_status
from nexcorp.features import PRODUCT
from tests.conftest import name_database
from tests.migrations.release_0021 import (
    ANN,
    BOB,
    CALLED,
    COMMENT,
    GONE,
    GONE_POST,
    GONE_UPLOAD,
    MANY,
    NOTICES,
    POST,
    UPLOAD,
    WORDS,
    copy_steps,
    fill,
)
from tests.traces import find_traces
from workers.delivery import Delivery

STEPS = len([name for name in list_files() if name >= "0022"])
# Tables in which texts may stay; a stored answer is removed with the row it shows.
KEPT = {
    *(
        "users",
        "posts",
        "comments",
        "post_documents",
        "comment_documents",
        "person_documents",
        "search_words",
    ),
    *("search_doubts", "idempotency_keys"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
COUNTERS = """
SELECT p.id, {0}.like_count, {0}.comment_count, {0}.interest_count, {1}.score, {1}.least_score
FROM posts AS p {2}
ORDER BY p.id
"""
OLD_COUNTERS = COUNTERS.format("p", "s", "LEFT JOIN post_scores AS s ON s.post_id = p.id")
NEW_COUNTERS = COUNTERS.format("s", "s", "LEFT JOIN post_stats AS s ON s.post_id = p.id")
OLD_TITLES = 'SELECT title, message FROM notification_items WHERE "_receiverId" = %s ORDER BY id'
WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%after_room%'
"""
CARRIED = """
SELECT
    (SELECT count(*) FROM notifications WHERE params IS NULL),
    (SELECT count(*) FROM room_frames WHERE event IS NULL) > 0,
    (SELECT count(*) FROM post_stats)
"""


@pytest.fixture
def url(postgres: Any, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of release 0021."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE carried TEMPLATE template0")
        carried = name_database(postgres.url, "carried")
        migrate_up(carried, copy_steps(tmp_path / "steps", "0021"), None)
        yield carried
        conn.execute("DROP DATABASE carried WITH (FORCE)")


def plain(value: Any) -> Any:
    """Return the value with moments parsed, as their text has two forms."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and TIME.match(value):
        return datetime.fromisoformat(value)
    return value


def kill_in_the_middle(url: str, folder: Path) -> None:
    """Kill 0023 while it waits for a frame: its first part is done, and it does not count as applied."""
    assert [name[:4] for name in migrate_up(url, copy_steps(folder, "0022"), None)] == ["0022"]
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as conn:
        holder.execute("SELECT FROM room_frames FOR UPDATE")
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(migrate_up, url)
            while (row := conn.execute(WAITING).fetchone()) is None and not running.done():
                time.sleep(0.05)
            assert row is not None, running.exception()
            conn.execute("SELECT pg_terminate_backend(%s)", row)
            assert isinstance(running.exception(), psycopg.Error)
        assert conn.execute(CARRIED).fetchone() == (0, True, MANY + 2)
    missing = [state.id[:4] for state in read_status(url) if state.applied_at is None]
    assert missing[0] == "0023"


async def check_frames(conn: Any, before: list[tuple[str, int, str, dict[str, Any]]]) -> None:
    """Check that every frame shows the same as before, and deleted rows as deleted."""
    rooms = sorted({room for room, *_ in before})
    rows = [
        row for room in rooms for row in await sql.realtime.read_frames(conn, room=room, after=0, most=100)
    ]
    frames = [json.loads(text) for text in await PRODUCT.renderer.render(conn, rows)]
    shown = {(frame["room"], frame["seq"]): frame for frame in frames}
    assert len(shown) == len(before)
    for room, seq, event, data in before:
        frame = shown[room, seq]
        if data.get("id") in (str(GONE), str(GONE_POST)):
            assert frame["event"] == event.replace(":created", ":deleted")
            kept = {"id", "postId"} if event.startswith("comment:") else {"id"}
            assert frame["data"].items() >= {(name, data[name]) for name in kept}
            continue
        if data.get("message") == "" and data["type"] != "follow":
            # The subject is gone, and so is the link.
            data = {**data, "entity": None, "postId": None}
        assert frame["event"] == event
        assert plain(frame["data"]).items() >= plain(data).items()


async def test_copies_become_references(url: str, config: Config, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        frames = fill(conn)
        counters = conn.execute(OLD_COUNTERS.encode()).fetchall()
        titles = conn.execute(OLD_TITLES, (ANN,)).fetchall()
    assert len(titles) == len(NOTICES)
    kill_in_the_middle(url, tmp_path / "half")
    assert [name[:4] for name in migrate_up(url)][:2] == ["0023", "0024"]
    database = Database(replace(config, database_url=url))
    await database.open()
    async with database.connection(wait=5) as conn:
        assert [tuple(row) for row in await conn.fetch(NEW_COUNTERS)] == counters
        await check_frames(conn, frames)
        told = await sql.inbox.export_notifications(conn, user_id=ANN)
        inbox = await sql.notifications.render_notifications(conn, ids=[row["id"] for row in told])
        rows = [PRODUCT.sentences.show(row) for row in sorted(inbox, key=lambda row: row["id"])]
        assert [(row["title"], row["message"]) for row in rows] == titles
        traces = await find_traces(conn, (*WORDS, *CALLED))
        assert {place.partition(".")[0] for place, _ in traces} <= KEPT
        assert "goneword" not in {word for _, word in traces}
        assert not {word for _, word in traces} & set(CALLED)
        keys = {
            row["key"]: (row["entity_id"], row["body"] is not None)
            for row in await conn.fetch("SELECT key, entity_id, body FROM idempotency_keys")
        }
        assert keys == {
            "post": (POST, True),
            "gone post": (GONE_POST, False),
            "comment": (COMMENT, True),
            "gone comment": (GONE, False),
            "upload": (UPLOAD, True),
            "gone upload": (GONE_UPLOAD, False),
            "registration": (None, True),
            "read": (None, True),
        }
        payloads = {
            row["type"]: row["payload"] for row in await conn.fetch("SELECT type, payload FROM events")
        }
        assert payloads["post.moved"] == {
            **{"authorId": str(ANN), "type": "project", "from": "open", "to": "in_progress"}
        }
        assert payloads["post.liked"] == {"authorId": str(ANN), "likeCount": 1}
        for attempt in ("UPDATE events SET type = 'x'", "DELETE FROM events"):
            await conn.execute("SELECT set_config('nexcorp.carry_over', 'on', false)")
            with pytest.raises(Exception, match="append-only"):
                await conn.execute(attempt)
    # The event queued by release 0021 is delivered by this one.
    pushed: list[Any] = []

    async def publish(messages: list[Any]) -> None:
        pushed.extend(messages)

    assert await Delivery(database, publish, PRODUCT).drain() == 1
    assert f"post:{POST}" in {message.room for message in pushed}
    await database.close()


async def test_and_back_again(url: str, config: Config) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        fill(conn)
        counters = conn.execute(OLD_COUNTERS.encode()).fetchall()
        titles = conn.execute(OLD_TITLES, (ANN,)).fetchall()
        migrate_up(url)
        for _ in range(2):
            assert migrate_down(url, STEPS)[-1][:4] == "0022"
            assert conn.execute(OLD_COUNTERS.encode()).fetchall() == counters
            assert conn.execute(OLD_TITLES, (ANN,)).fetchall() == titles
            assert conn.execute(
                "SELECT count(*) FROM notifications WHERE receiver_id = %s", (BOB,)
            ).fetchone() == (MANY,)
            frames = [row[0] for row in conn.execute("SELECT frame FROM room_frames")]
            assert {frame["event"].partition(":")[0] for frame in frames} == {
                *("post", "comment", "notification", "notifications")
            }
            assert all(frame["data"] for frame in frames)
            assert not {word for word in WORDS for frame in frames if word in json.dumps(frame).lower()}
            migrate_up(url)
