-- The watchers of tasks. Watching a task does not grant access to it.

-- name: watch_task(task_id, user_id, most) :value
-- Let a user watch a task that the caller has locked. True if they watch it now; false if it already has `most` watchers.
WITH added AS (
    INSERT INTO task_watchers (task_id, user_id)
    SELECT $1, $2
    WHERE (SELECT count(*) FROM task_watchers AS w WHERE w.task_id = $1) < $3
    ON CONFLICT ON CONSTRAINT task_watchers_pkey DO NOTHING
    RETURNING true
)
SELECT EXISTS (SELECT FROM added) OR EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = $1 AND w.user_id = $2);

-- name: unwatch_task(task_id, user_id) :exec
-- Stop watching a task.
DELETE FROM task_watchers WHERE task_id = $1 AND user_id = $2;

-- name: list_watchers(task_id, after, most) :many
-- The watchers of a task who may see it, after an id.
SELECT u.id AS "_userId", person(u) AS user, w.created_at AS "createdAt"
FROM task_watchers AS w
INNER JOIN users AS u ON u.id = w.user_id
CROSS JOIN LATERAL tasks_seen_by(w.user_id) AS t
WHERE w.task_id = $1 AND t.id = $1 AND w.user_id > $2
ORDER BY w.user_id
LIMIT $3;

-- name: forget_watching(user_id) :exec
-- Delete a user who leaves from the watchers of all tasks.
DELETE FROM task_watchers WHERE user_id = $1;

-- name: export_watched(user_id) :many
-- The tasks that a user watches, for their export.
SELECT w.task_id AS "taskId", w.created_at AS "createdAt" FROM task_watchers AS w WHERE w.user_id = $1 ORDER BY w.task_id;

-- name: copy_watchers(from_id, to_id) :exec
-- Let the watchers of a task watch a new one, too.
INSERT INTO task_watchers (task_id, user_id) SELECT $2, w.user_id FROM task_watchers AS w WHERE w.task_id = $1;
