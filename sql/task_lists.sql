-- Lists of tasks. Filters are those of find_tasks(). A list without a filter that has an index looks through the 2,000 tasks
-- that come first in its order; only where these do not fill the page, the tasks of the viewer are read, source by source, or all
-- for whoever sees all. So nobody waits who sees much, and nobody who sees little. OFFSET 0 is a fence: those of one source are
-- few, and the planner would rather walk along all tasks in their order. A list takes the key of the task that it goes on behind,
-- and what it skips.

-- name: list_by_created(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, before, most, skip) :many
-- The newest.
WITH edge AS MATERIALIZED (
    (
        SELECT t.id
        FROM tasks AS t
        WHERE t.deleted_at IS NULL AND t.id < $15
        ORDER BY t.id DESC
        OFFSET 2000
        LIMIT 1
    )
    UNION ALL
    SELECT '00000000-0000-0000-0000-000000000000'::uuid
    LIMIT 1
),
near AS MATERIALIZED (
    SELECT t.id
    FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
    WHERE t.id < $15 AND t.id > (SELECT id FROM edge)
    ORDER BY t.id DESC
    LIMIT $16::integer + $17::integer
),
far AS (
    SELECT s.*
    FROM (
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE NOT $2 AND t.creator_id = $1 AND t.id <= (SELECT id FROM edge)
            ORDER BY t.id DESC
            LIMIT $16::integer + $17::integer
        )
        UNION
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE NOT $2 AND t.assignee_id = $1 AND t.id <= (SELECT id FROM edge)
            ORDER BY t.id DESC
            LIMIT $16::integer + $17::integer
        )
        UNION
        (
            SELECT p.*
            FROM project_members AS m
            CROSS JOIN LATERAL (
                SELECT t.id
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE t.project_id = m.project_id AND t.id <= (SELECT id FROM edge)
                ORDER BY t.id DESC
                LIMIT $16::integer + $17::integer
            ) AS p
            WHERE NOT $2 AND m.user_id = $1
        )
        UNION
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE $2 AND t.id <= (SELECT id FROM edge)
            ORDER BY t.id DESC
            LIMIT $16::integer + $17::integer
        )
    ) AS s
    WHERE (SELECT count(*) FROM near) < $16::integer + $17::integer
)
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT * FROM near
    UNION ALL
    SELECT * FROM far
    ORDER BY id DESC
    LIMIT $16
    OFFSET $17
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.id DESC;

-- name: narrow_by_created(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, before, most, skip) :many
-- The same where a filter has an index: `source` names it.
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT t.id
    FROM narrow_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS t
    WHERE t.id < $16
    ORDER BY t.id DESC
    LIMIT $17
    OFFSET $18
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.id DESC;

-- name: list_by_updated(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, before_time, before, most, skip) :many
-- Those changed last.
WITH edge AS MATERIALIZED (
    (
        SELECT t.updated_at, t.id
        FROM tasks AS t
        WHERE t.deleted_at IS NULL AND (t.updated_at, t.id) < ($15, $16)
        ORDER BY t.updated_at DESC, t.id DESC
        OFFSET 2000
        LIMIT 1
    )
    UNION ALL
    SELECT '-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid
    LIMIT 1
),
near AS MATERIALIZED (
    SELECT w.*
    FROM (
        SELECT t.updated_at, t.id
        FROM tasks AS t
        WHERE t.deleted_at IS NULL AND (t.updated_at, t.id) < ($15, $16)
        ORDER BY t.updated_at DESC, t.id DESC
        LIMIT 2000
    ) AS w
    CROSS JOIN LATERAL (
        SELECT FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE t.id = w.id OFFSET 0
    ) AS seen
    ORDER BY w.updated_at DESC, w.id DESC
    LIMIT $17::integer + $18::integer
),
far AS (
    SELECT s.*
    FROM (
        (
            SELECT t.updated_at, t.id
            FROM (
                SELECT t.*
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE NOT $2 AND t.creator_id = $1
                OFFSET 0
            ) AS t
            WHERE (t.updated_at, t.id) <= (SELECT updated_at, id FROM edge)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $17::integer + $18::integer
        )
        UNION
        (
            SELECT t.updated_at, t.id
            FROM (
                SELECT t.*
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE NOT $2 AND t.assignee_id = $1
                OFFSET 0
            ) AS t
            WHERE (t.updated_at, t.id) <= (SELECT updated_at, id FROM edge)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $17::integer + $18::integer
        )
        UNION
        (
            SELECT p.*
            FROM project_members AS m
            CROSS JOIN LATERAL (
                SELECT t.updated_at, t.id
                FROM (
                    SELECT t.*
                    FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                    WHERE t.project_id = m.project_id
                    OFFSET 0
                ) AS t
                WHERE (t.updated_at, t.id) <= (SELECT updated_at, id FROM edge)
                ORDER BY t.updated_at DESC, t.id DESC
                LIMIT $17::integer + $18::integer
            ) AS p
            WHERE NOT $2 AND m.user_id = $1
        )
        UNION
        (
            SELECT t.updated_at, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE $2 AND (t.updated_at, t.id) <= (SELECT updated_at, id FROM edge)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $17::integer + $18::integer
        )
    ) AS s
    WHERE (SELECT count(*) FROM near) < $17::integer + $18::integer
)
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT * FROM near
    UNION ALL
    SELECT * FROM far
    ORDER BY updated_at DESC, id DESC
    LIMIT $17
    OFFSET $18
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.updated_at DESC, found.id DESC;

-- name: narrow_by_updated(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, before_time, before, most, skip) :many
-- The same where a filter has an index: `source` names it.
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT t.updated_at, t.id
    FROM (
        SELECT t.* FROM narrow_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS t OFFSET 0
    ) AS t
    WHERE (t.updated_at, t.id) < ($16, $17)
    ORDER BY t.updated_at DESC, t.id DESC
    LIMIT $18
    OFFSET $19
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.updated_at DESC, found.id DESC;

-- name: list_by_due(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, after_time, after, most, skip) :many
-- Those due first; without a date last.
WITH edge AS MATERIALIZED (
    (
        SELECT coalesce(t.due_at, 'infinity') AS due, t.id
        FROM tasks AS t
        WHERE t.deleted_at IS NULL AND (coalesce(t.due_at, 'infinity'), t.id) > ($15, $16)
        ORDER BY coalesce(t.due_at, 'infinity'), t.id
        OFFSET 2000
        LIMIT 1
    )
    UNION ALL
    SELECT 'infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
    LIMIT 1
),
near AS MATERIALIZED (
    SELECT w.*
    FROM (
        SELECT coalesce(t.due_at, 'infinity') AS due, t.id
        FROM tasks AS t
        WHERE t.deleted_at IS NULL AND (coalesce(t.due_at, 'infinity'), t.id) > ($15, $16)
        ORDER BY coalesce(t.due_at, 'infinity'), t.id
        LIMIT 2000
    ) AS w
    CROSS JOIN LATERAL (
        SELECT FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE t.id = w.id OFFSET 0
    ) AS seen
    ORDER BY w.due, w.id
    LIMIT $17::integer + $18::integer
),
far AS (
    SELECT s.*
    FROM (
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM (
                SELECT t.*
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE NOT $2 AND t.creator_id = $1
                OFFSET 0
            ) AS t
            WHERE (coalesce(t.due_at, 'infinity'), t.id) >= (SELECT due, id FROM edge)
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $17::integer + $18::integer
        )
        UNION
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM (
                SELECT t.*
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE NOT $2 AND t.assignee_id = $1
                OFFSET 0
            ) AS t
            WHERE (coalesce(t.due_at, 'infinity'), t.id) >= (SELECT due, id FROM edge)
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $17::integer + $18::integer
        )
        UNION
        (
            SELECT p.*
            FROM project_members AS m
            CROSS JOIN LATERAL (
                SELECT coalesce(t.due_at, 'infinity') AS due, t.id
                FROM (
                    SELECT t.*
                    FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                    WHERE t.project_id = m.project_id
                    OFFSET 0
                ) AS t
                WHERE (coalesce(t.due_at, 'infinity'), t.id) >= (SELECT due, id FROM edge)
                ORDER BY coalesce(t.due_at, 'infinity'), t.id
                LIMIT $17::integer + $18::integer
            ) AS p
            WHERE NOT $2 AND m.user_id = $1
        )
        UNION
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE $2 AND (coalesce(t.due_at, 'infinity'), t.id) >= (SELECT due, id FROM edge)
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $17::integer + $18::integer
        )
    ) AS s
    WHERE (SELECT count(*) FROM near) < $17::integer + $18::integer
)
SELECT i.*, found.due AS "_due", EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT * FROM near
    UNION ALL
    SELECT * FROM far
    ORDER BY due, id
    LIMIT $17
    OFFSET $18
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.due, found.id;

-- name: narrow_by_due(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, after_time, after, most, skip) :many
-- The same where a filter has an index: `source` names it.
SELECT i.*, found.due AS "_due", EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT coalesce(t.due_at, 'infinity') AS due, t.id
    FROM (
        SELECT t.* FROM narrow_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS t OFFSET 0
    ) AS t
    WHERE (coalesce(t.due_at, 'infinity'), t.id) > ($16, $17)
    ORDER BY coalesce(t.due_at, 'infinity'), t.id
    LIMIT $18
    OFFSET $19
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.due, found.id;

-- name: list_by_priority(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, before_priority, before, most, skip) :many
-- The most urgent, of those the newest.
WITH edge AS MATERIALIZED (
    (
        SELECT t.priority, t.id
        FROM tasks AS t
        WHERE t.deleted_at IS NULL AND (t.priority, t.id) < ($15, $16)
        ORDER BY t.priority DESC, t.id DESC
        OFFSET 2000
        LIMIT 1
    )
    UNION ALL
    SELECT 0::smallint, '00000000-0000-0000-0000-000000000000'::uuid
    LIMIT 1
),
near AS MATERIALIZED (
    SELECT w.*
    FROM (
        SELECT t.priority, t.id
        FROM tasks AS t
        WHERE t.deleted_at IS NULL AND (t.priority, t.id) < ($15, $16)
        ORDER BY t.priority DESC, t.id DESC
        LIMIT 2000
    ) AS w
    CROSS JOIN LATERAL (
        SELECT FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE t.id = w.id OFFSET 0
    ) AS seen
    ORDER BY w.priority DESC, w.id DESC
    LIMIT $17::integer + $18::integer
),
far AS (
    SELECT s.*
    FROM (
        (
            SELECT t.priority, t.id
            FROM (
                SELECT t.*
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE NOT $2 AND t.creator_id = $1
                OFFSET 0
            ) AS t
            WHERE (t.priority, t.id) <= (SELECT priority, id FROM edge)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $17::integer + $18::integer
        )
        UNION
        (
            SELECT t.priority, t.id
            FROM (
                SELECT t.*
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE NOT $2 AND t.assignee_id = $1
                OFFSET 0
            ) AS t
            WHERE (t.priority, t.id) <= (SELECT priority, id FROM edge)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $17::integer + $18::integer
        )
        UNION
        (
            SELECT p.*
            FROM project_members AS m
            CROSS JOIN LATERAL (
                SELECT t.priority, t.id
                FROM (
                    SELECT t.*
                    FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                    WHERE t.project_id = m.project_id
                    OFFSET 0
                ) AS t
                WHERE (t.priority, t.id) <= (SELECT priority, id FROM edge)
                ORDER BY t.priority DESC, t.id DESC
                LIMIT $17::integer + $18::integer
            ) AS p
            WHERE NOT $2 AND m.user_id = $1
        )
        UNION
        (
            SELECT t.priority, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE $2 AND (t.priority, t.id) <= (SELECT priority, id FROM edge)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $17::integer + $18::integer
        )
    ) AS s
    WHERE (SELECT count(*) FROM near) < $17::integer + $18::integer
)
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT * FROM near
    UNION ALL
    SELECT * FROM far
    ORDER BY priority DESC, id DESC
    LIMIT $17
    OFFSET $18
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.priority DESC, found.id DESC;

-- name: narrow_by_priority(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, before_priority, before, most, skip) :many
-- The same where a filter has an index: `source` names it.
SELECT i.*, EXISTS (SELECT FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1) AS watching
FROM (
    SELECT t.priority, t.id
    FROM (
        SELECT t.* FROM narrow_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS t OFFSET 0
    ) AS t
    WHERE (t.priority, t.id) < ($16, $17)
    ORDER BY t.priority DESC, t.id DESC
    LIMIT $18
    OFFSET $19
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.priority DESC, found.id DESC;

-- name: count_tasks(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, most) :value
-- How many of these a viewer may see, counted up to `most`.
SELECT count(*)::integer
FROM (
    SELECT s.id
    FROM (
        (SELECT t.id FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE NOT $2 AND t.creator_id = $1 LIMIT $15)
        UNION
        (SELECT t.id FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE NOT $2 AND t.assignee_id = $1 LIMIT $15)
        UNION
        (
            SELECT t.id
            FROM project_members AS m
            INNER JOIN find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t ON t.project_id = m.project_id
            WHERE NOT $2 AND m.user_id = $1
            LIMIT $15
        )
        UNION ALL
        (SELECT t.id FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE $2 LIMIT $15)
    ) AS s
    LIMIT $15
) AS counted;

-- name: count_narrow(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, most) :value
-- The same where a filter has an index.
SELECT count(*)::integer
FROM (
    SELECT t.id
    FROM narrow_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS t
    LIMIT $16
) AS counted;

-- name: get_days(user_id) :one!
-- Where today, tomorrow and the day a week from today begin by a person's clock.
SELECT
    date_trunc('day', now() AT TIME ZONE z.name) AT TIME ZONE z.name AS today,
    (date_trunc('day', now() AT TIME ZONE z.name) + interval '1 day') AT TIME ZONE z.name AS tomorrow,
    (date_trunc('day', now() AT TIME ZONE z.name) + interval '7 days') AT TIME ZONE z.name AS week
FROM (SELECT coalesce((SELECT s.timezone FROM notification_settings AS s WHERE s.user_id = $1), 'UTC')) AS z (name);
