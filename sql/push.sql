-- Web Push: which browsers a user's notifications go to. A subscription is as good as the session that made it, and as the browser
-- says itself.

-- name: lock_session(user_id, session_id) :value
-- A live session of an active account, or no row. Subscriptions of one user take turns behind the lock, so that their limit holds, and
-- the session is not revoked meanwhile.
SELECT s.id
FROM users AS u
INNER JOIN sessions AS s ON s.user_id = u.id
WHERE u.id = $1
    AND u.status = 'active'
    AND s.id = $2
    AND is_live(s)
FOR NO KEY UPDATE OF u
FOR SHARE OF s;

-- name: save_subscription(user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth, expires_at) :one!
-- A browser's subscription, new or sent again. One that another user had is theirs no longer, and gets an id of its own. `_new`: this
-- user did not have it before.
INSERT INTO push_subscriptions AS p (user_id, session_id, endpoint_hash, endpoint, host, p256dh, auth, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT ON CONSTRAINT push_subscriptions_endpoint_hash_key DO UPDATE
SET
    id = CASE WHEN p.user_id = excluded.user_id THEN p.id ELSE excluded.id END,
    created_at = CASE WHEN p.user_id = excluded.user_id THEN p.created_at ELSE now() END,
    last_success_at = CASE WHEN p.user_id = excluded.user_id THEN p.last_success_at END,
    user_id = excluded.user_id,
    session_id = excluded.session_id,
    p256dh = excluded.p256dh,
    auth = excluded.auth,
    expires_at = excluded.expires_at,
    refreshed_at = now(),
    failing_since = NULL,
    failed_at = NULL
RETURNING p.id, p.created_at = now() AS "_new";

-- name: delete_surplus(user_id, kept) :exec
-- All subscriptions of a user but the `kept` that were sent last.
DELETE FROM push_subscriptions
WHERE id IN (
    SELECT id FROM push_subscriptions WHERE user_id = $1 ORDER BY refreshed_at DESC, id DESC OFFSET $2
);

-- name: list_subscriptions(user_id, session_id) :many
-- A user's subscriptions, the one sent last first; `session_id` is the one that asks. They are never more than a few.
SELECT
    p.id, p.host AS "endpointHost", s.platform, s.device, s.user_agent AS "userAgent", p.session_id = $2 AS "current",
    p.created_at AS "createdAt", p.refreshed_at AS "refreshedAt", p.expires_at AS "expiresAt",
    p.last_success_at AS "lastSuccessAt", p.failing_since AS "failingSince"
FROM push_subscriptions AS p
INNER JOIN sessions AS s ON s.id = p.session_id
WHERE p.user_id = $1
ORDER BY p.refreshed_at DESC, p.id DESC;

-- name: delete_subscription(user_id, subscription_id) :value
-- Its id, or no row where the user has none like that.
DELETE FROM push_subscriptions WHERE id = $2 AND user_id = $1
RETURNING id;

-- name: delete_endpoint(user_id, endpoint_hash) :value
-- The id of the user's subscription with this endpoint, or no row where there is none.
DELETE FROM push_subscriptions WHERE endpoint_hash = $2 AND user_id = $1
RETURNING id;

-- name: delete_subscriptions(user_id) :exec
-- Every subscription of a user.
DELETE FROM push_subscriptions WHERE user_id = $1;

-- name: export_subscriptions(user_id) :many
-- The browsers that a person's notifications go to, without what it takes to send there.
SELECT
    p.id, p.host AS "endpointHost", p.session_id AS "sessionId", p.created_at AS "createdAt", p.refreshed_at AS "refreshedAt",
    p.expires_at AS "expiresAt", p.last_success_at AS "lastSuccessAt"
FROM push_subscriptions AS p
WHERE p.user_id = $1
ORDER BY p.id;

-- name: list_for_users(user_ids) :many
-- Where messages to these users go now, with what it takes to encrypt them; a user may have several, or none.
SELECT p.id, p.user_id, p.endpoint, p.p256dh, p.auth
FROM push_subscriptions AS p
INNER JOIN sessions AS s ON s.id = p.session_id
WHERE p.user_id = ANY($1::uuid[])
    AND (p.expires_at IS NULL OR p.expires_at > now())
    AND is_live(s);

-- name: note_sent(ids) :exec
-- The push services took messages for these; noted at most once a minute.
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
-- Messages for these were not taken. What fails for 14 days is deleted by delete_over().
WITH failed AS (
    SELECT id FROM push_subscriptions WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
)
UPDATE push_subscriptions AS p
SET failing_since = coalesce(p.failing_since, now()), failed_at = now()
FROM failed
WHERE p.id = failed.id;

-- name: remove_gone(ids) :exec
-- The push services say that there are no such subscriptions any more.
DELETE FROM push_subscriptions
WHERE id IN (SELECT id FROM push_subscriptions WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE);

-- name: delete_over() :exec
-- What has come to its end, with its session or by itself, or took no message for 14 days in which some were sent.
DELETE FROM push_subscriptions AS p
USING sessions AS s
WHERE s.id = p.session_id
    AND (
        p.expires_at < now()
        OR p.failed_at > p.failing_since + interval '14 days'
        OR session_end(s) < now()
    );
