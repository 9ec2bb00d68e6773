-- Usage of the service by day, UTC. Ids of version 7 are ordered by time, so that the posts, comments and messages of a day are
-- a range of an index, which is counted by an index-only scan.

-- name: list_uncounted(days) :many
-- The days among the last `days` that need counting, newest first: today, and days not counted since they ended. One minute is
-- added, because transactions that began on a day may commit after its end.
SELECT d.day
FROM (SELECT (now() AT TIME ZONE 'UTC')::date - ahead AS day FROM generate_series(0, $1 - 1) AS s (ahead)) AS d
LEFT JOIN usage_days AS u ON u.day = d.day
WHERE u.day IS NULL OR u.counted_at < (d.day + interval '1 day 1 minute') AT TIME ZONE 'UTC'
ORDER BY d.day DESC;

-- name: count_day(day) :exec
-- Count a day anew. A session stores only its last refresh, so sessions are counted only for today and yesterday. Samples of
-- processes are kept for a day; values once computed from them stay.
WITH span AS (
    SELECT
        $1::date::timestamp AT TIME ZONE 'UTC' AS since,
        ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AS until,
        first_id($1::date::timestamp AT TIME ZONE 'UTC') AS first,
        first_id(($1::date + 1)::timestamp AT TIME ZONE 'UTC') AS next
),
people AS (
    SELECT e.actor_id
    FROM events AS e
    WHERE e.created_at >= $1::date::timestamp AT TIME ZONE 'UTC'
        AND e.created_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'
        AND e.actor_id IS NOT NULL
    UNION
    SELECT s.user_id
    FROM sessions AS s
    WHERE $1::date >= (now() AT TIME ZONE 'UTC')::date - 1
        AND s.refreshed_at >= (SELECT since FROM span)
        AND s.refreshed_at < (SELECT until FROM span)
),
answered AS (
    SELECT extract(epoch FROM read_time(c.id) - read_time(p.position)) AS seconds
    FROM comments AS c
    -- LATERAL with LIMIT looks each post up by its index: the planner would read all comments to compare them.
    CROSS JOIN LATERAL (SELECT o.author_id, o.position FROM posts AS o WHERE o.id = c.post_id LIMIT 1) AS p
    WHERE c.id >= (SELECT first FROM span)
        AND c.id < (SELECT next FROM span)
        AND c.id = (
            SELECT b.id
            FROM comments AS b
            WHERE b.post_id = c.post_id AND b.author_id <> p.author_id
            ORDER BY b.id
            LIMIT 1
        )
),
measured AS (
    SELECT
        sum(n.p50 * n.requests) / nullif(sum(n.requests) FILTER (WHERE n.p50 IS NOT NULL), 0) AS p50,
        sum(n.p99 * n.requests) / nullif(sum(n.requests) FILTER (WHERE n.p99 IS NOT NULL), 0) AS p99
    FROM node_samples AS n
    WHERE n.at >= (SELECT since FROM span) AND n.at < (SELECT until FROM span)
)
INSERT INTO usage_days AS u (
    day, active_people, posts, comments, messages, tasks_done, first_comment_seconds, latency_p50, latency_p99, counted_at
)
SELECT
    $1::date,
    (SELECT count(*) FROM people),
    (SELECT count(*) FROM posts AS p WHERE p.position >= s.first AND p.position < s.next),
    (SELECT count(*) FROM comments AS c WHERE c.id >= s.first AND c.id < s.next),
    (SELECT count(*) FROM messages AS m WHERE m.id >= s.first AND m.id < s.next),
    (
        SELECT greatest(coalesce(sum(d.completed), 0), 0)
        FROM task_days AS d
        WHERE d.scope = '00000000-0000-0000-0000-000000000000' AND d.day = $1
    ),
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a.seconds) FROM answered AS a),
    m.p50, m.p99, now()
FROM span AS s
CROSS JOIN measured AS m
ON CONFLICT ON CONSTRAINT usage_days_pkey DO UPDATE
SET
    active_people = excluded.active_people,
    posts = excluded.posts,
    comments = excluded.comments,
    messages = excluded.messages,
    tasks_done = excluded.tasks_done,
    first_comment_seconds = excluded.first_comment_seconds,
    latency_p50 = coalesce(excluded.latency_p50, u.latency_p50),
    latency_p99 = coalesce(excluded.latency_p99, u.latency_p99),
    counted_at = excluded.counted_at;

-- name: list_days(days) :many
-- The last `days` days, oldest first; NULL for a day that has not been counted.
SELECT
    d.day, u.active_people AS "activePeople", u.posts, u.comments, u.messages, u.tasks_done AS "tasksDone",
    u.first_comment_seconds::float8 AS "firstCommentSeconds", u.latency_p50::float8 AS "latencyP50",
    u.latency_p99::float8 AS "latencyP99", u.counted_at AS "countedAt"
FROM (SELECT (now() AT TIME ZONE 'UTC')::date - ahead AS day FROM generate_series(0, $1 - 1) AS s (ahead)) AS d
LEFT JOIN usage_days AS u ON u.day = d.day
ORDER BY d.day;
