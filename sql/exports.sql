-- Exports of what is kept of a person. The row is the queue: it is claimed by its lock alone, so a dead worker leaves nothing
-- behind.

-- name: request_export(user_id) :value
-- Ask for an export where there is none, or for a new one in place of one that is made, or failed. True where it was asked
-- for just now.
WITH asked AS (
    INSERT INTO data_exports AS e (user_id)
    VALUES ($1)
    ON CONFLICT ON CONSTRAINT data_exports_pkey DO UPDATE
    SET requested_at = now(), finished_at = NULL, expires_at = NULL, bytes = NULL, error = NULL
    WHERE e.finished_at IS NOT NULL
    RETURNING user_id
)
SELECT true FROM asked;

-- name: get_export(user_id) :one
-- How far a person's export is. `ready` is false while it is to be made; `_over` where whoever asks now wants another: it
-- failed, was written by a release before 0027, expired, was fetched, or something has happened since. Changes count after
-- three seconds, so that a client which looks again each second gets the file of an account that never rests.
SELECT
    e.finished_at IS NOT NULL AND e.error IS NULL AND e.expires_at > now() AND e.bytes IS NOT NULL AS ready,
    e.finished_at IS NOT NULL AND (
        e.error IS NOT NULL
        OR e.bytes IS NULL
        OR e.expires_at <= now()
        OR EXISTS (
            SELECT FROM events AS v
            WHERE v.actor_id = $1 AND v.created_at > e.requested_at AND v.type = 'user.export_downloaded'
        )
        OR e.finished_at < now() - interval '3 seconds' AND (
            EXISTS (
                SELECT FROM events AS v
                WHERE v.actor_id = $1 AND v.created_at > e.requested_at AND v.type <> 'user.export_requested'
            )
            OR EXISTS (SELECT FROM follows AS f WHERE f.followed_id = $1 AND f.created_at > e.requested_at)
            OR (
                SELECT n.updated_at FROM notifications AS n
                WHERE n.receiver_id = $1 AND n.is_listed
                ORDER BY n.position DESC
                LIMIT 1
            ) > e.requested_at
        )
    ) AS "_over",
    e.expires_at AS "expiresAt", e.bytes
FROM data_exports AS e
WHERE e.user_id = $1;

-- name: get_export_file(user_id) :one
-- How long the compressed file is, and when it was made; no row where none is ready.
SELECT bytes, finished_at
FROM data_exports
WHERE user_id = $1 AND expires_at > now() AND error IS NULL AND bytes IS NOT NULL;

-- name: get_export_part(user_id, finished_at, number) :value
-- A piece of the file that was made then; NULL behind the last one, and once another is made in its place.
SELECT p.body
FROM data_export_parts AS p
INNER JOIN data_exports AS e ON e.user_id = p.user_id
WHERE p.user_id = $1 AND e.finished_at = $2 AND p.number = $3;

-- name: claim_export() :value
-- Whose export is to be made next. SKIP LOCKED: two workers never make the same one. A large one is packed for longer than
-- a worker's transaction may stand idle.
WITH patient AS MATERIALIZED (SELECT set_config('idle_in_transaction_session_timeout', '60s', true))
SELECT e.user_id
FROM patient
CROSS JOIN data_exports AS e
WHERE e.finished_at IS NULL
ORDER BY e.requested_at
LIMIT 1
FOR UPDATE OF e SKIP LOCKED;

-- name: delete_export_parts(user_id) :exec
-- The file of before, when another is begun.
DELETE FROM data_export_parts WHERE user_id = $1;

-- name: add_export_part(user_id, number, body) :exec
-- The next piece of the file.
INSERT INTO data_export_parts (user_id, number, body) VALUES ($1, $2, $3);

-- name: finish_export(user_id, bytes) :exec
-- The file is whole; it is kept for 24 hours.
UPDATE data_exports
SET bytes = $2, finished_at = now(), expires_at = now() + interval '24 hours', error = NULL
WHERE user_id = $1;

-- name: fail_export(user_id, error) :exec
-- It could not be made; whoever asks again gets another try.
UPDATE data_exports
SET error = $2, finished_at = now()
WHERE user_id = $1 AND finished_at IS NULL;

-- name: delete_old_exports() :exec
-- Files that nobody may fetch any more, and failures of the day before.
DELETE FROM data_exports WHERE expires_at < now() OR (error IS NOT NULL AND finished_at < now() - interval '24 hours');

-- name: delete_export(user_id) :exec
-- Its owner has left.
DELETE FROM data_exports WHERE user_id = $1;
