-- Usernames that were given up. A trigger of users writes and reads them: sql/schema/usernames.sql.

-- name: delete_old_names() :exec
-- Names whose year is over.
DELETE FROM freed_usernames WHERE freed_at < now() - interval '1 year';
