"""Nodes of the release before and of this one work side by side on one database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from nexcorp.db import Database, sql
from nexcorp.db.migrations import migrate_up
from nexcorp.db.schema_files import SCHEMA
from nexcorp.features import PRODUCT
from workers.jobs.export import build_exports

OLD_FILES = (
    "CREATE TABLE schema_files (name text PRIMARY KEY, sha256 text, applied_at timestamptz DEFAULT now())"
)
LIST_NOTIFICATIONS = """
SELECT "_actorName", actor ->> 'username' FROM notification_items WHERE "_receiverId" = %s
"""


def test_a_node_stays_ready_when_a_newer_release_has_migrated(database_url: str, tmp_path: Path) -> None:
    """The node's own texts of sql/schema still count as applied, in the new and the old table of digests."""
    for file in SCHEMA.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text() + ("-- Newer.\n" if file.stem == "posts" else ""))
    with psycopg.connect(database_url, autocommit=True) as conn:
        ours = conn.execute("SELECT name, sha256 FROM applied_schema WHERE is_current").fetchall()
        conn.execute(OLD_FILES)
        conn.execute("INSERT INTO schema_files (name, sha256) VALUES ('posts', 'old')")
        assert migrate_up(database_url, schema=tmp_path) == ["schema/posts"]
        assert conn.execute("SELECT name, sha256 FROM schema_files").fetchall() == [("posts", "old")]
        known = conn.execute("SELECT name, sha256 FROM applied_schema").fetchall()
        assert set(ours) < set(known)
        # The old text is applied again like any change: a release that is rolled back applies its own.
        assert migrate_up(database_url) == ["schema/posts"]
        assert set(conn.execute("SELECT name, sha256 FROM applied_schema WHERE is_current")) == set(ours)


def test_its_statements_find_the_columns_of_notifications(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        ann, bob = (
            conn.execute(
                "INSERT INTO users (email, username, first_name) VALUES (%s, %s, %s) RETURNING id",
                (f"{name}@example.com", name, name.title()),
            ).fetchone()
            for name in ("ann", "bob")
        )
        conn.execute(
            "INSERT INTO notifications "
            "(receiver_id, actor_id, event_id, type, entity_type, entity_id, once_key) "
            "VALUES (%s, %s, uuidv7(), 'follow', 'user', %s, 'one')",
            (*ann, *bob, *bob),
        )
        assert conn.execute(LIST_NOTIFICATIONS, ann).fetchall() == [("Bob", "bob")]


async def test_an_export_that_it_asked_for_again_is_made(database: Database) -> None:
    """The release before leaves the pieces of the last export there."""
    async with database.transaction(wait=5) as conn:
        user = await conn.fetchval(
            "INSERT INTO users (email, username) VALUES ('a@example.com', 'ann') RETURNING id"
        )
        assert await sql.exports.request_export(conn, user_id=user)
    context: dict[str, Any] = {"database": database, "product": PRODUCT}
    assert await build_exports(context) == 1
    async with database.transaction(wait=5) as conn:
        await conn.execute("UPDATE data_exports SET finished_at = NULL, expires_at = NULL, body = NULL")
    assert await build_exports(context) == 1
    async with database.transaction(wait=5) as conn:
        assert (await sql.exports.get_export(conn, user_id=user))["ready"]
        # A file that a worker of that release makes is unknown here, so the export must be requested again.
        await conn.execute("UPDATE data_exports SET bytes = NULL, body = 'x'")
        row = await sql.exports.get_export(conn, user_id=user)
        assert (row["ready"], row["_over"]) == (False, True)
        assert await sql.exports.get_export_file(conn, user_id=user) is None
