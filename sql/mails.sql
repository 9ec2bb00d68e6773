-- The queue of mails. Rows are written in the transaction of what asks for them; workers send them.

-- name: take_turn(address) :exec
-- Mails to one mailbox take turns, so that the limits below hold. The address need not be known: waiting tells nothing.
SELECT pg_advisory_xact_lock(x'6d61696c'::integer, hashtext(lower(regexp_replace($1::text, '\+[^@]*@', '@'))));

-- name: insert_mail(user_id, kind, address, data, spacing, most) :value
-- One mail, unless the account's last of its kind went to this address less than `spacing` seconds ago, or its mailbox,
-- whatever follows a +, had `most` in the last hour. True where it was written.
WITH box AS (
    SELECT lower(regexp_replace($3::text, '\+[^@]*@', '@')) AS name
)
INSERT INTO mails (user_id, kind, address, mailbox, data)
SELECT $1, $2, $3, box.name, $4
FROM box
WHERE NOT EXISTS (
    SELECT 1
    FROM mails
    WHERE created_at > now() - make_interval(secs => $5::integer)
        AND user_id = $1 AND kind = $2 AND lower(address) = lower($3)
)
AND (
    SELECT count(*) FROM mails WHERE created_at > now() - interval '1 hour' AND mailbox = box.name
) < $6::integer
RETURNING true;

-- name: claim_mails(most) :many
-- Mails that are due, taken for two minutes: a worker that dies within them has them sent again. SKIP LOCKED:
-- two workers may send during a deploy. The username, as a full name may hold anything, a link for instance, and
-- whoever registers with somebody else's address has us write to them.
UPDATE mails AS m
SET next_at = now() + interval '2 minutes'
FROM (
    SELECT id
    FROM mails
    WHERE sent_at IS NULL AND failed_at IS NULL AND next_at <= now()
    ORDER BY next_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
) AS due, users AS u
WHERE m.id = due.id AND u.id = m.user_id
RETURNING m.id, m.user_id, m.kind, m.address, m.data, u.username AS name;

-- name: lock_receiver(user_id) :value
-- Keep an account as it is while its mail is made ready.
SELECT id FROM users WHERE id = $1 FOR KEY SHARE;

-- name: lock_mail(mail_id) :one
-- A claimed mail that has still to be sent, and whether it still fits its account. The lock makes what cancels
-- it wait, and then find its token.
SELECT
    u.status = 'active' AND CASE m.kind
        WHEN 'verify_email' THEN u.email = m.address::citext AND (u.email_verified_at IS NULL OR u.email_bounced_at IS NOT NULL)
        WHEN 'reset_password' THEN u.email = m.address::citext
        WHEN 'invitation' THEN EXISTS (
            SELECT 1
            FROM invitations AS i
            WHERE i.email = m.address::citext
                AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()
        )
        ELSE true
    END AS fits
FROM mails AS m
INNER JOIN users AS u ON u.id = m.user_id
WHERE m.id = $1 AND m.sent_at IS NULL AND m.failed_at IS NULL
FOR NO KEY UPDATE OF m;

-- name: mark_sent(mail_id) :exec
-- The mail server has taken it.
UPDATE mails SET sent_at = now(), last_error = NULL WHERE id = $1 AND sent_at IS NULL;

-- name: postpone_mail(mail_id, last_error, most_attempts) :value
-- Failed: again after 10 s, 30 s, 90 s ... at most 6 hours, and given up after so many attempts. True where
-- that was the last one.
UPDATE mails
SET
    attempts = attempts + 1,
    last_error = $2,
    next_at = now() + least(interval '10 seconds' * (3 ^ attempts), interval '6 hours'),
    failed_at = CASE WHEN attempts + 1 >= $3::integer THEN now() END
WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL
RETURNING failed_at IS NOT NULL;

-- name: give_up_mail(mail_id, last_error) :exec
-- Trying again would not help.
UPDATE mails
SET attempts = attempts + 1, failed_at = now(), last_error = $2
WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL;

-- name: cancel_mails(user_id, kinds) :exec
-- What is still queued of these kinds is not to be sent any more.
UPDATE mails
SET failed_at = now(), last_error = 'superseded'
WHERE user_id = $1 AND kind = ANY($2::text[]) AND sent_at IS NULL AND failed_at IS NULL;

-- name: delete_old_mails() :exec
-- Mails that were sent a week ago, or given up a month ago.
DELETE FROM mails
WHERE
    created_at < now() - interval '7 days'
    AND (sent_at < now() - interval '7 days' OR failed_at < now() - interval '30 days');

-- name: delete_mails(user_id) :exec
-- Every mail of a person who has left, sent or not, and those that invited them: each holds their address.
DELETE FROM mails
WHERE user_id = $1
    OR (kind = 'invitation' AND address::citext = (SELECT u.email FROM users AS u WHERE u.id = $1));
