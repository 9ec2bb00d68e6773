-- Former usernames. They are reserved and checked by a trigger of users: sql/schema/usernames.sql.

-- name: delete_old_names() :exec
-- Delete usernames that were given up more than a year ago.
DELETE FROM freed_usernames WHERE freed_at < now() - interval '1 year';
