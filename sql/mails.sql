-- The queue of mails. A row is inserted in the transaction that needs the mail; workers send it.

-- name: take_turn(address) :exec
-- Take the advisory lock of a mailbox, so that the limits below hold. Addresses without an account are locked, too, so that
-- waiting does not reveal whether an account exists.
SELECT pg_advisory_xact_lock(x'6d61696c'::integer, hashtext(lower(regexp_replace($1::text, '\+[^@]*@', '@'))));

-- name: insert_mail(user_id, kind, address, data, spacing, most) :value
-- Insert a mail, unless the account's last mail of this kind went to this address less than `spacing` seconds ago, or its
-- mailbox (the address without a +tag) had `most` mails in the last hour. True if it was inserted, else NULL.
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
-- Claim mails that are due, for two minutes; if the worker dies meanwhile, they are sent again. SKIP LOCKED, because two
-- workers may send during a deployment. Returns the username instead of the full name: a full name may contain anything, for
-- instance a link, and could be sent to a stranger's address given at registration.
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
-- Lock an account with FOR KEY SHARE while its mail is prepared.
SELECT id FROM users WHERE id = $1 FOR KEY SHARE;

-- name: lock_mail(mail_id) :one
-- Lock a claimed mail that is not sent yet; `fits`: whether it still matches its account. A transaction that cancels the mail
-- waits for this lock, and then finds the mail's token.
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
-- Mark a mail as accepted by the mail server.
UPDATE mails SET sent_at = now(), last_error = NULL WHERE id = $1 AND sent_at IS NULL;

-- name: postpone_mail(mail_id, last_error, most_attempts) :value
-- Retry a failed mail after 10, 30, 90 ... seconds, at most 6 hours; after `most_attempts` it is given up. True if it is given
-- up.
UPDATE mails
SET
    attempts = attempts + 1,
    last_error = $2,
    next_at = now() + least(interval '10 seconds' * (3 ^ attempts), interval '6 hours'),
    failed_at = CASE WHEN attempts + 1 >= $3::integer THEN now() END
WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL
RETURNING failed_at IS NOT NULL;

-- name: give_up_mail(mail_id, last_error) :exec
-- Give up a mail that no retry can deliver.
UPDATE mails
SET attempts = attempts + 1, failed_at = now(), last_error = $2
WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL;

-- name: cancel_mails(user_id, kinds) :exec
-- Cancel an account's queued mails of these kinds.
UPDATE mails
SET failed_at = now(), last_error = 'superseded'
WHERE user_id = $1 AND kind = ANY($2::text[]) AND sent_at IS NULL AND failed_at IS NULL;

-- name: delete_old_mails() :exec
-- Delete mails that were sent more than 7 days ago, or given up more than 30 days ago.
DELETE FROM mails
WHERE
    created_at < now() - interval '7 days'
    AND (sent_at < now() - interval '7 days' OR failed_at < now() - interval '30 days');

-- name: delete_mails(user_id) :exec
-- Delete every mail of a user who leaves, sent or not, and those that invited them, because each holds their address. Run it
-- while the user's row still has the address.
DELETE FROM mails
WHERE user_id = $1
    OR (kind = 'invitation' AND address::citext = (SELECT u.email FROM users AS u WHERE u.id = $1));
