-- Webhooks, as workers write their deliveries and send them. A webhook is a lane: the worker that holds its lease sends what is
-- due. Its row is locked before its deliveries, several rows in id order.

-- name: plan_deliveries(event_ids, event_ats, types, project_ids, receiver_ids, notification_ids) :one!
-- Insert the deliveries for a batch of the outbox, one for each event and webhook. The arrays have one entry for webhooks of
-- the event's project and for those of the whole trail (receiver NULL), and one for each notification of the event. A webhook
-- whose owner has lost the permission is paused. The row lock on the webhook prevents that a lane is released without the rows
-- inserted here.
WITH told AS MATERIALIZED (
    SELECT t.*
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[])
        AS t (event_id, event_at, type, project_id, receiver_id, notification_id)
),
matched AS MATERIALIZED (
    SELECT w.id AS webhook_id, t.event_id, t.event_at, t.type, t.notification_id
    FROM told AS t
    INNER JOIN webhooks AS w ON w.owner_id = t.receiver_id AND w.scope = 'own'
    WHERE wants_type(w.types, t.type)
    UNION ALL
    SELECT w.id, t.event_id, t.event_at, t.type, NULL
    FROM told AS t
    INNER JOIN webhooks AS w ON w.project_id = t.project_id
    WHERE t.receiver_id IS NULL AND wants_type(w.types, t.type)
    UNION ALL
    SELECT w.id, t.event_id, t.event_at, t.type, NULL
    FROM told AS t
    INNER JOIN webhooks AS w ON w.scope = 'all'
    WHERE t.receiver_id IS NULL AND wants_type(w.types, t.type)
),
hooks AS MATERIALIZED (
    SELECT w.id, w.owner_id, w.status, w.due_at, w.rest_until, may_send(w) AS may
    FROM webhooks AS w
    WHERE w.id = ANY(ARRAY(SELECT DISTINCT m.webhook_id FROM matched AS m)) AND w.status <> 'disabled'
    ORDER BY w.id
    FOR NO KEY UPDATE OF w
),
written AS (
    INSERT INTO webhook_deliveries (webhook_id, event_id, event_at, type, notification_id)
    SELECT m.webhook_id, m.event_id, m.event_at, m.type, m.notification_id
    FROM matched AS m
    INNER JOIN hooks AS h ON h.id = m.webhook_id
    WHERE h.may
    ORDER BY m.webhook_id, m.event_id
    ON CONFLICT ON CONSTRAINT webhook_deliveries_event_key DO NOTHING
    RETURNING webhook_id
),
changed AS MATERIALIZED (
    SELECT h.*
    FROM hooks AS h
    WHERE NOT h.may
        OR ((h.due_at > now()) IS NOT false AND EXISTS (SELECT FROM written AS d WHERE d.webhook_id = h.id))
),
-- Uses the locked row: in this statement's snapshot, a lane that was released while this waited for the lock has a NULL or
-- outdated due_at.
woken AS (
    UPDATE webhooks AS w
    SET
        due_at = CASE WHEN h.may THEN least(h.due_at, greatest(now(), h.rest_until)) ELSE h.due_at END,
        status = CASE WHEN h.may OR h.status = 'paused' THEN w.status ELSE 'paused' END,
        reason = CASE WHEN h.may OR h.status = 'paused' THEN w.reason ELSE 'right_lost' END
    FROM changed AS h
    WHERE w.id = h.id
    RETURNING w.id, w.status
)
SELECT
    (SELECT count(*) FROM written)::integer AS written,
    (SELECT count(*) FROM woken WHERE woken.status = 'active')::integer AS woken,
    (
        SELECT count(
            emit(
                'webhook.paused', NULL, 'webhook', h.id, jsonb_build_object('ownerId', h.owner_id, 'reason', 'right_lost'), '{}'
            )
        )
        FROM hooks AS h
        WHERE NOT h.may AND h.status = 'active'
    )::integer AS paused;

-- name: claim_lanes(proven, others, seconds, worker_id, held) :many
-- Lease webhooks that are due and not leased: up to `proven` whose last attempt succeeded, and up to `others` that failed or
-- were never tried, so that the latter do not take places from the former. `held`: the webhooks that this worker is still busy
-- with, even if their lease has expired.
WITH good AS (
    SELECT w.id
    FROM webhooks AS w
    WHERE w.status = 'active'
        AND w.due_at <= now()
        AND w.failures = 0
        AND w.last_ok_at IS NOT NULL
        AND (w.lease_until IS NULL OR w.lease_until < now())
        AND w.id <> ALL($5::uuid[])
    ORDER BY w.due_at
    LIMIT $1
    FOR NO KEY UPDATE SKIP LOCKED
),
doubtful AS (
    SELECT w.id
    FROM webhooks AS w
    WHERE w.status = 'active'
        AND w.due_at <= now()
        AND (w.failures > 0 OR w.last_ok_at IS NULL)
        AND (w.lease_until IS NULL OR w.lease_until < now())
        AND w.id <> ALL($5::uuid[])
    ORDER BY w.due_at
    LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE webhooks AS w
SET lease_until = now() + make_interval(secs => $3), worker_id = $4
FROM (SELECT id, true AS proven FROM good UNION ALL SELECT id, false FROM doubtful) AS c
WHERE w.id = c.id
    -- The array is for a cached generic plan made when the table was empty: it makes that plan use the key. The same below.
    AND w.id = ANY(ARRAY(SELECT good.id FROM good UNION ALL SELECT doubtful.id FROM doubtful))
RETURNING w.id, w.failures, c.proven;

-- name: read_lane(webhook_id, worker_id, after_at, after_id, most) :many
-- The due deliveries of a lane after a position (next_at, id), in order, with the data for rendering a body, and the current
-- URL and secrets in each row. One row without a delivery if nothing is due; no row if the webhook is gone, not active, or
-- leased to another worker.
SELECT
    w.url, w.secret, w.owner_id, w.scope, may_send(w) AS may,
    CASE WHEN w.old_until > now() THEN w.old_secret END AS old_secret,
    d.id, d.event_id, d.type, d.attempts, d.tries, d.next_at, d.notification_id,
    e.actor_id, e.entity_type, e.entity_id, e.payload, coalesce(e.created_at, d.event_at) AS happened_at
FROM webhooks AS w
LEFT JOIN LATERAL (
    SELECT *
    FROM webhook_deliveries AS p
    WHERE p.webhook_id = w.id
        AND p.status = 'pending'
        AND p.next_at <= now()
        AND (p.next_at, p.id) > ($3, $4)
    ORDER BY p.webhook_id, p.next_at, p.id
    LIMIT $5
) AS d ON true
LEFT JOIN LATERAL (
    SELECT * FROM events WHERE events.created_at = d.event_at AND events.id = d.event_id LIMIT 1
) AS e ON true
WHERE w.id = $1 AND w.status = 'active' AND w.worker_id = $2
ORDER BY d.next_at, d.id;

-- name: list_seen(types, ids, viewer_id) :many
-- The entities among these that a user may see now.
SELECT s.type, s.id
FROM unnest($1::text[], $2::uuid[]) AS s (type, id)
WHERE EXISTS (SELECT FROM describe_entity(s.type, s.id, $3));

-- name: record_attempts(ids, begun_ats, statuses, waits, codes, errors, mss, responses) :exec
-- Record the outcomes of attempts, of any lanes, with their log. `begun_ats`: the next_at that each delivery had when its attempt
-- began; `waits`: seconds until the next attempt. A delivery that has ended meanwhile or is gone stays as it is. One that the owner
-- has redelivered meanwhile, which changes its next_at, stays pending: only the log has this attempt.
WITH said AS MATERIALIZED (
    SELECT s.*
    FROM unnest(
        $1::uuid[], $2::timestamptz[], $3::text[], $4::float8[], $5::smallint[], $6::text[], $7::integer[], $8::text[]
    ) AS s (id, begun_at, status, wait, code, error, ms, response)
),
held AS MATERIALIZED (
    SELECT d.id, d.next_at
    FROM webhook_deliveries AS d
    -- Not = 'pending': a cached plan from when no row was pending would read the whole index of pending rows.
    WHERE d.id = ANY($1::uuid[]) AND d.status NOT IN ('delivered', 'failed')
    ORDER BY d.id
    FOR NO KEY UPDATE
),
judged AS MATERIALIZED (
    SELECT s.*, held.next_at = s.begun_at AS counts
    FROM held
    INNER JOIN said AS s ON s.id = held.id
),
ended AS (
    UPDATE webhook_deliveries AS d
    SET
        status = CASE WHEN s.counts THEN s.status ELSE d.status END,
        attempts = d.attempts + 1,
        tries = d.tries + s.counts::integer,
        next_at = CASE WHEN s.counts THEN now() + make_interval(secs => s.wait) ELSE d.next_at END,
        last_status = s.code,
        last_error = s.error,
        last_ms = s.ms,
        ended_at = CASE WHEN s.counts AND s.status <> 'pending' THEN now() END
    FROM judged AS s
    WHERE d.id = s.id AND d.id = ANY($1::uuid[])
    RETURNING d.id, d.attempts, s.code, s.error, s.ms, s.response
)
INSERT INTO webhook_attempts (delivery_id, n, status, ms, error, response)
SELECT e.id, e.attempts, e.code, e.ms, e.error, e.response FROM ended AS e
ON CONFLICT ON CONSTRAINT webhook_attempts_pkey DO NOTHING;

-- name: lock_lanes(ids) :exec
-- Lock lanes before they are released; a separate statement, so that release_lanes sees what others have committed.
SELECT FROM webhooks AS w WHERE w.id = ANY($1::uuid[]) ORDER BY w.id FOR NO KEY UPDATE;

-- name: release_lanes(ids, worker_id, oks, faileds, rests, reasons, most_failing_days) :many
-- Release lanes. `oks`: whether an attempt succeeded; `faileds`: the number of failed attempts after the last success; `rests`:
-- seconds for which the endpoint is left alone; `reasons`: why the webhook is no longer active (gone, right_lost, secret_lost),
-- or NULL. A webhook that has failed for `most_failing_days` is paused. Returns the webhooks that this call makes inactive.
WITH said AS MATERIALIZED (
    SELECT s.*
    FROM unnest($1::uuid[], $3::boolean[], $4::integer[], $5::float8[], $6::text[]) AS s (id, ok, failed, rest, reason)
),
judged AS MATERIALIZED (
    SELECT
        w.id, s.ok, s.failed,
        CASE WHEN s.ok THEN NULL ELSE w.failing_since END AS since,
        CASE WHEN s.rest > 0 THEN now() + make_interval(secs => s.rest) WHEN NOT s.ok THEN w.rest_until END AS rest_until,
        CASE
            WHEN w.status <> 'active' THEN NULL
            WHEN s.reason IS NOT NULL THEN s.reason
            WHEN NOT s.ok AND s.failed > 0 AND w.failing_since < now() - make_interval(days => $7) THEN 'failing'
        END AS reason,
        (
            SELECT min(d.next_at) FROM webhook_deliveries AS d WHERE d.webhook_id = w.id AND d.status = 'pending'
        ) AS next_at
    FROM webhooks AS w
    INNER JOIN said AS s ON s.id = w.id
    WHERE w.id = ANY($1::uuid[]) AND w.worker_id = $2
),
released AS (
    UPDATE webhooks AS w
    SET
        lease_until = NULL,
        worker_id = NULL,
        last_ok_at = CASE WHEN j.ok THEN now() ELSE w.last_ok_at END,
        failures = CASE WHEN j.ok THEN j.failed ELSE w.failures + j.failed END,
        failing_since = CASE WHEN j.failed > 0 THEN coalesce(j.since, now()) ELSE j.since END,
        rest_until = j.rest_until,
        due_at = CASE WHEN j.next_at IS NOT NULL THEN greatest(j.next_at, j.rest_until) END,
        status = CASE WHEN j.reason IS NULL THEN w.status WHEN j.reason = 'gone' THEN 'disabled' ELSE 'paused' END,
        reason = CASE WHEN j.reason IS NULL THEN w.reason ELSE j.reason END
    FROM judged AS j
    WHERE w.id = j.id AND w.id = ANY($1::uuid[])
    RETURNING w.id, w.owner_id, w.status, j.reason AS why
)
SELECT r.id, r.owner_id, r.status, r.why AS reason FROM released AS r WHERE r.why IS NOT NULL;

-- name: reseal_secrets(webhook_id, was, secret, old_secret) :exec
-- Store the same secrets encrypted with the current key, unless they have been renewed since.
UPDATE webhooks SET secret = $3, old_secret = $4 WHERE id = $1 AND secret = $2;

-- name: delete_old_deliveries(most) :value
-- Delete deliveries more than 14 days old, with their attempts; returns the number of rows. Call it until it is 0.
WITH old AS (
    SELECT d.id
    FROM webhook_deliveries AS d
    WHERE d.id < first_id(now() - interval '14 days')
    ORDER BY d.id
    LIMIT $1
    FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM webhook_deliveries AS d WHERE d.id = ANY(ARRAY(SELECT old.id FROM old)) RETURNING d.id
)
SELECT count(*) FROM gone;
