-- Imports of CSV files.

-- name: delete_old_imports() :exec
-- What came of imports seven days ago.
DELETE FROM imports WHERE created_at < now() - interval '7 days';
