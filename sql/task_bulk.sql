-- Changes of many tasks at once: each statement reads or locks for all of them.

-- name: lock_tasks(ids) :exec
-- Lock several tasks before a change, in id order.
SELECT FROM tasks WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_projects(ids, task_ids) :exec
-- Lock these projects and the projects of these tasks, in id order, before tasks get numbers. Lock the tasks first.
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
-- Like tasks.get_task, for several tasks, and whether the viewer may change each of them.
SELECT
    i.*,
    EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $2) AS watching,
    r.may_change AS "_mayChange"
FROM visible_tasks($2, $3) AS t
INNER JOIN task_items AS i ON i.id = t.id
CROSS JOIN LATERAL task_rights(t.creator_id, t.assignee_id, t.project_id, $2, $3) AS r
WHERE t.id = ANY($1::uuid[]);

-- name: read_tasks(ids, viewer_id, sees_all) :many
-- The columns that an import compares with its rows, for thousands of tasks that the viewer may see; nothing else is read, and
-- each task by its key.
SELECT
    t.id,
    t.version,
    t.kind,
    t.title,
    t.description,
    t.status,
    ('{low,medium,high,urgent}'::text[])[t.priority] AS priority,
    t.project_id AS "projectId",
    t.lead_id AS "leadId",
    t.parent_id AS "parentId",
    t.due_at AS "dueAt",
    t.due_on AS "_dueOn",
    t.series_id AS "seriesId",
    t.creator_id AS "_creatorId",
    t.assignee_id AS "_assigneeId",
    coalesce(
        (
            SELECT json_agg(json_build_object('id', l.id, 'name', l.name))
            FROM task_labels AS x
            INNER JOIN labels AS l ON l.id = x.label_id
            WHERE x.task_id = t.id
        ),
        '[]'::json
    ) AS labels,
    r.may_change AS "_mayChange"
FROM unnest($1::uuid[]) AS w (id)
CROSS JOIN LATERAL (SELECT v.* FROM visible_tasks($2, $3) AS v WHERE v.id = w.id OFFSET 0) AS t
CROSS JOIN LATERAL task_rights(t.creator_id, t.assignee_id, t.project_id, $2, $3) AS r;

-- name: list_leading(ids) :many
-- The tasks among these whose status affects others: they block a task, or belong to a series.
SELECT t.id
FROM tasks AS t
WHERE t.id = ANY($1::uuid[])
    AND (t.series_id IS NOT NULL OR EXISTS (SELECT FROM task_links AS l WHERE l.blocker_id = t.id));

-- name: get_changed_tasks(ids) :many
-- Like tasks.get_changed_task, for several tasks.
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

-- name: find_concerned(ids) :many
-- The creators, assignees and projects of these tasks, each combination once.
SELECT DISTINCT t.creator_id, t.assignee_id, t.project_id FROM tasks AS t WHERE t.id = ANY($1::uuid[]);
