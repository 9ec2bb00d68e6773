-- Stored answers of POST requests, so that a retry with the same Idempotency-Key repeats nothing.

-- name: claim_key(scope, key, fingerprint) :value
-- True for the first request with a key. A second one waits here until the first has committed.
INSERT INTO idempotency_keys (scope, key, fingerprint)
VALUES ($1, $2, $3)
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING
RETURNING true;

-- name: get_answer(scope, key) :one
-- What the first request with this key was and what it was answered; without a body where what it made is deleted.
SELECT fingerprint, status, body, location
FROM idempotency_keys
WHERE scope = $1 AND key = $2;

-- name: await_commits() :value
-- A commit of its own, behind all that this connection could see. Where commits wait for a standby, it returns once that has them, too:
-- also those of writers who were cut off while they waited, whose rows are seen although they may be on this server alone.
SELECT pg_logical_emit_message(true, 'nexcorp', '') IS NOT NULL;

-- name: store_answer(scope, key, status, body, location, entity_id) :exec
-- Keep the answer; the transaction that did the work commits it too. `entity_id`: what it shows.
UPDATE idempotency_keys
SET status = $3, body = $4, location = $5, entity_id = $6
WHERE scope = $1 AND key = $2;

-- name: renew_answer(scope, entity_id, body) :exec
-- What a stored answer of the caller's own shows has changed: a retry is answered with how it is now.
UPDATE idempotency_keys SET body = $3
WHERE entity_id = $2 AND scope = $1 AND body IS NOT NULL;

-- name: delete_old_keys() :exec
-- A key is kept for 72 hours.
DELETE FROM idempotency_keys
WHERE created_at < now() - interval '72 hours';

-- name: delete_keys_of(user_id) :exec
-- The answers that a person who has left was given, their registration's among them; that is as old as the account.
DELETE FROM idempotency_keys
WHERE scope = $1::uuid::text
    OR (
        created_at = (SELECT u.created_at FROM users AS u WHERE u.id = $1)
        AND location = '/api/v1/users/' || $1
    );

-- name: forget_assignee(user_id) :exec
-- The answers that others were given name a person who has left no more: not as the assignee of a project, nor as the owner
-- or the maker of a lead.
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
