-- Web Push: the browsers that a user's notifications are sent to. A subscription ends with the session that created it, or when
-- the browser says so.

-- name: lock_session(user_id, session_id) :value
-- Lock a live session of an active account; NULL if there is none. The lock on the user serialises subscriptions, so that their
-- limit holds; the lock on the session prevents its revocation meanwhile.
SELECT s.id
FROM users AS u
INNER JOIN sessions AS s ON s.user_id = u.id
WHERE u.id = $1
    AND u.status = 'active'
    AND s.id = $2
    AND is_live(s)
FOR NO KEY UPDATE OF u
FOR SHARE OF s;

-- name: take_endpoint(user_id, endpoint_hash) :one
-- Delete the subscription that another user has with this endpoint; returns its id and owner. No row if there is none.
DELETE FROM push_subscriptions WHERE endpoint_hash = $2 AND user_id <> $1
RETURNING id, user_id;

-- name: save_subscription(user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth, expires_at) :one
-- Insert or refresh a browser's subscription. `_new`: this user did not have it before. No row if another user has the endpoint.
INSERT INTO push_subscriptions AS p (user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT ON CONSTRAINT push_subscriptions_endpoint_hash_key DO UPDATE
SET
    session_id = excluded.session_id,
    p256dh = excluded.p256dh,
    auth = excluded.auth,
    expires_at = excluded.expires_at,
    refreshed_at = now(),
    failing_since = NULL,
    failed_at = NULL
WHERE p.user_id = excluded.user_id
RETURNING p.id, p.created_at = now() AS "_new";

-- name: delete_surplus(user_id, kept) :exec
-- Delete a user's subscriptions except the `kept` most recently refreshed ones.
DELETE FROM push_subscriptions
WHERE id IN (
    SELECT id FROM push_subscriptions WHERE user_id = $1 ORDER BY refreshed_at DESC, id DESC OFFSET $2
);

-- name: list_subscriptions(user_id, session_id) :many
-- A user's subscriptions, the most recently refreshed first; `session_id` is the caller's own. There are only a few, so no
-- pages.
SELECT
    p.id, p.host AS "endpointHost", s.platform, s.device, s.user_agent AS "userAgent", p.session_id = $2 AS "current",
    p.created_at AS "createdAt", p.refreshed_at AS "refreshedAt", p.expires_at AS "expiresAt",
    p.last_success_at AS "lastSuccessAt", p.failing_since AS "failingSince"
FROM push_subscriptions AS p
INNER JOIN sessions AS s ON s.id = p.session_id
WHERE p.user_id = $1
ORDER BY p.refreshed_at DESC, p.id DESC;

-- name: delete_subscription(user_id, subscription_id) :value
-- Delete a user's subscription; returns its id, or NULL if the user has no such subscription.
DELETE FROM push_subscriptions WHERE id = $2 AND user_id = $1
RETURNING id;

-- name: delete_endpoint(user_id, endpoint_hash) :value
-- Delete the user's subscription with this endpoint; returns its id, or NULL if there is none.
DELETE FROM push_subscriptions WHERE endpoint_hash = $2 AND user_id = $1
RETURNING id;

-- name: delete_subscriptions(user_id) :exec
-- Delete every subscription of a user.
DELETE FROM push_subscriptions WHERE user_id = $1;

-- name: export_subscriptions(user_id) :many
-- A user's subscriptions without their endpoints and keys, for their export.
SELECT
    p.id, p.host AS "endpointHost", p.session_id AS "sessionId", p.created_at AS "createdAt", p.refreshed_at AS "refreshedAt",
    p.expires_at AS "expiresAt", p.last_success_at AS "lastSuccessAt"
FROM push_subscriptions AS p
WHERE p.user_id = $1
ORDER BY p.id;

-- name: list_for_users(user_ids) :many
-- The valid subscriptions of these users, with endpoints and encryption keys; a user may have several, or none.
SELECT p.id, p.user_id, p.endpoint, p.p256dh, p.auth
FROM push_subscriptions AS p
INNER JOIN sessions AS s ON s.id = p.session_id
WHERE p.user_id = ANY($1::uuid[])
    AND (p.expires_at IS NULL OR p.expires_at > now())
    AND is_live(s);

-- name: note_sent(ids) :exec
-- Note that push services accepted messages for these subscriptions; written at most once a minute for each.
WITH taken AS (
    SELECT id
    FROM push_subscriptions
    WHERE id = ANY($1::uuid[])
        AND (failing_since IS NOT NULL OR last_success_at IS NULL OR last_success_at < now() - interval '1 minute')
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE push_subscriptions AS p
SET last_success_at = now(), failing_since = NULL, failed_at = NULL
FROM taken
WHERE p.id = taken.id;

-- name: note_failed(ids) :exec
-- Note that messages for these subscriptions failed. A subscription that fails for 14 days is deleted by delete_over().
WITH failed AS (
    SELECT id FROM push_subscriptions WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
)
UPDATE push_subscriptions AS p
SET failing_since = coalesce(p.failing_since, now()), failed_at = now()
FROM failed
WHERE p.id = failed.id;

-- name: remove_gone(ids) :exec
-- Delete subscriptions that no longer exist, as their push services report.
DELETE FROM push_subscriptions
WHERE id IN (SELECT id FROM push_subscriptions WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE);

-- name: delete_over() :exec
-- Delete subscriptions that have expired, whose session has ended, or whose messages have failed for 14 days.
DELETE FROM push_subscriptions AS p
USING sessions AS s
WHERE s.id = p.session_id
    AND (
        p.expires_at < now()
        OR p.failed_at > p.failing_since + interval '14 days'
        OR session_end(s) < now()
    );
