"""1,000,000 tasks of two years, in projects of all sizes, and users with different views of them."""

from __future__ import annotations

import psycopg

from bench.stage import QUICK, Stage
from nexcorp.db import sql

ROWS, QUICK_ROWS = 1_000_000, 50_000
# The first 5,000 users have the tasks, NEW has none; BUSY made a fiftieth of them, by imports.
WIDE, ONE, NONE, MANAGER, NEW, BUSY = 1, 2, 3, 4, 5, 6
PEOPLE = {
    "member of 200 projects": WIDE,
    "member of one": ONE,
    "member of none": NONE,
    "manager": MANAGER,
    "newcomer": NEW,
    "one who made 20,000": BUSY,
}
WIDE_PROJECTS = 200
# A large project, and a member of it.
BOARD, EDITOR = 7, 131

# One project in twenty is large; these have half of all tasks, and a tenth has no project. Four in five
# tasks are closed, mostly old ones. One in twenty is urgent, one in a hundred in the trash.
FILL = (
    "UPDATE users SET role = 'manager' FROM bench_users AS b WHERE b.id = users.id AND b.n = %(manager)s",
    """CREATE UNLOGGED TABLE bench_projects AS
    SELECT i AS n, uuidv7() AS id FROM generate_series(1, %(projects)s) AS i""",
    "CREATE UNIQUE INDEX ON bench_projects (n)",
    "INSERT INTO projects (id, name, task_number) SELECT id, 'Project ' || n, %(rows)s FROM bench_projects",
    """INSERT INTO project_members (project_id, user_id, role)
    SELECT p.id, u.id, 'editor'
    FROM (
        SELECT %(wide)s AS person, n AS project
        FROM bench_projects
        WHERE n %% 10 = 7 AND n <= %(wide_projects)s * 10
        UNION
        SELECT %(one)s, %(projects)s - 1
        UNION
        SELECT n, 1 + n %% %(projects)s FROM bench_users WHERE n > %(busy)s
        UNION
        SELECT n, 1 + n %% 125 FROM bench_users WHERE n > %(busy)s
    ) AS m
    INNER JOIN bench_projects AS p ON p.n = m.project
    INNER JOIN bench_users AS u ON u.n = m.person""",
    """CREATE UNLOGGED TABLE bench_tasks AS
    SELECT
        i AS n,
        (
            lpad(to_hex((extract(epoch FROM s.created_at) * 1000)::bigint), 12, '0')
            || '7' || right(uuidv7()::text, 21)
        )::uuid AS id,
        s.created_at,
        CASE
            WHEN s.closes < 0.15 * (1 + 3 * i / %(rows)s::float)
                THEN (ARRAY['todo', 'todo', 'in_progress', 'review'])[1 + i %% 4]
            WHEN s.closes < 0.95 THEN 'done'
            ELSE 'cancelled'
        END AS status,
        CASE WHEN s.weight < 0.2 THEN 1 WHEN s.weight < 0.75 THEN 2 WHEN s.weight < 0.95 THEN 3 ELSE 4 END
            AS priority,
        CASE WHEN i %% 50 = 0 THEN %(busy)s ELSE %(wide)s + (s.creator * 5000)::integer END AS creator,
        CASE WHEN s.assigned < 0.66 THEN %(wide)s + (s.assigned * 7500)::integer END AS assignee,
        CASE
            WHEN s.place < 0.5 THEN 1 + (s.place * 2 * (%(projects)s / 20 - 1))::integer
            WHEN s.place < 0.9 THEN 1 + ((s.place - 0.5) * 2.5 * (%(projects)s - 1))::integer
        END AS project,
        s.due, s.took
    FROM (
        SELECT
            i, now() - interval '1 second' * 63000000 * (1 - i / %(rows)s::float) AS created_at,
            random() AS closes,
            random() AS weight, random() AS creator, random() AS assigned, random() AS place, random() AS due,
            random() AS took
        FROM generate_series(1, %(rows)s) AS i
    ) AS s""",
    """INSERT INTO tasks (
        id, number, kind, title, description, status, priority, creator_id, assignee_id, project_id, rank,
        due_at, started_at, completed_at, cancelled_at, deleted_at, deleted_by, created_at, updated_at
    )
    SELECT
        t.id, CASE WHEN p.id IS NOT NULL THEN t.n END,
        CASE WHEN t.n %% 4 = 0 THEN 'issue' ELSE 'task' END,
        'Task ' || t.n || ' of the ' || (ARRAY['release', 'invoice', 'website', 'outage'])[1 + t.n %% 4],
        repeat('What is to be done here, and how. ', 6), t.status, t.priority, c.id, a.id, p.id,
        t.n * 1048576::bigint,
        CASE WHEN t.due < 0.5 THEN t.created_at + t.due * interval '90 days' END,
        CASE WHEN t.status <> 'todo' THEN t.created_at + t.took * interval '3 days' END,
        CASE WHEN t.status = 'done' THEN least(now(), t.created_at + t.took * interval '20 days') END,
        CASE WHEN t.status = 'cancelled' THEN least(now(), t.created_at + t.took * interval '20 days') END,
        CASE WHEN t.n %% 100 = 99 THEN now() - t.took * interval '30 days' END,
        CASE WHEN t.n %% 100 = 99 THEN c.id END,
        t.created_at, least(now(), t.created_at + t.took * interval '20 days')
    FROM bench_tasks AS t
    INNER JOIN bench_users AS c ON c.n = t.creator
    LEFT JOIN bench_users AS a ON a.n = t.assignee AND a.n <> %(new)s
    LEFT JOIN bench_projects AS p ON p.n = t.project
    WHERE t.creator <> %(new)s
    ORDER BY t.n""",
    """INSERT INTO labels (project_id, name, color)
    SELECT p.id, 'label ' || i, '#336699'
    FROM bench_projects AS p CROSS JOIN generate_series(1, 5) AS i""",
    """INSERT INTO task_labels (task_id, label_id)
    SELECT t.id, l.id
    FROM bench_tasks AS b
    INNER JOIN tasks AS t ON t.id = b.id
    INNER JOIN labels AS l ON l.project_id = t.project_id AND l.name = 'label ' || 1 + b.n / 3 %% 5
    WHERE b.n %% 3 = 0""",
    """INSERT INTO task_watchers (task_id, user_id)
    SELECT t.id, u.id
    FROM bench_tasks AS b
    INNER JOIN tasks AS t ON t.id = b.id
    INNER JOIN bench_users AS u ON u.n = 1 + b.n %% 997
    WHERE b.n %% 5 = 0""",
    """INSERT INTO checklist_items (task_id, text, is_done, rank)
    SELECT t.id, 'One of its steps', i = 1, i
    FROM bench_tasks AS b INNER JOIN tasks AS t ON t.id = b.id CROSS JOIN generate_series(1, 3) AS i
    WHERE b.n %% 10 = 0""",
    """INSERT INTO task_links (blocker_id, blocked_id)
    SELECT t.id, o.id
    FROM bench_tasks AS b
    INNER JOIN bench_tasks AS n ON n.n = b.n + 1
    INNER JOIN tasks AS t ON t.id = b.id
    INNER JOIN tasks AS o ON o.id = n.id
    WHERE b.n %% 20 = 0""",
    """INSERT INTO comments (task_id, author_id, body)
    SELECT t.id, t.creator_id, 'A comment that says something.'
    FROM bench_tasks AS b INNER JOIN tasks AS t ON t.id = b.id CROSS JOIN generate_series(1, 2) AS i
    WHERE b.n %% 8 = 0""",
    "DROP TABLE bench_tasks",
)


def fill(stage: Stage) -> int:
    """Fill in the tasks without triggers, then their tallies; returns the number of tasks."""
    rows = QUICK_ROWS if stage.size is QUICK else ROWS
    values = {
        "rows": rows,
        "projects": rows // 400,
        "wide_projects": WIDE_PROJECTS,
        "wide": WIDE,
        "one": ONE,
        "manager": MANAGER,
        "new": NEW,
        "busy": BUSY,
    }
    with psycopg.connect(stage.url, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        for statement in FILL:
            conn.execute(statement, values)
        conn.execute(sql.features["task_stats"].statements["fill_tallies"].text)
        conn.execute("VACUUM (ANALYZE)")
        conn.execute("CHECKPOINT")
    return rows
