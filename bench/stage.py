"""The environment of a measurement: real servers in a temporary folder, data, and the service's processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import UUID

import psycopg
import redis

from nexcorp.config import REPOSITORY, Config
from nexcorp.db.migrations import migrate_up
from nexcorp.embedded import PostgresServer, ValkeyServer
from nexcorp.embedded.home import choose_port
from nexcorp.embedded.process import end_process, spawn
from nexcorp.security.secrets import Secrets
from nexcorp.security.tokens import Tokens

SECRET = "the secret of a benchmark, long enough to be taken"
POSTGRES_SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "4GB",
    # A checkpoint in only some rounds would distort their comparison.
    "checkpoint_timeout": "30min",
}
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
START_SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") / 1024

SERVED, REST, ANYWHERE = 0, 1, -1


def pin(pid: int, place: int) -> bool:
    """Pin a process to a core: SERVED for the measured process, REST for load and PostgreSQL.

    ANYWHERE unpins it. Returns False if the system cannot pin.
    """
    if len(CORES) < 2:
        return False
    try:
        os.sched_setaffinity(pid, CORES if place == ANYWHERE else {CORES[place]})
    except OSError:
        return False
    return True


def read_cpu_seconds(pid: int) -> float:
    """Seconds of CPU that a process has used, user and kernel; 0 without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def read_family_cpu_seconds(pid: int) -> float:
    """Seconds of CPU of a process, its children and its ended children: PostgreSQL with its backends."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    ended = (int(fields[13]) + int(fields[14])) / TICKS
    return read_cpu_seconds(pid) + ended + sum(read_cpu_seconds(int(child)) for child in children)


def read_rss_kib(pid: int) -> float:
    """Resident memory of a process in KiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB


@dataclass(frozen=True, slots=True)
class Size:
    """The amount of data, and the rounds and seconds of each measurement."""

    users: int
    audience: int
    posts: int
    notifications: int
    rounds: int
    seconds: float


FULL = Size(users=1_000, audience=30_000, posts=50_000, notifications=200_000, rounds=5, seconds=1.5)
QUICK = Size(users=1_000, audience=5_000, posts=5_000, notifications=20_000, rounds=3, seconds=0.5)

FILL = [
    """INSERT INTO users (email, username, password_hash, first_name, last_name)
    SELECT 'user' || i || '@example.com', 'user' || i, NULL, 'First' || i, 'Last' || i
    FROM generate_series(1, %(everybody)s) AS i""",
    """CREATE UNLOGGED TABLE bench_users AS
    SELECT row_number() OVER (ORDER BY id)::integer AS n, id FROM users""",
    "CREATE UNIQUE INDEX ON bench_users (n)",
    "INSERT INTO sessions (user_id, platform) SELECT id, 'cli' FROM bench_users WHERE n <= %(users)s",
    """INSERT INTO posts (author_id, title, body)
    SELECT u.id, 'Post ' || i, repeat('A body of some length. ', 12)
    FROM generate_series(1, %(posts)s) AS i INNER JOIN bench_users AS u ON u.n = 1 + i %% %(users)s""",
    """CREATE UNLOGGED TABLE bench_posts AS
    SELECT row_number() OVER (ORDER BY id)::integer AS n, * FROM posts""",
    "CREATE UNIQUE INDEX ON bench_posts (n)",
    """INSERT INTO comments (post_id, author_id, body)
    SELECT p.id, u.id, 'A comment that says something.'
    FROM bench_posts AS p INNER JOIN bench_users AS u ON u.n = 1 + (p.n * 7) %% %(users)s""",
    """INSERT INTO likes (post_id, user_id)
    SELECT p.id, u.id
    FROM bench_posts AS p INNER JOIN bench_users AS u ON u.n = 1 + (p.n * 11) %% %(users)s""",
    """INSERT INTO post_stats (post_id, like_count, comment_count, score, least_score)
    SELECT id, 1, 1, heat(created_at, 1), heat(created_at, 1) FROM posts""",
    """CREATE UNLOGGED TABLE bench_comments AS
    SELECT row_number() OVER (ORDER BY id)::integer AS n, id FROM comments""",
    "CREATE UNIQUE INDEX ON bench_comments (n)",
    """INSERT INTO notifications (receiver_id, event_id, actor_id, type, entity_type, entity_id, created_at)
    SELECT r.id, uuidv7(), a.id, 'comment', 'comment', c.id,
        now() - (%(notifications)s - i) * interval '1 millisecond'
    FROM generate_series(1, %(notifications)s) AS i
    INNER JOIN bench_users AS r ON r.n = 1 + i %% %(users)s
    INNER JOIN bench_users AS a ON a.n = 1 + (i * 13) %% %(users)s
    INNER JOIN bench_comments AS c ON c.n = 1 + i %% %(posts)s""",
    """INSERT INTO notification_counters (user_id, unread)
    SELECT receiver_id, count(*) FROM notifications GROUP BY receiver_id""",
    "VACUUM (ANALYZE)",
    "CHECKPOINT",
]


class Stage:
    """The servers and their data. `web` and `worker` run the service on them."""

    def __init__(self, home: Path, size: Size) -> None:
        self.home, self.size = home, size
        self.postgres = PostgresServer(home / "postgres", settings=POSTGRES_SETTINGS)
        self.valkey = ValkeyServer(home / "valkey")
        # Name of the database in use, "" for the server's default; see use().
        self.database = ""
        self.pinned = False
        self.place = SERVED
        self._programs: list[Popen[bytes]] = []

    def open(self) -> None:
        """Start the servers, migrate, and fill in the data."""
        self.postgres.start()
        self.valkey.start()
        self.pinned = self._move_servers(REST)
        migrate_up(self.postgres.url)
        values = {
            "users": self.size.users,
            "everybody": self.size.users + self.size.audience,
            "posts": self.size.posts,
            "notifications": self.size.notifications,
        }
        with psycopg.connect(self.postgres.url, autocommit=True) as conn:
            for statement in FILL:
                conn.execute(statement, values if "%(" in statement else None)

    def close(self) -> None:
        """Stop everything and remove the data."""
        for process in self._programs:
            end_process(process, signal.SIGTERM, 1.0)
        self.valkey.destroy()
        self.postgres.destroy()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def url(self) -> str:
        """The URL of the database in use."""
        server: str = self.postgres.url
        return f"{server.rpartition('/')[0]}/{self.database}" if self.database else server

    @contextlib.contextmanager
    def use(self, database: str) -> Iterator[None]:
        """Use another database of the same server for one block."""
        before, self.database = self.database, database
        try:
            yield
        finally:
            self.database = before

    @contextlib.contextmanager
    def unpinned(self) -> Iterator[None]:
        """Let the servers, and all processes started in this block, run on every core, as in production."""
        self._move_servers(ANYWHERE)
        self.place = ANYWHERE
        try:
            yield
        finally:
            self._move_servers(REST)
            self.place = SERVED

    def _move_servers(self, place: int) -> bool:
        moved = False
        for server in (self.postgres, self.valkey):
            assert server.process is not None
            # New backends of PostgreSQL inherit it.
            moved = pin(server.process.pid, place)
        return moved

    def config(self, **more: Any) -> Config:
        """The configuration for code of the service that runs in a measuring process."""
        return Config(
            env="development",
            database_url=self.url,
            redis_url=self.valkey.url,
            jwt_secret=SECRET,
            log_level="warning",
            **{"rate_limit_anonymous": 0, "rate_limit_user": 0, "rate_limit_files": 0, **more},
        )

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement directly on the database; returns its rows."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def clear(self) -> None:
        """Drop what earlier parts left: connections with their running statements, events to deliver."""
        self.query(
            """SELECT pg_terminate_backend(pid, 5000)
            FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
        )
        self.query("TRUNCATE outbox")

    def sign_tokens(self, count: int) -> list[tuple[UUID, str]]:
        """(user id, access token) of the first `count` users, each with its own session."""
        tokens = Tokens(Secrets.from_config(self.config()))
        rows = self.query(
            """SELECT u.id, s.id FROM bench_users AS u INNER JOIN sessions AS s ON s.user_id = u.id
            WHERE u.n <= %s ORDER BY u.n""",
            count,
        )
        return [
            (
                user_id,
                tokens.sign(
                    user_id=user_id, session_id=session_id, role="member", role_version=1, platform="cli"
                ),
            )
            for user_id, session_id in rows
        ]

    @contextlib.contextmanager
    def web(self, **more: str) -> Iterator[tuple[Popen[bytes], int]]:
        """A running `nexcorp web` and its port, for one block; `more`: environment variables."""
        port = choose_port(self.home / "web.port")
        with self._program("web", port, more) as process:
            self._await("the web process", process, lambda: self._answers(port))
            yield process, port

    @contextlib.contextmanager
    def worker(self, **more: str) -> Iterator[Popen[bytes]]:
        """A running `nexcorp worker`, in addition to others, for one block; `more`: environment variables."""
        beats = "SELECT count(*) FROM worker_heartbeats"
        before = self.query(beats)[0][0]
        try:
            with self._program("worker", 0, more) as process:
                self._await("the worker", process, lambda: self.query(beats)[0][0] > before)
                yield process
        finally:
            self.query("DELETE FROM worker_heartbeats")

    @contextlib.contextmanager
    def _program(self, name: str, port: int, more: Mapping[str, str]) -> Iterator[Popen[bytes]]:
        if not self._programs:
            with redis.Redis.from_url(self.valkey.url) as client:
                client.flushall()
        env = {
            "PATH": os.environ.get("PATH", ""),
            "NEXCORP_ENV": "development",
            "DATABASE_URL": self.url,
            "REDIS_URL": self.valkey.url,
            "JWT_SECRET": SECRET,
            "LOG_LEVEL": "warning",
            # All load comes from one address and few accounts, so switch rate limits off.
            "RATE_LIMIT_ANONYMOUS": "0",
            "RATE_LIMIT_USER": "0",
            "RATE_LIMIT_FILES": "0",
            "PORT": str(port),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            **more,
        }
        log = self.home / f"{name}.log"
        with log.open("ab") as output:
            process = spawn([sys.executable, "-m", "nexcorp", name], env=env, cwd=REPOSITORY, output=output)
        pin(process.pid, self.place)
        self._programs.append(process)
        try:
            yield process
        finally:
            end_process(process, signal.SIGTERM, 3.0)
            self._programs.remove(process)
            said = log.read_text(errors="replace").splitlines()
            if any('"level": "error"' in line or "Traceback" in line for line in said):
                print(f"  {name} said:\n    " + "\n    ".join(said[-12:]), flush=True)
            log.write_text("")

    def _await(self, what: str, process: Popen[bytes], ready: Any) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{what} does not start")
            time.sleep(0.05)

    @staticmethod
    def _answers(port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextlib.contextmanager
def open_stage(size: Size) -> Iterator[Stage]:
    """A stage in a temporary folder, removed after the block in any case."""
    stage = Stage(Path(tempfile.mkdtemp(prefix="nexcorp-bench-")), size)
    try:
        stage.open()
        yield stage
    finally:
        stage.close()
