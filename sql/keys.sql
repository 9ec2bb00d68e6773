-- API keys: programs that act for a person.

-- name: use_key(secret_hash) :one
-- Whom a key stands for, noting at most once a minute that it is in use. No row for one that is over.
WITH used AS (
    UPDATE api_keys
    SET last_used_at = now()
    WHERE secret_hash = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT k.id AS key_id, k.scopes, k.expires_at, u.id AS user_id, u.role, u.role_version
FROM api_keys AS k
INNER JOIN users AS u ON u.id = k.user_id
WHERE k.secret_hash = $1
    AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now())
    AND u.status = 'active'

-- name: list_revoked_keys() :many
-- Keys that ended while a node may still remember them as good.
SELECT id
FROM api_keys
WHERE revoked_at > now() - interval '16 minutes'

-- name: end_keys(user_id) :many
-- Ends every API key of an account.
UPDATE api_keys
SET revoked_at = now()
WHERE user_id = $1 AND revoked_at IS NULL
RETURNING id

-- name: delete_keys(user_id) :many
-- Every API key of somebody who has left.
DELETE FROM api_keys WHERE user_id = $1
RETURNING id
