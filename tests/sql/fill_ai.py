"""Chats of the filled company with the assistant: 50,000, with files to answer from."""

from __future__ import annotations

# Four messages in each chat, and a hundred answers in progress.
AI: dict[str, str] = {
    "ai_chats": """
INSERT INTO ai_chats (id, owner_id, project_id, title, leaf_id, updated_at)
SELECT
    nth(4, n), nth(1, 1 + n % 1000), CASE WHEN n % 5 = 0 THEN nth(7, 1 + n % 500) END, 'chat ' || n,
    nth(5, n * 4), now() - n * 7919::bigint % 50021 * interval '1 minute'
FROM generate_series(1, 50000) AS n
""",
    "ai_messages": """
INSERT INTO ai_messages (id, chat_id, parent_id, role, body)
SELECT
    nth(5, n), nth(4, 1 + (n - 1) / 4), CASE WHEN n % 4 <> 1 THEN nth(5, n - 1) END,
    CASE WHEN n % 2 = 1 THEN 'user' ELSE 'assistant' END, 'message ' || n
FROM generate_series(1, 200000) AS n
""",
    "ai_answers": """
INSERT INTO ai_answers (message_id, chat_id, owner_id, status, attempts, next_at, lease_until, worker_id)
SELECT
    nth(5, n * 2), nth(4, 1 + (n - 1) / 2), nth(1, 1 + (1 + (n - 1) / 2) % 1000),
    CASE WHEN n % 2000 = 0 THEN 'running' WHEN n % 2000 = 1002 THEN 'queued' ELSE 'done' END, 1,
    now() - n * interval '1 minute', CASE WHEN n % 2000 = 0 THEN now() + interval '5 s' END, 'worker'
FROM generate_series(1, 100000) AS n
""",
    "ai_chunks": """
INSERT INTO ai_chunks (message_id, attempt, at, text)
SELECT nth(5, a * 4000), 1, k * 20, 'twenty characters...'
FROM generate_series(1, 50) AS a
CROSS JOIN generate_series(0, 399) AS k
""",
    "ai_usage": """
INSERT INTO ai_usage (user_id, day, answers)
SELECT nth(1, n), now()::date - d, 5 FROM generate_series(1, 2000) AS n CROSS JOIN generate_series(0, 99) AS d
""",
    "files": """
INSERT INTO files (id, project_id, path, kind, type, bytes, content_version)
SELECT nth(4, n), nth(7, 1 + n % 500), 'folder/file ' || n, 'text', 'text/plain', 5000, 1
FROM generate_series(1, 20000) AS n
""",
    "file_versions": """
INSERT INTO file_versions (file_id, n, cause, bytes, sha256, author_ids)
SELECT nth(4, n), 1, 'created', 5000, sha256(n::text::bytea), '{}' FROM generate_series(1, 20000) AS n
""",
    "file_passages": """
INSERT INTO file_passages (file_id, n, project_id, version, path, body, words)
SELECT
    nth(4, f), k, nth(7, 1 + f % 500), 1, 'folder/file ' || f, 'passage',
    ('passag:1 n' || f || ':2 k' || k || ':3')::tsvector
FROM generate_series(1, 20000) AS f
CROSS JOIN generate_series(0, 4) AS k
""",
}
