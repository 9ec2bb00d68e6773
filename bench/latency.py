"""From a like to the author's screen: the time until it is stored, and until it is shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
import uvloop

from bench.load import answer_size
from bench.remote import remote
from bench.sockets import PONG, build_upgrade, split_frames
from bench.stage import ANYWHERE, QUICK, Stage
from bench.table import Figure, percentile

PER_SECOND = 50
AIM_SHOWN_MS = 15.0
AUTHORS = 50
CLIENTS = 32
LATE_SECONDS = 30.0
COMMITS = 100
TEXT, PING = 0x81, 0x89


@dataclass(slots=True)
class Plan:
    """The likes to send, as (request, key of the like), and the tokens of the authors who watch."""

    port: int
    watchers: list[str]
    likes: list[tuple[bytes, str]]


@dataclass(slots=True)
class Times:
    """The times at which each like was sent, answered and shown, by its key."""

    sent: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    shown: dict[str, float] = field(default_factory=dict)
    refused: int = 0

    def milliseconds(self, ends: dict[str, float]) -> list[float]:
        """Milliseconds from sending each like to its time in `ends`."""
        return [(at - self.sent[key]) * 1000 for key, at in ends.items() if key in self.sent]


class Caller(asyncio.Protocol):
    """A keep-alive HTTP connection, one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._data = b""
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        size = answer_size(self._data)
        if size and len(self._data) >= size and self._waiting is not None and not self._waiting.done():
            answer, self._data = self._data[:size], self._data[size:]
            self._waiting.set_result(answer)

    async def call(self, request: bytes) -> bytes:
        """Send a request; returns the whole answer. Raises RuntimeError if its status is not 20x or 503."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        answer = await asyncio.wait_for(self._waiting, 20)
        if not answer.startswith((b"HTTP/1.1 20", b"HTTP/1.1 503")):
            raise RuntimeError(answer.decode(errors="replace"))
        return answer


class Watcher(asyncio.Protocol):
    """An author's WebSocket, which records when the notification of each like arrives."""

    def __init__(self, token: str, times: Times) -> None:
        self._token, self._times = token, times
        self.transport: Any = None
        self.greeted = asyncio.get_running_loop().create_future()
        self._upgraded, self._data = False, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(build_upgrade(self._token))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._data += data
        if not self._upgraded:
            _, end, self._data = self._data.partition(b"\r\n\r\n")
            self._upgraded = bool(end)
        frames, self._data = split_frames(self._data)
        for kind, payload in frames:
            if kind == PING:
                self.transport.write(PONG)
            elif kind == TEXT:
                self._note(msgspec.json.decode(payload), now)

    def _note(self, frame: Any, now: float) -> None:
        if frame["event"] == "notification:created":
            data = frame["data"]
            self._times.shown[f"{data['postId']}:{data['actor']['id']}"] = now
        elif frame["event"] == "unread-count" and not self.greeted.done():
            self.greeted.set_result(None)


async def send_like(caller: Caller, like: tuple[bytes, str], times: Times) -> None:
    """Send one like and record its times. A refused like is counted and not sent again."""
    request, key = like
    times.sent.setdefault(key, time.perf_counter())
    if (await caller.call(request)).startswith(b"HTTP/1.1 503"):
        times.refused += 1
    else:
        times.answered[key] = time.perf_counter()


async def open_all(plan: Plan, callers: int, times: Times) -> tuple[list[Caller], list[Watcher]]:
    """Open `callers` connections for likes, and the authors' sockets, each greeted."""
    loop = asyncio.get_running_loop()
    called = [(await loop.create_connection(Caller, "127.0.0.1", plan.port))[1] for _ in range(callers)]
    watching: list[Watcher] = []
    for token in plan.watchers:
        _, watcher = await loop.create_connection(lambda t=token: Watcher(t, times), "127.0.0.1", plan.port)  # type: ignore[misc]
        await asyncio.wait_for(watcher.greeted, 10)
        watching.append(watcher)
    return called, watching


def close_all(callers: list[Caller], watchers: list[Watcher]) -> None:
    """Close every connection."""
    for caller in callers:
        caller.transport.close()
    for watcher in watchers:
        watcher.transport.close()


async def wait_for_shown(times: Times) -> None:
    """Wait until every like was shown; raises RuntimeError after LATE_SECONDS."""
    deadline = time.perf_counter() + LATE_SECONDS
    while len(times.shown) < len(times.answered):
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{len(times.answered) - len(times.shown)} likes were never shown")
        await asyncio.sleep(0.02)


async def run_steady(plan: Plan, seconds: float) -> Times:
    """Send PER_SECOND likes per second on schedule, even if earlier ones are unanswered."""
    times = Times()
    callers, watchers = await open_all(plan, 8, times)
    free: asyncio.Queue[Caller] = asyncio.Queue()
    for caller in callers:
        free.put_nowait(caller)
    running: list[asyncio.Task[None]] = []

    async def one(like: tuple[bytes, str]) -> None:
        caller = await free.get()
        await send_like(caller, like, times)
        free.put_nowait(caller)

    began = time.perf_counter()
    for number, like in enumerate(plan.likes[: int(seconds * PER_SECOND)]):
        due = began + number / PER_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        # The wait for a free connection counts. Timers of a millisecond's resolution may fire early.
        times.sent[like[1]] = min(due, time.perf_counter())
        running.append(asyncio.create_task(one(like)))
    await asyncio.gather(*running)
    await wait_for_shown(times)
    close_all(callers, watchers)
    return times


async def run_saturated(plan: Plan, seconds: float) -> Times:
    """Send likes from CLIENTS clients, each as soon as its last one was answered."""
    times = Times()
    callers, watchers = await open_all(plan, CLIENTS, times)
    likes: Iterator[tuple[bytes, str]] = iter(plan.likes)
    deadline = time.perf_counter() + seconds

    async def keep_liking(caller: Caller) -> None:
        for like in likes:
            await send_like(caller, like, times)
            if time.perf_counter() > deadline:
                return

    await asyncio.gather(*(keep_liking(caller) for caller in callers))
    await wait_for_shown(times)
    close_all(callers, watchers)
    return times


def run(plan: Plan, seconds: float, saturated: bool) -> Times:
    """Run one stretch in this process."""
    return uvloop.run((run_saturated if saturated else run_steady)(plan, seconds))


def make_plan(stage: Stage, port: int, count: int) -> Plan:
    """`count` likes of the AUTHORS' posts that do not exist yet, in a fixed order."""
    who = stage.sign_tokens(stage.size.users)
    rows = stage.query(
        """SELECT p.id, u.n
        FROM bench_posts AS p
        INNER JOIN bench_users AS a ON a.id = p.author_id AND a.n <= %s
        INNER JOIN bench_users AS u ON u.n > %s AND u.n <= %s
        WHERE NOT EXISTS (SELECT FROM likes AS l WHERE l.post_id = p.id AND l.user_id = u.id)
        ORDER BY (p.n * 7919 + u.n * 104729) %% 1000003
        LIMIT %s""",
        *(AUTHORS, AUTHORS, stage.size.users, count),
    )
    likes = []
    for post, liker in rows:
        user_id, token = who[liker - 1]
        head = f"PUT /api/v1/posts/{post}/like HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
        likes.append((f"{head}Authorization: Bearer {token}\r\n\r\n".encode(), f"{post}:{user_id}"))
    return Plan(port, [token for _, token in who[:AUTHORS]], likes)


def measure(stage: Stage) -> list[Figure]:
    """Measure a steady stretch, then a saturated one."""
    commit = measure_commit(stage)
    steady, flat_out = (3.0, 2.0) if stage.size is QUICK else (15.0, 8.0)
    # Each like takes short steps in five processes: on one core they would wait for each other.
    with stage.unpinned(), stage.web() as (_, port), stage.worker(), remote(ANYWHERE) as client:
        client.call(run, make_plan(stage, port, 100), 1.0, False)
        slow: Times = client.call(run, make_plan(stage, port, 1_000), steady, False)
        fast: Times = client.call(run, make_plan(stage, port, 20_000), flat_out, True)
    figures = [Figure("one commit alone, p50", commit, "ms")]
    figures += show("at 50 likes/s", slow, AIM_SHOWN_MS)
    reached = len(fast.answered) / (max(fast.answered.values()) - min(fast.sent.values()))
    refused = f"{fast.refused} refused with 503" if fast.refused else ""
    figures.append(Figure(f"likes with {CLIENTS} clients", reached, "likes/s", floor=refused))
    figures.extend(show("at saturation", fast, None))
    return figures


def measure_commit(stage: Stage) -> float:
    """Median milliseconds of a commit of one row; a shown like needs two commits."""
    took = []
    with psycopg.connect(stage.postgres.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS bench_commits (n integer)")
        for _ in range(COMMITS):
            began = time.perf_counter()
            conn.execute("INSERT INTO bench_commits VALUES (1)")
            took.append((time.perf_counter() - began) * 1000)
            time.sleep(1 / PER_SECOND)
    return percentile(took, 0.5)


def show(name: str, times: Times, aim: float | None) -> list[Figure]:
    """Figures of the p50 and p99 until stored and until shown."""
    figures = []
    for what, values in (
        ("persisted", times.milliseconds(times.answered)),
        ("shown", times.milliseconds(times.shown)),
    ):
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            aimed = aim if what == "shown" and label == "p50" else None
            value = percentile(values, share)
            figures.append(
                Figure(f"{name}, {what} {label}", value, "ms", aim=aimed, aim_is_value=bool(aimed))
            )
    return figures
