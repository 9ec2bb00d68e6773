-- API keys, with which programs act for a user.

-- name: use_key(secret_hash) :one
-- The user, role and scopes of a valid key; records the use at most once a minute. No row if the key is revoked or expired, or
-- its user is not active.
WITH found AS (
    SELECT
        k.id AS key_id, k.scopes, k.expires_at, u.id AS user_id, u.role, u.role_version,
        u.email_verified_at IS NOT NULL AS verified
    FROM api_keys AS k
    INNER JOIN users AS u ON u.id = k.user_id
    WHERE k.secret_hash = $1
        AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > now())
        AND u.status = 'active'
),
used AS (
    UPDATE api_keys AS k
    SET last_used_at = now()
    FROM found
    WHERE k.id = found.key_id AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute')
)
SELECT * FROM found;

-- name: list_revoked_keys() :many
-- Keys revoked so recently that a node may still have them in its cache as valid.
SELECT id
FROM api_keys
WHERE revoked_at > now() - interval '16 minutes';

-- name: lock_owner(user_id) :one
-- Lock the owner of a new key; returns their role, its permissions, and whether their address is verified. The lock serialises
-- the creation of keys, so that their limit holds. No row if the account is not active.
SELECT
    u.role,
    u.email_verified_at IS NOT NULL AS verified,
    ARRAY(SELECT p.permission FROM role_permissions AS p WHERE p.role = u.role) AS permissions
FROM users AS u
WHERE u.id = $1 AND u.status = 'active'
FOR NO KEY UPDATE OF u;

-- name: count_keys(user_id) :value
-- The number of a user's keys; expired ones count until they are deleted.
SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL;

-- name: list_codes() :many
-- The codes of all permissions.
SELECT code FROM permissions ORDER BY code;

-- name: insert_key(user_id, name, shown, secret_hash, scopes, expires_at) :one!
-- Insert a key. Only a hash of its secret is stored.
INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING
    id, name, shown, scopes, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt";

-- name: list_keys(user_id) :many
-- A user's keys, newest first. There are only a few, so no pages.
SELECT
    id, name, shown, scopes, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt"
FROM api_keys
WHERE user_id = $1 AND revoked_at IS NULL
ORDER BY id DESC;

-- name: revoke_key(user_id, key_id) :one
-- Revoke a key; no row if the user has no such key.
UPDATE api_keys
SET revoked_at = now()
WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL
RETURNING id, name;

-- name: delete_old_keys() :exec
-- Delete keys that were revoked or expired more than 30 days ago; the audit trail keeps their events.
DELETE FROM api_keys
WHERE revoked_at < now() - interval '30 days' OR expires_at < now() - interval '30 days';

-- name: revoke_every_key(user_id) :many
-- Revoke all API keys of an account.
UPDATE api_keys
SET revoked_at = now()
WHERE user_id = $1 AND revoked_at IS NULL
RETURNING id;

-- name: delete_keys(user_id) :many
-- Delete every API key of a user who leaves.
DELETE FROM api_keys WHERE user_id = $1
RETURNING id;

-- name: export_keys(user_id) :many
-- A user's API keys without their secrets, for their export.
SELECT
    k.id, k.name, k.shown, k.scopes, k.created_at AS "createdAt", k.last_used_at AS "lastUsedAt",
    k.expires_at AS "expiresAt", k.revoked_at AS "revokedAt"
FROM api_keys AS k
WHERE k.user_id = $1
ORDER BY k.id;
