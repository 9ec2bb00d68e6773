-- What the service asks of itself.

-- name: ping() :value
-- Whether anybody is there.
SELECT 1

-- name: list_applied_migrations() :many
-- Which migrations this database has.
SELECT migration_id AS id FROM _yoyo_migration
