"""Plans of the hot statements at a million posts: their index, no scan of a table, no sort of it."""

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
from tests.conftest import choose_folder
from tests.sql.kept import open_company

# Filling takes half a minute, and another run may be at it.
pytestmark = [pytest.mark.timeout(600), pytest.mark.long(6)]

BIG = {
    "users",
    "sessions",
    "api_keys",
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
    "posts.list_posts": {"posts_position_idx", "likes_pkey"},
    "posts.list_author_posts": {"posts_author_position_idx", "likes_pkey"},
    "posts.list_normal_posts": {"posts_position_idx", "likes_pkey"},
    "posts.list_announcements": {"posts_announcements_idx"},
    "posts.list_projects": {"posts_projects_idx", "likes_pkey"},
    "posts.list_posts_by_status": {"posts_status_position_idx", "likes_pkey"},
    "posts.is_post_shown": {"posts_pkey"},
    "posts.update_post": set(),
    "posts.lock_post": {"posts_pkey"},
    "posts.lock_for_removal": {"posts_pkey"},
    "posts.delete_post": {"posts_pkey"},
    "feed.list_feed": {"posts_position_idx", "posts_author_position_idx"},
    "posts.list_posts_matching": {
        "post_documents_recency_idx",
        "post_documents_words_idx",
        "posts_position_idx",
    },
    "posts.list_author_posts_matching": {"posts_author_position_idx", "post_documents_pkey"},
    "explore.list_posts": {"post_scores_score_idx", "posts_pkey", "likes_pkey"},
    "search.search_posts": {"post_documents_recency_idx", "post_documents_words_idx", "posts_pkey"},
    "search.search_comments": {"comment_documents_pkey", "comment_documents_words_idx", "comments_pkey"},
    "uploads.count_loose": {"uploads_loose_owner_id_idx"},
    "uploads.get_media": {"uploads_store_key_key"},
    "uploads.claim_removed": {"uploads_removed_idx", "uploads_pkey"},
    "search.search_people": {"person_documents_pkey", "person_documents_words_idx", "users_pkey"},
    "search.list_near_words": {"search_words_near_idx", "search_words_pkey"},
    "search.index_posts": {"posts_pkey", "search_words_pkey"},
    "search.index_comments": {"posts_pkey", "comments_pkey", "search_words_pkey"},
    "search.index_people": {"users_pkey", "search_words_pkey"},
    "search.list_words_in_posts": {"post_documents_recency_idx", "post_documents_words_idx", "posts_pkey"},
    "search.list_words_in_comments": {"comment_documents_pkey", "comment_documents_words_idx"},
    "search.list_words_in_people": {"person_documents_pkey", "person_documents_words_idx"},
    "search.delete_words": {"search_words_pkey"},
    "comments.list_comments": {"comments_post_id_idx"},
    "comments.get_comment": {"comments_pkey"},
    "comments.create_comment": {"posts_pkey"},
    "comments.lock_comment": {"comments_pkey"},
    "comments.update_comment": set(),
    "comments.delete_comment": set(),
    "reactions.list_likes": {"likes_newest_idx"},
    "reactions.like_post": {"posts_pkey"},
    "reactions.unlike_post": {"posts_pkey"},
    "follows.list_followers": {"follows_followers_idx"},
    "follows.list_following": {"follows_following_idx"},
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
    "notifications.hold_posts": {"posts_pkey"},
    "notifications.hold_comments": {"comments_pkey"},
    "realtime.read_frames": {"room_frames_pkey"},
    "realtime.read_own_frames": {"room_frames_pkey", "notifications_pkey"},
    "realtime.read_missing": {"room_frames_pkey"},
    "realtime.replace_frames": {"room_frames_text_idx", "room_frames_pkey"},
    "realtime.blank_frames": {"room_frames_text_idx"},
    "events.claim_outbox": {"outbox_pkey"},
    "events.delete_outbox": {"outbox_pkey"},
    "auth.list_revoked_sessions": {"sessions_revoked_at_idx"},
    "auth.get_credentials": {"users_email_key"},
    "auth.list_sessions": set(),
    "keys.use_key": {"api_keys_secret_hash_key"},
    "keys.list_keys": {"api_keys_user_id_idx"},
    "audit.list_newest": set(),
    "audit.list_by_actor": set(),
    "audit.list_by_entity": set(),
    "audit.list_by_type": set(),
    "audit.list_by_types": set(),
    "audit.list_actor_filtered": set(),
    "audit.list_entity_filtered": set(),
    "users.list_people": set(),
    "users.list_people_of_role": {"users_role_idx"},
    "users.search_people": {"users_search_idx"},
    "users.count_found_people": {"users_search_idx"},
    "users.count_other_admins": set(),
    "users.get_profile": {"users_pkey", "sessions_last_used_idx"},
    "users.update_profile": set(),
    "auth.revoke_other_sessions": set(),
    "auth.delete_sessions": set(),
    "roles.list_changed_roles": set(),
}
# Columns that lead the index by which each list of the trail reads every month; time and id come behind them.
TRAIL = {
    "audit.list_newest": "(created_at",
    "audit.list_by_actor": "(actor_id",
    "audit.list_by_entity": "(entity_type",
    "audit.list_by_type": "(type",
    "audit.list_by_types": "(type",
    "audit.list_actor_filtered": "(actor_id",
    "audit.list_entity_filtered": "(entity_type",
}
# `LIMIT n` behind an index is what keeps these from reading a whole conversation, feed or inbox.
LISTS = [
    name
    for name in HOT
    if ".list_" in name or name.endswith(("read_frames", "read_own_frames", "claim_outbox"))
]
UNLIMITED = {
    "auth.list_revoked_sessions",
    "auth.list_sessions",
    "keys.list_keys",
    "roles.list_changed_roles",
}
# Several types together have no order in an index: the newest of each are sorted, no more.
UNLIMITED.add("audit.list_by_types")
# Arguments that say where a page begins.
CURSOR = {"before", "before_id", "before_user", "after", "after_id", "after_rank", "after_seq"}
# Sorts one page: what the newest posts of each followed person come to.
SORTS_A_PAGE = {"feed.list_feed"}
# Sorts what the index of words finds, which has no order.
SORTS_MATCHES = {"posts.list_posts_matching", "posts.list_author_posts_matching", "search.list_near_words"}


@pytest.fixture(scope="module")
def big_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A company of a million posts, which can only be read."""
    with open_company(lambda: choose_folder(tmp_path_factory)) as url:
        yield url


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
        "jsonb": "'{}'",
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


def statement(name: str) -> Any:
    """A statement by its full name."""
    feature, _, verb = name.partition(".")
    return sql.features[feature].statements[verb]


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
        if node["Node Type"] == "Seq Scan"
        and (node["Relation Name"] in BIG or node["Relation Name"].startswith("events_"))
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
        # The one of notifications takes any mix of filters, the place among them.
        if CURSOR & set(statement(name).args) and name != "notifications.list_filtered":
            bounds = [node["Index Cond"] for node in nodes(plans[name]) if "Index Cond" in node]
            assert any("<" in bound or ">" in bound for bound in bounds), f"{name}: {bounds}"


async def test_the_trail_is_read_by_index_in_every_month(plans: dict[str, Any]) -> None:
    for name, leading in TRAIL.items():
        scans = [node for node in nodes(plans[name]) if node.get("Relation Name", "").startswith("events_")]
        assert scans, name
        for node in scans:
            assert node["Node Type"] in ("Index Scan", "Index Only Scan"), f"{name}: {node['Node Type']}"
            bound = node["Index Cond"].replace("events_1.", "").replace("events.", "")
            # One that is found already, read to be shown.
            if name == "audit.list_by_types" and "created_at = " in bound:
                continue
            assert leading in bound and "ROW(" in bound and "created_at >=" in bound, f"{name}: {bound}"


def test_a_span_of_time_touches_its_months_alone(big_database: str) -> None:
    """With a generic plan as well: the months are left out when the statement starts."""
    text = sql.features["audit"].statements["list_by_type"].text
    with psycopg.connect(big_database, autocommit=True, prepare_threshold=None) as conn:
        conn.execute("SET plan_cache_mode = force_generic_plan")
        conn.execute(f"PREPARE span AS {text}")
        [plan] = conn.execute(
            f"""EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE span(
                'post.created', date_trunc('month', now()) - interval '70 days',
                date_trunc('month', now()) - interval '65 days', '{ONE}', 21
            )"""
        ).fetchone()[0]
    touched = {
        node["Relation Name"] for node in nodes(plan["Plan"]) if "events" in node.get("Relation Name", "")
    }
    assert len(touched) <= 2, touched
    assert plan["Plan"]["Actual Rows"] == 21
