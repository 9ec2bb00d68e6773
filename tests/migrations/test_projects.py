"""Projects with files, sessions and posts go down to the release before, and up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from nexcorp.db.migrations import migrate_down, migrate_up
from tests.migrations.release_0021 import copy_steps
from tests.migrations.test_migrations import empty_url  # noqa: F401

pytestmark = pytest.mark.long(1)

PERSON, PROJECT, FILE, SESSION, POST = (f"01900000-0000-7000-8000-00000000000{n}" for n in range(1, 6))
FILL = f"""
INSERT INTO users (id, email, username) VALUES ('{PERSON}', 'ann@example.com', 'ann');
INSERT INTO projects (id, name, visibility) VALUES ('{PROJECT}', 'Compiler', 'internal');
INSERT INTO project_members (project_id, user_id, role) VALUES ('{PROJECT}', '{PERSON}', 'owner');
"""  # noqa: S608
WORK = f"""
INSERT INTO files (id, project_id, path, kind, type, creator_id)
VALUES ('{FILE}', '{PROJECT}', 'src/a.c', 'text', 'text/plain', '{PERSON}');
INSERT INTO file_docs (file_id, last_seq) VALUES ('{FILE}', 1);
INSERT INTO file_updates (file_id, seq, author_id, node, update) VALUES ('{FILE}', 1, '{PERSON}', 7, '\\x00');
INSERT INTO file_snapshots (file_id, seq, state) VALUES ('{FILE}', 1, '\\x0000');
INSERT INTO file_versions (file_id, n, cause, bytes, sha256, author_ids)
VALUES ('{FILE}', 1, 'created', 0, sha256(''), '{{{PERSON}}}');
INSERT INTO file_chunks (sha256, part, data) VALUES (sha256(''), 0, '\\x00');
INSERT INTO file_documents (file_id, body, words) VALUES ('{FILE}', '', to_tsvector('a'));
INSERT INTO collab_sessions (id, project_id, file_id, title, host_id)
VALUES ('{SESSION}', '{PROJECT}', '{FILE}', 'Pairing', '{PERSON}');
INSERT INTO session_participants (session_id, user_id) VALUES ('{SESSION}', '{PERSON}');
INSERT INTO file_editors (file_id, user_id, node) VALUES ('{FILE}', '{PERSON}', 7);
UPDATE projects SET file_bytes = 9, deleted_at = now(), deleted_by = '{PERSON}';
INSERT INTO posts (id, author_id, type, status, body, project_id)
VALUES ('{POST}', '{PERSON}', 'project', 'open', 'Who?', '{PROJECT}');
INSERT INTO project_documents (project_id, words) VALUES ('{PROJECT}', to_tsvector('Compiler'));
INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata, project_id)
VALUES ('project.created', '{PERSON}', 'project', '{PROJECT}', '{{}}', '{{}}', '{PROJECT}');
"""  # noqa: S608
KEPT = """
SELECT p.name, p.visibility, m.role, t.body, (SELECT count(*) FROM events)
FROM projects AS p
INNER JOIN project_members AS m ON m.project_id = p.id
CROSS JOIN posts AS t
"""


def ask(url: str, text: str) -> list[Any]:
    """Return the rows of a statement, if it has any."""
    with psycopg.connect(url, autocommit=True) as conn:
        found = conn.execute(text)
        return found.fetchall() if found.description else []


def test_what_the_release_before_knows_is_kept(empty_url: str, tmp_path: Path) -> None:  # noqa: F811
    before = copy_steps(tmp_path / "before", "0035")
    after = copy_steps(tmp_path / "after", "0037")
    migrate_up(empty_url, before, None)
    ask(empty_url, FILL)
    for times in (1, 2):
        assert len(migrate_up(empty_url, after, None)) == 2
        ask(empty_url, WORK)
        assert len(migrate_down(empty_url, 2, after, None)) == 2
        assert ask(empty_url, KEPT) == [("Compiler", "internal", "owner", "Who?", times)]
        assert ask(empty_url, "SELECT FROM permissions WHERE code LIKE 'project:%'") == []
        ask(empty_url, "DELETE FROM posts")
