-- What is planned to be sent of a notification outside of the service. What is due is claimed and sent by sending.sql.

-- name: plan_deliveries(notification_ids, receiver_ids, frame_seqs, email_due_ats, push_due_ats) :exec
-- Plan a mail, and a push to each of the receiver's devices; NULL: that channel is left out.
INSERT INTO deliveries (notification_id, channel, target, receiver_id, frame_seq, due_at)
SELECT i.notification_id, 'email', '', i.receiver_id, i.frame_seq, i.email_due_at
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
    AS i (notification_id, receiver_id, frame_seq, email_due_at, push_due_at)
WHERE i.email_due_at IS NOT NULL
ON CONFLICT ON CONSTRAINT deliveries_pkey DO NOTHING;

-- name: delete_deliveries(user_id) :exec
-- All that is planned for a person who leaves, or was sent of what they were told. Before their notifications.
WITH planned AS (
    DELETE FROM deliveries WHERE receiver_id = $1 AND state = 'waiting'
)
DELETE FROM deliveries AS d
USING notifications AS n
WHERE n.receiver_id = $1 AND d.notification_id = n.id AND d.state <> 'waiting';
