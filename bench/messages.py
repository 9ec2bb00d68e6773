"""Messages: sending into one conversation and into many, and reading as a member of 402 conversations."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import uvloop

from bench.remote import remote
from bench.stage import QUICK, SERVED, Stage
from bench.table import Figure, median, percentile
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.features.messaging.texts import send_message

MANY = 400
MEMBERS, QUICK_MEMBERS = 5_000, 900
MESSAGES, QUICK_MESSAGES = 300_000, 20_000
WRITERS = 16
PAGES, WARM_PAGES = 300, 30
WARM_SECONDS = 1.0
LAST_ID = UUID(int=2**128 - 1)
LAST_NUMBER = 2**53 - 1
AIM_LIST_MS, AIM_UNREAD_MS, AIM_HISTORY_MS = 3.0, 4.0, 2.0

# One group of all members, in which the first has read nothing, and 401 direct conversations of the first.
FILL = [
    """CREATE UNLOGGED TABLE bench_places AS
    SELECT n, uuidv7() AS id FROM generate_series(0, %(many)s + 1) AS n""",
    """INSERT INTO conversations (id, kind, title, last_n, member_count)
    SELECT id, 'group', 'Everybody', %(messages)s, %(members)s FROM bench_places WHERE n = 0""",
    """INSERT INTO conversations (id, kind, low_id, high_id, last_n, member_count)
    SELECT p.id, 'direct', least(a.id, b.id), greatest(a.id, b.id), 50, 2
    FROM bench_places AS p
    INNER JOIN bench_users AS a ON a.n = 1
    INNER JOIN bench_users AS b ON b.n = 1 + p.n
    WHERE p.n > 0""",
    """INSERT INTO conversation_members (conversation_id, user_id, read_n)
    SELECT p.id, u.id, CASE WHEN u.n = 1 THEN 0 ELSE %(messages)s END
    FROM bench_places AS p INNER JOIN bench_users AS u ON u.n <= %(members)s
    WHERE p.n = 0
    UNION ALL
    SELECT c.id, u.id, 25
    FROM conversations AS c
    CROSS JOIN LATERAL (VALUES (c.low_id), (c.high_id)) AS u (id)
    WHERE c.kind = 'direct'""",
    """INSERT INTO messages (conversation_id, n, author_id, body, words, deleted_at)
    SELECT
        p.id, m.n, u.id, CASE WHEN m.n %% 50 <> 7 THEN 'hello there how are you today' END,
        CASE WHEN m.n %% 50 <> 7 THEN make_words(NULL, 'hello number' || m.n %% 1000) END,
        CASE WHEN m.n %% 50 = 7 THEN now() END
    FROM bench_places AS p
    CROSS JOIN LATERAL generate_series(1, CASE WHEN p.n = 0 THEN %(messages)s ELSE 50 END) AS m (n)
    INNER JOIN bench_users AS u ON u.n = CASE WHEN p.n = 0 THEN 1 + m.n %% %(members)s ELSE 1 + p.n END""",
    "VACUUM (ANALYZE) conversations, conversation_members, messages",
]


def read(config: Config, user_id: UUID, place: UUID) -> dict[str, list[float]]:
    """Milliseconds of one user's reads by asyncpg, with the round trip."""
    return uvloop.run(_read(config, user_id, place))


async def _read(config: Config, user_id: UUID, place: UUID) -> dict[str, list[float]]:
    asked: dict[str, Callable[[Any], Awaitable[Any]]] = {
        "the list of conversations": lambda conn: sql.conversations.list_conversations(
            conn, viewer_id=user_id, before=LAST_ID, most=21
        ),
        "all that is unread": lambda conn: sql.conversations.count_unread(conn, viewer_id=user_id),
        "50 messages of the group": lambda conn: sql.messages.list_before(
            conn, conversation_id=place, viewer_id=user_id, before=LAST_NUMBER, most=51
        ),
    }
    took: dict[str, list[float]] = {}
    database = Database(config)
    await database.open()
    async with database.connection() as conn:
        await conn.execute("SET plan_cache_mode = force_generic_plan")
        for name, ask in asked.items():
            took[name] = []
            for number in range(WARM_PAGES + PAGES):
                began = time.perf_counter()
                await ask(conn)
                if number >= WARM_PAGES:
                    took[name].append((time.perf_counter() - began) * 1000)
        await conn.execute("SET plan_cache_mode = force_custom_plan")
        took["a rare word in the group"] = []
        for number in range(PAGES // 3):
            word = f"number{number * 7 % 1000}"
            began = time.perf_counter()
            asked_for = dict(await sql.messages.read_search(conn, text=word))
            await sql.messages.search_one(
                conn, conversation_id=place, viewer_id=user_id, before=LAST_NUMBER, most=21, **asked_for
            )
            took["a rare word in the group"].append((time.perf_counter() - began) * 1000)
    await database.close()
    return took


def send(config: Config, places: list[tuple[UUID, UUID]], seconds: float) -> float:
    """Messages per second from WRITERS writers, who take the (conversation, author) pairs in turn."""
    return uvloop.run(_send(config, places, seconds))


async def _send(config: Config, places: list[tuple[UUID, UUID]], seconds: float) -> float:
    database = Database(config)
    await database.open()
    sent, number = 0, 0
    # Let each writer connect and plan its statements before the clock starts.
    began = time.monotonic() + WARM_SECONDS
    deadline = began + seconds

    async def write() -> None:
        nonlocal sent, number
        while time.monotonic() < deadline:
            place, author = places[number % len(places)]
            number += 1
            body = {"body": "hello there how are you today", "replyToId": None, "uploadIds": []}
            async with database.transaction(wait=5) as conn:
                await send_message(conn, author, place, body)
            sent += time.monotonic() >= began

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    took = time.monotonic() - began
    await database.close()
    return sent / took


def measure(stage: Stage) -> list[Figure]:
    """Measure reads, then sends."""
    quick = stage.size is QUICK
    messages, members = (QUICK_MESSAGES, QUICK_MEMBERS) if quick else (MESSAGES, MEMBERS)
    with psycopg.connect(stage.url, autocommit=True) as conn:
        values = {"many": MANY, "messages": messages, "members": members}
        for statement in FILL:
            conn.execute(statement, values if "%(" in statement or "%%" in statement else None)
    ((reader,),) = stage.query("SELECT id FROM bench_users WHERE n = 1")
    ((group,),) = stage.query("SELECT id FROM bench_places WHERE n = 0")
    one = stage.query(
        "SELECT conversation_id, user_id FROM conversation_members WHERE conversation_id = %s", group
    )
    many = stage.query(
        """SELECT m.conversation_id, m.user_id
        FROM conversation_members AS m INNER JOIN bench_places AS p ON p.id = m.conversation_id
        WHERE p.n > 0 AND m.user_id <> %s
        ORDER BY md5(m.conversation_id::text)""",
        reader,
    )
    aims = (AIM_LIST_MS, AIM_UNREAD_MS, AIM_HISTORY_MS, None)
    figures = []
    with remote(SERVED) as client:
        took = client.call(read, stage.config(), reader, group)
        for (name, times), aim in zip(took.items(), aims, strict=True):
            detail = {"p99": round(percentile(times, 0.99), 2), "messages": messages}
            title = f"{name}, of 402 conversations, p50" if "group" not in name else f"{name}, p50"
            figures.append(
                Figure(title, median(times), "ms", aim=aim, aim_is_value=aim is not None, detail=detail)
            )
        for name, places in (("many conversations", many), (f"one of {members:,} members", one)):
            rounds = [
                client.call(send, stage.config(), places, stage.size.seconds)
                for _ in range(stage.size.rounds)
            ]
            figures.append(
                Figure(f"sent into {name}", median(rounds), "messages/s", detail={"rounds": rounds})
            )
    return figures
