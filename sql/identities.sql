-- Accounts elsewhere with which people sign in.

-- name: get_identity_owner(provider, subject) :value
-- Whose account an identity opens; nothing where it is new.
SELECT user_id
FROM identities
WHERE provider = $1 AND subject = $2;

-- name: save_identity(provider, subject, user_id, username, name, email, email_verified, avatar_url, tokens) :one
-- A sign-in with an identity: the first one stores the profile, later ones the tokens only. `user_id` is the
-- owner, who may be another than the one given; `first` tells whether the row is new.
INSERT INTO identities (provider, subject, user_id, username, name, email, email_verified, avatar_url, tokens)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (provider, subject) DO UPDATE SET tokens = excluded.tokens, last_used_at = now()
RETURNING user_id, xmax = 0 AS first;

-- name: list_identities(user_id) :many
-- What an account can be opened with beside its password, the oldest first.
SELECT provider, username, email, created_at AS "createdAt", last_used_at AS "lastUsedAt"
FROM identities
WHERE user_id = $1
ORDER BY created_at, provider;

-- name: count_identities(user_id) :value
-- How many identities open an account.
SELECT count(*)
FROM identities
WHERE user_id = $1;

-- name: delete_identity(user_id, provider) :one
-- Unlink a provider; no row where it is not linked.
DELETE FROM identities
WHERE user_id = $1 AND provider = $2
RETURNING provider, username;

-- name: delete_identities(user_id) :many
-- Unlink whatever opens an account.
DELETE FROM identities
WHERE user_id = $1
RETURNING provider, username;

-- name: export_identities(user_id) :many
-- A person's accounts elsewhere.
SELECT
    d.provider, d.subject, d.username, d.name, d.email, d.avatar_url AS "avatarUrl", d.created_at AS "createdAt",
    d.last_used_at AS "lastUsedAt"
FROM identities AS d
WHERE d.user_id = $1
ORDER BY d.provider;
