"""The work of the filled company: 200,000 tasks in 500 projects of 20,000, and 200,000 commits."""

from __future__ import annotations

# Fifty of 500 projects have ten times the others' tasks. People to 500 are in 20, those to 10,000 in one.
WORK: dict[str, str] = {
    "projects": """
INSERT INTO projects (id, name, task_number, visibility, deleted_at)
SELECT
    nth(7, n), 'project ' || n, CASE WHEN n <= 500 THEN 10000 ELSE 0 END,
    (ARRAY['private', 'private', 'internal', 'private', 'public'])[1 + n % 5],
    CASE WHEN n > 500 AND n % 100 = 7 THEN now() - n % 30 * interval '1 day' END
FROM generate_series(1, 20000) AS n
""",
    "project_members": """
INSERT INTO project_members (project_id, user_id, role)
SELECT nth(7, 1 + (u + k * 25) % 500), nth(1, u), (ARRAY['owner', 'editor', 'viewer'])[1 + k % 3]
FROM generate_series(1, 500) AS u
CROSS JOIN generate_series(1, 20) AS k
UNION ALL
SELECT nth(7, 1 + u % 500), nth(1, u), 'editor' FROM generate_series(501, 10000) AS u
UNION ALL
SELECT nth(7, n), nth(1, n * 7 % 10007 + 1), 'owner' FROM generate_series(501, 20000) AS n
""",
    "tasks": """
INSERT INTO tasks (
    id, number, kind, title, status, priority, creator_id, assignee_id, project_id, parent_id, rank, due_at,
    started_at, completed_at, updated_at, deleted_at, series_id, occurrence
)
SELECT
    nth(8, n), CASE WHEN n % 10 > 0 THEN n END, CASE WHEN n % 5 = 0 THEN 'issue' ELSE 'task' END,
    'task ' || n,
    s.status, 1 + n / 7 % 4, nth(1, 1 + n % 20011), CASE WHEN n % 3 > 0 THEN nth(1, 1 + n * 7 % 10007) END,
    CASE
        WHEN n % 10 > 4 THEN nth(7, 1 + n / 10 % 50)
        WHEN n % 10 > 0 THEN nth(7, 1 + n / 10 % 500)
    END,
    CASE WHEN n % 20 = 19 THEN nth(8, n - 13) END, n * 1048576::bigint,
    CASE WHEN n % 2 = 0 THEN now() + (n * 7919::bigint % 2003 - 500) * interval '1 hour' END,
    CASE WHEN s.status <> 'todo' THEN now() - interval '9 days' END,
    CASE WHEN s.status = 'done' THEN now() - n % 90 * interval '1 day' END,
    now() - n * 7919::bigint % 200003 * interval '1 minute',
    CASE WHEN n % 100 = 7 THEN now() - n % 30 * interval '1 day' END,
    CASE WHEN n % 200 = 0 THEN nth(6, n / 200) END, 0
FROM generate_series(1, 200000) AS n
CROSS JOIN LATERAL (
    SELECT ('{todo,in_progress,review,done,done,done,done,cancelled}'::text[])[1 + n * 31 % 8] AS status
) AS s
""",
    "project_documents": """
INSERT INTO project_documents (project_id, words)
SELECT nth(7, n), ('project:1A n' || n || ':2A')::tsvector FROM generate_series(1, 20000) AS n
""",
    "task_documents": """
INSERT INTO task_documents (task_id, words)
SELECT nth(8, n), ('task:1A n' || n || ':2A')::tsvector FROM generate_series(1, 200000) AS n
""",
    "labels": """
INSERT INTO labels (id, project_id, name, color)
SELECT nth(9, n), nth(7, 1 + n % 500), 'label ' || n, '#336699' FROM generate_series(1, 2000) AS n
""",
    "task_labels": """
INSERT INTO task_labels (task_id, label_id)
SELECT nth(8, n * 2), nth(9, 1 + n % 2000) FROM generate_series(1, 100000) AS n
""",
    "task_watchers": """
INSERT INTO task_watchers (task_id, user_id)
SELECT nth(8, n * 2), nth(1, 1 + n % 1000) FROM generate_series(1, 100000) AS n
""",
    "checklist_items": """
INSERT INTO checklist_items (task_id, text, is_done, rank)
SELECT nth(8, n), 'step', n % 3 = 0, n FROM generate_series(1, 100000) AS n
""",
    "task_links": """
INSERT INTO task_links (blocker_id, blocked_id)
SELECT nth(8, n * 10), nth(8, n * 10 + 1) FROM generate_series(1, 19999) AS n
""",
    # About the numbers that triggers would keep: of all tasks, of projects and of people.
    "task_tallies": """
INSERT INTO task_tallies (scope, slot, kind, status, priority, n)
SELECT s.scope, 0, k.kind, t.status, p.priority, s.n
FROM (
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS scope, 5000 AS n
    UNION ALL
    SELECT nth(7, n), 10 FROM generate_series(1, 500) AS n
    UNION ALL
    SELECT nth(1, n), 1 FROM generate_series(1, 2000) AS n
) AS s
CROSS JOIN unnest('{task,issue}'::text[]) AS k (kind)
CROSS JOIN unnest('{todo,in_progress,review,done,cancelled}'::text[]) AS t (status)
CROSS JOIN generate_series(1, 4) AS p (priority)
""",
    "task_loads": """
INSERT INTO task_loads (person_id, slot, open) SELECT nth(1, n), 0, n % 50 FROM generate_series(1, 10000) AS n
""",
    "task_days": """
INSERT INTO task_days (scope, day, slot, created, completed, cycle_seconds, open_at_end)
SELECT s.scope, now()::date - d, k.slot, 5, 4, 100000, CASE k.slot WHEN -1 THEN 400 END
FROM (
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS scope
    UNION ALL
    SELECT nth(7, n) FROM generate_series(1, 500) AS n
) AS s
CROSS JOIN generate_series(0, 365) AS d
CROSS JOIN generate_series(-1, 0) AS k (slot)
""",
    "task_series": """
INSERT INTO task_series (id, frequency, starts_at, timezone)
SELECT nth(6, n), 'weekly', localtimestamp, 'UTC' FROM generate_series(1, 1000) AS n
""",
    # The first repository has half of the commits.
    "repositories": """
INSERT INTO repositories (project_id, id, url, status, head, last_n, next_at)
SELECT
    nth(7, n), nth(7, n), 'https://git.example.com/' || n, 'synced', '\\xaa', 100000,
    now() + interval '100 days' + n * interval '1 second'
FROM generate_series(1, 10000) AS n
""",
    "git_commits": """
INSERT INTO git_commits (
    repository_id, sha, n, parents, author_name, author_email, authored_at, committed_at, subject, body,
    gone_at
)
SELECT
    nth(7, CASE WHEN n <= 100000 THEN 1 ELSE 2 + n % 9999 END), sha224(n::text::bytea), n, '{}', 'Ada',
    'user' || n % 10007 || '@example.com', now() - n * interval '1 minute', now(), 'commit ' || n, '',
    CASE WHEN n % 50 = 7 THEN now() END
FROM generate_series(1, 200000) AS n
""",
    "saved_views": """
INSERT INTO saved_views (owner_id, project_id, name, query, shared)
SELECT nth(1, 1 + n % 5000), nth(7, 1 + n % 500), 'view ' || n, '{}', n % 10 = 0
FROM generate_series(1, 20000) AS n
""",
}
