"""A company of a million posts, a hundred thousand people and five million follows, in about a minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.sql.fill_ai import AI
from tests.sql.fill_messaging import MESSAGING
from tests.sql.fill_webhooks import WEBHOOKS
from tests.sql.fill_work import WORK

# Ids ascend like those of UUIDv7.
MAKE_IDS = """
CREATE FUNCTION nth(kind integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('0190000' || kind || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
$$
"""
# No trigger and no foreign key runs while the tables are filled.
PREPARE = """
SET session_replication_role = replica;
SET maintenance_work_mem = '256MB';
SET work_mem = '128MB';
"""
# Both groups are filled at the same time, as a small machine has two cores; the tables of one in order.
TABLES: tuple[dict[str, str], ...] = (
    {
        "follows": """
INSERT INTO follows (follower_id, followed_id, created_at)
SELECT follower.id, followed.id, timestamptz '2026-01-01' + k * interval '1 second'
FROM generate_series(0, 99999) AS f
CROSS JOIN LATERAL (SELECT nth(1, f + 1) AS id OFFSET 0) AS follower
CROSS JOIN generate_series(1, 50) AS k
JOIN (SELECT nth(1, n + 1) AS id, n FROM generate_series(0, 99999) AS n) AS followed
    ON followed.n = (f * 7919 + k * 1009) % 100000 AND followed.n <> f
""",
        "likes": """
INSERT INTO likes (post_id, user_id, created_at)
SELECT nth(2, 1 + n / 200), nth(1, 1 + n % 10000), now() - n * interval '1 second'
FROM generate_series(1, 200000) AS n
""",
        "interests": """
INSERT INTO interests (post_id, user_id, created_at)
SELECT nth(2, 10 * (1 + n / 10)), nth(1, 1 + n % 10007), now() - n * interval '1 second'
FROM generate_series(1, 100000) AS n
""",
        # Half of all people have read each of two posts; most posts were read by two.
        "entity_reads": """
INSERT INTO entity_reads (entity_type, entity_id, user_id, read_at)
SELECT
    'post', nth(2, CASE WHEN n < 100000 THEN 1 + 100 * (n / 50000) ELSE n / 2 END), nth(1, 1 + n % 50000),
    now() - n * interval '1 second'
FROM generate_series(0, 199999) AS n
""",
        # Samples of three processes for a day.
        "node_samples": """
INSERT INTO node_samples (at, node_id, kind, requests, errors, p50, p99, pool_size, pool_busy)
SELECT
    date_bin('10 seconds', now(), 'epoch') - n / 3 * interval '10 seconds', 'n' || n % 3, 'web',
    1, 0, 1, 2, 5, 1
FROM generate_series(0, 25919) AS n
""",
        "thread_reads": """
INSERT INTO thread_reads (thread, user_id, upto)
SELECT nth(2, CASE WHEN n < 50000 THEN 1 ELSE n / 5 END), nth(1, 1 + n % 50000), nth(3, 1 + n)
FROM generate_series(0, 99999) AS n
""",
        "idempotency_keys": """
INSERT INTO idempotency_keys (scope, key, fingerprint, status, entity_id, created_at)
SELECT
    nth(1, 1 + n % 5000), 'key ' || n, sha256(n::text::bytea), 201, nth(2, n),
    now() - n * interval '5 seconds'
FROM generate_series(1, 50000) AS n
""",
        "mails": """
INSERT INTO mails (user_id, kind, address, created_at, next_at, sent_at)
SELECT
    nth(1, 1 + n % 10000), 'reset_password', 'u' || n || '@example.com', now() - n * interval '1 minute',
    now() - n * interval '1 minute', CASE WHEN n > 100 THEN now() - n * interval '1 minute' END
FROM generate_series(1, 20000) AS n
""",
        "notifications": """
INSERT INTO notifications (
    id, position, group_id, receiver_id, event_id, actor_id, type, entity_type, entity_id, once_key, is_read,
    archived_at, snoozed_until
)
SELECT
    nth(4, n), nth(4, n), CASE WHEN n % 4 = 0 THEN nth(8, n % 20000) END,
    nth(1, 1 + n % 500), nth(5, n), nth(1, 1 + n % 7919), k.type, k.entity_type,
    CASE k.type WHEN 'like' THEN nth(2, n) ELSE nth(3, n) END,
    CASE k.type WHEN 'like' THEN 'like ' || n END, n % 10 > 0,
    CASE WHEN n % 7 = 1 THEN now() END, CASE WHEN n % 77 = 3 THEN now() + interval '100 days' END
FROM generate_series(1, 60000) AS n
JOIN (VALUES (0, 'like', 'post'), (1, 'comment', 'comment')) AS k (number, type, entity_type)
    ON k.number = n % 2
""",
        "leads": """
INSERT INTO leads (
    id, name, email, email_key, phone, phone_key, stage, score, owner_id, value, currency, created_by,
    updated_at
)
SELECT
    nth(9, n), 'Lead ' || n, 'l' || n || '@example.com', 'l' || n || '@example.com', '030 ' || n, '030' || n,
    CASE WHEN n % 1000 = 0 THEN 'won' ELSE 'new' END, n % 101, nth(1, 1 + n % 2000), n, 'EUR', nth(1, 1),
    now() - n * interval '1 minute'
FROM generate_series(1, 100000) AS n
""",
        "lead_interactions": """
INSERT INTO lead_interactions (lead_id, kind, author_id, text, happened_at)
SELECT nth(9, 1 + n % 50000), 'note', nth(1, 1 + n % 2000), 'text', now() - n * interval '1 minute'
FROM generate_series(1, 100000) AS n
""",
        "lead_stage_log": """
INSERT INTO lead_stage_log (lead_id, to_stage, actor_id)
SELECT nth(9, n), 'new', nth(1, 1) FROM generate_series(1, 100000) AS n
""",
        "notification_groups": """
INSERT INTO notification_groups (id, receiver_id, key, position, size, members, unread)
SELECT
    nth(8, n), nth(1, 1 + n % 500), 'like:post:' || nth(2, n), nth(4, 40000 + n), 3, 3,
    CASE n % 3 WHEN 0 THEN 1 ELSE 0 END
FROM generate_series(0, 19996, 4) AS n
""",
        "notifications_archive": """
INSERT INTO notifications_archive (
    id, position, receiver_id, event_id, type, is_read, variant, params, archived_at, created_at, updated_at
)
SELECT
    nth(7, n), nth(7, n), nth(1, 1 + n % 500), nth(5, n), 'like', true, '', '{}',
    now() - n * interval '1 minute', now(), now()
FROM generate_series(1, 20000) AS n
""",
        "notifications_held": """
INSERT INTO notifications_held (
    receiver_id, event_id, type, entity_type, entity_id, reason, created_at, held_at
)
SELECT
    nth(1, 1 + n % 500), nth(5, n), 'like', 'post', nth(2, n), 'muted', now(), now() - n * interval '1 minute'
FROM generate_series(1, 20000) AS n
""",
        "notification_mutes": """
INSERT INTO notification_mutes (user_id, entity_type, entity_id)
SELECT nth(1, 1 + n % 5000), 'post', nth(2, n) FROM generate_series(1, 50000) AS n
""",
        "notification_preferences": """
INSERT INTO notification_preferences (user_id, type, email)
SELECT nth(1, 1 + n), k.type, 'off'
FROM generate_series(1, 10000) AS n
CROSS JOIN (VALUES ('like'), ('comment')) AS k (type)
""",
        "notification_settings": """
INSERT INTO notification_settings (user_id, quiet_from, quiet_to, digest, next_digest_at)
SELECT
    nth(1, n), '22:00', '07:00', CASE WHEN n % 2 = 0 THEN 'daily' ELSE 'none' END,
    CASE WHEN n % 2 = 0 THEN now() + interval '100 days' + n * interval '1 second' END
FROM generate_series(1, 20000) AS n
""",
        "deliveries": """
INSERT INTO deliveries (notification_id, channel, receiver_id, state, due_at, created_at)
SELECT
    nth(4, n), 'email', nth(1, 1 + n % 500), CASE WHEN n > 59000 THEN 'waiting' ELSE 'sent' END,
    now() - n * interval '1 second', now() - n * interval '1 minute'
FROM generate_series(1, 60000) AS n
""",
        "delivery_attempts": """
INSERT INTO delivery_attempts (notification_id, channel, target, at, outcome)
SELECT d.notification_id, d.channel, d.target, d.created_at + k * interval '1 second', 'begun'
FROM deliveries AS d
CROSS JOIN generate_series(1, 2) AS k
""",
        "notification_counters": """
INSERT INTO notification_counters (user_id) SELECT nth(1, n) FROM generate_series(1, 10000) AS n
""",
        # A few rooms are long, most are short.
        "rooms": """
INSERT INTO rooms (name, last_seq)
SELECT 'post:' || n, CASE WHEN n <= 50 THEN 1000 ELSE 5 END FROM generate_series(1, 100000) AS n
UNION ALL
SELECT 'user:' || nth(1, n), 100 FROM generate_series(1, 10000) AS n
""",
        "room_frames": """
INSERT INTO room_frames (room, seq, event_id, event, entity_type, entity_id, data)
SELECT
    'post:' || f.post, f.seq, nth(5, f.n), 'comment:created', 'comment', nth(3, 1 + f.n),
    jsonb_build_object('postId', nth(2, f.post))
FROM (
    SELECT 1 + n / 1000 AS post, 1 + n % 1000 AS seq, n FROM generate_series(0, 49999) AS n
    UNION ALL
    SELECT 51 + n / 5, 1 + n % 5, 50000 + n FROM generate_series(0, 49999) AS n
) AS f
""",
        "outbox": """
INSERT INTO outbox (event_id, event_at, lane, dedup_key)
SELECT nth(5, n), now(), find_lane(nth(2, n)), CASE WHEN n % 10 = 0 THEN 'key ' || n END
FROM generate_series(1, 20000) AS n
""",
        # Every month from three ahead to a year before the first partition has events; the default has some.
        "events": """
DO $$
DECLARE
    start timestamp;
BEGIN
    FOR back IN 1..12 LOOP
        start := date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => back);
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
            to_char(start, '"events_"YYYY_MM'),
            start AT TIME ZONE 'UTC',
            (start + interval '1 month') AT TIME ZONE 'UTC'
        );
    END LOOP;
END
$$;
INSERT INTO events (id, type, actor_id, entity_type, entity_id, payload, metadata, created_at)
SELECT
    nth(6, n), (ARRAY['post.created', 'post.liked', 'user.logged_in'])[1 + n % 3],
    nth(1, 1 + n % 1000), 'post', nth(2, 1 + n % 3000), '{}', '{}',
    date_trunc('month', now()) + interval '3 months 20 days' - n * interval '35 minutes'
FROM generate_series(1, 40000) AS n
""",
        **WORK,
        **MESSAGING,
        **AI,
        **WEBHOOKS,
    },
    {
        "users": """
INSERT INTO users (id, email, username, first_name, last_name, role, status)
SELECT
    nth(1, n), 'u' || n || '@example.com', 'user_' || n,
    initcap(left(translate(md5(n::text), '0123456789', 'aeioulnrst'), 6)),
    initcap(left(translate(md5('x' || n), '0123456789', 'aeioulnrst'), 8)),
    CASE WHEN n % 1000 = 7 THEN 'admin' WHEN n % 50 = 1 THEN 'manager' ELSE 'member' END,
    CASE WHEN n % 20 = 3 THEN 'deactivated' ELSE 'active' END
FROM generate_series(1, 100000) AS n
""",
        "sessions": """
INSERT INTO sessions (user_id, platform, revoked_at)
SELECT nth(1, n), 'cli', CASE WHEN n % 3 = 0 THEN now() - n * interval '1 minute' END
FROM generate_series(1, 10000) AS n
""",
        "room_acks": """
INSERT INTO room_acks (session_id, room, seq)
SELECT s.id, 'user:' || s.user_id, 10 FROM sessions AS s
""",
        "push_subscriptions": """
INSERT INTO push_subscriptions (user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth)
SELECT
    s.user_id, s.id, sha256((s.id::text || k)::bytea), 'https://e.com/' || s.id || k, 'e.com',
    decode(repeat('04', 65), 'hex'), decode(repeat('00', 16), 'hex')
FROM sessions AS s
CROSS JOIN generate_series(1, 2) AS k
""",
        "account_tokens": """
INSERT INTO account_tokens (token_hash, user_id, purpose, email, expires_at)
SELECT
    sha256(n::text::bytea), nth(1, n), 'verify_email', 'u' || n || '@example.com',
    now() + interval '100 days' + n * interval '1 second'
FROM generate_series(1, 10000) AS n
""",
        "identities": """
INSERT INTO identities (provider, subject, user_id, email_verified, tokens)
SELECT 'github', n::text, nth(1, n), true, '' FROM generate_series(1, 10000) AS n
""",
        "api_keys": """
INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes, revoked_at)
SELECT
    nth(1, n), 'key', 'nxk_', sha256(n::text::bytea), '{post:read}',
    CASE WHEN n % 5 = 0 THEN now() - n * interval '1 hour' END
FROM generate_series(1, 10000) AS n
""",
        "posts": """
INSERT INTO posts (id, position, author_id, type, status, body)
SELECT
    p.id, CASE WHEN p.n % 200 <> 101 THEN p.id END, nth(1, 1 + p.n % 100000),
    CASE WHEN p.n % 10 = 0 THEN 'project' WHEN p.n % 100 = 1 THEN 'announcement' ELSE 'normal' END,
    CASE
        WHEN p.n % 10 = 0
            THEN ('{open,in_progress,on_hold,completed,cancelled}'::text[])[1 + p.n / 10 % 5]
        WHEN p.n % 100 = 1 THEN ('{published,draft,published,archived}'::text[])[1 + p.n / 100 % 4]
    END,
    'body'
FROM (SELECT nth(2, n) AS id, n FROM generate_series(1, 1000000) AS n) AS p
""",
        "post_status_log": """
INSERT INTO post_status_log (id, post_id, actor_id, to_status)
SELECT nth(2, n), nth(2, n), nth(1, 1 + n % 100000), 'open' FROM generate_series(10, 1000000, 10) AS n
""",
        "post_stats": """
INSERT INTO post_stats (post_id, like_count, comment_count, score, least_score)
SELECT nth(2, n), n % 200, n % 20, CASE WHEN n % 200 <> 101 THEN n * 7919::bigint % 1000003 END, 1
FROM generate_series(1, 1000000) AS n
""",
        "person_stats": """
INSERT INTO person_stats (user_id, follower_count, following_count, post_count)
SELECT nth(1, n), 50, 50, 10 FROM generate_series(1, 100000) AS n
""",
        "post_documents": """
INSERT INTO post_documents (post_id, recency, words)
SELECT p.id, p.id, ('body:1B n' || p.n || ':2B')::tsvector
FROM (SELECT nth(2, n) AS id, n FROM generate_series(1, 1000000) AS n) AS p
""",
        "uploads": """
INSERT INTO uploads (owner_id, post_id, task_id, store, store_key, name, type, bytes, url, created_at)
SELECT
    nth(1, 1 + n % 1000), CASE WHEN n % 50 > 9 THEN nth(2, n) END,
    CASE WHEN n % 50 BETWEEN 1 AND 9 THEN nth(8, n) END,
    'local', 'key ' || n, 'name', 'image/png', 1, '/media/' || n, now() + interval '100 days'
FROM generate_series(1, 50000) AS n
""",
        "comments": """
INSERT INTO comments (id, post_id, task_id, author_id, body)
SELECT nth(3, n), nth(2, 1 + n % 10000), NULL, nth(1, 1 + n % 7919), 'body'
FROM generate_series(1, 200000) AS n
UNION ALL
SELECT nth(3, n), NULL, nth(8, 1 + n % 20000), nth(1, 1 + n % 7919), 'body'
FROM generate_series(200001, 300000) AS n
""",
        "comment_documents": """
INSERT INTO comment_documents (comment_id, words)
SELECT nth(3, n), ('body:1B n' || n || ':2B')::tsvector FROM generate_series(1, 200000) AS n
""",
        "person_documents": """
INSERT INTO person_documents (user_id, words)
SELECT nth(1, n), ('user:1A n' || n || ':2A')::tsvector FROM generate_series(1, 100000) AS n
""",
        "search_words": """
INSERT INTO search_words (word) SELECT md5(n::text) FROM generate_series(1, 100000) AS n
""",
    },
)
LIST_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid = %s::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    AND NOT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = indrelid)
"""
# Keys without a foreign key that refers to them.
LIST_KEYS = """
SELECT conname, pg_get_constraintdef(oid)
FROM pg_constraint AS c
WHERE conrelid = %s::regclass AND contype IN ('p', 'u')
    AND NOT EXISTS (SELECT FROM pg_constraint AS f WHERE f.confrelid = c.conrelid)
"""


def fill_tables(url: str, tables: dict[str, str]) -> None:
    """Fill one table after the other; keys and indexes are built afterwards, which is faster."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(PREPARE)
        for table, statements in tables.items():
            indexes = conn.execute(LIST_INDEXES, (table,)).fetchall()
            keys = conn.execute(LIST_KEYS, (table,)).fetchall() if table != "events" else []
            for name, _ in indexes:
                conn.execute(f"DROP INDEX {name}")
            for name, _ in keys:
                conn.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            conn.execute(statements)
            for name, definition in keys:
                conn.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
            for _, definition in indexes:
                conn.execute(definition)
            conn.execute(f"VACUUM ANALYZE {table}")


def fill_company(url: str) -> None:
    """Fill an empty, migrated database."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(MAKE_IDS)
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda tables: fill_tables(url, tables), TABLES))
