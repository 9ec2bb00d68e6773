-- Accounts at other providers with which users sign in.

-- name: get_identity_owner(provider, subject) :value
-- The user whose account an identity opens; NULL if the identity is new.
SELECT user_id
FROM identities
WHERE provider = $1 AND subject = $2;

-- name: save_identity(provider, subject, user_id, username, name, email, email_verified, avatar_url, tokens) :one
-- Store a sign-in with an identity: the first one stores the profile, later ones only the tokens. `user_id` is the identity's
-- owner, who may differ from the one given; `first` is true if the row is new.
INSERT INTO identities (provider, subject, user_id, username, name, email, email_verified, avatar_url, tokens)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (provider, subject) DO UPDATE SET tokens = excluded.tokens, last_used_at = now()
RETURNING user_id, xmax = 0 AS first;

-- name: list_identities(user_id) :many
-- The identities that open an account, oldest first.
SELECT provider, username, email, created_at AS "createdAt", last_used_at AS "lastUsedAt"
FROM identities
WHERE user_id = $1
ORDER BY created_at, provider;

-- name: count_identities(user_id) :value
-- The number of identities that open an account.
SELECT count(*)
FROM identities
WHERE user_id = $1;

-- name: delete_identity(user_id, provider) :one
-- Unlink a provider; no row if it is not linked.
DELETE FROM identities
WHERE user_id = $1 AND provider = $2
RETURNING provider, username;

-- name: delete_identities(user_id) :many
-- Unlink all providers of an account.
DELETE FROM identities
WHERE user_id = $1
RETURNING provider, username;

-- name: export_identities(user_id) :many
-- A user's identities, for their export.
SELECT
    d.provider, d.subject, d.username, d.name, d.email, d.avatar_url AS "avatarUrl", d.created_at AS "createdAt",
    d.last_used_at AS "lastUsedAt"
FROM identities AS d
WHERE d.user_id = $1
ORDER BY d.provider;
