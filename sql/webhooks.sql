-- Webhooks, as their owners create, see and change them. What workers do with them is in webhooks_sending.sql.

-- name: lock_owner(user_id) :one
-- Lock the owner of a new webhook; returns whether their address is verified, and an id, to which the webhook's secret is
-- bound. The lock serialises the creation of a user's webhooks, so that their limit holds. No row if the account is not active.
SELECT u.email_verified_at IS NOT NULL AS verified, uuidv7() AS new_id
FROM users AS u
WHERE u.id = $1 AND u.status = 'active'
FOR NO KEY UPDATE OF u;

-- name: count_webhooks(owner_id) :value
-- The number of a user's webhooks.
SELECT count(*) FROM webhooks WHERE owner_id = $1;

-- name: insert_webhook(webhook_id, owner_id, scope, project_id, url, types, description, secret) :exec
-- Insert a webhook.
INSERT INTO webhooks (id, owner_id, scope, project_id, url, types, description, secret)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: list_webhooks(owner_id) :many
-- A user's webhooks, newest first. There are only a few, so no pages.
SELECT i.* FROM webhook_items AS i WHERE i."_ownerId" = $1 ORDER BY i.id DESC;

-- name: get_webhook(owner_id, webhook_id) :one
-- One webhook; no row if it is not the owner's.
SELECT i.* FROM webhook_items AS i WHERE i.id = $2 AND i."_ownerId" = $1;

-- name: lock_webhook(owner_id, webhook_id) :one
-- Lock a webhook before a change; no row if it is not the owner's. It is locked before its deliveries, as workers do.
SELECT w.status, w.old_until, w.secret, may_send(w) AS may
FROM webhooks AS w
WHERE w.id = $2 AND w.owner_id = $1
FOR NO KEY UPDATE OF w;

-- name: update_webhook(webhook_id, url, types, set_description, description, pauses) :exec
-- Change the values that are not NULL; `description` with `set_description`. A new URL is tried at once and starts without
-- failures.
UPDATE webhooks
SET
    url = coalesce($2, url),
    types = coalesce($3, types),
    description = CASE WHEN $4 THEN $5 ELSE description END,
    status = CASE WHEN $6 AND status = 'active' THEN 'paused' ELSE status END,
    reason = CASE WHEN $6 AND status = 'active' THEN 'owner' ELSE reason END,
    failures = CASE WHEN $2 <> url THEN 0 ELSE failures END,
    failing_since = CASE WHEN $2 <> url THEN NULL ELSE failing_since END,
    last_ok_at = CASE WHEN $2 <> url THEN NULL ELSE last_ok_at END,
    rest_until = CASE WHEN $2 <> url THEN NULL ELSE rest_until END,
    due_at = CASE WHEN $2 <> url THEN now() ELSE due_at END,
    version = version + 1,
    updated_at = now()
WHERE id = $1;

-- name: delete_webhook(owner_id, webhook_id) :value
-- Delete a webhook with its deliveries; returns its id, or NULL if the owner has no such webhook.
DELETE FROM webhooks WHERE id = $2 AND owner_id = $1
RETURNING id;

-- name: delete_webhooks(user_id) :exec
-- Delete the webhooks of a user who leaves.
DELETE FROM webhooks WHERE owner_id = $1;

-- name: renew_secret(webhook_id, secret, old_seconds) :exec
-- Set a new secret; the former one is used for signatures as well for `old_seconds` more.
UPDATE webhooks
SET
    secret = $2,
    old_secret = CASE WHEN $3::float8 > 0 THEN secret END,
    old_until = CASE WHEN $3::float8 > 0 THEN now() + make_interval(secs => $3::float8) END,
    version = version + 1,
    updated_at = now()
WHERE id = $1;

-- name: resume_webhook(webhook_id) :exec
-- Reactivate a webhook, without failures; pending deliveries are sent, too.
UPDATE webhooks
SET
    status = 'active', reason = NULL, failures = 0, failing_since = NULL, rest_until = NULL, due_at = now(),
    version = version + 1, updated_at = now()
WHERE id = $1;

-- name: insert_test(webhook_id, event_id) :value
-- Insert a delivery of the event `webhook.test`, which was just emitted, to be sent at once and before all others; returns its
-- id.
WITH woken AS (
    UPDATE webhooks SET rest_until = NULL, due_at = least(due_at, now()) WHERE id = $1
)
INSERT INTO webhook_deliveries (webhook_id, event_id, event_at, type, next_at)
VALUES ($1, $2, now(), 'webhook.test', '2000-01-01Z')
RETURNING id;

-- name: list_deliveries(webhook_id, status, type, before, most) :many
-- The newest deliveries of a webhook before an id; a NULL filter is ignored.
SELECT i.*
FROM webhook_delivery_items AS i
WHERE i."_webhookId" = $1
    AND i.id < $4
    AND ($2::text IS NULL OR i.status = $2)
    AND ($3::text IS NULL OR i.type = $3)
ORDER BY i.id DESC
LIMIT $5;

-- name: list_failed(webhook_id, type, before, most) :many
-- The newest failed deliveries before an id; a separate statement, because there may be few among very many.
SELECT i.*
FROM webhook_delivery_items AS i
WHERE i."_webhookId" = $1
    AND i.status = 'failed'
    AND i.id < $3
    AND ($2::text IS NULL OR i.type = $2)
ORDER BY i.id DESC
LIMIT $4;

-- name: get_delivery(webhook_id, delivery_id) :one
-- One delivery.
SELECT i.* FROM webhook_delivery_items AS i WHERE i.id = $2 AND i."_webhookId" = $1;

-- name: list_attempts(delivery_id) :many
-- The attempts of a delivery, in order.
SELECT a.n, a.at, a.status, a.ms, a.error, a.response FROM webhook_attempts AS a WHERE a.delivery_id = $1 ORDER BY a.n;

-- name: redeliver(webhook_id, delivery_id) :value
-- Send a delivery again, whatever its outcome, from the first step of the schedule; returns its id. The caller has locked the
-- webhook.
WITH again AS (
    UPDATE webhook_deliveries
    SET status = 'pending', tries = 0, next_at = now(), ended_at = NULL
    WHERE id = $2 AND webhook_id = $1
    RETURNING id, webhook_id
),
woken AS (
    UPDATE webhooks AS w
    SET due_at = least(w.due_at, greatest(now(), w.rest_until))
    FROM again
    WHERE w.id = again.webhook_id
)
SELECT again.id FROM again;

-- name: redeliver_failed(webhook_id, since, until, most) :value
-- Send failed deliveries again that were created in this span, oldest first; returns the number of rows. The caller has locked
-- the webhook.
WITH wanted AS (
    SELECT d.id
    FROM webhook_deliveries AS d
    WHERE d.webhook_id = $1 AND d.status = 'failed' AND d.id >= first_id($2) AND d.id < first_id($3)
    ORDER BY d.id
    LIMIT $4
),
again AS (
    UPDATE webhook_deliveries AS d
    SET status = 'pending', tries = 0, next_at = now(), ended_at = NULL
    FROM wanted
    WHERE d.id = wanted.id
    RETURNING d.id
),
woken AS (
    UPDATE webhooks AS w
    SET due_at = least(w.due_at, greatest(now(), w.rest_until))
    WHERE w.id = $1 AND EXISTS (SELECT FROM again)
)
SELECT count(*) FROM again;

-- name: export_webhooks(user_id) :many
-- A user's webhooks without their secrets, for their export.
SELECT
    w.id, w.scope, w.project_id AS "projectId", w.url, w.types, w.description, w.status, w.reason, w.created_at AS "createdAt",
    w.updated_at AS "updatedAt"
FROM webhooks AS w
WHERE w.owner_id = $1
ORDER BY w.id;
