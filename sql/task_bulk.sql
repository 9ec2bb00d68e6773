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

-- name: get_changed_tasks(ids) :many
-- As tasks.get_changed_task, of several.
SELECT
    i.*,
    ARRAY(
        SELECT w.user_id
        FROM task_watchers AS w
        CROSS JOIN LATERAL tasks_seen_by(w.user_id) AS t
        WHERE w.task_id = i.id AND t.id = i.id
        ORDER BY w.user_id
    ) AS "_watcherIds"
FROM task_items AS i
WHERE i.id = ANY($1::uuid[]);

-- name: list_concerned(ids) :many
-- Whose tasks these are, and of which projects, each combination once.
SELECT DISTINCT t.creator_id, t.assignee_id, t.project_id FROM tasks AS t WHERE t.id = ANY($1::uuid[]);
