-- The audit trail and the outbox: what happened, and what of it has still to be delivered.

-- name: emit(event_type, actor_id, entity_type, entity_id, payload, context, root) :value
-- One event, in the trail and in the queue, or in neither; see the function (sql/schema/events.sql).
SELECT emit($1, $2, $3, $4, $5, $6, $7);

-- name: emit_all(event_types, actor_id, entity_type, entity_ids, payloads, context, roots) :value
-- As emit, of several entities of a kind, in this order; returns how many.
SELECT count(emit(e.type, $2, $3, e.id, e.payload, $6, e.root))
FROM unnest($1::text[], $4::uuid[], $5::jsonb[], $7::uuid[]) AS e (type, id, payload, root);

-- name: record_all(event_types, actor_id, entity_type, entity_ids, payloads, context) :exec
-- Several events in the trail alone, in this order: others hear of them by one event for all.
INSERT INTO events (type, actor_id, entity_type, entity_id, payload, metadata, correlation_id)
SELECT e.type, $2, $3, e.id, e.payload, $6::jsonb - 'requestId', $6 ->> 'requestId'
FROM unnest($1::text[], $4::uuid[], $5::jsonb[]) AS e (type, id, payload);

-- name: emit_once(event_type, actor_id, entity_type, entity_id, payload, context, root, dedup_key) :value
-- The same, but queued only where nothing with this key waits already.
SELECT emit($1, $2, $3, $4, $5, $6, $7, $8);

-- name: claim_outbox(lanes, most_lanes, most) :many
-- The oldest rows that are due in lanes that no other worker is at, with their events. Each lane is taken by a lock that
-- falls with the transaction, whatever becomes of the worker: two workers share the lanes, and within one events are
-- delivered in their order. SKIP LOCKED: an operator who holds a row holds up that row alone, and the next ones of its
-- entity go on; workers/delivery.py says why that is harmless.
-- LATERAL and LIMIT keep the planner from joining the whole trail: the queue's statistics swing between empty and full.
WITH held AS MATERIALIZED (
    SELECT l.lane
    FROM unnest($1::smallint[]) AS l (lane)
    -- The first row along the index. For EXISTS the planner would read the whole queue of a lane that has nothing in it.
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
-- One row with its event, if no other worker is at its lane and nobody else has it: for finding the one that spoils a
-- batch.
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
-- Delivered: the frames and notifications commit together with this. An id is in one lane alone. Not joined with the pairs
-- of lane and id: planned while the queue is empty, that join reads all of it for each of them when it is long.
DELETE FROM outbox WHERE lane = ANY($1::smallint[]) AND id = ANY($2::bigint[]);

-- name: advance_receivers(lane, row_id, receivers_after) :exec
-- A part of a large audience is written; the row goes on from here.
UPDATE outbox SET receivers_after = $3 WHERE lane = $1 AND id = $2;

-- name: put_off_receivers(lane, row_id, seconds, first_id) :exec
-- Frames are written; receivers are told so many seconds after the event, from the first one on.
UPDATE outbox
SET receivers_after = $4, next_at = event_at + make_interval(secs => $3)
WHERE lane = $1 AND id = $2;

-- name: postpone_outbox(lane, row_id, last_error) :exec
-- Failed: again after 1, 2, 4 ... seconds, at most five minutes.
UPDATE outbox
SET
    attempts = attempts + 1,
    last_error = $3,
    next_at = now() + least(power(2, attempts), 300) * interval '1 second'
WHERE lane = $1 AND id = $2;

-- name: hold_outbox(lane, row_id) :exec
-- What it needs is held by somebody: again after a third of the time that it has waited, one second to thirty, for as long
-- as that takes. An operator who has locked the row itself holds it anyway, and is not waited for.
UPDATE outbox AS o
SET
    last_error = 'waits for a lock',
    next_at = now() + least(greatest((now() - o.created_at) / 3, interval '1 second'), interval '30 seconds')
FROM (SELECT h.lane, h.id FROM outbox AS h WHERE h.lane = $1 AND h.id = $2 FOR UPDATE SKIP LOCKED) AS held
WHERE o.lane = held.lane AND o.id = held.id;

-- name: bury_outbox(lane, row_id, last_error) :exec
-- Failed for the last time: out of the queue, into an operator's sight.
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
-- How much is waiting, for how long the oldest in seconds, and how much is dead.
SELECT depth, age, dead FROM outbox_state;

-- name: count_troubles() :one!
-- What an operator has to see to: rows of the trail in no month's partition (counted up to 10,000), and indexes that were
-- left half made.
SELECT
    (SELECT count(*) FROM (SELECT FROM events_default LIMIT 10000) AS d) AS "defaultRows",
    (
        SELECT count(*)
        FROM pg_index AS i
        INNER JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
    ) AS "invalidIndexes";

-- name: list_failing(most) :many
-- What could not be delivered: dead first, the oldest first; then what failed or waits and is tried again by itself.
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
-- Dead rows back into the queue, all where `ids` is NULL, as if they had just come; returns which. What is queued again by
-- its dedup_key already stays as it is queued.
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
-- Months of the audit trail that have no partition yet, see the function.
SELECT month FROM list_missing_months($1);

-- name: ensure_partition(month) :value
-- Give a month of the audit trail its partition; returns whether it is new.
SELECT ensure_event_partition($1);

-- name: beat(worker_id) :exec
-- Note that a worker runs.
INSERT INTO worker_heartbeats (worker_id)
VALUES ($1)
ON CONFLICT ON CONSTRAINT worker_heartbeats_pkey DO UPDATE SET seen_at = now();

-- name: end_stalled(idle_seconds) :value
-- End the connections of workers that have lanes but have not said or read a word for so long in the middle of a
-- statement; returns how many. idle_in_transaction_session_timeout does not see these: a driver that has a statement
-- prepared and is halted before it runs it is "active", as is one that is halted while it is sent rows.
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
-- A worker says that it stops: the others take its lanes. Its heartbeat is left to age, so that nodes stay ready while the
-- only worker is deployed.
UPDATE worker_heartbeats SET worker_id = 'stopped:' || worker_id WHERE worker_id = $1;

-- name: delete_old_beats() :exec
-- Workers that went without a word.
DELETE FROM worker_heartbeats WHERE seen_at < now() - interval '1 hour';

-- name: count_live_workers() :value
-- Workers seen in the last 15 seconds, stopped since or not.
SELECT count(*) FROM worker_heartbeats WHERE seen_at > now() - interval '15 seconds';

-- name: count_running_workers() :value
-- Those of them that have not said that they stop.
SELECT count(*) FROM worker_heartbeats
WHERE seen_at > now() - interval '15 seconds' AND NOT starts_with(worker_id, 'stopped:');
