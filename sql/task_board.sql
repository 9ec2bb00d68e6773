-- The board of a project: one column for each status, and the places in it. A place is a rank; tasks of equal rank follow by
-- id.

-- name: lock_column(project_id, status) :exec
-- Take the column's advisory lock before a task is placed among others, because ranks of others may change, too. Take it before
-- any row lock.
SELECT pg_advisory_xact_lock(hashtext('column ' || $2), hashtext($1::uuid::text));

-- name: get_rank(task_id, project_id, status, viewer_id, sees_all) :value
-- The rank of a task in a column; NULL if it is not there, or the viewer may not see it.
SELECT t.rank
FROM visible_tasks($4, $5) AS t
WHERE t.id = $1 AND t.project_id = $2 AND t.status = $3;

-- name: list_above(project_id, status, rank, id, but, most) :many
-- The tasks above a place in a column, the nearest first; without `but`.
SELECT t.id, t.rank
FROM tasks AS t
WHERE t.deleted_at IS NULL
    AND t.project_id = $1
    AND t.status = $2
    AND (t.rank, t.id) < ($3, $4)
    AND t.id <> $5
ORDER BY t.rank DESC, t.id DESC
LIMIT $6;

-- name: list_below(project_id, status, rank, id, but, most) :many
-- The tasks below a place in a column, the nearest first; without `but`.
SELECT t.id, t.rank
FROM tasks AS t
WHERE t.deleted_at IS NULL
    AND t.project_id = $1
    AND t.status = $2
    AND (t.rank, t.id) > ($3, $4)
    AND t.id <> $5
ORDER BY t.rank, t.id
LIMIT $6;

-- name: list_columns(viewer_id, sees_all, project_id, statuses, after_rank, after, most) :many
-- Up to `most` tasks of each of these columns, after a place.
SELECT i.*, coalesce((SELECT true FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1), false) AS watching
FROM unnest($4::text[]) AS c (status)
CROSS JOIN LATERAL (
    SELECT t.id, t.rank
    FROM visible_tasks($1, $2) AS t
    WHERE t.project_id = $3 AND t.status = c.status AND (t.rank, t.id) > ($5, $6)
    ORDER BY t.rank, t.id
    LIMIT $7
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.rank, found.id;

-- name: count_columns(project_id) :many
-- The number of tasks in each column that is not empty.
SELECT t.status, sum(t.n)::integer AS total
FROM task_tallies AS t
WHERE t.scope = $1
GROUP BY t.status
HAVING sum(t.n) > 0;
