-- Accounts, sessions and tickets. Only this file writes the identity columns of these tables. is_live() defines which sessions
-- are live.

-- name: insert_user(email, username, password_hash, first_name, last_name, role, profile) :one!
-- Insert an account; `profile` holds its optional fields. Violates users_email_key or users_username_key if the address or the
-- username is taken.
INSERT INTO users (
    email, username, password_hash, first_name, last_name, role,
    job_title, department, location, bio, phone, avatar_url
)
VALUES (
    $1, $2, $3, $4, $5, $6,
    $7::jsonb ->> 'jobTitle', $7 ->> 'department', $7 ->> 'location', $7 ->> 'bio', $7 ->> 'phone', $7 ->> 'avatarUrl'
)
RETURNING
    id, email, username, first_name AS "firstName", last_name AS "lastName", avatar_url AS "avatarUrl", role, status,
    email_verified_at IS NOT NULL AS "emailVerified", created_at AS "createdAt", updated_at AS "updatedAt";

-- name: insert_user_if_free(email, username, password_hash, first_name, last_name, role, profile) :one
-- Like insert_user(), but returns no row if the username is taken or reserved, so that the caller can try another one.
INSERT INTO users (
    email, username, password_hash, first_name, last_name, role,
    job_title, department, location, bio, phone, avatar_url
)
SELECT
    $1, $2, $3, $4, $5, $6,
    $7::jsonb ->> 'jobTitle', $7 ->> 'department', $7 ->> 'location', $7 ->> 'bio', $7 ->> 'phone', $7 ->> 'avatarUrl'
WHERE NOT is_username_kept($2, NULL)
ON CONFLICT ON CONSTRAINT users_username_key DO NOTHING
RETURNING
    id, email, username, first_name AS "firstName", last_name AS "lastName", avatar_url AS "avatarUrl", role, status,
    email_verified_at IS NOT NULL AS "emailVerified", created_at AS "createdAt", updated_at AS "updatedAt";

-- name: get_account(user_id) :one
-- One account as its owner sees it, with its number of unread notifications.
SELECT i.*, coalesce(c.unread, 0) AS "_unread"
FROM account_items AS i
LEFT JOIN notification_counters AS c ON c.user_id = i.id
WHERE i.id = $1;

-- name: get_credentials(email) :one
-- The data that a sign-in is checked against, by address.
SELECT id, email, password_hash, status
FROM users
WHERE email = $1;

-- name: get_own_credentials(user_id) :one
-- The data that the password of a signed-in user is checked against.
SELECT id, email, password_hash, status
FROM users
WHERE id = $1 AND status = 'active';

-- name: count_wrong_passwords(user_id, session_id) :value
-- The number of wrong passwords that this session has sent in the last 15 minutes.
SELECT count(*)
FROM events
WHERE
    entity_type = 'user'
    AND entity_id = $1
    AND type = 'user.login_failed'
    AND created_at > now() - interval '15 minutes'
    AND metadata ->> 'sessionId' = $2::uuid::text;

-- name: change_password(user_id, verified_hash, password_hash) :one
-- Replace the password that the caller has verified; no row if it has been changed meanwhile.
UPDATE users
SET password_hash = $3, updated_at = now()
WHERE id = $1 AND password_hash = $2 AND status = 'active'
RETURNING id, email, email_verified_at IS NOT NULL AS verified;

-- name: reset_password(user_id, password_hash) :value
-- Set a new password. The user has received the account's mail, so the address becomes verified. True if it was not verified
-- before.
WITH before AS (
    SELECT id, email_verified_at
    FROM users
    WHERE id = $1
    FOR NO KEY UPDATE
)
UPDATE users AS u
SET password_hash = $2, email_verified_at = coalesce(u.email_verified_at, now()), updated_at = now()
FROM before
WHERE u.id = before.id
RETURNING before.email_verified_at IS NULL;

-- name: verify_email(user_id) :exec
-- Mark the address of an account as verified.
UPDATE users SET email_verified_at = coalesce(email_verified_at, now()), updated_at = now() WHERE id = $1;

-- name: is_verified(user_id) :value
-- Whether the address of an account is verified.
SELECT email_verified_at IS NOT NULL FROM users WHERE id = $1;

-- name: change_email(user_id, email) :exec
-- Set another address, already verified. Violates users_email_key if it is taken.
UPDATE users SET email = $2, email_verified_at = now(), updated_at = now() WHERE id = $1;

-- name: lock_address(user_id) :one
-- The address of an active account, whether it is verified, and whether mail to it bounced. The row lock keeps these unchanged
-- until the transaction ends.
SELECT id, email, email_verified_at IS NOT NULL AS verified, email_bounced_at IS NOT NULL AS bounced
FROM users
WHERE id = $1 AND status = 'active'
FOR NO KEY UPDATE;

-- name: is_email_taken(email) :value
-- Whether an account has this address.
SELECT EXISTS (SELECT 1 FROM users WHERE email = $1);

-- name: lock_account(user_id, password_hash) :one
-- Lock the account that is signing in; no row if its password is no longer the one verified before the transaction. The lock
-- serialises sign-ins, so that the limit on sessions holds.
SELECT
    id, email, username, first_name AS "firstName", last_name AS "lastName", avatar_url AS "avatarUrl", role, status,
    email_verified_at IS NOT NULL AS "emailVerified", created_at AS "createdAt", updated_at AS "updatedAt", role_version AS "_roleVersion"
FROM users
WHERE id = $1 AND password_hash = $2 AND status = 'active'
FOR NO KEY UPDATE;

-- name: lock_account_by_id(user_id) :one
-- Lock the account that an identity opens, or that gets or loses an identity; this serialises its sign-ins and links.
SELECT
    id, email, username, first_name AS "firstName", last_name AS "lastName", role, status,
    created_at AS "createdAt", updated_at AS "updatedAt", role_version AS "_roleVersion",
    password_hash IS NOT NULL AS "_hasPassword", email_verified_at IS NOT NULL AS "_emailVerified"
FROM users
WHERE id = $1
FOR NO KEY UPDATE;

-- name: lock_account_by_email(email) :one
-- Like lock_account_by_id(), by the address that the provider names.
SELECT
    id, email, username, first_name AS "firstName", last_name AS "lastName", role, status,
    created_at AS "createdAt", updated_at AS "updatedAt", role_version AS "_roleVersion",
    password_hash IS NOT NULL AS "_hasPassword", email_verified_at IS NOT NULL AS "_emailVerified"
FROM users
WHERE email = $1
FOR NO KEY UPDATE;

-- name: trust_email(user_id) :exec
-- Mark the address as verified because a provider, or an operator on the command line, vouches for it.
UPDATE users SET email_verified_at = now() WHERE id = $1 AND email_verified_at IS NULL;

-- name: reclaim_account(user_id) :exec
-- Give an account to the owner of its address: somebody else had registered it without verifying the address. Removes the
-- password.
UPDATE users SET password_hash = NULL, email_verified_at = now() WHERE id = $1;

-- name: upgrade_password_hash(user_id, password_hash) :exec
-- Store the same password hashed with the current algorithm; the user changed nothing.
UPDATE users SET password_hash = $2 WHERE id = $1;

-- name: insert_session(user_id, platform, device, ip, user_agent) :one!
-- Insert a session at sign-in; returns the seconds until its refresh token expires, too.
INSERT INTO sessions (user_id, platform, device, ip, user_agent)
VALUES ($1, $2, $3, $4, $5)
RETURNING
    id, platform, refresh_counter,
    extract(epoch FROM session_end(sessions) - now())::integer AS refresh_seconds;

-- name: revoke_surplus_sessions(user_id, kept) :many
-- Revoke the live sessions of an account except the `kept` most recently used ones.
UPDATE sessions
SET revoked_at = now(), revoked_reason = 'limit'
WHERE id IN (
    SELECT id
    FROM sessions
    WHERE user_id = $1 AND is_live(sessions)
    ORDER BY refreshed_at DESC, id DESC
    OFFSET $2
)
RETURNING id;

-- name: rotate_session(session_id, counter, platforms) :one
-- Use up the current refresh token of a live session. If two requests try at the same time, the second waits for the first,
-- finds another counter and gets no row. A token ahead of the counter was issued before the database lost its last writes, by a
-- restored backup or a failover: it counts as the current one.
UPDATE sessions AS s
SET refresh_counter = $2 + 1, refreshed_at = now()
FROM account_items AS i
WHERE s.id = $1
    AND s.refresh_counter <= $2
    AND s.platform = ANY($3::text[])
    AND is_live(s)
    AND i.id = s.user_id
    AND i.status = 'active'
RETURNING
    i.*, s.id AS "_sessionId", s.platform AS "_platform", s.refresh_counter AS "_counter",
    extract(epoch FROM session_end(s) - now())::integer AS "_refreshSeconds";

-- name: lock_session(session_id, platforms) :one
-- Lock a live session whose refresh token was not rotated, so that it does not rotate until the caller has decided.
SELECT
    i.*, s.id AS "_sessionId", s.platform AS "_platform", s.refresh_counter AS "_counter",
    extract(epoch FROM session_end(s) - now())::integer AS "_refreshSeconds"
FROM sessions AS s
INNER JOIN account_items AS i ON i.id = s.user_id
WHERE s.id = $1
    AND s.platform = ANY($2::text[])
    AND is_live(s)
    AND i.status = 'active'
FOR UPDATE OF s;

-- name: revoke_session(user_id, session_id, reason) :one
-- Revoke one session of an account; no row if it is already revoked, or is not the user's.
UPDATE sessions
SET revoked_at = now(), revoked_reason = $3
WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL
RETURNING id, platform, device;

-- name: end_session(session_id, platforms) :value
-- Revoke the session whose refresh token was presented. Returns its user, or NULL if it was already revoked.
UPDATE sessions
SET revoked_at = now(), revoked_reason = 'logout'
WHERE id = $1 AND platform = ANY($2::text[]) AND revoked_at IS NULL
RETURNING user_id;

-- name: revoke_other_sessions(user_id, session_id, reason) :many
-- Revoke all sessions of an account except one; `session_id` NULL revokes all. Includes those too old to refresh, because their
-- access tokens may still be valid; `live` is false for these.
UPDATE sessions
SET revoked_at = now(), revoked_reason = $3
WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL
RETURNING id, session_end(sessions) > now() AS live;

-- name: list_sessions(user_id, session_id) :many
-- The live sessions of an account, the most recently used first; `session_id` is the caller's own.
SELECT
    id, platform, device, ip, user_agent AS "userAgent",
    created_at AS "createdAt", refreshed_at AS "lastUsedAt",
    session_end(sessions) AS "expiresAt",
    id = $2 AS "current"
FROM sessions
WHERE user_id = $1 AND is_live(sessions)
ORDER BY refreshed_at DESC, id DESC;

-- name: prove_session(session_id) :value
-- Note that the owner of a session has just proved their identity. Returns the user, or NULL if the session is revoked.
UPDATE sessions SET proved_at = now()
WHERE id = $1 AND revoked_at IS NULL
RETURNING user_id;

-- name: is_proved(session_id, sign_in_counts) :value
-- Whether the owner of a session proved their identity in the last ten minutes; with `sign_in_counts`, signing in counts as
-- proof. NULL if the session is revoked.
SELECT coalesce(proved_at > now() - interval '10 minutes', false)
    OR ($2 AND created_at > now() - interval '10 minutes')
FROM sessions
WHERE id = $1 AND revoked_at IS NULL;

-- name: list_revoked_sessions() :many
-- Sessions revoked so recently that an access token of theirs may still be valid: these tokens last 15 minutes.
SELECT id
FROM sessions
WHERE revoked_at > now() - interval '16 minutes';

-- name: get_session_principal(session_id) :one
-- The user, role and platform of a live session.
SELECT s.id AS session_id, u.id AS user_id, u.role, u.role_version, s.platform, u.email_verified_at IS NOT NULL AS verified
FROM sessions AS s
INNER JOIN users AS u ON u.id = s.user_id
WHERE s.id = $1
    AND is_live(s)
    AND u.status = 'active';

-- name: insert_ticket(token_hash, session_id, purpose) :one
-- Insert a ticket for a session, valid for 60 seconds; no row if the session is revoked.
INSERT INTO tickets (token_hash, session_id, purpose)
SELECT $1, s.id, $3
FROM sessions AS s
WHERE s.id = $2 AND s.revoked_at IS NULL
RETURNING extract(epoch FROM expires_at - now())::integer AS "expiresIn";

-- name: consume_ticket(token_hash, purpose) :one
-- Delete a ticket and return its user, role and session. If two transactions try at the same time, the second finds no row.
-- `token_hash` is the SHA-256 of the ticket's ASCII text.
DELETE FROM tickets AS t
USING sessions AS s, users AS u
WHERE t.token_hash = $1
    AND t.purpose = $2
    AND t.expires_at > now()
    AND s.id = t.session_id
    AND s.revoked_at IS NULL
    AND s.expires_at > now()
    AND u.id = s.user_id
    AND u.status = 'active'
RETURNING s.id AS session_id, u.id AS user_id, u.role, u.role_version, s.platform, u.email_verified_at IS NOT NULL AS verified;

-- name: get_ticket(token_hash, purpose) :one
-- The user, role and session of a ticket, which stays usable. Conditions as in consume_ticket().
SELECT s.id AS session_id, u.id AS user_id, u.role, u.role_version, s.platform, u.email_verified_at IS NOT NULL AS verified
FROM tickets AS t
INNER JOIN sessions AS s ON s.id = t.session_id
INNER JOIN users AS u ON u.id = s.user_id
WHERE t.token_hash = $1
    AND t.purpose = $2
    AND t.expires_at > now()
    AND s.revoked_at IS NULL
    AND s.expires_at > now()
    AND u.status = 'active';

-- name: delete_old_tickets() :exec
-- Delete the tickets that have expired unused.
DELETE FROM tickets WHERE expires_at < now();

-- name: delete_old_sessions() :exec
-- Delete sessions that were revoked or expired more than 30 days ago; the audit trail keeps their events.
DELETE FROM sessions
WHERE revoked_at < now() - interval '30 days' OR expires_at < now() - interval '30 days';

-- name: delete_sessions(user_id) :many
-- Delete every session of a user who has left, and with it its tickets.
DELETE FROM sessions WHERE user_id = $1
RETURNING id;

-- name: forget_credentials(user_id) :exec
-- Erase the address and password of a user who has left.
UPDATE users
SET email = NULL, password_hash = NULL, email_verified_at = NULL
WHERE id = $1 AND status = 'deleted';

-- name: export_sessions(user_id) :many
-- A user's sessions, for their export.
SELECT
    s.id, s.platform, s.device, s.ip, s.user_agent AS "userAgent", s.created_at AS "createdAt",
    s.refreshed_at AS "lastUsedAt", s.revoked_at AS "endedAt"
FROM sessions AS s
WHERE s.user_id = $1
ORDER BY s.id;
