-- Changes of many tasks at once: what each needs is read and locked for all.

-- name: lock_tasks(ids) :exec
-- Before a change of several, in their order.
SELECT FROM tasks WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_projects(ids, task_ids) :exec
-- The projects with these ids, and those of these tasks, in their order: they are to number tasks. Behind the locks of tasks.
SELECT
FROM projects AS p
WHERE p.id IN (
    SELECT unnest($1::uuid[])
    UNION
    SELECT t.project_id FROM tasks AS t WHERE t.id = ANY($2::uuid[])
)
ORDER BY p.id
FOR NO KEY UPDATE;

-- name: get_tasks(ids, viewer_id, sees_all) :many
-- As tasks.get_task, of several.
SELECT
    i.*,
    EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $2) AS watching,
    (
        $3 OR t.creator_id = $2 OR coalesce(t.assignee_id = $2, false)
        OR EXISTS (
            SELECT
            FROM project_members AS m
            WHERE m.project_id = t.project_id AND m.user_id = $2 AND m.role IN ('owner', 'editor')
        )
    ) AS "_mayChange"
FROM visible_tasks($2, $3) AS t
INNER JOIN task_items AS i ON i.id = t.id
WHERE t.id = ANY($1::uuid[]);

-- name: list_leading(ids) :many
-- Those of these tasks whose status matters to others: they block one, or come again.
SELECT t.id
FROM tasks AS t
WHERE t.id = ANY($1::uuid[])
    AND (t.series_id IS NOT NULL OR EXISTS (SELECT FROM task_links AS l WHERE l.blocker_id = t.id));

-- name: get_changed_tasks(ids, viewer_id) :many
-- As tasks.get_changed_task, of several.
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $2) AS watching
FROM task_items AS i
WHERE i.id = ANY($1::uuid[]);

-- name: list_watchers(ids) :many
-- As tasks.list_watchers_of, of several; those that nobody watches give no row.
SELECT w.task_id AS id, array_agg(w.user_id ORDER BY w.user_id) AS watcher_ids
FROM task_watchers AS w
CROSS JOIN LATERAL tasks_seen_by(w.user_id) AS t
WHERE w.task_id = ANY($1::uuid[]) AND t.id = w.task_id
GROUP BY w.task_id;

-- name: update_tasks(ids, kinds, titles, descriptions, statuses, priorities, assignee_ids, due_ats, due_ons, actor_id) :exec
-- Make tasks, which are locked, what is given, and keep the texts that are others then. Those of another status go to the end of
-- their column, in the order of their ids.
WITH wanted AS MATERIALIZED (
    SELECT w.*, t.version, t.title AS old_title, t.description AS old_description, t.rank, t.project_id, t.status <> w.status AS moved
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::uuid[], $8::timestamptz[], $9::date[]
    ) AS w (id, kind, title, description, status, priority, assignee_id, due_at, due_on)
    INNER JOIN tasks AS t ON t.id = w.id
),
columns AS MATERIALIZED (
    SELECT w.project_id, w.status, last_rank(w.project_id, w.status) AS rank
    FROM wanted AS w
    WHERE w.moved
    GROUP BY w.project_id, w.status
),
ranked AS (
    SELECT
        w.id,
        least(
            c.rank + 1048576 * (row_number() OVER (PARTITION BY w.project_id, w.status ORDER BY w.id) - 1), 4503599627370496
        ) AS rank
    FROM wanted AS w
    INNER JOIN columns AS c ON c.project_id = w.project_id AND c.status = w.status
    WHERE w.moved
),
kept AS (
    INSERT INTO task_revisions (task_id, version, field, old_text, actor_id)
    SELECT w.id, w.version + 1, f.name, f.old, $10
    FROM wanted AS w
    CROSS JOIN LATERAL (VALUES
        ('title', w.title, w.old_title), ('description', w.description, w.old_description)
    ) AS f (name, new, old)
    WHERE f.new IS DISTINCT FROM f.old
)
UPDATE tasks AS t
SET
    kind = w.kind,
    title = w.title,
    description = w.description,
    status = w.status,
    priority = w.priority,
    assignee_id = w.assignee_id,
    due_at = w.due_at,
    due_on = w.due_on,
    rank = CASE WHEN w.moved THEN coalesce(r.rank, 0) ELSE w.rank END,
    version = t.version + 1,
    updated_at = now()
FROM wanted AS w
LEFT JOIN ranked AS r ON r.id = w.id
WHERE t.id = w.id;
