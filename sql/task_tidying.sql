-- What is kept of tasks for a while only.

-- name: lock_expired(days, most) :many
-- Up to `most` tasks that went into the trash so many days ago, locked; those that are being restored are passed over.
SELECT t.id
FROM tasks AS t
WHERE t.deleted_at < now() - make_interval(days => $1)
ORDER BY t.deleted_at
LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: delete_old_imports(days) :exec
-- What came of imports, so many days later.
DELETE FROM imports WHERE created_at < now() - make_interval(days => $1);
