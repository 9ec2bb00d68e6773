-- Stored responses of POST requests, so that a retry with the same Idempotency-Key repeats nothing.

-- name: claim_key(scope, key, fingerprint) :value
-- True for the first request with a key, else NULL. A second request waits here until the first one's transaction ends.
INSERT INTO idempotency_keys (scope, key, fingerprint)
VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING
RETURNING true;

-- name: get_answer(scope, key) :one
-- The fingerprint and the response of the first request with this key; `body` is NULL if the created entity has been deleted.
SELECT fingerprint, status, body, location
FROM idempotency_keys
WHERE scope = $1 AND key = $2;

-- name: await_commits() :value
-- Commit a WAL message after everything that this connection could see. With synchronous replication this returns only when the
-- standby has all of it, including commits of writers that were cancelled while they waited for the standby: their rows are
-- visible although they may exist on this server only.
SELECT pg_logical_emit_message(true, 'nexcorp', '') IS NOT NULL;

-- name: store_answer(scope, key, status, body, location, entity_id) :exec
-- Store the response in the transaction that did the work. `entity_id`: the entity that the response shows.
UPDATE idempotency_keys
SET status = $3, body = $4, location = $5, entity_id = $6
WHERE scope = $1 AND key = $2;

-- name: renew_answer(scope, entity_id, body) :exec
-- Replace the stored response of the caller's own request after the entity has changed, so that a retry gets the current state.
UPDATE idempotency_keys SET body = $3
WHERE entity_id = $2 AND scope = $1 AND body IS NOT NULL;

-- name: delete_old_keys() :exec
-- Delete keys older than 72 hours.
DELETE FROM idempotency_keys
WHERE created_at < now() - interval '72 hours';

-- name: delete_keys_of(user_id) :exec
-- Delete the responses that a user who leaves was given, including that of their registration, which is as old as the account.
DELETE FROM idempotency_keys
WHERE scope = $1::uuid::text
    OR (
        created_at = (SELECT u.created_at FROM users AS u WHERE u.id = $1)
        AND location = '/api/v1/users/' || $1
    );

-- name: forget_assignee(user_id) :exec
-- Remove a user who leaves from responses stored for others, which may show them as a project's assignee or a lead's owner or
-- creator.
UPDATE idempotency_keys AS k
SET body = convert_to((
    b.shown || coalesce((
        SELECT jsonb_object_agg(m.key, NULL)
        FROM jsonb_each(b.shown) AS m
        WHERE m.key IN ('assignee', 'owner', 'createdBy') AND m.value ->> 'id' = $1::uuid::text
    ), '{}')
)::text, 'UTF8')
FROM (
    SELECT i.scope, i.key, convert_from(i.body, 'UTF8')::jsonb AS shown
    FROM idempotency_keys AS i
    WHERE position(convert_to($1::uuid::text, 'UTF8') IN i.body) > 0
    OFFSET 0
) AS b
WHERE k.scope = b.scope AND k.key = b.key AND jsonb_typeof(b.shown) = 'object';
