-- API keys: programs that act for a person.

-- name: use_key(secret_hash) :one
-- Whom a key stands for, noting at most once a minute that it is in use. No row for one that is over.
WITH used AS (
    UPDATE api_keys
    SET last_used_at = now()
    WHERE secret_hash = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT
    k.id AS key_id, k.scopes, k.expires_at, u.id AS user_id, u.role, u.role_version,
    u.email_verified_at IS NOT NULL AS verified
FROM api_keys AS k
INNER JOIN users AS u ON u.id = k.user_id
WHERE k.secret_hash = $1
    AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now())
    AND u.status = 'active';

-- name: list_revoked_keys() :many
-- Keys that ended while a node may still remember them as good.
SELECT id
FROM api_keys
WHERE revoked_at > now() - interval '16 minutes';

-- name: lock_owner(user_id) :one
-- The owner of a new key, with what their role may do, and whether their address is verified. The lock makes their keys take
-- turns, so that the limit holds. No row for an account that is not active.
SELECT
    u.role,
    u.email_verified_at IS NOT NULL AS verified,
    ARRAY(SELECT p.permission FROM role_permissions AS p WHERE p.role = u.role) AS permissions
FROM users AS u
WHERE u.id = $1 AND u.status = 'active'
FOR NO KEY UPDATE OF u;

-- name: count_keys(user_id) :value
-- How many keys a person has; expired ones count until they are removed.
SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL;

-- name: list_codes() :many
-- Every permission there is.
SELECT code FROM permissions ORDER BY code;

-- name: insert_key(user_id, name, shown, secret_hash, scopes, expires_at) :one!
-- A new key. Its secret is known to its owner alone.
INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING
    id, name, shown, scopes, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt";

-- name: list_keys(user_id) :many
-- A person's keys, the newest first. They are never more than a few.
SELECT
    id, name, shown, scopes, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt"
FROM api_keys
WHERE user_id = $1 AND revoked_at IS NULL
ORDER BY id DESC;

-- name: revoke_key(user_id, key_id) :one
-- End a key; no row where the person has no key with this id.
UPDATE api_keys
SET revoked_at = now()
WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL
RETURNING id, name;

-- name: delete_old_keys() :exec
-- Keys that ended a month ago; the audit trail remembers them.
DELETE FROM api_keys
WHERE revoked_at < now() - interval '30 days' OR expires_at < now() - interval '30 days';

-- name: revoke_every_key(user_id) :many
-- End all API keys of an account.
UPDATE api_keys
SET revoked_at = now()
WHERE user_id = $1 AND revoked_at IS NULL
RETURNING id;

-- name: delete_keys(user_id) :many
-- Every API key of a person who has left.
DELETE FROM api_keys WHERE user_id = $1
RETURNING id;

-- name: export_keys(user_id) :many
-- A person's API keys, without their secrets.
SELECT
    k.id, k.name, k.shown, k.scopes, k.created_at AS "createdAt", k.last_used_at AS "lastUsedAt",
    k.expires_at AS "expiresAt", k.revoked_at AS "revokedAt"
FROM api_keys AS k
WHERE k.user_id = $1
ORDER BY k.id;
