"""Mails and pushes per second of one worker, to servers that accept everything, against the libraries."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec

from bench.remote import remote, server
from bench.sinks import MailSink, PushSink, send_plainly, serve_sink
from bench.stage import QUICK, REST, SERVED, Stage, read_cpu_seconds, read_family_cpu_seconds
from bench.table import Figure
from nexcorp.integrations.vapid import make_private_key, write_point
from workers.sending_mail import LINES
from workers.sending_push import ABREAST

MESSAGES, QUICK_MESSAGES = 20_000, 2_000
PATIENCE_SECONDS = 120.0
AIM_PER_SECOND = 1_000
# One notification per receiver, so that none are combined into one message.
FILL = [
    "UPDATE users SET email_verified_at = now() WHERE email_verified_at IS NULL",
    """INSERT INTO sessions (user_id, platform)
    SELECT id, 'web' FROM bench_users WHERE n > %(first)s AND n <= %(last)s""",
    """INSERT INTO push_subscriptions (user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth)
    SELECT u.id, s.id, sha256(convert_to(e.endpoint, 'UTF8')), e.endpoint, %(host)s, %(p256dh)s, %(auth)s
    FROM bench_users AS u
    INNER JOIN sessions AS s ON s.user_id = u.id AND s.platform = 'web'
    CROSS JOIN LATERAL (SELECT 'http://' || %(host)s || '/send/' || u.n AS endpoint) AS e
    WHERE u.n > %(first)s AND u.n <= %(last)s""",
    """CREATE UNLOGGED TABLE bench_told AS
    SELECT uuidv7() AS id, u.id AS receiver_id, a.id AS actor_id, c.id AS comment_id
    FROM bench_users AS u
    INNER JOIN bench_users AS a ON a.n = 1 + u.n %% %(first)s
    INNER JOIN bench_comments AS c ON c.n = 1 + u.n %% %(posts)s
    WHERE u.n > %(first)s AND u.n <= %(last)s""",
    """INSERT INTO notifications (
        id, position, receiver_id, event_id, actor_id, type, entity_type, entity_id, why
    )
    SELECT id, id, receiver_id, id, actor_id, 'comment', 'comment', comment_id, 'author' FROM bench_told""",
    "ANALYZE",
    "CHECKPOINT",
]
PLAN = {
    "email": """INSERT INTO deliveries (notification_id, channel, receiver_id, frame_seq, due_at)
    SELECT id, 'email', receiver_id, 1, now() FROM bench_told""",
    "push": """INSERT INTO deliveries (notification_id, channel, target, receiver_id, frame_seq, due_at)
    SELECT t.id, 'push', p.id::text, t.receiver_id, 1, now()
    FROM bench_told AS t INNER JOIN push_subscriptions AS p ON p.user_id = t.receiver_id""",
}
# From the first claimed to the last sent: the time until a worker looks is not included.
TOOK = """
SELECT
    count(*),
    extract(epoch FROM max(d.sent_at) - (SELECT min(at) FROM delivery_attempts WHERE channel = %s))
FROM deliveries AS d
WHERE d.channel = %s AND d.state = 'sent'
"""


def fill(stage: Stage, count: int, port: int) -> None:
    """Create `count` notifications, each for a user with an email address and a push subscription."""
    values = {
        "first": stage.size.users,
        "last": stage.size.users + count,
        "posts": stage.size.posts,
        "host": f"127.0.0.1:{port}",
        "p256dh": write_point(ec.generate_private_key(ec.SECP256R1()).public_key()),
        "auth": os.urandom(16),
    }
    with psycopg.connect(stage.url, autocommit=True) as conn:
        for statement in FILL:
            conn.execute(statement, values if "%(" in statement else None)


def send(stage: Stage, pid: int, channel: str, count: int) -> tuple[float, float, float]:
    """Send all in one commit: (messages per second, CPU per message in us of the worker, of PostgreSQL)."""
    postgres = stage.postgres.process.pid
    stage.query(PLAN[channel])
    cpu, db = read_cpu_seconds(pid), read_family_cpu_seconds(postgres)
    waits = "SELECT EXISTS (SELECT FROM deliveries WHERE channel = %s AND state = 'waiting')"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stage.query(waits, channel)[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not every {channel} is sent")
        time.sleep(0.2)
    cpu, db = read_cpu_seconds(pid) - cpu, read_family_cpu_seconds(postgres) - db
    ((sent, seconds),) = stage.query(TOOK, channel, channel)
    assert sent == count, f"{sent} of {count} are sent by {channel}"
    return count / float(seconds), cpu / count * 1e6, db / count * 1e6


def measure_channel(
    stage: Stage, pid: int, channel: str, name: str, count: int, floor: tuple[float, float]
) -> Iterator[Figure]:
    """A channel's rate, and its CPU per message; `floor`: (seconds, CPU seconds) for `count` messages."""
    rate, cpu, db = send(stage, pid, channel, count)
    alone, alone_cpu = count / floor[0], floor[1] / count * 1e6
    library = "aiosmtplib" if channel == "email" else "aiohttp"
    yield Figure(
        f"{name} by one worker",
        rate,
        f"{name}/s",
        ratio=rate / alone,
        floor=f"{library} alone, {alone:,.0f}/s",
        detail={"messages": count, "goal_per_second": AIM_PER_SECOND},
    )
    yield Figure(
        f"{name}, CPU of the worker",
        cpu,
        "us each",
        floor=f"{library} alone {alone_cpu:.0f} us",
        detail={"postgresql_us": round(db), "floor_us": round(alone_cpu)},
    )


def measure(stage: Stage) -> list[Figure]:
    """Measure mails, then pushes."""
    count = QUICK_MESSAGES if stage.size is QUICK else MESSAGES
    with (
        server(REST, serve_sink, MailSink) as (_, mail_port),
        server(REST, serve_sink, PushSink) as (_, push_port),
        remote(SERVED) as floor,
    ):
        fill(stage, count, push_port)
        mails = floor.call(send_plainly, "email", mail_port, count, LINES)
        pushes = floor.call(send_plainly, "push", push_port, count, ABREAST)
        more = {
            "SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
            "MAIL_FROM": "NexCorp Connect <connect@example.com>",
            "VAPID_PRIVATE_KEY": make_private_key(),
            "OUTBOUND_ALLOW": f"127.0.0.1:{push_port}",
        }
        with stage.worker(**more) as worker:
            return [
                *measure_channel(stage, worker.pid, "email", "mails", count, mails),
                *measure_channel(stage, worker.pid, "push", "pushes", count, pushes),
            ]
