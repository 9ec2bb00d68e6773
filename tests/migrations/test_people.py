"""0008 on existing people: names move out of titles and back, and people who left stay authors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from nexcorp.db.migrations import list_files, migrate_down, migrate_up
from tests.conftest import name_database
from tests.migrations.release_0021 import copy_steps

STEPS = len([name for name in list_files() if name >= "0008"])
# Later migrations remove the copies of names.
LATER = len([name for name in list_files() if name >= "0022"])
INSERT = """
WITH a AS (
    INSERT INTO users (email, username, first_name) VALUES ('ada@example.com', 'ada', 'Ada') RETURNING id
),
p AS (INSERT INTO posts (author_id, body) SELECT id, 'Hello.' FROM a)
INSERT INTO notifications (receiver_id, event_id, actor_id, type, title, message)
SELECT id, id, id, 'like', 'Ada liked your post', '' FROM a
"""
LEAVE = """
UPDATE users SET status = 'deleted', email = NULL, username = 'former_0123456789ab', first_name = 'Former'
"""


@pytest.fixture
def url(postgres: Any) -> Iterator[str]:
    """The URL of a database at 0007."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE people TEMPLATE template")
        people = name_database(postgres.url, "people")
        migrate_down(people, STEPS)
        yield people
        conn.execute("DROP DATABASE people WITH (FORCE)")


def test_up_and_down_with_people(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(INSERT)
        migrate_up(url, copy_steps(tmp_path / "steps", "0021"), None)
        assert conn.execute("SELECT title FROM notifications").fetchone() == ("{actor} liked your post",)
        assert conn.execute("SELECT title FROM notification_items").fetchone() == ("Ada liked your post",)
        migrate_up(url)
        conn.execute(LEAVE)
        migrate_down(url, LATER)
        assert conn.execute("SELECT title FROM notification_items").fetchone() == ("Former liked your post",)
        migrate_down(url, STEPS - LATER)
        assert conn.execute("SELECT title FROM notifications").fetchone() == ("Former liked your post",)
        assert conn.execute("SELECT body, email, status FROM posts, users").fetchone() == (
            "Hello.",
            "former_0123456789ab@former.invalid",
            "deactivated",
        )


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("email = NULL", "users_email_set"),
        ("username = 'FORMER_0123456789AB'", "users_username_reserved"),
        ("status = 'gone'", "users_status_known"),
        ("bio = ''", "users_bio_length"),
    ],
)
async def test_what_the_table_refuses(database: Any, change: str, constraint: str) -> None:
    async with database.connection(wait=5) as conn:
        await conn.execute("INSERT INTO users (email, username) VALUES ('ada@example.com', 'ada')")
        with pytest.raises(asyncpg.CheckViolationError, match=constraint):
            await conn.execute(f"UPDATE users SET {change}")  # noqa: S608
