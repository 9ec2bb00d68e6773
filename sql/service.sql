-- Statements about the service and its database.

-- name: ping() :value
-- Check that the database answers.
SELECT 1;

-- name: list_applied_migrations() :many
-- The migrations applied to this database.
SELECT migration_id AS id FROM _yoyo_migration;

-- name: list_applied_schema() :many
-- The files of sql/schema applied to this database, with their hashes.
SELECT name, sha256 FROM applied_schema;

-- name: has_users() :value
-- Whether there is any account.
SELECT EXISTS (SELECT FROM users);

-- name: begin_bulk_load() :value
-- Disable foreign key checks and other triggers until the transaction ends. Needs a superuser.
SELECT set_config('session_replication_role', 'replica', true);

-- name: vacuum_all() :exec
-- Update the statistics and the visibility map after a bulk load.
VACUUM ANALYZE;

-- name: get_setting(name) :value
-- The value of a PostgreSQL setting on this connection.
SELECT current_setting($1);

-- name: is_migrated() :value
-- Whether migrations have been applied to this database.
SELECT to_regclass('worker_heartbeats') IS NOT NULL;

-- name: get_position() :value
-- The primary's current WAL position in bytes; everything committed before is ahead of it.
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint;

-- name: get_replay() :one
-- Whether this server is a standby, and up to which WAL position, in bytes, it has replayed.
SELECT
    pg_is_in_recovery() AS "inRecovery",
    pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint AS position;
