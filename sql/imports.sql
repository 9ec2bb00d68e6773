-- CSV files that a worker reads in. The row is the queue: whoever claims one puts it ahead and then holds its lock, which falls
-- with a worker that dies; what that has written by then is undone with its transaction.

-- name: create_import(owner_id, kind, options, body) :one!
-- A file to be read in, by the job of its kind.
INSERT INTO imports (owner_id, kind, options, body)
VALUES ($1, $2, $3, $4)
RETURNING
    id, kind, options ->> 'fileName' AS "fileName", options -> 'dryRun' = 'true' AS "dryRun", counts,
    '[]'::jsonb AS "rowErrors", created_at AS "createdAt", finished_at AS "finishedAt";

-- name: lock_imports(owner_id) :exec
-- Before a person has one more wait: of two requests one waits, and counts behind the other.
SELECT pg_advisory_xact_lock(hashtext('imports'), hashtext($1::uuid::text));

-- name: count_waiting(owner_id) :value
-- How many files of a person wait to be read in.
SELECT count(*)::integer FROM imports WHERE owner_id = $1 AND finished_at IS NULL;

-- name: get_import(import_id, owner_id) :one
-- What came of a file.
SELECT
    id, kind, options ->> 'fileName' AS "fileName", options -> 'dryRun' = 'true' AS "dryRun", counts,
    coalesce(row_errors, '[]') AS "rowErrors", created_at AS "createdAt", finished_at AS "finishedAt"
FROM imports
WHERE id = $1 AND owner_id = $2;

-- name: holds(user_id, permission) :value
-- Whether a person may do something by their role as it is now.
SELECT holds_permission($1, $2);

-- name: claim_import(seconds) :one
-- The file that waits longest, and how often it was claimed. Nobody else gets it for so many seconds, nor while it is held.
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
-- The file itself, held until the transaction ends; no row where it was read in meanwhile.
SELECT id, owner_id, kind, options, body FROM imports
WHERE id = $1 AND finished_at IS NULL
FOR UPDATE;

-- name: finish_import(import_id, counts, row_errors) :exec
-- It is read in; the file itself goes.
UPDATE imports
SET counts = $2, row_errors = $3, finished_at = now(), body = NULL
WHERE id = $1;

-- name: delete_old_imports() :exec
-- What came of a file is kept for 7 days.
DELETE FROM imports WHERE finished_at < now() - interval '7 days';

-- name: forget_imports(user_id) :exec
-- The files of a person who leaves go, whether they are read in or not.
DELETE FROM imports WHERE owner_id = $1;

-- name: export_imports(user_id) :many
-- The files that a person had read in.
SELECT
    i.id, i.kind, i.options - 'attempts' AS options, i.counts, i.row_errors AS "rowErrors", i.created_at AS "createdAt",
    i.finished_at AS "finishedAt"
FROM imports AS i
WHERE i.owner_id = $1
ORDER BY i.id;
