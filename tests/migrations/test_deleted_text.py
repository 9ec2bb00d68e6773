"""0020 on existing notifications: those of deleted rows lose their text, all others keep it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nexcorp.db.migrations import list_files, migrate_down, migrate_up
from tests.conftest import name_database
from tests.migrations.release_0021 import copy_steps

STEPS = len([name for name in list_files() if name >= "0019"])
# Each notification's title is the text that its message must have afterwards.
INSERT = """
WITH u AS (
    INSERT INTO users (email, username) VALUES ('ada@example.com', 'ada') RETURNING id
),
p AS (
    INSERT INTO posts (author_id, body) SELECT id, 'Hello.' FROM u RETURNING id, author_id
),
c AS (
    INSERT INTO comments (post_id, author_id, body) SELECT id, author_id, 'Indeed.' FROM p RETURNING id
),
e AS (
    INSERT INTO events (type, entity_type, entity_id, payload, metadata)
    SELECT kind, 'any', p.id, '{}', '{}'
    FROM p CROSS JOIN unnest(ARRAY['post.created', 'comment.created']) AS kinds (kind)
    RETURNING id, type
)
INSERT INTO notifications (receiver_id, event_id, type, title, message, post_id, comment_id)
SELECT
    p.author_id, coalesce((SELECT id FROM e WHERE e.type = told.event), uuidv7()),
    told.type, told.title, 'text',
    CASE WHEN told.post THEN p.id END, CASE WHEN told.comment THEN c.id END
FROM p
CROSS JOIN c
CROSS JOIN (
    VALUES
    ('comment', true, true, NULL, 'text'),
    ('comment', true, false, NULL, ''),
    ('comment', false, false, NULL, ''),
    ('mention', true, true, NULL, 'text'),
    ('mention', true, false, 'post.created', 'text'),
    ('mention', true, false, 'comment.created', ''),
    ('mention', false, false, NULL, ''),
    ('like', true, false, NULL, 'text'),
    ('like', false, false, NULL, ''),
    ('announcement', false, false, NULL, ''),
    ('security', false, false, NULL, 'text')
) AS told (type, post, comment, event, title)
"""


@pytest.fixture
def url(postgres: Any) -> Iterator[str]:
    """The URL of a database at 0018."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE texts TEMPLATE template")
        texts = name_database(postgres.url, "texts")
        migrate_down(texts, STEPS)
        yield texts
        conn.execute("DROP DATABASE texts WITH (FORCE)")


def test_what_was_deleted_before_leaves_no_text(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(INSERT)
        # Later migrations remove the copies.
        migrate_up(url, copy_steps(tmp_path / "steps", "0021"), None)
        rows = conn.execute("SELECT type, title, message FROM notifications ORDER BY id").fetchall()
        assert len(rows) == 11
        assert [row for row in rows if row[1] != row[2]] == []
