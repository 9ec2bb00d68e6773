-- One-time tokens sent by mail: to verify an address, to reset a password, to change the address, to register.

-- name: insert_token(token_hash, user_id, purpose, email) :exec
-- Insert a token. It expires after 24 hours; for a password reset after one hour, for an invitation after seven days. Earlier
-- tokens stay valid until one is used, because their mails may arrive in any order.
INSERT INTO account_tokens (token_hash, user_id, purpose, email, expires_at)
VALUES (
    $1, $2, $3, $4,
    now() + CASE $3::text
        WHEN 'reset_password' THEN interval '1 hour'
        WHEN 'invitation' THEN interval '7 days'
        ELSE interval '24 hours'
    END
);

-- name: is_good(token_hash, purposes) :value
-- Whether a token can be used; checked before a password is hashed for it.
SELECT EXISTS (
    SELECT 1
    FROM account_tokens
    WHERE token_hash = $1 AND purpose = ANY($2::text[]) AND expires_at > now()
);

-- name: lock_owner(token_hash) :one
-- The active account that a token belongs to. The row lock serialises everything that uses tokens of this account.
SELECT u.id, u.email, u.email_verified_at IS NOT NULL AS verified
FROM users AS u
WHERE u.id = (SELECT t.user_id FROM account_tokens AS t WHERE t.token_hash = $1) AND u.status = 'active'
FOR NO KEY UPDATE;

-- name: use_token(token_hash, purposes) :one
-- Use a token up. If two transactions try at the same time, the second finds no row.
DELETE FROM account_tokens
WHERE token_hash = $1 AND purpose = ANY($2::text[]) AND expires_at > now()
RETURNING user_id, purpose, email;

-- name: delete_tokens(user_id, purposes) :exec
-- Delete all tokens of an account for these purposes.
DELETE FROM account_tokens WHERE user_id = $1 AND purpose = ANY($2::text[]);

-- name: delete_invitation_tokens(email) :exec
-- Delete the tokens that invite an address.
DELETE FROM account_tokens WHERE purpose = 'invitation' AND email = $1;

-- name: forget_invitation_tokens(user_id) :exec
-- Delete the tokens by which a leaving user invited others or was invited. Run it while the user's row still has the address.
DELETE FROM account_tokens
WHERE purpose = 'invitation' AND (user_id = $1 OR email = (SELECT u.email FROM users AS u WHERE u.id = $1));

-- name: delete_old_tokens() :exec
-- Delete the tokens that have expired unused.
DELETE FROM account_tokens WHERE expires_at < now();
