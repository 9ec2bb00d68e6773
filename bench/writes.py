"""Frequent writes and reads: rate and CPU per request of web and PostgreSQL, against the same work alone.

A floor is the work in as few round trips as possible: the service's own statements, called through asyncpg
by a process that does nothing else. Requests write something new each time; no worker runs meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import uvloop

from bench.floors import Asked
from bench.load import Load, build_request, run_load
from bench.remote import Remote, remote
from bench.stage import REST, SERVED, Stage, read_cpu_seconds, read_family_cpu_seconds
from bench.table import Figure, median, median_ratio
from nexcorp.config import Config
from nexcorp.db import Database, sql

CONNECTIONS = 32
WRITERS = 200
# No request is sent twice; a round ends early if its share of them is used up.
REQUESTS = 60_000
WARM_SECONDS = 0.3
AIM = 0.60
API = "/api/v1"
CONTEXT = {"ip": "127.0.0.1", "userAgent": None, "sessionId": None, "requestId": "bench"}

Ask = Callable[[Any, tuple[Any, ...]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its requests, and the same work as a function's name (in this module) and arguments."""

    name: str
    asked: list[Asked]
    work: str
    values: list[tuple[Any, ...]]


async def like(conn: Any, values: tuple[Any, ...]) -> None:
    """The work of PUT /posts/{id}/like."""
    await sql.reactions.like_post(conn, post_id=values[0], user_id=values[1], context=CONTEXT)


async def comment(conn: Any, values: tuple[Any, ...]) -> None:
    """The work of POST /comments."""
    await sql.comments.create_comment(
        conn,
        post_id=values[0],
        author_id=values[1],
        parent_id=None,
        body="Well said.",
        usernames=[],
        context=CONTEXT,
    )


async def publish(conn: Any, values: tuple[Any, ...]) -> None:
    """The work of POST /posts."""
    await sql.posts.create_post(
        conn,
        author_id=values[1],
        type="normal",
        status=None,
        title=None,
        body="Shall we have lunch outside?",
        usernames=[],
        context=CONTEXT,
        project_id=None,
    )


async def follow(conn: Any, values: tuple[Any, ...]) -> None:
    """The work of PUT /users/{id}/follow."""
    await sql.follows.follow_user(conn, follower_id=values[1], followed_id=values[0], context=CONTEXT)


async def read_one(conn: Any, values: tuple[Any, ...]) -> None:
    """The work of PATCH /notifications/{id}."""
    await sql.notifications.update_notification(
        conn,
        user_id=values[1],
        notification_id=values[0],
        is_read=True,
        seen=None,
        archived=None,
        snoozed_until=None,
        wakes=False,
        context=CONTEXT,
    )


async def list_inbox(conn: Any, values: tuple[Any, ...]) -> None:
    """The work of GET /notifications."""
    await sql.inbox.list_all(conn, user_id=values[1], before=UUID(int=2**128 - 1), most=21)


def make_operations(stage: Stage) -> list[Operation]:
    """Typical operations of users, with new data for each request."""
    who = stage.sign_tokens(WRITERS)
    posts = [row[0] for row in stage.query("SELECT id FROM bench_posts ORDER BY md5(id::text)")]
    people = [row[0] for row in stage.query("SELECT id FROM bench_users ORDER BY md5(id::text)")]

    def pair(things: list[UUID]) -> list[tuple[UUID, UUID, str]]:
        """Different (thing, user, token): 7919 is coprime to the count, and each pass shifts the users."""
        count = len(things)
        return [(things[n * 7919 % count], *who[(n + n // count) % len(who)]) for n in range(REQUESTS)]

    pairs = pair(posts)
    friends = [row for row in pair(people) if row[0] != row[1]]
    tokens = dict(stage.sign_tokens(stage.size.users))
    inbox = [
        (row[0], row[1], tokens[row[1]])
        for row in stage.query(
            """SELECT n.id, n.receiver_id
            FROM notifications AS n
            INNER JOIN bench_users AS u ON u.id = n.receiver_id
            WHERE u.n <= %s AND NOT n.is_read
            ORDER BY md5(n.id::text)
            LIMIT %s""",
            stage.size.users,
            REQUESTS,
        )
    ]

    def make(name: str, work: str, rows: list[Any], ask: Callable[[UUID, str], Asked]) -> Operation:
        return Operation(name, [ask(key, token) for key, _, token in rows], work, [row[:2] for row in rows])

    return [
        make("PUT like", "like", pairs, lambda post, token: ("PUT", f"{API}/posts/{post}/like", token, None)),
        make(
            "POST comments",
            "comment",
            pairs,
            lambda post, token: (
                "POST",
                f"{API}/comments",
                token,
                {"postId": str(post), "body": "Well said."},
            ),
        ),
        make(
            "POST posts",
            "publish",
            pairs,
            lambda post, token: ("POST", f"{API}/posts", token, {"body": "Shall we have lunch outside?"}),
        ),
        make(
            "PUT follow",
            "follow",
            friends,
            lambda person, token: ("PUT", f"{API}/users/{person}/follow", token, None),
        ),
        make(
            "PATCH notification",
            "read_one",
            inbox,
            lambda key, token: ("PATCH", f"{API}/notifications/{key}", token, {"isRead": True}),
        ),
        make(
            "GET notifications",
            "list_inbox",
            pairs,
            lambda post, token: ("GET", f"{API}/notifications", token, None),
        ),
    ]


def work_plainly(
    config: Config, work: str, values: list[tuple[Any, ...]], clients: int, seconds: float
) -> tuple[Load, float]:
    """The same work with the same pool and number of clients; returns (load, CPU seconds used here)."""
    return uvloop.run(_work_plainly(config, globals()[work], values, clients, seconds))


async def _work_plainly(
    config: Config, work: Ask, values: list[tuple[Any, ...]], clients: int, seconds: float
) -> tuple[Load, float]:
    database = Database(config)
    await database.open()
    done, deadline = 0, 0.0

    async def ask(conn: Any) -> None:
        nonlocal done
        while time.perf_counter() < deadline and done < len(values):
            turn = done
            done += 1
            await work(conn, values[turn])

    # Keep the connections: handing them between clients is not part of the work.
    most = config.database_pool[1] - len(database.spare)
    conns = [await database.pool.acquire() for _ in range(min(clients, most))]
    # Opening connections and preparing statements is not part of a request.
    deadline = time.perf_counter() + WARM_SECONDS
    await asyncio.gather(*map(ask, conns))
    before, began, since = os.times(), time.perf_counter(), done
    deadline = began + seconds
    await asyncio.gather(*map(ask, conns))
    after, elapsed = os.times(), time.perf_counter() - began
    for conn in conns:
        await database.pool.release(conn)
    await database.close()
    return Load(done - since, elapsed, 0), after.user + after.system - before.user - before.system


def measure_operation(
    stage: Stage, operation: Operation, web: tuple[int, int], client: Remote, floor: Remote
) -> Iterator[Figure]:
    """The rate against the floor, and the CPU of both."""
    pid, port = web
    postgres = stage.postgres.process.pid
    requests = [build_request(*asked) for asked in operation.asked]
    rounds: dict[str, list[tuple[float, float, float]]] = {"service": [], "asyncpg": []}
    # The service and the floor take separate shares of the requests in each round, so none is written twice.
    share = len(requests) // (2 * stage.size.rounds + 1)
    client.call(run_load, port, requests[:share], CONNECTIONS, WARM_SECONDS, True)
    for number in range(stage.size.rounds):
        at = (2 * number + 1) * share
        app, db = read_cpu_seconds(pid), read_family_cpu_seconds(postgres)
        own = requests[at : at + share]
        load: Load = client.call(run_load, port, own, CONNECTIONS, stage.size.seconds, True)
        assert not load.failures, f"{operation.name}: {load.failures} not 2xx"
        app, db = read_cpu_seconds(pid) - app, read_family_cpu_seconds(postgres) - db
        rounds["service"].append((load.rate, app / load.answers * 1e6, db / load.answers * 1e6))
        db = read_family_cpu_seconds(postgres)
        values = operation.values[at + share : at + 2 * share]
        load, app = floor.call(
            work_plainly, stage.config(), operation.work, values, CONNECTIONS, stage.size.seconds
        )
        db = read_family_cpu_seconds(postgres) - db
        rounds["asyncpg"].append((load.rate, app / load.answers * 1e6, db / load.answers * 1e6))
    rates = {key: [row[0] for row in rows] for key, rows in rounds.items()}
    apps = {key: median([row[1] for row in rows]) for key, rows in rounds.items()}
    dbs = {key: median([row[2] for row in rows]) for key, rows in rounds.items()}
    yield Figure(
        operation.name,
        median(rates["service"]),
        "requests/s",
        ratio=median_ratio(rates["service"], rates["asyncpg"]),
        floor=f"asyncpg alone, {median(rates['asyncpg']):,.0f}/s",
        aim=AIM,
        detail={"rounds": {key: [round(rate) for rate in values] for key, values in rates.items()}},
    )
    yield Figure(
        f"{operation.name}, CPU of web and PostgreSQL",
        apps["service"] + dbs["service"],
        "us a request",
        floor=f"asyncpg alone {apps['asyncpg'] + dbs['asyncpg']:.0f} us",
        detail={
            "web_us": round(apps["service"]),
            "postgresql_us": round(dbs["service"]),
            "floor_us": round(apps["asyncpg"]),
            "floor_postgresql_us": round(dbs["asyncpg"]),
        },
    )


def measure(stage: Stage) -> list[Figure]:
    """Measure every operation in turn."""
    figures: list[Figure] = []
    with stage.web() as (web, port), remote(REST) as client, remote(SERVED) as floor:
        for operation in make_operations(stage):
            figures.extend(measure_operation(stage, operation, (web.pid, port), client, floor))
    return figures
