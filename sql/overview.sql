-- Measurements of the processes, for the administrators' overview.

-- name: add_sample(node_id, kind, requests, errors, p50, p99, sockets, notified, delivered, queued, pool_size, pool_busy) :value
-- Insert a process's measurements for the current slot of ten seconds, by the database's clock; the first process in a slot
-- also measures the outbox. Returns the seconds until the middle of the next slot, when the next sample is due.
WITH slot AS (
    SELECT date_bin('10 seconds', now(), timestamptz 'epoch') AS at
),
added AS (
    INSERT INTO node_samples (
        at, node_id, kind, requests, errors, p50, p99, sockets, notified, delivered, queued, pool_size, pool_busy,
        outbox_depth, outbox_age, outbox_dead
    )
    SELECT
        s.at, $1, $2, $3::float8, $4::float8, $5::float8, $6::float8, $7, $8::float8, $9::float8, $10, $11, $12,
        o.depth, o.age, o.dead
    FROM slot AS s
    LEFT JOIN (
        SELECT depth, age, dead
        FROM outbox_state
        WHERE NOT EXISTS (
            SELECT FROM node_samples AS n
            WHERE n.at = date_bin('10 seconds', now(), timestamptz 'epoch') AND n.outbox_depth IS NOT NULL
        )
    ) AS o ON true
    ON CONFLICT ON CONSTRAINT node_samples_pkey DO NOTHING
)
SELECT extract(epoch FROM s.at + interval '15 seconds' - now())::float8 FROM slot AS s;

-- name: list_points(step, steps) :many
-- The last `steps` steps of `step` seconds each, newest first; NULL for values that no process measured. Rates are sums over
-- processes, averaged over a step; p50 is weighted by requests; p99, sockets, queues and the pool are maxima, numbers of
-- processes minima.
WITH slots AS (
    SELECT
        s.at, sum(s.requests) AS requests, sum(s.errors) AS errors, sum(s.p50 * s.requests) AS weighted, max(s.p99) AS p99,
        sum(s.sockets) AS sockets, sum(s.notified) AS notified, sum(s.delivered) AS delivered, max(s.queued) AS queued,
        sum(s.pool_size) AS pool_size, sum(s.pool_busy) AS pool_busy, max(s.outbox_depth) AS depth,
        max(s.outbox_age) AS age, max(s.outbox_dead) AS dead, count(*) FILTER (WHERE s.kind = 'web') AS web,
        count(*) FILTER (WHERE s.kind = 'worker') AS workers
    FROM node_samples AS s
    WHERE s.at >= date_bin(make_interval(secs => $1::float8), now(), timestamptz 'epoch')
        - make_interval(secs => $1::float8 * $2::float8)
        AND s.at < date_bin('10 seconds', now(), timestamptz 'epoch')
    GROUP BY s.at
)
SELECT
    g.at, avg(s.requests)::float8 AS "requestsPerSecond", avg(s.errors)::float8 AS "errorsPerSecond",
    (sum(s.weighted) / nullif(sum(s.requests), 0))::float8 AS "latencyP50", max(s.p99)::float8 AS "latencyP99",
    max(s.sockets) AS sockets, avg(s.notified)::float8 AS "notificationsPerSecond",
    avg(s.delivered)::float8 AS "deliveredPerSecond", max(s.queued) AS "queueDepth", max(s.pool_size) AS "poolSize",
    max(s.pool_busy) AS "poolBusy", max(s.depth) AS "outboxDepth", max(s.age)::float8 AS "outboxAge",
    max(s.dead) AS "deadLetters", min(s.web) AS "webNodes", min(s.workers) AS workers
FROM generate_series(
    date_bin(make_interval(secs => $1::float8), now(), timestamptz 'epoch') - make_interval(secs => $1::float8 * $2::float8),
    date_bin(make_interval(secs => $1::float8), now() - interval '10 seconds', timestamptz 'epoch'),
    make_interval(secs => $1::float8)
) AS g (at)
LEFT JOIN slots AS s ON date_bin(make_interval(secs => $1::float8), s.at, timestamptz 'epoch') = g.at
GROUP BY g.at
ORDER BY g.at DESC
LIMIT $2::integer;

-- name: list_nodes() :many
-- The running processes, each with its latest measurements.
SELECT DISTINCT ON (s.node_id)
    s.node_id AS id, s.kind, s.at, s.requests::float8 AS "requestsPerSecond", s.errors::float8 AS "errorsPerSecond",
    s.p50::float8 AS "latencyP50", s.p99::float8 AS "latencyP99", s.sockets,
    s.notified::float8 AS "notificationsPerSecond", s.delivered::float8 AS "deliveredPerSecond",
    s.pool_size AS "poolSize", s.pool_busy AS "poolBusy"
FROM node_samples AS s
WHERE s.at > now() - interval '25 seconds'
ORDER BY s.node_id, s.at DESC;

-- name: count_users() :value
-- The number of active users; above 100,000 rows PostgreSQL's estimate of all accounts instead.
SELECT
    CASE
        WHEN c.reltuples > 100000 THEN c.reltuples::bigint
        ELSE (SELECT count(*) FROM users AS u WHERE u.status = 'active')
    END AS users
FROM pg_class AS c
WHERE c.oid = 'users'::regclass;

-- name: delete_old_samples() :exec
-- Delete samples older than a day.
DELETE FROM node_samples WHERE at < now() - interval '1 day';
