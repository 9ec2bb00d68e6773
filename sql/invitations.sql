-- Invitations: addresses that administrators have invited to register. An invitation is open until it is accepted, revoked or
-- expired.

-- name: insert_invitation(email, invited_by) :one!
-- Insert an invitation, open for seven days.
WITH made AS (
    INSERT INTO invitations (email, invited_by) VALUES ($1, $2)
    RETURNING *
)
SELECT
    i.id, i.email, 'pending' AS status, person(u) AS "invitedBy", i.created_at AS "createdAt", i.expires_at AS "expiresAt",
    i.accepted_by AS "userId"
FROM made AS i
INNER JOIN users AS u ON u.id = i.invited_by;

-- name: list_invitations(before, most) :many
-- The newest invitations before an id.
SELECT
    i.id, i.email,
    CASE
        WHEN i.accepted_at IS NOT NULL THEN 'accepted'
        WHEN i.revoked_at IS NOT NULL THEN 'revoked'
        WHEN i.expires_at <= now() THEN 'expired'
        ELSE 'pending'
    END AS status,
    person(u) AS "invitedBy", i.created_at AS "createdAt", i.expires_at AS "expiresAt", i.accepted_by AS "userId"
FROM invitations AS i
INNER JOIN users AS u ON u.id = i.invited_by
WHERE i.id < $1
ORDER BY i.id DESC
LIMIT $2;

-- name: revoke_invitation(invitation_id) :value
-- Revoke an open invitation; returns its address, or NULL if there is no open invitation with this id.
UPDATE invitations
SET revoked_at = now()
WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()
RETURNING email;

-- name: revoke_open(email) :many
-- Revoke the open invitations of an address before a new one is inserted: only the newest counts. Returns their ids.
UPDATE invitations
SET revoked_at = now()
WHERE email = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()
RETURNING id;

-- name: is_invited(email) :value
-- Whether an address has an open invitation.
SELECT EXISTS (
    SELECT 1
    FROM invitations
    WHERE email = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()
);

-- name: accept_invitation(email, user_id) :value
-- Mark the open invitation of an address as accepted by its new account; returns its id, or NULL if none was open.
UPDATE invitations
SET accepted_at = now(), accepted_by = $2
WHERE email = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()
RETURNING id;

-- name: delete_invitations(user_id) :exec
-- Delete the invitations of a user who leaves: those they received and those they sent.
DELETE FROM invitations
WHERE accepted_by = $1 OR invited_by = $1 OR email = (SELECT u.email FROM users AS u WHERE u.id = $1);

-- name: delete_old_invitations() :exec
-- Delete invitations, in whatever state, whose term ended more than 30 days ago.
DELETE FROM invitations WHERE expires_at < now() - interval '30 days';
