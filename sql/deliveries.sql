-- Notifications sent outside of the service, by mail and push. A delivery is planned with its notification, claimed, sent, and
-- recorded; each step is committed before the next one.

-- name: plan_deliveries(notification_ids, receiver_ids, frame_seqs, email_due_ats, email_waits, push_due_ats, push_waits) :exec
-- Plan a mail, and a push to each of the receiver's browsers; a due time of NULL means not on that channel. The `waits` are the
-- reasons for waiting.
INSERT INTO deliveries (notification_id, channel, target, receiver_id, frame_seq, due_at, reason)
SELECT p.notification_id, p.channel, p.target, p.receiver_id, p.frame_seq, p.due_at, p.reason
FROM (
    SELECT
        i.notification_id, 'email' AS channel, '' AS target, i.receiver_id, i.frame_seq, i.email_due_at AS due_at,
        i.email_wait AS reason
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[])
        AS i (notification_id, receiver_id, frame_seq, email_due_at, email_wait)
    WHERE i.email_due_at IS NOT NULL
    UNION ALL
    SELECT i.notification_id, 'push', b.id::text, i.receiver_id, i.frame_seq, i.push_due_at, i.push_wait
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $6::timestamptz[], $7::text[])
        AS i (notification_id, receiver_id, frame_seq, push_due_at, push_wait)
    CROSS JOIN LATERAL (SELECT o.id FROM push_subscriptions AS o WHERE o.user_id = i.receiver_id OFFSET 0) AS b
    WHERE i.push_due_at IS NOT NULL
) AS p
ORDER BY p.notification_id, p.channel, p.target;

-- name: claim_deliveries(channel, seconds, most, types, criticals, emails) :many
-- Claim deliveries of a channel that are due, for `seconds`; if the worker dies, others can claim them afterwards. `types`,
-- `criticals` and `emails` are the notification types as the features declare them.
-- Every condition is checked anew: a delivery that was read, is gone or would reach nobody is skipped, with the reason; one in
-- the receiver's quiet hours is moved to their end; one for the digest waits for it. More than three for one receiver and
-- target go out in one message. Returns one row for each: with `_bundle` and the data to render if `_reason` is NULL, else with
-- the reason why it is not sent now.
-- A transaction-level advisory lock for each receiver keeps two workers from splitting the receiver's messages.
WITH declared AS MATERIALIZED (
    SELECT g.type, g.critical OR coalesce(t.critical, false) AS critical, g.email
    FROM unnest($4::text[], $5::boolean[], $6::text[]) AS g (type, critical, email)
    LEFT JOIN notification_types AS t ON t.type = g.type
),
first_ones AS MATERIALIZED (
    SELECT receiver_id
    FROM deliveries
    WHERE channel = $1 AND state = 'waiting' AND due_at <= now() AND (claimed_until IS NULL OR claimed_until <= now())
    ORDER BY due_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
),
receivers AS MATERIALIZED (
    SELECT r.receiver_id
    FROM (SELECT DISTINCT receiver_id FROM first_ones) AS r
    WHERE pg_try_advisory_xact_lock(x'73656e64'::integer, hashtext($1 || r.receiver_id))
),
taken AS MATERIALIZED (
    SELECT d.notification_id, d.target, d.receiver_id, d.frame_seq, d.bundle, d.attempts
    FROM receivers AS r
    CROSS JOIN LATERAL (
        SELECT w.*
        FROM deliveries AS w
        -- The concatenation hides the channel from the planner, which would otherwise scan all due rows of the channel for each
        -- receiver.
        WHERE w.receiver_id = r.receiver_id AND w.channel || '' = $1 AND w.due_at <= now() AND w.state = 'waiting'
            AND (w.claimed_until IS NULL OR w.claimed_until <= now())
        ORDER BY w.due_at
        LIMIT 1000
        FOR UPDATE SKIP LOCKED
    ) AS d
),
looked AS MATERIALIZED (
    SELECT
        t.notification_id, t.target, t.receiver_id, t.bundle, t.attempts, coalesce(c.critical, false) AS critical,
        u.email::text AS address, n.why, k.unread, i.line,
        CASE
            WHEN n.id IS NULL THEN 'gone'
            WHEN (i.line)."isRead" THEN 'read'
            WHEN (i.line)."archivedAt" IS NOT NULL THEN 'archived'
            WHEN (i.line)."snoozedUntil" IS NOT NULL THEN 'snoozed'
            WHEN n.entity_id IS NOT NULL AND (i.line)."_entityId" IS NULL THEN 'entity_gone'
            WHEN u.status <> 'active' THEN 'no_address'
            WHEN $1 = 'email' AND (u.email IS NULL OR u.email_verified_at IS NULL) THEN 'no_address'
            WHEN $1 = 'email' AND u.email_bounced_at IS NOT NULL THEN 'bounced'
            WHEN c.critical THEN NULL
            WHEN $1 = 'email' AND p.email = 'off' OR $1 = 'push' AND NOT p.push THEN 'preference'
            WHEN $1 = 'email' AND coalesce(p.email, c.email, 'offline') <> 'always' AND EXISTS (
                SELECT
                FROM sessions AS o
                INNER JOIN room_acks AS a ON a.session_id = o.id AND a.room = 'user:' || t.receiver_id
                WHERE o.user_id = t.receiver_id AND a.seq >= t.frame_seq
            ) THEN 'shown'
        END AS reason,
        CASE WHEN c.critical IS NOT TRUE THEN s.quiet_end END AS quiet_end,
        CASE
            WHEN $1 = 'email' AND s.digest <> 'none' AND c.critical IS NOT TRUE AND t.bundle IS NULL AND t.attempts = 0
                THEN greatest(s.next_digest, now() + interval '1 minute')
        END AS next_digest
    FROM taken AS t
    CROSS JOIN LATERAL (
        SELECT o.status, o.email, o.email_verified_at, o.email_bounced_at FROM users AS o WHERE o.id = t.receiver_id OFFSET 0
    ) AS u
    LEFT JOIN LATERAL (
        SELECT o.id, o.type, o.entity_id, o.why FROM notifications AS o WHERE o.id = t.notification_id OFFSET 0
    ) AS n ON true
    LEFT JOIN LATERAL (SELECT o AS line FROM notification_lines AS o WHERE o.id = t.notification_id OFFSET 0) AS i ON true
    LEFT JOIN declared AS c ON c.type = n.type
    LEFT JOIN LATERAL (
        SELECT o.email, o.push
        FROM notification_preferences AS o
        WHERE o.user_id = t.receiver_id AND o.type = n.type
        OFFSET 0
    ) AS p ON true
    LEFT JOIN LATERAL (
        SELECT
            o.digest, quiet_end(o.timezone, o.quiet_from, o.quiet_to, now()) AS quiet_end,
            coalesce(o.next_digest_at, next_digest(o.timezone, o.digest, o.digest_at, now())) AS next_digest
        FROM notification_settings AS o
        WHERE o.user_id = t.receiver_id
        OFFSET 0
    ) AS s ON true
    LEFT JOIN LATERAL (
        SELECT o.unread FROM notification_counters AS o WHERE o.user_id = t.receiver_id OFFSET 0
    ) AS k ON true
),
judged AS MATERIALIZED (
    SELECT
        l.*,
        CASE WHEN l.reason IS NULL THEN coalesce(l.quiet_end, l.next_digest) END AS held_until,
        l.reason IS NULL AND l.quiet_end IS NULL AND l.next_digest IS NULL AS is_sent,
        l.reason IS NULL AND l.quiet_end IS NULL AND l.next_digest IS NULL
        AND NOT l.critical AND l.bundle IS NULL AND l.attempts = 0 AS is_loose
    FROM looked AS l
),
bundled AS MATERIALIZED (
    SELECT
        j.*,
        CASE
            WHEN j.is_loose AND count(*) FILTER (WHERE j.is_loose) OVER whole > 3
                THEN 'summary.' || min(j.notification_id::text) FILTER (WHERE j.is_loose) OVER whole
            ELSE j.bundle
        END AS message
    FROM judged AS j
    WINDOW whole AS (PARTITION BY j.receiver_id, j.target)
),
changed AS (
    UPDATE deliveries AS d
    SET
        state = CASE WHEN b.reason IS NOT NULL THEN 'skipped' ELSE d.state END,
        reason = CASE
            WHEN b.reason IS NOT NULL THEN b.reason
            WHEN b.quiet_end IS NOT NULL THEN 'quiet_hours'
            WHEN b.next_digest IS NOT NULL THEN 'digest'
        END,
        due_at = coalesce(b.held_until, d.due_at),
        claimed_until = CASE WHEN b.is_sent THEN now() + make_interval(secs => $2) END,
        attempts = d.attempts + b.is_sent::integer,
        bundle = b.message
    FROM bundled AS b
    -- The array is for a cached generic plan made when the table was small: without it, that plan reads the whole channel for
    -- each row.
    WHERE d.notification_id = ANY(ARRAY(SELECT t.notification_id FROM taken AS t))
        AND d.notification_id = b.notification_id AND d.channel = $1 AND d.target = b.target
),
begun AS (
    INSERT INTO delivery_attempts (notification_id, channel, target, outcome)
    SELECT b.notification_id, $1, b.target, 'begun'
    FROM bundled AS b
    WHERE b.is_sent
)
SELECT
    b.notification_id AS "_notificationId", b.target AS "_target", b.message AS "_bundle", b.receiver_id AS "_userId",
    b.address AS "_address", b.why AS "_why", b.critical AS "_critical", coalesce(b.unread, 0) AS "_unread",
    CASE WHEN b.is_sent THEN NULL WHEN b.reason IS NOT NULL THEN b.reason ELSE 'held' END AS "_reason",
    (b.line).*
FROM bundled AS b
ORDER BY b.receiver_id, b.target, b.notification_id DESC;

-- name: record_outcomes(channel, ids, targets, outcomes, reasons, codes, waits, most_attempts) :many
-- Record the outcomes of messages: `sent`, `refused`, `gone` or `failed`. A failed one is tried again after `waits` seconds, or
-- if NULL after 10, 30, 90 ... seconds, at most 6 hours; after `most_attempts` it is given up. `reasons`: why, if this says
-- more than the outcome. Returns the new states; no row for one that is no longer claimed, because another worker has recorded
-- it.
WITH said AS MATERIALIZED (
    SELECT *
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[])
        AS g (id, target, outcome, reason, code, wait)
),
noted AS (
    INSERT INTO delivery_attempts (notification_id, channel, target, outcome, code)
    SELECT g.id, $1, g.target, g.outcome, g.code
    FROM said AS g
    CROSS JOIN LATERAL (
        SELECT FROM deliveries AS d WHERE d.notification_id = g.id AND d.channel = $1 AND d.target = g.target OFFSET 0
    ) AS d
)
UPDATE deliveries AS d
SET
    state = CASE
        WHEN g.outcome = 'sent' THEN 'sent'
        WHEN g.outcome = 'failed' AND d.attempts < $8::integer THEN 'waiting'
        ELSE 'failed'
    END,
    reason = CASE WHEN g.outcome <> 'sent' THEN coalesce(g.reason, g.outcome) END,
    sent_at = CASE WHEN g.outcome = 'sent' THEN now() END,
    due_at = CASE
        WHEN g.outcome = 'failed'
            THEN now() + coalesce(
                make_interval(secs => g.wait), least(interval '10 seconds' * (3 ^ (d.attempts - 1)), interval '6 hours')
            )
        ELSE d.due_at
    END,
    claimed_until = NULL
FROM said AS g
WHERE d.notification_id = ANY($2) AND d.notification_id = g.id AND d.channel = $1 AND d.target = g.target
    AND d.claimed_until IS NOT NULL
RETURNING d.notification_id, d.target, d.state;

-- name: give_back(channel, ids, targets, seconds) :exec
-- Release claimed deliveries that were not sent after all: they are due again in `seconds`, and the attempt does not count.
WITH said AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::text[]) AS g (id, target)
),
undone AS (
    DELETE FROM delivery_attempts AS a
    USING said AS g
    WHERE a.notification_id = ANY($2) AND a.notification_id = g.id AND a.channel = $1 AND a.target = g.target AND a.at = (
        SELECT max(l.at)
        FROM delivery_attempts AS l
        WHERE l.notification_id = g.id AND l.channel = $1 AND l.target = g.target AND l.outcome = 'begun'
    )
)
UPDATE deliveries AS d
SET claimed_until = NULL, attempts = d.attempts - 1, due_at = now() + make_interval(secs => $4::float8)
FROM said AS g
WHERE d.notification_id = ANY($2) AND d.notification_id = g.id AND d.channel = $1 AND d.target = g.target
    AND d.claimed_until IS NOT NULL;

-- name: note_bounce(user_id, address) :exec
-- Note that a mail server refused this address for good, and skip all mails waiting for it. Does nothing if the account has
-- another address by now.
WITH bounced AS (
    UPDATE users SET email_bounced_at = now() WHERE id = $1 AND email = $2::citext
    RETURNING id
)
UPDATE deliveries AS d
SET state = 'skipped', reason = 'bounced', claimed_until = NULL
FROM bounced AS b
WHERE d.receiver_id = b.id AND d.channel = 'email' AND d.state = 'waiting'
    AND (d.claimed_until IS NULL OR d.claimed_until <= now());

-- name: make_digests(most, types, criticals) :value
-- Make the digests that are due: bundle the mails that wait for each receiver, once for each period. In quiet hours the digest
-- moves to their end. Returns the number of users considered; call it until it is 0.
WITH declared AS MATERIALIZED (
    SELECT g.type, g.critical OR coalesce(t.critical, false) AS critical
    FROM unnest($2::text[], $3::boolean[]) AS g (type, critical)
    LEFT JOIN notification_types AS t ON t.type = g.type
),
due AS MATERIALIZED (
    SELECT
        s.user_id, s.digest AS kind, digest_period(s.timezone, s.digest, now()) AS period,
        quiet_end(s.timezone, s.quiet_from, s.quiet_to, now()) AS quiet_end,
        next_digest(s.timezone, s.digest, s.digest_at, now()) AS next_one
    FROM notification_settings AS s
    WHERE s.next_digest_at <= now()
    ORDER BY s.next_digest_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
),
waiting AS MATERIALIZED (
    SELECT u.user_id, w.notification_id, w.target
    FROM due AS u
    CROSS JOIN LATERAL (
        SELECT d.notification_id, d.target
        FROM (
            -- The concatenation hides the channel from the planner, and ORDER BY is outside of OFFSET 0: otherwise the planner
            -- would scan the whole channel for each receiver.
            SELECT o.notification_id, o.target
            FROM deliveries AS o
            WHERE o.receiver_id = u.user_id AND o.channel || '' = 'email' AND o.state = 'waiting' AND o.bundle IS NULL
                AND o.attempts = 0
            OFFSET 0
            FOR UPDATE SKIP LOCKED
        ) AS d
        INNER JOIN notifications AS n ON n.id = d.notification_id
        LEFT JOIN declared AS c ON c.type = n.type
        WHERE c.critical IS NOT TRUE AND n.is_unread
        ORDER BY d.notification_id DESC
        LIMIT 1000
    ) AS w
    WHERE u.quiet_end IS NULL AND u.kind <> 'none'
),
made AS (
    INSERT INTO digests (user_id, kind, period)
    SELECT u.user_id, u.kind, u.period
    FROM due AS u
    WHERE u.user_id IN (SELECT w.user_id FROM waiting AS w)
    ON CONFLICT ON CONSTRAINT digests_pkey DO NOTHING
    RETURNING user_id, kind, period
),
bundled AS (
    UPDATE deliveries AS d
    SET bundle = m.kind || '.' || m.user_id || '.' || m.period, due_at = now(), reason = NULL
    FROM waiting AS w
    INNER JOIN made AS m ON m.user_id = w.user_id
    WHERE d.notification_id = ANY(ARRAY(SELECT w.notification_id FROM waiting AS w))
        AND d.notification_id = w.notification_id AND d.channel = 'email' AND d.target = w.target
),
moved AS (
    UPDATE notification_settings AS s
    SET next_digest_at = coalesce(u.quiet_end, u.next_one)
    FROM due AS u
    WHERE s.user_id = u.user_id
)
SELECT count(*)::integer FROM due;

-- name: delete_deliveries(user_id) :exec
-- Delete the planned and the finished deliveries and the digests of a user who leaves. Run it before their notifications are
-- deleted.
WITH planned AS (
    DELETE FROM deliveries WHERE receiver_id = $1 AND state = 'waiting'
),
made AS (
    DELETE FROM digests WHERE user_id = $1
)
DELETE FROM deliveries AS d
USING (
    SELECT id FROM notifications WHERE receiver_id = $1
    UNION ALL
    SELECT id FROM notifications_archive WHERE receiver_id = $1
) AS n
WHERE d.notification_id = n.id AND d.state <> 'waiting';

-- name: delete_old_deliveries(most) :value
-- Delete deliveries, with their attempts, that were created more than 40 days ago; returns the number of rows. Call it until it
-- is less than `most`.
WITH gone AS (
    DELETE FROM deliveries
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM deliveries WHERE created_at < now() - interval '40 days' ORDER BY created_at LIMIT $1))
        AND created_at < now() - interval '40 days'
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: delete_old_digests(most) :value
-- Delete digests made more than 30 days ago; returns the number of rows. Call it until it is less than `most`.
WITH gone AS (
    DELETE FROM digests
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM digests WHERE created_at < now() - interval '30 days' ORDER BY created_at LIMIT $1))
        AND created_at < now() - interval '30 days'
    RETURNING 1
)
SELECT count(*) FROM gone;
