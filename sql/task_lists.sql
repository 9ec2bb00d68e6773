-- Lists of tasks. The filters are those of find_tasks(). A list is read source by source (see task_sources()), each by an index
-- in the order of the list and up to the size of a page, and merged. For a member of many projects, the first 5,000 tasks in
-- the list's order are checked first, one by one, until the page is full, because such users mostly see some of them. A list
-- takes the key of the task to continue after, and the number of rows to skip.

-- name: list_by_created(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, source_id, before, most, skip) :many
-- The newest first.
WITH near AS MATERIALIZED (
    SELECT w.*
    FROM (
        SELECT t.id
        FROM tasks AS t
        WHERE $15 = 'own' AND has_many_projects($1) AND t.deleted_at IS NULL AND t.id < $17
        ORDER BY t.id DESC
        LIMIT 5000
    ) AS w
    CROSS JOIN LATERAL (
        SELECT FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE t.id = w.id OFFSET 0
    ) AS seen
    ORDER BY w.id DESC
    LIMIT $18::integer + $19::integer
),
sources AS MATERIALIZED (
    SELECT s.* FROM task_sources($1, $15, $16) AS s
),
far AS (
    SELECT DISTINCT f.*
    FROM sources AS s
    CROSS JOIN LATERAL (
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'creator' AND t.creator_id = s.id AND t.id < $17
            ORDER BY t.id DESC
            LIMIT $18::integer + $19::integer
        )
        UNION ALL
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'assignee' AND t.assignee_id = s.id AND t.id < $17
            ORDER BY t.id DESC
            LIMIT $18::integer + $19::integer
        )
        UNION ALL
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'project' AND t.project_id = s.id AND t.id < $17
            ORDER BY t.id DESC
            LIMIT $18::integer + $19::integer
        )
        UNION ALL
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'parent' AND t.parent_id = s.id AND t.id < $17
            ORDER BY t.id DESC
            LIMIT $18::integer + $19::integer
        )
        UNION ALL
        (
            SELECT t.id
            FROM task_labels AS x
            INNER JOIN find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t ON t.id = x.task_id
            WHERE s.name = 'label' AND x.label_id = s.id AND t.id < $17
            ORDER BY t.id DESC
            LIMIT $18::integer + $19::integer
        )
        UNION ALL
        (
            SELECT t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'all' AND t.id < $17
            ORDER BY t.id DESC
            LIMIT $18::integer + $19::integer
        )
    ) AS f
    WHERE (SELECT count(*) FROM near) < $18::integer + $19::integer
)
SELECT i.*, coalesce((SELECT true FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1), false) AS watching
FROM (
    SELECT * FROM near WHERE (SELECT count(*) FROM near) >= $18::integer + $19::integer
    UNION ALL
    SELECT * FROM far
    ORDER BY id DESC
    LIMIT $18
    OFFSET $19
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.id DESC;

-- name: list_by_updated(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, source_id, before_time, before, most, skip) :many
-- The last changed first.
WITH near AS MATERIALIZED (
    SELECT w.*
    FROM (
        SELECT t.updated_at, t.id
        FROM tasks AS t
        WHERE $15 = 'own' AND has_many_projects($1) AND t.deleted_at IS NULL AND (t.updated_at, t.id) < ($17, $18)
        ORDER BY t.updated_at DESC, t.id DESC
        LIMIT 5000
    ) AS w
    CROSS JOIN LATERAL (
        SELECT FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE t.id = w.id OFFSET 0
    ) AS seen
    ORDER BY w.updated_at DESC, w.id DESC
    LIMIT $19::integer + $20::integer
),
sources AS MATERIALIZED (
    SELECT s.* FROM task_sources($1, $15, $16) AS s
),
far AS (
    SELECT DISTINCT f.*
    FROM sources AS s
    CROSS JOIN LATERAL (
        (
            SELECT t.updated_at, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'creator' AND t.creator_id = s.id AND (t.updated_at, t.id) < ($17, $18)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.updated_at, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'assignee' AND t.assignee_id = s.id AND (t.updated_at, t.id) < ($17, $18)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.updated_at, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'project' AND t.project_id = s.id AND (t.updated_at, t.id) < ($17, $18)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.updated_at, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'parent' AND t.parent_id = s.id AND (t.updated_at, t.id) < ($17, $18)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.updated_at, t.id
            FROM task_labels AS x
            INNER JOIN find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t ON t.id = x.task_id
            WHERE s.name = 'label' AND x.label_id = s.id AND (t.updated_at, t.id) < ($17, $18)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.updated_at, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'all' AND (t.updated_at, t.id) < ($17, $18)
            ORDER BY t.updated_at DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
    ) AS f
    WHERE (SELECT count(*) FROM near) < $19::integer + $20::integer
)
SELECT i.*, coalesce((SELECT true FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1), false) AS watching
FROM (
    SELECT * FROM near WHERE (SELECT count(*) FROM near) >= $19::integer + $20::integer
    UNION ALL
    SELECT * FROM far
    ORDER BY updated_at DESC, id DESC
    LIMIT $19
    OFFSET $20
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.updated_at DESC, found.id DESC;

-- name: list_by_due(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, source_id, after_time, after, most, skip) :many
-- The earliest due date first, tasks without a date last.
WITH near AS MATERIALIZED (
    SELECT w.*
    FROM (
        SELECT coalesce(t.due_at, 'infinity') AS due, t.id
        FROM tasks AS t
        WHERE $15 = 'own' AND has_many_projects($1) AND t.deleted_at IS NULL AND (coalesce(t.due_at, 'infinity'), t.id) > ($17, $18)
        ORDER BY coalesce(t.due_at, 'infinity'), t.id
        LIMIT 5000
    ) AS w
    CROSS JOIN LATERAL (
        SELECT FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE t.id = w.id OFFSET 0
    ) AS seen
    ORDER BY w.due, w.id
    LIMIT $19::integer + $20::integer
),
sources AS MATERIALIZED (
    SELECT s.* FROM task_sources($1, $15, $16) AS s
),
far AS (
    SELECT DISTINCT f.*
    FROM sources AS s
    CROSS JOIN LATERAL (
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'creator' AND t.creator_id = s.id AND (coalesce(t.due_at, 'infinity'), t.id) > ($17, $18) AND coalesce(t.due_at, 'infinity') <= coalesce($14, 'infinity')
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'assignee' AND t.assignee_id = s.id AND (coalesce(t.due_at, 'infinity'), t.id) > ($17, $18) AND coalesce(t.due_at, 'infinity') <= coalesce($14, 'infinity')
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'project' AND t.project_id = s.id AND (coalesce(t.due_at, 'infinity'), t.id) > ($17, $18) AND coalesce(t.due_at, 'infinity') <= coalesce($14, 'infinity')
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'parent' AND t.parent_id = s.id AND (coalesce(t.due_at, 'infinity'), t.id) > ($17, $18) AND coalesce(t.due_at, 'infinity') <= coalesce($14, 'infinity')
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM task_labels AS x
            INNER JOIN find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t ON t.id = x.task_id
            WHERE s.name = 'label' AND x.label_id = s.id AND (coalesce(t.due_at, 'infinity'), t.id) > ($17, $18) AND coalesce(t.due_at, 'infinity') <= coalesce($14, 'infinity')
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT coalesce(t.due_at, 'infinity') AS due, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'all' AND (coalesce(t.due_at, 'infinity'), t.id) > ($17, $18) AND coalesce(t.due_at, 'infinity') <= coalesce($14, 'infinity')
            ORDER BY coalesce(t.due_at, 'infinity'), t.id
            LIMIT $19::integer + $20::integer
        )
    ) AS f
    WHERE (SELECT count(*) FROM near) < $19::integer + $20::integer
)
SELECT i.*, found.due AS "_due", coalesce((SELECT true FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1), false) AS watching
FROM (
    SELECT * FROM near WHERE (SELECT count(*) FROM near) >= $19::integer + $20::integer
    UNION ALL
    SELECT * FROM far
    ORDER BY due, id
    LIMIT $19
    OFFSET $20
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.due, found.id;

-- name: list_by_priority(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, source_id, before_priority, before, most, skip) :many
-- The most urgent first, among these the newest.
WITH near AS MATERIALIZED (
    SELECT w.*
    FROM (
        SELECT t.priority, t.id
        FROM tasks AS t
        WHERE $15 = 'own' AND has_many_projects($1) AND t.deleted_at IS NULL AND (t.priority, t.id) < ($17, $18)
        ORDER BY t.priority DESC, t.id DESC
        LIMIT 5000
    ) AS w
    CROSS JOIN LATERAL (
        SELECT FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE t.id = w.id OFFSET 0
    ) AS seen
    ORDER BY w.priority DESC, w.id DESC
    LIMIT $19::integer + $20::integer
),
sources AS MATERIALIZED (
    SELECT s.* FROM task_sources($1, $15, $16) AS s
),
far AS (
    SELECT DISTINCT f.*
    FROM sources AS s
    CROSS JOIN LATERAL (
        (
            SELECT t.priority, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'creator' AND t.creator_id = s.id AND (t.priority, t.id) < ($17, $18)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.priority, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'assignee' AND t.assignee_id = s.id AND (t.priority, t.id) < ($17, $18)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.priority, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'project' AND t.project_id = s.id AND (t.priority, t.id) < ($17, $18)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.priority, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'parent' AND t.parent_id = s.id AND (t.priority, t.id) < ($17, $18)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.priority, t.id
            FROM task_labels AS x
            INNER JOIN find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t ON t.id = x.task_id
            WHERE s.name = 'label' AND x.label_id = s.id AND (t.priority, t.id) < ($17, $18)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
        UNION ALL
        (
            SELECT t.priority, t.id
            FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
            WHERE s.name = 'all' AND (t.priority, t.id) < ($17, $18)
            ORDER BY t.priority DESC, t.id DESC
            LIMIT $19::integer + $20::integer
        )
    ) AS f
    WHERE (SELECT count(*) FROM near) < $19::integer + $20::integer
)
SELECT i.*, coalesce((SELECT true FROM task_watchers AS w WHERE w.task_id = i.id AND w.user_id = $1), false) AS watching
FROM (
    SELECT * FROM near WHERE (SELECT count(*) FROM near) >= $19::integer + $20::integer
    UNION ALL
    SELECT * FROM far
    ORDER BY priority DESC, id DESC
    LIMIT $19
    OFFSET $20
) AS found
CROSS JOIN LATERAL (SELECT * FROM task_items WHERE task_items.id = found.id OFFSET 0) AS i
ORDER BY found.priority DESC, found.id DESC;


-- name: count_tasks(viewer_id, sees_all, statuses, priorities, kinds, assignee, creator, project, label, parent, blocked, words, due_from, due_before, source, source_id, most) :value
-- The number of tasks that match and the viewer may see, counted up to `most`. Reads up to three times as many rows, because a
-- task has at most three sources.
WITH sources AS MATERIALIZED (
    SELECT s.* FROM task_sources($1, $15, $16) AS s
)
SELECT count(*)::integer
FROM (
    SELECT DISTINCT r.id
    FROM (
        SELECT f.id
        FROM sources AS s
        CROSS JOIN LATERAL (
            SELECT t.id FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE s.name = 'creator' AND t.creator_id = s.id
            UNION ALL
            SELECT t.id FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE s.name = 'assignee' AND t.assignee_id = s.id
            UNION ALL
            SELECT t.id FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE s.name = 'project' AND t.project_id = s.id
            UNION ALL
            SELECT t.id FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t WHERE s.name = 'parent' AND t.parent_id = s.id
            UNION ALL
            SELECT t.id FROM task_labels AS x INNER JOIN find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t ON t.id = x.task_id WHERE s.name = 'label' AND x.label_id = s.id
            UNION ALL
            (
                SELECT t.id
                FROM find_tasks($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS t
                WHERE s.name = 'all'
                ORDER BY t.id DESC
                LIMIT $17
            )
        ) AS f
        LIMIT 3 * $17::integer
    ) AS r
    LIMIT $17
) AS counted;

-- name: get_days(user_id) :one!
-- The beginnings of today, tomorrow and the day a week from today in a user's time zone.
SELECT
    date_trunc('day', now() AT TIME ZONE z.name) AT TIME ZONE z.name AS today,
    (date_trunc('day', now() AT TIME ZONE z.name) + interval '1 day') AT TIME ZONE z.name AS tomorrow,
    (date_trunc('day', now() AT TIME ZONE z.name) + interval '7 days') AT TIME ZONE z.name AS week
FROM (SELECT coalesce((SELECT s.timezone FROM notification_settings AS s WHERE s.user_id = $1), 'UTC')) AS z (name);
