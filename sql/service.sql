-- What the service asks of itself.

-- name: ping() :value
-- Whether anybody is there.
SELECT 1;

-- name: list_applied_migrations() :many
-- Which migrations this database has.
SELECT migration_id AS id FROM _yoyo_migration;

-- name: list_applied_schema() :many
-- Which files of sql/schema this database has or had, and what they said.
SELECT name, sha256 FROM applied_schema;

-- name: has_users() :value
-- Whether anybody has an account.
SELECT EXISTS (SELECT FROM users);

-- name: begin_bulk_load() :value
-- Foreign keys are not checked row by row until the transaction ends. Needs a superuser.
SELECT set_config('session_replication_role', 'replica', true);

-- name: vacuum_all() :exec
-- Statistics and visibility after a bulk load.
VACUUM ANALYZE;

-- name: get_setting(name) :value
-- A setting of PostgreSQL's, as this connection has it.
SELECT current_setting($1);

-- name: is_migrated() :value
-- Whether anything was migrated into this database.
SELECT to_regclass('worker_heartbeats') IS NOT NULL;

-- name: get_position() :value
-- How far the log of a primary goes, in bytes: whatever was committed before stands in front of that.
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint;

-- name: get_replay() :one
-- Whether this server replays the log of another, and how far it has come, in bytes.
SELECT
    pg_is_in_recovery() AS "inRecovery",
    pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint AS position;
