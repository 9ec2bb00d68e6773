-- The audit trail and the outbox, the queue of events still to be delivered.

-- name: emit(event_type, actor_id, entity_type, entity_id, payload, context, root) :value
-- Emit one event, into the trail and the queue; see emit() in sql/schema/events.sql.
SELECT emit($1, $2, $3, $4, $5, $6, $7);

-- name: emit_all(event_types, actor_id, entity_type, entity_ids, payloads, context, roots) :value
-- Like emit, for several entities of one type, in array order; returns the number of events.
SELECT count(emit(e.type, $2, $3, e.id, e.payload, $6, e.root))
FROM unnest($1::text[], $4::uuid[], $5::jsonb[], $7::uuid[]) AS e (type, id, payload, root);

-- name: record_all(event_types, actor_id, entity_type, entity_ids, payloads, context) :exec
-- Insert several events into the trail only, in array order; subscribers are notified by a single event for all of them.
INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata, correlation_id)
SELECT e.type, $2, $3, e.id, e.payload, $6::jsonb - 'requestId', $6 ->> 'requestId'
FROM unnest($1::text[], $4::uuid[], $5::jsonb[]) AS e (type, id, payload);

-- name: emit_once(event_type, actor_id, entity_type, entity_id, payload, context, root, dedup_key) :value
-- Like emit, but queued only if no event with this key is in the queue.
SELECT emit($1, $2, $3, $4, $5, $6, $7, $8);

-- name: claim_outbox(lanes, most_lanes, most) :many
-- Claim the oldest due rows, with their events, in lanes that no other worker holds. A transaction-level advisory lock takes
-- each lane, so that it is released even if the worker dies: workers share the lanes, and the events of one lane are delivered
-- in order. SKIP LOCKED: a row locked by an operator delays only itself, and later events of its entity go ahead of it;
-- workers/delivery.py says why that is harmless.
-- LATERAL and LIMIT keep the planner from joining the whole trail: the queue's statistics swing between empty and full.
WITH held AS MATERIALIZED (
    SELECT l.lane
    FROM unnest($1::smallint[]) AS l (lane)
    -- A scalar subquery reads one row of the index. For EXISTS the planner would read the whole queue if the lane is empty.
    WHERE CASE
        WHEN (SELECT true FROM outbox AS o WHERE o.lane = l.lane AND o.next_at <= now() ORDER BY o.id LIMIT 1)
            THEN pg_try_advisory_xact_lock(x'6e6578'::integer, l.lane::integer)
        ELSE false
    END
    LIMIT $2
),
due AS MATERIALIZED (
    SELECT o.lane, o.id, o.event_id, o.event_at, o.attempts, o.receivers_after
    FROM held
    CROSS JOIN LATERAL (
        SELECT *
        FROM outbox
        WHERE outbox.lane = held.lane AND outbox.next_at <= now()
        ORDER BY outbox.id
        LIMIT greatest($3 / (SELECT count(*) FROM held), 1)
        FOR UPDATE SKIP LOCKED
    ) AS o
)
SELECT
    d.lane, d.id AS outbox_id, d.attempts, d.receivers_after,
    e.id, e.type, e.actor_id, e.entity_type, e.entity_id, e.payload, e.created_at,
    e.metadata ->> 'traceparent' AS traceparent
FROM due AS d
LEFT JOIN LATERAL (
    SELECT *
    FROM events
    WHERE events.created_at = d.event_at AND events.id = d.event_id
    LIMIT 1
) AS e ON true
ORDER BY d.id;

-- name: claim_outbox_row(lane, row_id) :many
-- One row with its event, if no other worker holds its lane and the row is not locked. Used to find the row that makes a batch
-- fail.
SELECT
    o.lane, o.id AS outbox_id, o.attempts, o.receivers_after,
    e.id, e.type, e.actor_id, e.entity_type, e.entity_id, e.payload, e.created_at,
    e.metadata ->> 'traceparent' AS traceparent
FROM (
    SELECT *
    FROM outbox
    WHERE outbox.lane = $1 AND outbox.id = $2 AND pg_try_advisory_xact_lock(x'6e6578'::integer, $1::integer)
    FOR UPDATE SKIP LOCKED
) AS o
LEFT JOIN LATERAL (
    SELECT *
    FROM events
    WHERE events.created_at = o.event_at AND events.id = o.event_id
    LIMIT 1
) AS e ON true;

-- name: delete_outbox(lanes, row_ids) :exec
-- Delete delivered rows, in the transaction that writes their frames and notifications. An id occurs in one lane only. Not
-- joined with pairs of (lane, id): a plan made while the queue was empty would read the whole queue for each pair.
DELETE FROM outbox WHERE lane = ANY($1::smallint[]) AND id = ANY($2::bigint[]);

-- name: advance_receivers(lane, row_id, receivers_after) :exec
-- Note that part of a large audience has been handled; the row continues after this receiver.
UPDATE outbox SET receivers_after = $3 WHERE lane = $1 AND id = $2;

-- name: put_off_receivers(lane, row_id, seconds, first_id) :exec
-- Note that the frames are written; the receivers after this id are notified `seconds` after the event.
UPDATE outbox
SET receivers_after = $4, next_at = event_at + make_interval(secs => $3)
WHERE lane = $1 AND id = $2;

-- name: postpone_outbox(lane, row_id, last_error) :exec
-- Retry a failed row after 1, 2, 4 ... seconds, at most five minutes.
UPDATE outbox
SET
    attempts = attempts + 1,
    last_error = $3,
    next_at = now() + least(power(2, attempts), 300) * interval '1 second'
WHERE lane = $1 AND id = $2;

-- name: hold_outbox(lane, row_id) :exec
-- Retry a row that needs something locked elsewhere, as often as necessary and without counting an attempt: after a third of
-- the time it has waited, at least 1 and at most 30 seconds. If the row itself is locked, nothing happens, and the statement
-- does not wait.
UPDATE outbox AS o
SET
    last_error = 'waits for a lock',
    next_at = now() + least(greatest((now() - o.created_at) / 3, interval '1 second'), interval '30 seconds')
FROM (SELECT h.lane, h.id FROM outbox AS h WHERE h.lane = $1 AND h.id = $2 FOR UPDATE SKIP LOCKED) AS held
WHERE o.lane = held.lane AND o.id = held.id;

-- name: bury_outbox(lane, row_id, last_error) :exec
-- Move a row that has failed for the last time to outbox_dead, where an operator sees it.
WITH buried AS (
    DELETE FROM outbox
    WHERE lane = $1 AND id = $2
    RETURNING id, lane, event_id, event_at, dedup_key, receivers_after, attempts, created_at
)
INSERT INTO outbox_dead (
    id, lane, event_id, event_at, dedup_key, receivers_after, attempts, last_error, created_at
)
SELECT id, lane, event_id, event_at, dedup_key, receivers_after, attempts + 1, $3, created_at
FROM buried;

-- name: get_outbox_depth() :one!
-- The number of waiting rows, the age of the oldest in seconds, and the number of dead rows.
SELECT depth, age, dead FROM outbox_state;

-- name: count_troubles() :one!
-- Problems that an operator must fix: rows of the trail outside of any month's partition (counted up to 10,000), and invalid
-- indexes, left by an interrupted build.
SELECT
    (SELECT count(*) FROM (SELECT FROM events_default LIMIT 10000) AS d) AS "defaultRows",
    (
        SELECT count(*)
        FROM pg_index AS i
        INNER JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
    ) AS "invalidIndexes";

-- name: list_failing(most) :many
-- Events that could not be delivered: dead ones first, by id; then those in the queue that failed or wait for a lock and are
-- retried automatically.
SELECT f.id, f.dead, e.type, f.attempts, f.last_error AS "lastError", f.created_at AS "createdAt", f.next_at AS "nextAt"
FROM (
    SELECT id, event_id, event_at, attempts, last_error, created_at, true AS dead, NULL::timestamptz AS next_at
    FROM outbox_dead
    UNION ALL
    SELECT id, event_id, event_at, attempts, last_error, created_at, false, next_at
    FROM outbox
    WHERE last_error IS NOT NULL
) AS f
LEFT JOIN events AS e ON e.created_at = f.event_at AND e.id = f.event_id
ORDER BY f.dead DESC, f.id
LIMIT $1;

-- name: revive_dead(ids) :many
-- Move dead rows back into the queue, all of them if `ids` is NULL, with no failed attempts; returns their ids. A row whose
-- dedup_key is in the queue already is dropped.
WITH revived AS (
    DELETE FROM outbox_dead
    WHERE $1::bigint[] IS NULL OR id = ANY($1)
    RETURNING id, lane, event_id, event_at, dedup_key, receivers_after, created_at
),
queued AS (
    INSERT INTO outbox (lane, event_id, event_at, dedup_key, receivers_after, created_at)
    SELECT lane, event_id, event_at, dedup_key, receivers_after, created_at
    FROM revived
    ORDER BY id
    ON CONFLICT (dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING
)
SELECT id FROM revived ORDER BY id;

-- name: list_missing_months(months_ahead) :many
-- The months of the audit trail that still need a partition; see the function.
SELECT month FROM list_missing_months($1);

-- name: ensure_partition(month) :value
-- Create the partition of a month of the audit trail; returns whether it is new.
SELECT ensure_event_partition($1);

-- name: beat(worker_id) :exec
-- Record that a worker is alive.
INSERT INTO worker_heartbeats (worker_id)
VALUES ($1)
ON CONFLICT ON CONSTRAINT worker_heartbeats_pkey DO UPDATE SET seen_at = now();

-- name: end_stalled(idle_seconds) :value
-- Terminate the connections of workers that hold lanes but have waited for their client for more than `idle_seconds` in the
-- middle of a statement; returns their number. idle_in_transaction_session_timeout does not cover these: a connection is
-- "active" if its client stopped between Parse and Execute, or while rows are sent to it.
SELECT count(pg_terminate_backend(a.pid))
FROM pg_stat_activity AS a
WHERE a.datname = current_database()
    AND a.usename = current_user
    AND a.state = 'active'
    AND a.wait_event IN ('ClientRead', 'ClientWrite')
    AND a.state_change < now() - make_interval(secs => $1)
    AND EXISTS (
        SELECT
        FROM pg_locks AS l
        WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.classid = x'6e6578'::integer::oid AND l.objsubid = 2
    );

-- name: end_beat(worker_id) :exec
-- Record that a worker is stopping, so that others take its lanes. The heartbeat is left to expire, so that web nodes stay
-- ready while the only worker is replaced.
UPDATE worker_heartbeats SET worker_id = 'stopped:' || worker_id WHERE worker_id = $1;

-- name: delete_old_beats() :exec
-- Delete the heartbeats of workers last seen more than an hour ago.
DELETE FROM worker_heartbeats WHERE seen_at < now() - interval '1 hour';

-- name: count_live_workers() :value
-- The number of workers seen in the last 15 seconds, including those that have stopped since.
SELECT count(*) FROM worker_heartbeats WHERE seen_at > now() - interval '15 seconds';

-- name: count_running_workers() :value
-- The number of workers seen in the last 15 seconds that have not stopped.
SELECT count(*) FROM worker_heartbeats
WHERE seen_at > now() - interval '15 seconds' AND NOT starts_with(worker_id, 'stopped:');
