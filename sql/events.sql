-- The audit trail and the outbox: what happened, and what of it has still to be delivered.

-- name: record_event(event_type, actor_id, entity_type, entity_id, payload, metadata, correlation_id, dedup_key) :exec
-- One event, in the trail and in the queue, or in neither.
WITH recorded AS (
    INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata, correlation_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id, created_at
)
INSERT INTO outbox (event_id, event_at, dedup_key)
SELECT id, created_at, $8
FROM recorded
ON CONFLICT ON CONSTRAINT outbox_dedup_key_key DO NOTHING;

-- name: take_turn() :exec
-- Workers deliver one batch at a time, in the order of the outbox: two at once would show a counter's
-- newer value before its older one. The lock falls with the transaction, whatever becomes of the worker.
SELECT pg_advisory_xact_lock(x'6e6578'::integer, x'6f7574'::integer);

-- name: claim_outbox(most) :many
-- The oldest rows that are due. SKIP LOCKED: an operator who holds a row holds up that row alone.
SELECT id, event_id, event_at, attempts, receivers_after
FROM outbox
WHERE next_at <= now()
ORDER BY id
LIMIT $1
FOR UPDATE SKIP LOCKED;

-- name: claim_outbox_row(row_id) :many
-- One row by its id, if nobody else has it: for finding the one that spoils a batch.
SELECT id, event_id, event_at, attempts, receivers_after
FROM outbox
WHERE id = $1
FOR UPDATE SKIP LOCKED;

-- name: list_events_by_key(event_ids, event_ats) :many
-- The events of claimed rows. A statement of its own: the queue's statistics swing between empty and
-- full, and a join planned on the wrong ones would scan the trail. created_at finds the partition.
SELECT e.id, e.type, e.actor_id, e.entity_type, e.entity_id, e.payload, e.created_at
FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (id, created_at)
CROSS JOIN LATERAL (
    SELECT *
    FROM events
    WHERE events.id = wanted.id AND events.created_at = wanted.created_at
    LIMIT 1
) AS e;

-- name: delete_outbox(row_ids) :exec
-- Delivered: the frames and notifications commit together with this.
DELETE FROM outbox WHERE id = ANY($1::bigint[]);

-- name: advance_receivers(row_id, receivers_after) :exec
-- A part of a large audience is written; the row goes on from here.
UPDATE outbox SET receivers_after = $2 WHERE id = $1;

-- name: postpone_outbox(row_id, last_error) :exec
-- Failed: again after 1, 2, 4 ... seconds, at most five minutes.
UPDATE outbox
SET
    attempts = attempts + 1,
    last_error = $2,
    next_at = now() + least(power(2, attempts), 300) * interval '1 second'
WHERE id = $1;

-- name: bury_outbox(row_id, last_error) :exec
-- Failed for the last time: out of the queue, into an operator's sight.
WITH buried AS (
    DELETE FROM outbox
    WHERE id = $1
    RETURNING id, event_id, event_at, dedup_key, receivers_after, attempts, created_at
)
INSERT INTO outbox_dead (id, event_id, event_at, dedup_key, receivers_after, attempts, last_error, created_at)
SELECT id, event_id, event_at, dedup_key, receivers_after, attempts + 1, $2, created_at
FROM buried;

-- name: get_outbox_depth() :one!
-- How much is waiting, how old the oldest is in seconds, and how much is dead.
SELECT
    (SELECT count(*) FROM outbox) AS depth,
    (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox) AS age,
    (SELECT count(*) FROM outbox_dead) AS dead;

-- name: ensure_partitions(months_ahead) :value
-- Partitions of the audit trail for this month and so many more; returns how many were new.
SELECT ensure_event_partitions($1);

-- name: beat(worker_id) :exec
-- A worker says that it runs.
INSERT INTO worker_heartbeats (worker_id)
VALUES ($1)
ON CONFLICT ON CONSTRAINT worker_heartbeats_pkey DO UPDATE SET seen_at = now();

-- name: end_beat(worker_id) :exec
-- A worker says that it stops.
DELETE FROM worker_heartbeats WHERE worker_id = $1;

-- name: delete_old_beats() :exec
-- Workers that went without a word.
DELETE FROM worker_heartbeats WHERE seen_at < now() - interval '1 hour';

-- name: count_live_workers() :value
-- Workers seen in the last 15 seconds.
SELECT count(*) FROM worker_heartbeats WHERE seen_at > now() - interval '15 seconds';
