-- Exports of a user's data. The row is the queue, and its row lock is the claim, so that a dead worker leaves nothing behind.

-- name: request_export(user_id) :value
-- Request an export if there is none, or a new one if the last one is finished or failed. True if this call requested it; NULL
-- if one was pending.
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
-- The state of a user's export. `ready`: it can be downloaded. `_over`: a new request should replace it, because it failed, has
-- no stored parts, expired, was downloaded, or data changed since. Changes count only after three seconds, so that a client
-- that polls each second gets the export of an account that changes all the time.
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
-- The size in bytes of the compressed file, and when it was finished; no row if no file is ready.
SELECT bytes, finished_at
FROM data_exports
WHERE user_id = $1 AND expires_at > now() AND error IS NULL AND bytes IS NOT NULL;

-- name: get_export_part(user_id, finished_at, number) :value
-- A part of the file that was finished at `finished_at`; NULL after the last part, and once another file has replaced it.
SELECT p.body
FROM data_export_parts AS p
INNER JOIN data_exports AS e ON e.user_id = p.user_id
WHERE p.user_id = $1 AND e.finished_at = $2 AND p.number = $3;

-- name: claim_export() :value
-- The user whose export is to be made next, locked. SKIP LOCKED: two workers never make the same export. Packing a large one
-- leaves the transaction idle for longer than the worker's usual timeout, which is raised until it ends.
WITH patient AS MATERIALIZED (SELECT set_config('idle_in_transaction_session_timeout', '60s', true))
SELECT e.user_id
FROM patient
CROSS JOIN data_exports AS e
WHERE e.finished_at IS NULL
ORDER BY e.requested_at
LIMIT 1
FOR UPDATE OF e SKIP LOCKED;

-- name: delete_export_parts(user_id) :exec
-- Delete the parts of the previous file before a new one is written.
DELETE FROM data_export_parts WHERE user_id = $1;

-- name: add_export_part(user_id, number, body) :exec
-- Insert the next part of the file.
INSERT INTO data_export_parts (user_id, number, body) VALUES ($1, $2, $3);

-- name: finish_export(user_id, bytes) :exec
-- Mark the file as complete; it is kept for 24 hours.
UPDATE data_exports
SET bytes = $2, finished_at = now(), expires_at = now() + interval '24 hours', error = NULL
WHERE user_id = $1;

-- name: fail_export(user_id, error) :exec
-- Mark the export as failed; the next request makes it anew.
UPDATE data_exports
SET error = $2, finished_at = now()
WHERE user_id = $1 AND finished_at IS NULL;

-- name: delete_old_exports() :exec
-- Delete exports that have expired, and those that failed more than 24 hours ago.
DELETE FROM data_exports WHERE expires_at < now() OR (error IS NOT NULL AND finished_at < now() - interval '24 hours');

-- name: delete_export(user_id) :exec
-- Delete the export of a user who leaves.
DELETE FROM data_exports WHERE user_id = $1;
