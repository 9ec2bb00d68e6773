-- Reminders of due tasks: tasks.remind_at is the time of the next one, kept by keep_task() and next_reminder().

-- name: remind_due(most) :value
-- Emit task.due for up to `most` tasks whose reminder is due, and set the next one; returns the number of tasks. Whether a task
-- is still open and who may see it is checked by find_reminded when the event is delivered.
WITH due AS MATERIALIZED (
    SELECT t.id, t.project_id, t.due_at, CASE WHEN t.due_at > now() THEN 24 ELSE 0 END AS hours
    FROM tasks AS t
    WHERE t.remind_at <= now() AND t.deleted_at IS NULL AND t.status NOT IN ('done', 'cancelled')
    ORDER BY t.remind_at
    LIMIT $1
    -- Two workers take different rows.
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
-- The assignee, or else the creator, of a task that is still open and due at the same time, if they may see it.
SELECT r.user_id AS receiver_id
FROM (
    SELECT coalesce(t.assignee_id, t.creator_id) AS user_id
    FROM tasks AS t
    WHERE t.id = $1 AND t.due_at = $2 AND t.deleted_at IS NULL AND t.status NOT IN ('done', 'cancelled')
) AS r
WHERE r.user_id > $3 AND EXISTS (SELECT FROM tasks_seen_by(r.user_id) AS t WHERE t.id = $1)
ORDER BY r.user_id
LIMIT $4;
