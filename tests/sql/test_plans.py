"""Plans of the hot statements on a database of some size: their index, no scan of a table, no sort of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from nexcorp.config import Config
from nexcorp.db import Database, sql
from tests.conftest import name_database

# Foreign keys are not checked one by one while it is filled. Ids come in order, as uuidv7's do.
FILL = """
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.nth(kind integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('0190000' || kind || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
$$;
INSERT INTO users (id, email, username)
SELECT pg_temp.nth(1, n), 'u' || n || '@example.com', 'user_' || n FROM generate_series(1, 10000) AS n;
INSERT INTO sessions (user_id, platform, revoked_at)
SELECT pg_temp.nth(1, n), 'cli', CASE WHEN n % 3 = 0 THEN now() - n * interval '1 minute' END
FROM generate_series(1, 10000) AS n;
INSERT INTO posts (id, position, author_id, type, status, body)
SELECT
    pg_temp.nth(2, n), pg_temp.nth(2, n), pg_temp.nth(1, 1 + n % 1000),
    CASE WHEN n % 10 = 0 THEN 'project' ELSE 'normal' END,
    CASE WHEN n % 10 = 0 THEN ('{open,in_progress,on_hold,completed,cancelled}'::text[])[1 + n / 10 % 5] END,
    'body'
FROM generate_series(1, 30000) AS n;
INSERT INTO uploads (owner_id, post_id, store, store_key, name, type, bytes, url)
SELECT pg_temp.nth(1, 1), pg_temp.nth(2, n), 'local', 'key ' || n, 'name', 'image/png', 1, '/media/' || n
FROM generate_series(1, 20000) AS n;
INSERT INTO comments (id, post_id, author_id, body)
SELECT pg_temp.nth(3, n), pg_temp.nth(2, 1 + n % 10000), pg_temp.nth(1, 1 + n % 7919), 'body'
FROM generate_series(1, 60000) AS n;
INSERT INTO likes (post_id, user_id, created_at)
SELECT pg_temp.nth(2, 1 + n / 200), pg_temp.nth(1, 1 + n % 10000), now() - n * interval '1 second'
FROM generate_series(1, 60000) AS n;
INSERT INTO follows (follower_id, followed_id, created_at)
SELECT pg_temp.nth(1, 1 + n % 10000), pg_temp.nth(1, 1 + n / 100), now() - n * interval '1 second'
FROM generate_series(1, 60000) AS n
WHERE n % 10000 <> n / 100;
INSERT INTO notifications (id, receiver_id, event_id, type, title, message, is_read)
SELECT pg_temp.nth(4, n), pg_temp.nth(1, 1 + n % 500), pg_temp.nth(5, n), 'like', 't', 'm', n % 10 > 0
FROM generate_series(1, 60000) AS n;
INSERT INTO notification_counters (user_id) SELECT id FROM users;
INSERT INTO rooms (name, last_seq) SELECT 'post:' || n, 1000 FROM generate_series(1, 10000) AS n;
INSERT INTO room_frames (room, seq, event_id, frame)
SELECT 'post:' || 1 + n / 1000, 1 + n % 1000, pg_temp.nth(5, n), '{}' FROM generate_series(0, 49999) AS n;
INSERT INTO outbox (event_id, event_at)
SELECT pg_temp.nth(5, n), now() FROM generate_series(1, 20000) AS n;
INSERT INTO post_scores (post_id, score, least_score)
SELECT pg_temp.nth(2, n), n * 7919 % 30011, 1 FROM generate_series(1, 30000) AS n;
INSERT INTO post_documents (post_id, recency, words)
SELECT pg_temp.nth(2, n), pg_temp.nth(2, n), ('body:1B n' || n || ':2B')::tsvector
FROM generate_series(1, 30000) AS n;
INSERT INTO comment_documents (comment_id, words)
SELECT pg_temp.nth(3, n), ('body:1B n' || n || ':2B')::tsvector FROM generate_series(1, 60000) AS n;
INSERT INTO person_documents (user_id, words)
SELECT pg_temp.nth(1, n), ('user:1A n' || n || ':2A')::tsvector FROM generate_series(1, 60000) AS n;
INSERT INTO search_words (word) SELECT md5(n::text) FROM generate_series(1, 10000) AS n;
SET session_replication_role = origin;
ANALYZE;
"""
BIG = {
    "users",
    "sessions",
    "posts",
    "comments",
    "likes",
    "follows",
    "notifications",
    "room_frames",
    "outbox",
    "post_scores",
    "post_documents",
    "comment_documents",
    "person_documents",
    "search_words",
}
ONE = UUID("01900001-0000-7000-8000-000000000001")
# What each must use; nothing is said where one row is found by any of several indexes.
HOT: dict[str, set[str]] = {
    "posts.get_post": {"posts_pkey"},
    "posts.list_posts_first": {"posts_position_idx", "likes_pkey"},
    "posts.list_posts_next": {"posts_position_idx", "likes_pkey"},
    "posts.list_author_posts_first": {"posts_author_position_idx", "likes_pkey"},
    "posts.list_author_posts_next": {"posts_author_position_idx", "likes_pkey"},
    "posts.list_normal_posts_first": {"posts_position_idx", "likes_pkey"},
    "posts.list_normal_posts_next": {"posts_position_idx", "likes_pkey"},
    "posts.list_announcements_first": {"posts_announcements_idx"},
    "posts.list_announcements_next": {"posts_announcements_idx"},
    "posts.list_projects_first": {"posts_projects_idx", "likes_pkey"},
    "posts.list_projects_next": {"posts_projects_idx", "likes_pkey"},
    "posts.list_posts_by_status_first": {"posts_status_position_idx", "likes_pkey"},
    "posts.list_posts_by_status_next": {"likes_pkey"},
    "posts.is_post_shown": {"posts_pkey"},
    "posts.update_post": set(),
    "feed.list_feed_first": {"posts_position_idx", "posts_author_position_idx"},
    "feed.list_feed_next": {"posts_position_idx", "posts_author_position_idx"},
    "posts.list_posts_matching": {
        "post_documents_recency_idx",
        "post_documents_words_idx",
        "posts_position_idx",
    },
    "posts.list_author_posts_matching": {"posts_author_position_idx", "post_documents_pkey"},
    "explore.list_first": {"post_scores_score_idx", "posts_pkey", "likes_pkey"},
    "explore.list_next": {"post_scores_score_idx", "posts_pkey", "likes_pkey"},
    "search.search_posts": {"post_documents_recency_idx", "post_documents_words_idx", "posts_pkey"},
    "search.search_comments": {"comment_documents_pkey", "comment_documents_words_idx", "comments_pkey"},
    "search.search_people": {"person_documents_pkey", "person_documents_words_idx", "users_pkey"},
    "search.list_near_words": {"search_words_near_idx", "search_words_pkey"},
    "comments.list_comments_first": {"comments_post_id_idx"},
    "comments.list_comments_next": {"comments_post_id_idx"},
    "comments.get_comment": {"comments_pkey"},
    "comments.create_comment": {"posts_pkey"},
    "comments.delete_comment": set(),
    "reactions.list_likes_first": {"likes_newest_idx"},
    "reactions.list_likes_next": {"likes_newest_idx"},
    "reactions.like_post": {"posts_pkey"},
    "reactions.unlike_post": {"posts_pkey"},
    "follows.list_followers_first": {"follows_followers_idx"},
    "follows.list_followers_next": {"follows_followers_idx"},
    "follows.list_following_first": {"follows_following_idx"},
    "follows.list_following_next": {"follows_following_idx"},
    "follows.unfollow_user": {"users_pkey"},
    "notifications.list_first": {"notifications_receiver_idx"},
    "notifications.list_next": {"notifications_receiver_idx"},
    "notifications.list_unread_first": {"notifications_unread_idx"},
    "notifications.list_unread_next": {"notifications_unread_idx"},
    "notifications.list_filtered": {"notifications_receiver_idx"},
    "notifications.get_notification": set(),
    "notifications.update_notification": set(),
    "notifications.read_all": {"notifications_unread_idx"},
    "notifications.get_position": {"notification_counters_pkey", "rooms_pkey"},
    "notifications.list_followers_after": {"follows_audience_idx"},
    "notifications.list_everyone_after": {"users_pkey"},
    "realtime.read_frames": {"room_frames_pkey"},
    "realtime.read_missing": {"room_frames_pkey"},
    "events.claim_outbox": {"outbox_pkey"},
    "events.delete_outbox": {"outbox_pkey"},
    "auth.list_revoked_sessions": {"sessions_revoked_at_idx"},
    "auth.get_credentials": {"users_email_key"},
    "auth.list_sessions": {"sessions_user_id_idx"},
}
# `LIMIT n` behind an index is what keeps these from reading a whole conversation, feed or inbox.
LISTS = [name for name in HOT if ".list_" in name or name.endswith(("read_frames", "claim_outbox"))]
UNLIMITED = {"auth.list_revoked_sessions", "auth.list_sessions"}
# Sorts one page: what the newest posts of each followed person come to.
SORTS_A_PAGE = {"feed.list_feed_first", "feed.list_feed_next"}
# Sorts what the index of words finds, which has no order.
SORTS_MATCHES = {"posts.list_posts_matching", "posts.list_author_posts_matching", "search.list_near_words"}


@pytest.fixture(scope="module")
def big_database(postgres: Any) -> Iterator[str]:
    """A database with some ten thousand rows of everything."""
    url = name_database(postgres.url, "plans")
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE plans TEMPLATE template")
        with psycopg.connect(url, autocommit=True) as inside:
            inside.execute("SET maintenance_work_mem = '128MB'")
            inside.execute(FILL)
        yield url
        conn.execute("DROP DATABASE plans WITH (FORCE)")


def literal(kind: Any) -> str:
    """Some value of a type; a generic plan does not look at it."""
    if kind.kind == "array":
        return f"'{{}}'::{kind.name.removeprefix('_').removesuffix('[]')}[]"
    values = {
        "uuid": f"'{ONE}'",
        "timestamptz": "now()",
        "bool": "true",
        "int4": "21",
        "int8": "21",
        "float8": "21",
    }
    return f"{values.get(kind.name, chr(39) + 'x' + chr(39))}::{kind.name}"


async def explain(url: str) -> dict[str, dict[str, Any]]:
    """The generic plan of every hot statement."""
    database = Database(replace(Config(), database_url=url, database_pool=(1, 1), statement_cache=0))
    await database.open()
    plans = {}
    async with database.connection(wait=5) as conn:
        await conn.execute("SET plan_cache_mode = force_generic_plan")
        for name in HOT:
            feature, _, verb = name.partition(".")
            text = sql.features[feature].statements[verb].text
            kinds = (await conn.prepare(text)).get_parameters()
            listed = ", ".join(literal(kind) for kind in kinds)
            await conn.execute(f"PREPARE hot AS {text}")
            found = await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE hot{f'({listed})' if kinds else ''}")
            await conn.execute("DEALLOCATE hot")
            plans[name] = json.loads(bytes(found) if not isinstance(found, str) else found)[0]["Plan"]
    await database.close()
    return plans


@pytest.fixture(scope="module")
def plans(big_database: str) -> dict[str, dict[str, Any]]:
    return asyncio.run(explain(big_database))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_hot_statements_scan_no_table(plans: dict[str, Any]) -> None:
    found = [
        f"{name}: {node['Relation Name']}"
        for name, plan in plans.items()
        for node in nodes(plan)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG
    ]
    assert found == []


def test_hot_statements_use_their_index(plans: dict[str, Any]) -> None:
    for name, expected in HOT.items():
        used = {node["Index Name"] for node in nodes(plans[name]) if "Index Name" in node}
        assert used, f"{name} uses none"
        assert expected <= used, f"{name} uses {used}"


def test_lists_come_in_order_out_of_their_index(plans: dict[str, Any]) -> None:
    for name in LISTS:
        kinds = {node["Node Type"] for node in nodes(plans[name])}
        if name not in UNLIMITED | SORTS_A_PAGE | SORTS_MATCHES:
            assert "Limit" in kinds, f"{name} has no limit"
            assert not kinds & {"Sort", "Incremental Sort", "Bitmap Heap Scan"}, f"{name} sorts: {kinds}"
            assert not kinds & {"Hash Join", "Merge Join"}, f"{name} joins all: {kinds}"


def test_a_cursor_bounds_the_index_and_filters_nothing(plans: dict[str, Any]) -> None:
    for name in LISTS:
        if name.endswith(("_next", "_after", "read_frames")):
            bounds = [node["Index Cond"] for node in nodes(plans[name]) if "Index Cond" in node]
            assert any("<" in bound or ">" in bound for bound in bounds), f"{name}: {bounds}"
