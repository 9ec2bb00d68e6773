-- Recurring tasks. Occurrence n of a series is due n times `every` days, weeks or months after its start, by the wall clock.
-- Counting from the start keeps a monthly task due on the 31st from moving to the 28th.

-- name: is_zone(name) :value
-- Whether a time zone exists. PostgreSQL reads one file for each zone.
SELECT EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = $1 AND z.name !~ '^(posix|right)/');

-- name: begin_series(task_id, caller_id, frequency, every, until, timezone) :one
-- Make a task that the caller has locked the first of a new series, and end its former series; returns the day on which the
-- series begins. No row if the task has no due date. `timezone` NULL: the caller's.
WITH was AS MATERIALIZED (
    SELECT t.id, t.series_id, t.due_at, t.due_on, z.name AS timezone
    FROM tasks AS t
    CROSS JOIN LATERAL (
        SELECT coalesce($6, (SELECT s.timezone FROM notification_settings AS s WHERE s.user_id = $2), 'UTC') AS name
    ) AS z
    WHERE t.id = $1 AND t.due_at IS NOT NULL
),
ended AS (
    UPDATE task_series AS s SET ended_at = now() FROM was AS w WHERE s.id = w.series_id AND s.ended_at IS NULL
),
made AS (
    INSERT INTO task_series (frequency, every, starts_at, all_day, timezone, until)
    SELECT
        $3, $4, coalesce(w.due_on::timestamp, w.due_at AT TIME ZONE w.timezone), w.due_on IS NOT NULL, w.timezone, $5
    FROM was AS w
    RETURNING id, starts_at::date AS starts_on
)
UPDATE tasks AS t SET series_id = m.id, occurrence = 0 FROM made AS m WHERE t.id = $1 RETURNING m.starts_on;

-- name: end_series(task_id) :exec
-- End the series of a task that the caller has locked, and take the task out of it: no more occurrences follow.
WITH ended AS (
    UPDATE task_series AS s
    SET ended_at = now()
    FROM tasks AS t
    WHERE t.id = $1 AND s.id = t.series_id AND s.ended_at IS NULL
)
UPDATE tasks SET series_id = NULL WHERE id = $1;

-- name: lock_series(task_id) :exec
-- Lock the series of a task before its next occurrence is created: a concurrent transaction waits, and then finds it.
SELECT FROM task_series WHERE id = (SELECT t.series_id FROM tasks AS t WHERE t.id = $1) FOR UPDATE;

-- name: plan_next(task_id) :one
-- The next occurrence after the last task of a series, which the caller has locked and was just done: the first that is not due
-- in the past. No row if there is none: it exists already, or the series has ended or ends now.
WITH last AS MATERIALIZED (
    SELECT
        t.*,
        s.starts_at,
        s.all_day,
        s.timezone,
        s.until,
        now() AT TIME ZONE s.timezone AS clock,
        CASE s.frequency
            WHEN 'monthly' THEN make_interval(months => s.every)
            ELSE make_interval(days => s.every * CASE s.frequency WHEN 'weekly' THEN 7 ELSE 1 END)
        END AS step,
        -- The number of steps that have passed, or one more.
        CASE s.frequency
            WHEN 'monthly' THEN
                (
                    12 * (extract(year FROM now() AT TIME ZONE s.timezone) - extract(year FROM s.starts_at))
                    + extract(month FROM now() AT TIME ZONE s.timezone) - extract(month FROM s.starts_at)
                )::integer / s.every
            ELSE
                floor(
                    extract(epoch FROM (now() AT TIME ZONE s.timezone) - s.starts_at)
                    / (86400 * s.every * CASE s.frequency WHEN 'weekly' THEN 7 ELSE 1 END)
                )::integer
        END AS passed
    FROM tasks AS t
    INNER JOIN task_series AS s ON s.id = t.series_id AND s.ended_at IS NULL
    WHERE t.id = $1 AND NOT EXISTS (SELECT FROM tasks AS l WHERE l.series_id = s.id AND l.occurrence > t.occurrence)
),
next AS MATERIALIZED (
    SELECT n.occurrence, d.due
    FROM last AS l
    CROSS JOIN LATERAL generate_series(greatest(l.occurrence + 1, l.passed), greatest(l.occurrence + 1, l.passed) + 1)
        AS n (occurrence)
    CROSS JOIN LATERAL (SELECT l.starts_at + n.occurrence * l.step AS due) AS d
    WHERE CASE WHEN l.all_day THEN d.due + interval '1 day' ELSE d.due END > l.clock
        AND (l.until IS NULL OR d.due::date <= l.until)
        -- The limit on dates holds in every time zone: clients cannot parse years that are far beyond.
        AND d.due < '2999-12-31'
    ORDER BY n.occurrence
    LIMIT 1
),
ended AS (
    UPDATE task_series AS s
    SET ended_at = now()
    FROM last AS l
    WHERE s.id = l.series_id AND NOT EXISTS (SELECT FROM next)
)
SELECT
    l.kind,
    l.title,
    l.description,
    l.priority,
    l.creator_id,
    (SELECT u.id FROM users AS u WHERE u.id = l.assignee_id AND u.status = 'active') AS assignee_id,
    l.project_id,
    l.lead_id,
    l.parent_id,
    CASE WHEN NOT l.all_day THEN n.due AT TIME ZONE l.timezone END AS due_at,
    CASE WHEN l.all_day THEN n.due::date END AS due_on,
    l.series_id,
    n.occurrence,
    ARRAY(SELECT x.label_id FROM task_labels AS x WHERE x.task_id = l.id) AS label_ids
FROM last AS l
CROSS JOIN next AS n;

-- name: join_series(task_id, series_id, occurrence) :exec
-- Make a new task an occurrence of a series.
UPDATE tasks SET series_id = $2, occurrence = $3 WHERE id = $1;
