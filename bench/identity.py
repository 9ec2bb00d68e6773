"""The cost of identity: of authenticating a request, and of many sign-ins for everyone else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import msgspec
import uvloop
from aiohttp import web

from bench.floors import Tell, serve_app
from bench.latency import Caller
from bench.load import Load, build_get, run_load
from bench.remote import remote, server
from bench.stage import ANYWHERE, QUICK, REST, SERVED, Stage, read_cpu_seconds
from bench.table import Figure, median, median_ratio, percentile
from nexcorp.config import Config

CONNECTIONS = 32
DIFFERENT = 50
PASSWORD = "the password of everybody here"
PEOPLE = 200
# Concurrent clients that sign in again as soon as they are done.
STORM = 16
PER_SECOND = 100
# 15 % more time for the same answer is 87 % of the rate.
AIM_SIGNED_IN = 1 / 1.15
# A request during the storm may take twice as long as without it.
AIM_CALM = 0.5


def serve_twins(tell: Tell, config: Config, viewer: UUID) -> None:
    """Serve the service, and one of its operations under /open without authentication and rate limits."""
    from nexcorp.app import create_app
    from nexcorp.features.posts.routes import get_post
    from nexcorp.security.app_keys import CALLER, RIGHTS
    from nexcorp.security.caller import Caller
    from nexcorp.security.tokens import Principal
    from nexcorp.server import spare_collector

    app = create_app(config)
    who = Caller(Principal(viewer, viewer, "member", 1, "cli", float("inf")), app[RIGHTS])

    async def get_open(request: web.Request) -> web.Response:
        request[CALLER] = who
        return await get_post(request)

    app.router.add_get("/api/v1/open/{id}", get_open)

    async def start(app: web.Application) -> None:
        spare_collector()

    app.on_startup.append(start)
    serve_app(tell, app)


def measure_signed_in(stage: Stage) -> list[Figure]:
    """One operation with authentication and a rate limit that is never reached, against it without either."""
    people = stage.sign_tokens(DIFFERENT)
    viewer, tokens = people[0][0], [token for _, token in people]
    posts = stage.query("SELECT id FROM bench_posts WHERE n %% 97 = 1 LIMIT %s", DIFFERENT)
    closed = [build_get(f"/api/v1/posts/{row[0]}", tokens[i]) for i, row in enumerate(posts)]
    opened = [build_get(f"/api/v1/open/{row[0]}", tokens[i]) for i, row in enumerate(posts)]
    config = stage.config(rate_limit_user=1_000_000)
    rates: dict[str, list[float]] = {"signed in": [], "open": []}
    costs: dict[str, list[float]] = {"signed in": [], "open": []}
    with server(SERVED, serve_twins, config, viewer) as (pid, port), remote(REST) as client:
        # The port is known before the application has connected to its database.
        time.sleep(2)
        for _ in range(stage.size.rounds + 1):
            for name, requests in (("signed in", closed), ("open", opened)):
                before = read_cpu_seconds(pid)
                load: Load = client.call(run_load, port, requests, CONNECTIONS, stage.size.seconds)
                assert not load.failures, f"{load.failures} answers were not 2xx"
                rates[name].append(load.rate)
                costs[name].append((read_cpu_seconds(pid) - before) / load.answers * 1e6)
    # The first round is a warm-up.
    rates = {name: values[1:] for name, values in rates.items()}
    return [
        Figure(
            "GET /posts/{id}, signed in and counted",
            median(rates["signed in"]),
            "requests/s",
            ratio=median_ratio(rates["signed in"], rates["open"]),
            floor=f"the same handler open to all, {median(rates['open']):,.0f}/s",
            aim=AIM_SIGNED_IN,
            detail={"cpu_us": {name: round(median(values[1:])) for name, values in costs.items()}},
        )
    ]


def build_login(email: str) -> bytes:
    """A sign-in request as bytes."""
    body = msgspec.json.encode({"email": email, "password": PASSWORD, "platform": "cli"})
    head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def ask_steadily(
    port: int,
    requests: list[bytes],
    seconds: float,
    per_second: float = PER_SECOND,
    ended: Callable[[], bool] | None = None,
) -> list[float]:
    """Send `per_second` requests on schedule, even if earlier ones are unanswered; returns milliseconds.

    A request's time runs from its place in the schedule. Ends after `seconds`, or when `ended()` is true.
    """
    return uvloop.run(_ask_steadily(port, requests, seconds, per_second, ended))


async def _ask_steadily(
    port: int, requests: list[bytes], seconds: float, per_second: float, ended: Callable[[], bool] | None
) -> list[float]:
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[Caller] = asyncio.Queue()
    callers = [(await loop.create_connection(Caller, "127.0.0.1", port))[1] for _ in range(32)]
    for caller in callers:
        free.put_nowait(caller)
    took: list[float] = []

    async def one(request: bytes, due: float) -> None:
        caller = await free.get()
        await caller.call(request)
        took.append((time.perf_counter() - due) * 1000)
        free.put_nowait(caller)

    began = time.perf_counter() + 0.05
    running = []
    for number in range(int(seconds * per_second)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if ended is not None and ended():
            break
        # Timers of a millisecond's resolution may fire early.
        due = min(due, time.perf_counter())
        running.append(asyncio.create_task(one(requests[number % len(requests)], due)))
    await asyncio.gather(*running)
    for caller in callers:
        caller.transport.close()
    return took


async def storm(port: int, logins: list[bytes], seconds: float) -> float:
    """Sign-ins per second with STORM concurrent clients."""
    loop = asyncio.get_running_loop()
    done, turn = 0, 0
    began = time.perf_counter()

    async def keep_signing_in() -> None:
        nonlocal done, turn
        _, caller = await loop.create_connection(Caller, "127.0.0.1", port)
        while time.perf_counter() - began < seconds:
            turn += 1
            answer = await caller.call(logins[turn % len(logins)])
            done += answer.startswith(b"HTTP/1.1 200")
        caller.transport.close()

    await asyncio.gather(*(keep_signing_in() for _ in range(STORM)))
    return done / (time.perf_counter() - began)


def run_storm(port: int, logins: list[bytes], seconds: float) -> float:
    """Run storm() in this process."""
    return uvloop.run(storm(port, logins, seconds))


def measure_storm(stage: Stage) -> list[Figure]:
    """Other users' p99 latency, alternately without and during the storm."""
    from nexcorp.features.auth.passwords import HASHER

    stage.query(
        """UPDATE users AS u SET password_hash = %s
        FROM bench_users AS b WHERE b.id = u.id AND b.n <= %s""",
        *(HASHER.hash(PASSWORD), PEOPLE),
    )
    rows = stage.query(
        "SELECT u.email FROM users AS u INNER JOIN bench_users AS b ON b.id = u.id WHERE b.n <= %s", PEOPLE
    )
    logins = [build_login(row[0]) for row in rows]
    # Users who do not sign in here: an eleventh session would end their first.
    tokens = [token for _, token in stage.sign_tokens(PEOPLE + DIFFERENT)][PEOPLE:]
    posts = stage.query("SELECT id FROM bench_posts WHERE n %% 97 = 1 LIMIT %s", DIFFERENT)
    requests = [build_get(f"/api/v1/posts/{row[0]}", tokens[i]) for i, row in enumerate(posts)]
    seconds = 2.0 if stage.size is QUICK else 4.0
    calm: list[float] = []
    stormy: list[float] = []
    rates: list[float] = []
    ratios: list[float] = []
    with stage.unpinned(), stage.web() as (_, port), remote(ANYWHERE) as others, remote(ANYWHERE) as people:
        others.call(ask_steadily, port, requests, 1.0)
        people.call(run_storm, port, logins, 0.5)
        for _ in range(stage.size.rounds):
            quiet = others.call(ask_steadily, port, requests, seconds)
            people.start(run_storm, port, logins, seconds + 0.5)
            time.sleep(0.25)
            loud = others.call(ask_steadily, port, requests, seconds)
            rates.append(people.finish())
            calm += quiet
            stormy += loud
            ratios.append(percentile(quiet, 0.99) / percentile(loud, 0.99))
    return [
        Figure(f"sign-ins of {STORM} people at once", median(rates), "sign-ins/s"),
        Figure(
            "GET /posts/{id} beside them, p99",
            percentile(stormy, 0.99),
            "ms",
            ratio=median(ratios),
            floor=f"without them, {percentile(calm, 0.99):.1f} ms",
            aim=AIM_CALM,
            detail={
                "p50": {"calm": round(median(calm), 2), "storm": round(median(stormy), 2)},
                "ratios": [round(value, 2) for value in ratios],
            },
        ),
    ]


def measure(stage: Stage) -> list[Figure]:
    """Measure both."""
    return [*measure_signed_in(stage), *measure_storm(stage)]
