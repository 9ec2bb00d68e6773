-- The board of a project: its columns, one of each status, and the places in them. A place is a rank; equal ones follow by id.

-- name: lock_column(project_id, status) :exec
-- Before a task is given a place among others of its column. Taken before any row, as places of others may change with it.
SELECT pg_advisory_xact_lock(hashtext('column ' || $2), hashtext($1::uuid::text));

-- name: get_rank(task_id, project_id, status, viewer_id, sees_all) :value
-- The rank of a task that a viewer sees in a column; NULL where it is not there.
SELECT t.rank
FROM visible_tasks($4, $5) AS t
WHERE t.id = $1 AND t.project_id = $2 AND t.status = $3;

-- name: list_above(project_id, status, rank, id, but, most) :many
-- The next ones towards the beginning of a column, from a place on; without `but`.
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
-- The next ones towards the end of a column, from a place on; without `but`.
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
-- Up to `most` of each of these columns, behind a place.
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
-- How many tasks each column has that is not empty.
SELECT t.status, sum(t.n)::integer AS total
FROM task_tallies AS t
WHERE t.scope = $1
GROUP BY t.status
HAVING sum(t.n) > 0;
