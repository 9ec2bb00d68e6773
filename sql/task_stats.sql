-- Statistics of tasks, from the counters that sql/schema/05_tallies.sql keeps. The scope of all zeros stands for all tasks.
-- Counters include projects in the trash, which may be restored; their tasks are subtracted here. Values of past days stay as
-- they were.

-- name: get_stats(source, scope, weeks) :one!
-- The statistics of a scope; `source` says what the scope is: all, project or person. Weeks begin on Mondays, UTC.
WITH hidden AS MATERIALIZED (
    SELECT t.*
    FROM projects AS p
    CROSS JOIN LATERAL (
        SELECT
            o.kind, o.status, o.priority, coalesce(o.assignee_id, o.creator_id) AS person_id, o.due_at,
            o.status NOT IN ('done', 'cancelled') AS is_open
        FROM tasks AS o
        WHERE o.project_id = p.id AND o.deleted_at IS NULL
        OFFSET 0
    ) AS t
    WHERE p.deleted_at IS NOT NULL AND ($1 = 'all' OR ($1 = 'person' AND t.person_id = $2))
),
tallies AS MATERIALIZED (
    SELECT a.kind, a.status, a.priority, sum(a.n) AS n
    FROM (
        SELECT t.kind, t.status, t.priority, t.n FROM task_tallies AS t WHERE t.scope = $2
        UNION ALL
        SELECT h.kind, h.status, h.priority, -1 FROM hidden AS h
    ) AS a (kind, status, priority, n)
    GROUP BY a.kind, a.status, a.priority
),
weeks AS MATERIALIZED (
    SELECT date_trunc('week', now() AT TIME ZONE 'UTC')::date - 7 * ahead AS week
    FROM generate_series($3 - 1, 0, -1) AS s (ahead)
),
people AS MATERIALIZED (
    SELECT
        coalesce(t.assignee_id, t.creator_id) AS id,
        count(*) AS open,
        count(*) FILTER (WHERE t.due_at < now()) AS overdue
    FROM tasks AS t
    WHERE $1 = 'project'
        AND t.project_id = $2
        AND t.deleted_at IS NULL
        AND t.status IN ('todo', 'in_progress', 'review')
    GROUP BY coalesce(t.assignee_id, t.creator_id)
),
days AS MATERIALIZED (
    SELECT
        date_trunc('week', d.day)::date AS week,
        sum(d.created) AS created,
        sum(d.completed) AS completed,
        sum(d.cancelled) AS cancelled,
        sum(d.cycle_seconds) AS cycle_seconds
    FROM task_days AS d
    WHERE d.scope = $2 AND d.day >= (SELECT min(w.week) FROM weeks AS w)
    GROUP BY date_trunc('week', d.day)
)
SELECT
    coalesce((SELECT sum(t.n) FROM tallies AS t), 0)::integer AS total,
    coalesce((SELECT sum(t.n) FROM tallies AS t WHERE t.status NOT IN ('done', 'cancelled')), 0)::integer AS open,
    (
        SELECT json_object_agg(s.name, (SELECT coalesce(sum(t.n), 0) FROM tallies AS t WHERE t.status = s.name))
        FROM unnest('{todo,in_progress,review,done,cancelled}'::text[]) AS s (name)
    ) AS "byStatus",
    (
        SELECT json_object_agg(p.name, (SELECT coalesce(sum(t.n), 0) FROM tallies AS t WHERE t.priority = p.number))
        FROM unnest('{low,medium,high,urgent}'::text[]) WITH ORDINALITY AS p (name, number)
    ) AS "byPriority",
    (
        SELECT json_object_agg(k.name, (SELECT coalesce(sum(t.n), 0) FROM tallies AS t WHERE t.kind = k.name))
        FROM unnest('{task,issue}'::text[]) AS k (name)
    ) AS "byKind",
    (
        SELECT coalesce(json_agg(json_build_object('user', person(u), 'open', l.open) ORDER BY l.open DESC, l.id), '[]')
        FROM (
            SELECT p.id, p.open FROM people AS p
            UNION ALL
            SELECT a.person_id, sum(a.open)
            FROM (
                SELECT t.person_id, t.open FROM task_loads AS t
                UNION ALL
                SELECT h.person_id, -1 FROM hidden AS h WHERE h.is_open
            ) AS a (person_id, open)
            WHERE $1 = 'all'
            GROUP BY a.person_id
            HAVING sum(a.open) > 0
            ORDER BY 2 DESC, 1
            LIMIT 50
        ) AS l
        INNER JOIN users AS u ON u.id = l.id
    ) AS "byAssignee",
    (
        SELECT (
            count(*)
            + coalesce((SELECT sum(p.overdue) FROM people AS p), 0)
            - (SELECT count(*) FROM hidden AS h WHERE h.is_open AND h.due_at < now())
        )::integer
        FROM (
            SELECT
            FROM tasks AS t
            WHERE $1 = 'all'
                AND t.due_at < now()
                AND t.deleted_at IS NULL
                AND t.status NOT IN ('done', 'cancelled')
            UNION ALL
            SELECT
            FROM tasks AS t
            WHERE $1 = 'person'
                AND t.assignee_id = $2
                AND t.deleted_at IS NULL
                AND t.status IN ('todo', 'in_progress', 'review')
                AND t.due_at < now()
            UNION ALL
            SELECT
            FROM tasks AS t
            WHERE $1 = 'person'
                AND t.creator_id = $2
                AND t.assignee_id IS NULL
                AND t.deleted_at IS NULL
                AND t.status IN ('todo', 'in_progress', 'review')
                AND t.due_at < now()
        ) AS o
    ) AS overdue,
    (
        SELECT json_agg(
            json_build_object(
                'week', w.week,
                'created', coalesce(d.created, 0),
                'completed', coalesce(d.completed, 0),
                'cancelled', coalesce(d.cancelled, 0),
                'cycleSeconds', round(d.cycle_seconds / nullif(d.completed, 0))
            )
            ORDER BY w.week
        )
        FROM weeks AS w
        LEFT JOIN days AS d ON d.week = w.week
    ) AS throughput,
    (SELECT round(sum(d.cycle_seconds) / nullif(sum(d.completed), 0))::bigint FROM days AS d) AS "cycleSeconds",
    (
        SELECT coalesce(
            json_agg(json_build_object('day', z.day, 'open', coalesce(d.open_at_end, 0)) ORDER BY z.day), '[]'
        )
        FROM task_days AS z
        LEFT JOIN task_days AS d ON d.scope = $2 AND d.day = z.day AND d.slot = -1
        WHERE z.scope = '00000000-0000-0000-0000-000000000000'
            AND z.slot = -1
            AND z.day >= (SELECT min(w.week) FROM weeks AS w)
    ) AS burndown,
    now() AS "countedAt";

-- name: close_day() :exec
-- Store the number of open tasks of each scope at the end of yesterday, UTC; only the first call of a day does so. A scope
-- without open tasks gets no row, except the scope of all tasks, whose row marks the day as closed.
INSERT INTO task_days (scope, day, slot, open_at_end)
SELECT a.scope, (now() AT TIME ZONE 'UTC')::date - 1, -1, coalesce(sum(t.n), 0)
FROM (
    SELECT t.scope FROM task_tallies AS t
    UNION
    SELECT '00000000-0000-0000-0000-000000000000'
) AS a (scope)
LEFT JOIN task_tallies AS t ON t.scope = a.scope AND t.status NOT IN ('done', 'cancelled')
WHERE NOT EXISTS (
    SELECT
    FROM task_days AS d
    WHERE d.scope = '00000000-0000-0000-0000-000000000000'
        AND d.day = (now() AT TIME ZONE 'UTC')::date - 1
        AND d.slot = -1
)
GROUP BY a.scope
HAVING sum(t.n) > 0 OR a.scope = '00000000-0000-0000-0000-000000000000'
ON CONFLICT ON CONSTRAINT task_days_pkey DO NOTHING;

-- name: forget_projects() :exec
-- Delete the counters of projects and users that no longer exist.
WITH gone AS MATERIALIZED (
    SELECT s.scope
    FROM (SELECT DISTINCT t.scope FROM task_tallies AS t) AS s
    -- Scalar subqueries: each is looked up by its index.
    WHERE s.scope <> '00000000-0000-0000-0000-000000000000'
        AND (SELECT true FROM projects AS p WHERE p.id = s.scope) IS NULL
        AND (SELECT true FROM users AS u WHERE u.id = s.scope) IS NULL
),
days AS (
    DELETE FROM task_days WHERE scope = ANY(ARRAY(SELECT g.scope FROM gone AS g))
)
DELETE FROM task_tallies WHERE scope = ANY(ARRAY(SELECT g.scope FROM gone AS g));

-- name: fill_tallies() :exec
-- Count all tasks into empty counters after a bulk load, which runs no triggers.
WITH tallied AS (
    INSERT INTO task_tallies (scope, slot, kind, status, priority, n)
    SELECT s.scope, 0, s.kind, s.status, s.priority, count(*)
    FROM tasks AS t
    CROSS JOIN LATERAL spread_tallies(NULL, ARRAY[t]) AS s
    GROUP BY s.scope, s.kind, s.status, s.priority
),
loaded AS (
    INSERT INTO task_loads (person_id, slot, open)
    SELECT coalesce(t.assignee_id, t.creator_id), 0, count(*)
    FROM tasks AS t
    WHERE t.deleted_at IS NULL AND t.status NOT IN ('done', 'cancelled')
    GROUP BY coalesce(t.assignee_id, t.creator_id)
)
INSERT INTO task_days (scope, day, slot, created, completed, cancelled, cycle_seconds)
SELECT s.scope, d.day, 0, sum(d.created), sum(d.completed), sum(d.cancelled), sum(d.cycle_seconds)
FROM tasks AS t
CROSS JOIN LATERAL spread_tallies(NULL, ARRAY[t]) AS s
CROSS JOIN LATERAL spread_days(s.step, s.created_at, s.started_at, s.completed_at, s.cancelled_at) AS d
GROUP BY s.scope, d.day;
