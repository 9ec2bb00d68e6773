-- Reminders of what is due: tasks.remind_at says when the next one is, keep_task() and next_reminder() keep it.

-- name: remind_due(most) :value
-- Emit task.due for up to `most` tasks whose reminder is due, and note when the next one is; returns how many there were. Whether
-- a task is still to be done and who sees it, find_reminded asks when they are told.
WITH due AS MATERIALIZED (
    SELECT t.id, t.project_id, t.due_at, CASE WHEN t.due_at > now() THEN 24 ELSE 0 END AS hours
    FROM tasks AS t
    WHERE t.remind_at <= now() AND t.deleted_at IS NULL AND t.status NOT IN ('done', 'cancelled')
    ORDER BY t.remind_at
    LIMIT $1
    -- Of two workers, each takes others.
    FOR NO KEY UPDATE SKIP LOCKED
),
noted AS (
    UPDATE tasks AS t
    SET remind_at = next_reminder(t.due_at, now())
    FROM due AS d
    WHERE t.id = d.id
),
told AS (
    SELECT
        emit(
            'task.due', NULL, 'task', d.id,
            jsonb_build_object(
                'projectId', d.project_id,
                'dueAt', to_char(d.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'hours', d.hours
            ),
            '{}', coalesce(d.project_id, d.id)
        ) AS event_id
    FROM due AS d
)
SELECT count(t.event_id) FROM told AS t;

-- name: find_reminded(task_id, due_at, after, most) :many
-- Who is reminded of a task: whose it is, where it is still to be done, due at the same time, and seen by them.
SELECT r.user_id AS receiver_id
FROM (
    SELECT coalesce(t.assignee_id, t.creator_id) AS user_id
    FROM tasks AS t
    WHERE t.id = $1 AND t.due_at = $2 AND t.deleted_at IS NULL AND t.status NOT IN ('done', 'cancelled')
) AS r
WHERE r.user_id > $3 AND EXISTS (SELECT FROM tasks_seen_by(r.user_id) AS t WHERE t.id = $1)
ORDER BY r.user_id
LIMIT $4;
