"""The social half at a size at which naive SQL is slow: a company of 1,000,000 posts against one of 10,000.

Each operation runs on one core, against its own statements by asyncpg alone and by pgbench.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from bench.floors import Asked, record_statements
from bench.handlers import CONNECTIONS, replay
from bench.identity import ask_steadily
from bench.load import Load, build_request, fetch, run_load
from bench.pgbench import run_pgbench
from bench.remote import Remote, remote
from bench.stage import REST, SECRET, SERVED, Stage, read_cpu_seconds
from bench.table import Figure, median, median_ratio, percentile
from nexcorp.config import REPOSITORY, child_environment
from nexcorp.db.migrations import migrate_up
from nexcorp.security.secrets import Secrets
from nexcorp.security.tokens import Tokens

SMALL, BIG, QUICK_BIG = 10_000, 1_000_000, 100_000
READERS = 50
PAIRS = 200
WARM_SECONDS = 0.5
MOST_REFUSED = 0.001
AIM = 0.60
# With a hundred times as many posts, a page may take a quarter longer.
AIM_FLAT = 0.80
AIM_P99_MS = 25.0
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation to measure, and the share of asyncpg's own rate that it should reach."""

    name: str
    asked: list[Asked]
    aim: float | None = None

    @property
    def requests(self) -> list[bytes]:
        """The requests as bytes."""
        return [build_request(*asked) for asked in self.asked]


def fill_company(stage: Stage, name: str, people: int, posts: int) -> None:
    """Create a database with `nexcorp seed --scale`, and a session for each of the first READERS users."""
    stage.query(f"CREATE DATABASE {name}")
    with stage.use(name):
        migrate_up(stage.url)
        env = child_environment(
            DATABASE_URL=stage.url, REDIS_URL=stage.valkey.url, JWT_SECRET=SECRET, LOG_LEVEL="warning"
        )
        command = [sys.executable, "-m", "nexcorp", "seed", "--scale", str(posts), "--people", str(people)]
        subprocess.run(command, cwd=REPOSITORY, env=env, check=True, stdout=subprocess.DEVNULL)
        stage.query(
            "INSERT INTO sessions (user_id, platform) SELECT id, 'cli' FROM users ORDER BY 1 LIMIT %s",
            READERS,
        )
        stage.query("VACUUM ANALYZE sessions")


def sign_readers(stage: Stage) -> list[tuple[UUID, str]]:
    """(user id, token) of the users with a session; the first follows two thousand others."""
    tokens = Tokens(Secrets.from_config(stage.config()))
    rows = stage.query("SELECT user_id, id FROM sessions ORDER BY user_id")
    return [
        (
            user_id,
            tokens.sign(
                user_id=user_id, session_id=session_id, role="member", role_version=1, platform="cli"
            ),
        )
        for user_id, session_id in rows
    ]


def make_operations(stage: Stage, port: int) -> list[Operation]:
    """Typical operations of users."""
    tokens = [token for _, token in sign_readers(stage)]
    posts = [row[0] for row in stage.query("SELECT id FROM posts ORDER BY md5(id::text) LIMIT %s", PAIRS)]
    reader = tokens[0]
    first: Asked = ("GET", f"{API}/feed", reader, None)
    cursor = re.search(rb'"nextCursor":"([^"]+)"', fetch(port, build_request(*first))[1])
    assert cursor is not None, "the reader's feed has no second page"
    following: Asked = ("GET", f"{API}/feed?cursor={cursor[1].decode()}", reader, None)
    pairs = [(post, tokens[number % len(tokens)]) for number, post in enumerate(posts)]
    likes: list[Asked] = [
        (method, f"{API}/posts/{post}/like", token, None)
        for post, token in pairs
        for method in ("PUT", "DELETE")
    ]
    comments: list[Asked] = [
        ("POST", f"{API}/comments", token, {"postId": str(post), "body": "Well said."})
        for post, token in pairs
    ]
    feeds: list[Asked] = [("GET", f"{API}/feed", token, None) for token in tokens[1:]]
    reads: list[Asked] = [("GET", f"{API}/posts/{post}", token, None) for post, token in pairs]
    people = stage.query("SELECT id FROM users ORDER BY md5(id::text) LIMIT %s", PAIRS)
    profiles: list[Asked] = [("GET", f"{API}/users/{row[0]}", reader, None) for row in people]
    return [
        Operation("GET /feed, who follows 2,000", [first], AIM),
        Operation("GET /feed, the next page", [following], AIM),
        Operation("GET /feed, who follow 50", feeds, AIM),
        Operation("GET /posts/{id}", reads, AIM),
        Operation("GET /users/{id}", profiles, AIM),
        Operation("GET /explore", [("GET", f"{API}/explore", token, None) for token in tokens]),
        Operation("GET /search, a common word", [("GET", f"{API}/search?q=budget", reader, None)], AIM),
        Operation("GET /search, a rare one", [("GET", f"{API}/search?q=number4711", reader, None)], AIM),
        Operation("PUT and DELETE like", likes),
        Operation("POST /comments", comments),
    ]


def measure_operation(
    stage: Stage, operation: Operation, web: tuple[int, int], client: Remote, floor: Remote
) -> Iterator[Figure]:
    """The rate against asyncpg alone, and the 99th percentile of latency at half of that rate."""
    pid, port = web
    recordings = floor.call(record_statements, stage.config(database_pool=(1, 1)), operation.asked)
    requests = operation.requests
    client.call(run_load, port, requests, CONNECTIONS, WARM_SECONDS)
    rates: dict[str, list[float]] = {"service": [], "asyncpg": []}
    costs: list[float] = []
    failures = 0
    for _ in range(stage.size.rounds):
        before = read_cpu_seconds(pid)
        load: Load = client.call(run_load, port, requests, CONNECTIONS, stage.size.seconds)
        failures += load.failures
        # At saturation a checkpoint may cause a few refusals; more are an error.
        assert load.failures <= load.answers * MOST_REFUSED, f"{operation.name}: {load.failures} not 2xx"
        costs.append((read_cpu_seconds(pid) - before) / load.answers * 1e6)
        rates["service"].append(load.rate)
        rates["asyncpg"].append(replay(floor, stage, recordings)[0])
    rate = median(rates["service"])
    alone = run_pgbench(stage, recordings, CONNECTIONS)
    yield Figure(
        operation.name,
        rate,
        "requests/s",
        ratio=median_ratio(rates["service"], rates["asyncpg"]),
        floor=f"asyncpg alone, {median(rates['asyncpg']):,.0f}/s (pgbench {alone:,.0f}/s)",
        aim=operation.aim,
        detail={
            "cpu_us": round(median(costs)),
            "pgbench": round(alone),
            "refused": failures,
            "rounds": {key: [round(v) for v in row] for key, row in rates.items()},
        },
    )
    took = client.call(ask_steadily, port, requests, stage.size.seconds * 2, rate / 2)
    yield Figure(
        f"{operation.name}, p99 at half of that",
        percentile(took, 0.99),
        "ms",
        aim=AIM_P99_MS,
        aim_is_value=True,
    )


def time_pages(stage: Stage, floor: Remote) -> float:
    """Feed pages per second by asyncpg alone: the first pages of users who follow fifty others."""
    asked: list[Asked] = [("GET", f"{API}/feed", token, None) for _, token in sign_readers(stage)[1:]]
    recordings = floor.call(record_statements, stage.config(database_pool=(1, 1)), asked)
    return replay(floor, stage, recordings)[0]


def measure(stage: Stage) -> list[Figure]:
    """Fill two companies, then measure everything on the big one and the feed on both."""
    big = BIG if stage.size.rounds > 3 else QUICK_BIG
    people = big // 10
    # The same number of users in both: a user's followees then write the same share of all posts, and
    # only the number of posts differs.
    fill_company(stage, "small_company", people, SMALL)
    fill_company(stage, "big_company", people, big)
    figures: list[Figure] = []
    with remote(SERVED) as floor:
        flat: dict[str, list[float]] = {"small_company": [], "big_company": []}
        for _ in range(stage.size.rounds):
            for name, rates in flat.items():
                with stage.use(name):
                    rates.append(time_pages(stage, floor))
        figures.append(
            Figure(
                f"feed pages, {big:,} posts",
                median(flat["big_company"]),
                "pages/s",
                ratio=median_ratio(flat["big_company"], flat["small_company"]),
                floor=f"{SMALL:,} posts, {median(flat['small_company']):,.0f}/s",
                aim=AIM_FLAT,
            )
        )
        with stage.use("big_company"), stage.web() as (web, port), remote(REST) as client:
            for operation in make_operations(stage, port):
                figures.extend(measure_operation(stage, operation, (web.pid, port), client, floor))
    return figures
