-- CSV files that a worker imports. The row is the queue: a claim moves the row back in the queue, then the worker locks it. If
-- the worker dies, its lock is released and its writes are rolled back.

-- name: create_import(owner_id, kind, options, body) :one!
-- Insert a file to be imported by the job of its kind.
INSERT INTO imports (owner_id, kind, options, body)
VALUES ($1, $2, $3, $4)
RETURNING
    id, kind, options ->> 'fileName' AS "fileName", options -> 'dryRun' = 'true' AS "dryRun", counts,
    '[]'::jsonb AS "rowErrors", created_at AS "createdAt", finished_at AS "finishedAt";

-- name: lock_imports(owner_id) :exec
-- Take the user's advisory lock before one more import is queued, so that concurrent requests count one after the other.
SELECT pg_advisory_xact_lock(hashtext('imports'), hashtext($1::uuid::text));

-- name: count_waiting(owner_id) :value
-- The number of a user's files that wait to be imported.
SELECT count(*)::integer FROM imports WHERE owner_id = $1 AND finished_at IS NULL;

-- name: get_import(import_id, owner_id) :one
-- The state and result of an import.
SELECT
    id, kind, options ->> 'fileName' AS "fileName", options -> 'dryRun' = 'true' AS "dryRun", counts,
    coalesce(row_errors, '[]') AS "rowErrors", created_at AS "createdAt", finished_at AS "finishedAt"
FROM imports
WHERE id = $1 AND owner_id = $2;

-- name: holds(user_id, permission) :value
-- Whether a user has a permission by their current role.
SELECT holds_permission($1, $2);

-- name: claim_import(seconds) :one
-- Claim the file that has been due the longest; returns how often it has been claimed, too. No other worker gets it for
-- `seconds`, nor while its row is locked.
WITH due AS (
    SELECT id FROM imports
    WHERE finished_at IS NULL AND next_at <= now()
    ORDER BY next_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE imports AS i
SET
    next_at = now() + make_interval(secs => $1::integer),
    options = jsonb_set(i.options, '{attempts}', to_jsonb(coalesce((i.options ->> 'attempts')::integer, 0) + 1))
FROM due
WHERE i.id = due.id
RETURNING i.id, i.owner_id, i.kind, (i.options ->> 'attempts')::integer AS attempts;

-- name: hold_import(import_id) :one
-- The file and its options, locked until the transaction ends; no row if it is already imported.
SELECT id, owner_id, kind, options, body FROM imports
WHERE id = $1 AND finished_at IS NULL
FOR UPDATE;

-- name: finish_import(import_id, counts, row_errors) :exec
-- Store the result of an import and erase the file.
UPDATE imports
SET counts = $2, row_errors = $3, finished_at = now(), body = NULL
WHERE id = $1;

-- name: delete_old_imports() :exec
-- Delete imports that finished more than 7 days ago.
DELETE FROM imports WHERE finished_at < now() - interval '7 days';

-- name: forget_imports(user_id) :exec
-- Delete the imports of a user who leaves, finished or not.
DELETE FROM imports WHERE owner_id = $1;

-- name: export_imports(user_id) :many
-- A user's imports, for their export.
SELECT
    i.id, i.kind, i.options - 'attempts' AS options, i.counts, i.row_errors AS "rowErrors", i.created_at AS "createdAt",
    i.finished_at AS "finishedAt"
FROM imports AS i
WHERE i.owner_id = $1
ORDER BY i.id;
