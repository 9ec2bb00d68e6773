-- What is planned to be sent of notifications outside of the service. sending.sql claims, sends and deletes it.

-- name: plan_deliveries(notification_ids, receiver_ids, frame_seqs, email_due_ats, email_waits, push_due_ats, push_waits) :exec
-- Plan a mail, and a push to each of the receiver's browsers; due NULL: not on that channel. `waits`: what they wait for.
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
